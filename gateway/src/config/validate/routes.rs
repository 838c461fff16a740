//! Routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::document::{Entry, Node};
use super::super::problem::Problem;
use super::super::raw::{RawRoute, RawValueMatch};
use super::super::suggest::{closest, listed};
use super::super::{Route, RouteMatcher, StepConfig, ValueMatch, codes};
use super::steps::steps;
use super::{Context, Refusal, names, pattern, refuse_duplicate};

/// Builds all routes; each begins with the common steps.
pub(super) fn validate(
    raw: Vec<RawRoute>,
    common: &[StepConfig],
    root: &Node,
    context: &mut Context<'_>,
) -> Vec<Route> {
    let list = root.at("routes");
    let upstreams = root.entry("upstreams").map_or(&[] as &[Entry], |entry| entry.value.entries());
    let mut seen = BTreeMap::new();
    let mut routes = Vec::with_capacity(raw.len());
    for (raw, node) in raw.into_iter().zip(list.valid_items()) {
        let name = raw.name.clone().unwrap_or_default();
        if raw.name.is_some() && context.accept(node.at("name"), names::name(&name, "a route")).is_some() {
            refuse_duplicate(&mut seen, &name, node.at("name"), "two routes have one name", context);
        }
        check_upstream(raw.upstream.as_deref(), node, upstreams, context);
        let has_work =
            node.entry("upstream").is_some() || node.entry("steps").is_some() || !common.is_empty();
        let steps_empty = node.get("steps").is_some() && raw.steps.as_ref().is_none_or(Vec::is_empty);
        if !has_work || (steps_empty && node.entry("upstream").is_none() && common.is_empty()) {
            let message = "this route has neither an upstream nor steps, so nothing can answer";
            let problem = Problem::error(codes::IDLE_ROUTE, node.at("name").head(), message, "in this route");
            context.problems.push(problem.help("add `upstream`, or a step that replies"));
        }
        routes.push(route(name, raw, common, node, context));
    }
    routes
}

fn route(
    name: String,
    mut raw: RawRoute,
    common: &[StepConfig],
    node: &Node,
    context: &mut Context<'_>,
) -> Route {
    let path = raw.path.take().unwrap_or_default();
    if node.get("path").is_some() {
        context.accept(node.at("path"), pattern::pattern(&path));
    }
    if let Some(prefix) = &raw.strip_prefix
        && node.get("path").is_some()
    {
        context.accept(node.at("strip_prefix"), pattern::strip_prefix(prefix, &path));
    }
    let name: Arc<str> = name.into();
    let own = steps(raw.steps.take().unwrap_or_default(), node.at("steps"), Some(&name), context);
    Route {
        name,
        steps: common.iter().cloned().chain(own).collect(),
        upstream: raw.upstream.take().map(Arc::from),
        strip_prefix: raw.strip_prefix.take(),
        matcher: matcher(raw, path, node, context),
        location: Some(context.source.location(context.source.shown_range(node.head()).start)),
    }
}

fn check_upstream(name: Option<&str>, node: &Node, upstreams: &[Entry], context: &mut Context<'_>) {
    let Some(name) = name else { return };
    if upstreams.iter().any(|entry| entry.key == name) {
        return;
    }
    let known: Vec<_> = upstreams.iter().map(|entry| entry.key.as_str()).collect();
    let help = match closest(name, known.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None if known.is_empty() => "add it to `upstreams`".to_owned(),
        None => format!("add it to `upstreams`, or use one of {}", listed(known)),
    };
    let refusal = Refusal::new(codes::UNKNOWN_UPSTREAM, "there is no upstream of this name", help);
    context.refuse(node.at("upstream"), refusal);
}

fn matcher(raw: RawRoute, path: String, node: &Node, context: &mut Context<'_>) -> RouteMatcher {
    if let (Some(_), Some(hosts)) = (node.entry("host"), node.entry("hosts")) {
        let problem = Problem::error(
            codes::CONFLICT,
            hosts.key_span.clone(),
            "a route has `host` or `hosts`, not both",
            "the second one",
        );
        context.problems.push(problem.help("put all names into `hosts`"));
    }
    let mut hosts = Vec::new();
    if let Some(host) = &raw.host {
        hosts.extend(context.accept(node.at("host"), names::host_pattern(host)));
    }
    let mut seen = BTreeMap::new();
    for (index, host) in raw.hosts.unwrap_or_default().iter().enumerate() {
        let item = node.at("hosts").item(index);
        if let Some(host) = context.accept(item, names::host_pattern(host)) {
            refuse_duplicate(&mut seen, &host, item, "the route has one host twice", context);
            hosts.push(host);
        }
    }
    let methods = raw.methods.unwrap_or_default();
    let methods = methods.iter().enumerate().filter_map(|(index, method)| {
        let outcome = names::method(method);
        context.accept(node.at("methods").item(index), outcome)
    });
    let methods = methods.collect();
    let headers = headers(raw.headers.unwrap_or_default(), node.at("headers"), context);
    let query = node.at("query");
    let conditions = raw.query.unwrap_or_default().into_iter().filter_map(|(name, raw)| {
        let condition = condition(raw, query.at(&name), context)?;
        Some((name, condition))
    });
    RouteMatcher { hosts, path, methods, headers, query: conditions.collect() }
}

fn headers(
    raw: BTreeMap<String, RawValueMatch>,
    node: &Node,
    context: &mut Context<'_>,
) -> Vec<(String, ValueMatch)> {
    let mut conditions: Vec<(String, ValueMatch)> = Vec::new();
    for (written, raw) in raw {
        let place = node.entry(&written).map_or_else(|| node.head(), |entry| entry.key_span.clone());
        let condition = condition(raw, node.at(&written), context);
        let problem = match names::header(&written) {
            Err(refusal) => Problem::error(refusal.code, place, refusal.message, "").help(refusal.help),
            Ok(name) if conditions.iter().any(|(other, _)| *other == name) => {
                let message = format!("two conditions on the header `{name}`");
                Problem::error(codes::DUPLICATE, place, message, "again, in other capitals")
                    .help("the case of header names does not count; keep one")
            }
            Ok(name) => {
                conditions.extend(condition.map(|condition| (name, condition)));
                continue;
            }
        };
        context.problems.push(problem);
    }
    conditions
}

fn condition(raw: RawValueMatch, node: &Node, context: &mut Context<'_>) -> Option<ValueMatch> {
    let settings = match raw {
        RawValueMatch::Text(text) => {
            return Some(match text.as_str() {
                "present" => ValueMatch::Present,
                "absent" => ValueMatch::Absent,
                _ => ValueMatch::Exact(text),
            });
        }
        RawValueMatch::Settings(settings) => settings,
    };
    match (settings.regex, settings.exact) {
        (None, Some(exact)) => Some(ValueMatch::Exact(exact)),
        (Some(regex), None) => context.accept(node.at("regex"), compile(&regex)).map(ValueMatch::Regex),
        // Neither, because what was written has been reported, or both, or an empty map.
        (None, None) if !node.entries().is_empty() => None,
        _ => {
            let message = "a condition has either `regex` or `exact`";
            let help = "keep one of the two, or write `present` or `absent` in place of the map";
            context.refuse(node, Refusal::new(codes::CONFLICT, message, help));
            None
        }
    }
}

fn compile(text: &str) -> Result<regex::Regex, Refusal> {
    regex::Regex::new(text).map_err(|error| {
        let message = match &error {
            // The parser's message draws the pattern over several lines and ends with the reason.
            regex::Error::Syntax(drawn) => {
                let reason = drawn.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("this regular expression cannot be read: {reason}")
            }
            regex::Error::CompiledTooBig(_) => "this regular expression becomes too large".to_owned(),
            _ => "this regular expression cannot be used".to_owned(),
        };
        let help = "the syntax is that of Rust's regex crate: no look-around and no back-references";
        Refusal::new(codes::REGEX, message, help)
    })
}
