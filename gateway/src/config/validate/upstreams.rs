//! The `upstreams` section.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::document::{Entry, Node};
use super::super::problem::Problem;
use super::super::raw::{RawTarget, RawTargetSettings, RawUpstream};
use super::super::suggest::closest;
use super::super::{Target, Upstream, UpstreamKind, codes};
use super::{Context, Refusal, addresses, duration, names, policies, refuse_duplicate};
use crate::component::ROUND_ROBIN;

/// Most connections to one target when nothing is written.
const CONNECTIONS_MAX: usize = 1024;
/// Most idle connections to one target when nothing is written.
const IDLE_MAX: usize = 256;

/// Builds all groups.
pub(super) fn validate(
    raw: BTreeMap<String, RawUpstream>,
    node: &Node,
    context: &mut Context<'_>,
) -> BTreeMap<Arc<str>, Upstream> {
    let mut upstreams = BTreeMap::new();
    for (name, raw) in raw {
        if let Err(refusal) = names::name(&name, "an upstream") {
            let span = node.entry(&name).map_or_else(|| node.head(), |entry| entry.key_span.clone());
            let problem = Problem::error(refusal.code, span, refusal.message, "");
            context.problems.push(problem.help(refusal.help));
        }
        let name: Arc<str> = name.into();
        let upstream = upstream(&name, raw, node.at(&name), context);
        upstreams.insert(name, upstream);
    }
    check_mirrors(&upstreams, node, context);
    upstreams
}

/// A mirror is another upstream, one that exists.
fn check_mirrors(upstreams: &BTreeMap<Arc<str>, Upstream>, node: &Node, context: &mut Context<'_>) {
    for (name, upstream) in upstreams {
        let Some(mirror) = &upstream.policies.mirror else { continue };
        let place = node.at(name).at("mirror").at("to");
        if mirror.to == *name {
            let message = "an upstream cannot mirror to itself";
            context.refuse(place, Refusal::new(codes::CONFLICT, message, "name another upstream"));
        } else if !upstreams.contains_key(&mirror.to) {
            let help = match closest(&mirror.to, upstreams.keys().map(|name| &**name)) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "add it to `upstreams`".to_owned(),
            };
            context.refuse(place, Refusal::new(codes::UNKNOWN_UPSTREAM, "there is no such upstream", help));
        }
    }
}

fn upstream(name: &Arc<str>, raw: RawUpstream, node: &Node, context: &mut Context<'_>) -> Upstream {
    check_kind(name, node, context);
    let balance: Arc<str> = raw.balance.as_deref().unwrap_or(ROUND_ROBIN).into();
    let policies = policies::validate(&raw, &balance, node, context);
    let kind = match raw.builtin {
        Some(_) => UpstreamKind::Echo,
        None => UpstreamKind::Targets(targets(raw.targets.unwrap_or_default(), node.at("targets"), context)),
    };
    let connections_max = raw.connections_max.unwrap_or(CONNECTIONS_MAX);
    let idle_max = raw.idle_max.unwrap_or(IDLE_MAX.min(connections_max));
    if idle_max > connections_max {
        let message = "`idle_max` is more than `connections_max`";
        let help = "keep at most as many idle connections as there may be connections";
        context.refuse(node.at("idle_max"), Refusal::new(codes::CONFLICT, message, help));
    }
    let seconds = Duration::from_secs;
    Upstream {
        name: Arc::clone(name),
        kind,
        connect_timeout: duration(raw.connect_timeout, seconds(3)),
        response_timeout: duration(raw.response_timeout, seconds(30)),
        body_timeout: duration(raw.body_timeout, seconds(60)),
        connections_max,
        idle_max,
        idle_timeout: duration(raw.idle_timeout, seconds(60)),
        queue_timeout: duration(raw.queue_timeout, seconds(1)),
        preserve_host: raw.preserve_host.unwrap_or(false),
        balance,
        policies,
        location: Some(context.source.location(context.source.shown_range(node.at("balance").head()).start)),
    }
}

/// A group has servers or is built in; the settings of connections mean nothing to a built-in one.
fn check_kind(name: &str, node: &Node, context: &mut Context<'_>) {
    if node.entry("builtin").is_none() {
        let misspelt = |entry: &Entry| closest(&entry.key, ["targets", "builtin"]).is_some();
        if !node.entries().iter().any(misspelt) {
            let message = format!("the upstream `{name}` has neither `targets` nor `builtin`");
            let problem = Problem::error(codes::MISSING_KEY, node.head(), message, "in this upstream");
            context
                .problems
                .push(problem.help("add `targets`: a list of URLs such as `http://10.0.0.7:9000`"));
        }
        return;
    }
    for entry in
        node.entries().iter().filter(|entry| entry.key != "builtin" && node.get(&entry.key).is_some())
    {
        let message = format!("`{}` means nothing beside `builtin`", entry.key);
        let problem = Problem::error(codes::CONFLICT, entry.key_span.clone(), message, "has no effect");
        context.problems.push(problem.help("remove it, or replace `builtin` by `targets`"));
    }
}

fn targets(raw: Vec<RawTarget>, node: &Node, context: &mut Context<'_>) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut seen = BTreeMap::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let item = node.item(index);
        let (url, weight, place) = match raw {
            RawTarget::Url(url) => (Some(url), None, item),
            RawTarget::Settings(RawTargetSettings { url, weight }) => (url, weight, item.at("url")),
        };
        let Some(url) = url else { continue };
        let Some((host, port)) = context.accept(place, addresses::target(&url)) else { continue };
        refuse_duplicate(
            &mut seen,
            &format!("{host} {port}"),
            place,
            "the upstream has one target twice",
            context,
        );
        targets.push(Target { host, port, weight: weight.unwrap_or(1) });
    }
    targets
}
