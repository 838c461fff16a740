//! Building a router: parse every route, enter it under each of its hosts, find routes that collide.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::condition::Conditions;
use super::hosts::{self, Hosts};
use super::pattern::Pattern;
use super::trie::Trie;
use super::{Entry, RouteError, Router};
use crate::config::Route;

/// Builds the router, or collects all problems of all routes.
pub(super) fn build(routes: &[Route]) -> Result<Router, Vec<RouteError>> {
    let mut router = Router { hosts: Hosts::default(), trie: Trie::default(), entries: Vec::new() };
    let mut errors = Vec::new();
    // The routes that were entered: all of them, unless the build fails.
    let mut entered = Vec::with_capacity(routes.len());
    for route in routes {
        match prepare(route) {
            Ok(prepared) => {
                prepared.enter(&mut router);
                entered.push(route);
            }
            Err(problems) => errors.extend(problems),
        }
    }
    find_conflicts(&mut router, &entered, &mut errors);
    if errors.is_empty() { Ok(router) } else { Err(errors) }
}

/// A route that has passed its own checks.
struct Prepared {
    entry: Entry,
    hosts: Vec<String>,
    pattern: Pattern,
}

fn prepare(route: &Route) -> Result<Prepared, Vec<RouteError>> {
    let mut errors = Vec::new();
    let mut host_patterns = Vec::new();
    for host in &route.matcher.hosts {
        match hosts::parse(host) {
            Some(parsed) if host_patterns.contains(&parsed) => {}
            Some(parsed) => host_patterns.push(parsed),
            None => errors.push(RouteError::Host { route: Arc::clone(&route.name), host: host.clone() }),
        }
    }
    let pattern = Pattern::parse(&route.matcher.path).map_err(|problem| RouteError::Pattern {
        route: Arc::clone(&route.name),
        pattern: route.matcher.path.clone(),
        problem,
    });
    let conditions = Conditions::new(&route.matcher)
        .map_err(|header| RouteError::HeaderName { route: Arc::clone(&route.name), header });
    match (pattern, conditions) {
        (Ok(pattern), Ok(conditions)) if errors.is_empty() => {
            let params = pattern.names.clone().into();
            let entry = Entry { name: Arc::clone(&route.name), params, conditions, roots: Vec::new() };
            Ok(Prepared { entry, hosts: host_patterns, pattern })
        }
        (pattern, conditions) => {
            errors.extend(pattern.err());
            errors.extend(conditions.err());
            Err(errors)
        }
    }
}

impl Prepared {
    fn enter(mut self, router: &mut Router) {
        let index = u32::try_from(router.entries.len()).expect("a configuration file has under 2^32 routes");
        let hosts: Vec<Option<&str>> = if self.hosts.is_empty() {
            vec![None]
        } else {
            self.hosts.iter().map(|host| Some(&**host)).collect()
        };
        for host in hosts {
            let root = router.hosts.root(host, &mut router.trie);
            router.trie.routes_at(root, &self.pattern.segments).push(index);
            self.entry.roots.push(root);
        }
        router.entries.push(self.entry);
    }
}

/// Puts routes of one path in the order they are asked, and reports those that take the same requests.
fn find_conflicts(router: &mut Router, entered: &[&Route], errors: &mut Vec<RouteError>) {
    let Router { trie, entries, .. } = router;
    let mut reported = HashSet::new();
    let ask_order = |entry: u32| {
        let count = entries[entry as usize].conditions.count();
        (std::cmp::Reverse(count), entry)
    };
    trie.finish(ask_order, |list| {
        let mut seen: HashMap<String, u32> = HashMap::new();
        for &second in list.iter().filter(|_| list.len() > 1) {
            let identity = entries[second as usize].conditions.identity();
            let first = *seen.entry(identity).or_insert(second);
            if first != second && reported.insert((first, second)) {
                errors.push(conflict(entered[first as usize], entered[second as usize]));
            }
        }
    });
}

fn conflict(first: &Route, second: &Route) -> RouteError {
    let known: Vec<String> = first.matcher.hosts.iter().filter_map(|host| hosts::parse(host)).collect();
    let common =
        second.matcher.hosts.iter().filter_map(|host| hosts::parse(host)).find(|host| known.contains(host));
    let host = common.map_or_else(String::new, |host| format!("host `{host}`, "));
    RouteError::Conflict {
        first: Arc::clone(&first.name),
        second: Arc::clone(&second.name),
        shared: format!("{host}path `{}`", second.matcher.path),
    }
}
