//! The rules of routing once more, as plainly as they can be written: every route is tried, the best is
//! taken. Slow and independent of the real thing, which tests hold against it.

use std::cmp::Reverse;
use std::sync::LazyLock;

use regex::Regex;

use super::RequestHead;
use crate::config::{Route, ValueMatch};

static PARAM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{(\*?)(\w+)\}").unwrap());

/// What the oracle says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Found(usize, Vec<(String, String)>),
    Allow(Vec<String>),
    NotFound,
}

/// Which routes match, best first: host, then segments, then conditions, then order.
pub(super) fn answer(routes: &[Route], request: &RequestHead<'_>) -> Answer {
    let mut best: Option<(_, usize, Vec<(String, String)>)> = None;
    let mut allow = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        if !other_conditions_hold(route, request) {
            continue;
        }
        for host in hosts(route) {
            let Some(host_rank) = host_rank(host, request.host) else { continue };
            let Some(params) = match_path(&route.matcher.path, request.path) else { continue };
            let methods = &route.matcher.methods;
            if !methods.is_empty() && !methods.contains(request.method) {
                allow.extend(methods.iter().map(ToString::to_string));
                continue;
            }
            let count = condition_count(route);
            let rank = (host_rank, path_rank(routes, route, host), Reverse(count), index);
            if best.as_ref().is_none_or(|(known, ..)| rank < *known) {
                best = Some((rank, index, params));
            }
        }
    }
    allow.sort();
    allow.dedup();
    match best {
        Some((_, index, params)) => Answer::Found(index, params),
        None if allow.is_empty() => Answer::NotFound,
        None => Answer::Allow(allow),
    }
}

/// Whether two routes take exactly the same requests for some host.
pub(super) fn collide(one: &Route, other: &Route) -> bool {
    let conditions = |route: &Route| {
        let mut all: Vec<String> = route.matcher.methods.iter().map(|method| format!("m{method}")).collect();
        all.extend(route.matcher.headers.iter().map(|condition| format!("h{condition:?}")));
        all.extend(route.matcher.query.iter().map(|condition| format!("q{condition:?}")));
        all.sort();
        all.dedup();
        all
    };
    hosts(one).iter().any(|host| hosts(other).contains(host))
        && shape(&one.matcher.path) == shape(&other.matcher.path)
        && conditions(one) == conditions(other)
}

fn hosts(route: &Route) -> Vec<&str> {
    if route.matcher.hosts.is_empty() {
        vec!["any"]
    } else {
        route.matcher.hosts.iter().map(|host| &**host).collect()
    }
}

/// Smaller is better; `None` is no match.
fn host_rank(pattern: &str, asked: &str) -> Option<(u8, Reverse<usize>)> {
    let asked = asked.split(':').next().unwrap().to_lowercase();
    if pattern == "any" {
        return Some((2, Reverse(0)));
    }
    match pattern.strip_prefix('*') {
        Some(ending) => asked.ends_with(ending).then_some((1, Reverse(ending.len()))),
        None => (asked == pattern).then_some((0, Reverse(0))),
    }
}

/// The pattern without the names of its parameters.
fn shape(pattern: &str) -> Vec<String> {
    pattern[1..].split('/').map(|segment| PARAM.replace_all(segment, "{$1}").into_owned()).collect()
}

/// Smaller is better, segment by segment.
fn path_rank(routes: &[Route], route: &Route, host: &str) -> Vec<(u8, Reverse<usize>, usize, usize)> {
    let shape_of_route = shape(&route.matcher.path);
    let rank = |(position, segment): (usize, &String)| match segment.as_str() {
        "{*}" => (3, Reverse(0), 0, 0),
        "{}" => (2, Reverse(0), 0, 0),
        text if text.contains('{') => {
            let params = text.matches("{}").count();
            let first = routes.iter().position(|other| {
                hosts(other).contains(&host)
                    && shape(&other.matcher.path).get(..=position) == shape_of_route.get(..=position)
            });
            (1, Reverse(text.len() - 2 * params), params, first.unwrap())
        }
        _ => (0, Reverse(0), 0, 0),
    };
    shape_of_route.iter().enumerate().map(rank).collect()
}

fn match_path(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8().unwrap();
    let mut text = String::from("(?s)^");
    let mut end = 0;
    for found in PARAM.captures_iter(pattern) {
        let all = found.get(0).unwrap();
        text.push_str(&regex::escape(&pattern[end..all.start()]));
        let last_of_segment = !pattern[all.end()..].split('/').next().unwrap().contains('{');
        let body = match (&found[1], last_of_segment) {
            ("*", _) => ".*",
            (_, true) => "[^/]+",
            (_, false) => "[^/]+?",
        };
        text.extend(["(?<", &found[2], ">", body, ")"]);
        end = all.end();
    }
    text.push_str(&regex::escape(&pattern[end..]));
    text.push('$');
    let regex = Regex::new(&text).unwrap();
    let found = regex.captures(&path)?;
    let names = regex.capture_names().flatten();
    Some(names.map(|name| (name.to_owned(), found[name].to_owned())).collect())
}

fn condition_count(route: &Route) -> usize {
    let matcher = &route.matcher;
    matcher.headers.len() + matcher.query.len() + usize::from(!matcher.methods.is_empty())
}

fn other_conditions_hold(route: &Route, request: &RequestHead<'_>) -> bool {
    let headers = route.matcher.headers.iter().all(|(name, wanted)| {
        let values =
            request.headers.get_all(name.as_str()).iter().map(|value| value.to_str().unwrap().to_owned());
        holds(&values.collect::<Vec<_>>(), wanted)
    });
    let query = request.query.unwrap_or("");
    let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    headers
        && route.matcher.query.iter().all(|(name, wanted)| {
            let values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| (*value).to_owned());
            holds(&values.collect::<Vec<_>>(), wanted)
        })
}

fn holds(values: &[String], wanted: &ValueMatch) -> bool {
    match wanted {
        ValueMatch::Present => !values.is_empty(),
        ValueMatch::Absent => values.is_empty(),
        ValueMatch::Exact(text) => values.contains(text),
        ValueMatch::Regex(pattern) => values.iter().any(|value| pattern.is_match(value)),
    }
}
