//! What the status says of upstreams: each target, whether it is used and why not.

use serde_json::{Value, json};

use crate::config::UpstreamKind;
use crate::generation::Generation;
use crate::upstream::{Bound, Destination};

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
                    "problem": problem, "addresses": target.addresses(),
                    "address_changes": target.address_changes.get(),
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
            "mirrored": counters.mirrored.get(),
            "breakers": breakers(destination),
        })
    });
    upstreams.collect()
}

/// What is under way of what is bounded, and how much was refused.
fn breakers(destination: &Destination) -> Value {
    let breakers = &destination.upstream.policies.breakers;
    let most = [breakers.connections_max, breakers.pending_max, breakers.requests_max, breakers.retries_max];
    let state = &destination.state;
    let entry = |(bound, most): (Bound, Option<u32>)| {
        let refused = state.counters.refused[bound as usize].get();
        let shown = json!({ "under_way": state.under_way(bound), "most": most?, "refused": refused });
        Some((bound.as_str().to_owned(), shown))
    };
    Bound::ALL.into_iter().zip(most).filter_map(entry).collect::<serde_json::Map<_, _>>().into()
}
