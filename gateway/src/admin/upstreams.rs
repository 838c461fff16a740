//! What the status says of upstreams: each target, whether it is used and why not.

use serde_json::{Value, json};

use crate::config::UpstreamKind;
use crate::generation::Generation;

/// The upstreams of a generation in the order of their names.
pub(super) fn report(generation: &Generation) -> Vec<Value> {
    let upstreams = generation.upstreams.iter();
    let upstreams = upstreams.map(|(name, destination)| {
        if matches!(destination.upstream.kind, UpstreamKind::Echo) {
            return json!({ "name": name, "builtin": "echo", "targets": [] });
        }
        let (state, counters) = (&destination.state, &destination.state.counters);
        let targets: Vec<Value> = state
            .targets
            .iter()
            .zip(state.configured())
            .map(|(target, configured)| {
                let (condition, problem) = (target.condition().as_str(), target.problem());
                let problem = Some(problem).filter(|problem| !problem.is_empty());
                json!({
                    "address": target.address, "weight": configured.weight, "condition": condition,
                    "problem": problem,
                })
            })
            .collect();
        json!({
            "name": name,
            "balance": destination.upstream.balance,
            "targets": targets,
            "retries": counters.retries.get(),
            "ejections": counters.ejections.get(),
            "failed_checks": counters.failed_checks.get(),
        })
    });
    upstreams.collect()
}
