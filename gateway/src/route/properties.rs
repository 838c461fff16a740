//! Lookups of random requests in random routes, held against the oracle.

use http::HeaderValue;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::oracle::{self, Answer};
use super::tests::{get, route, with};
use super::*;
use crate::config::ValueMatch;

fn slashed(segments: &[&str]) -> String {
    segments.iter().flat_map(|segment| ["/", segment]).collect()
}

fn pattern() -> impl Strategy<Value = String> {
    let segment = select(vec!["a", "b", "a.b", "{}", "{}", "{}.b", "a{}", "{}.{}", "b{}b"]);
    let tail = select(vec!["", "", "/", "/{*}"]);
    (prop::collection::vec(segment, 0..4), tail).prop_map(|(segments, tail)| {
        let mut text = slashed(&segments);
        text.push_str(tail);
        let mut named = String::new();
        for (index, piece) in text.split_inclusive(['{', '*']).enumerate() {
            named.push_str(&piece.replacen('}', &format!("p{index}}}"), 1));
        }
        if named.is_empty() { "/".to_owned() } else { named }
    })
}

fn value_match() -> impl Strategy<Value = ValueMatch> {
    prop_oneof![
        Just(ValueMatch::Present),
        Just(ValueMatch::Absent),
        select(vec!["1", "2"]).prop_map(|text| ValueMatch::Exact(text.to_owned())),
    ]
}

fn any_route() -> impl Strategy<Value = Route> {
    let hosts = prop_oneof![Just(Vec::new()), subsequence(vec!["a.x", "*.x", "*.a.x", "b.x"], 0..3)];
    let methods = prop_oneof![Just(Vec::new()), subsequence(vec![Method::GET, Method::POST], 0..=2)];
    let headers = prop::collection::vec(value_match(), 0..2);
    let query = prop::collection::vec(value_match(), 0..2);
    (pattern(), hosts, methods, headers, query).prop_map(|(path, hosts, methods, headers, query)| {
        with(route("", &path), |matcher| {
            matcher.hosts = hosts.into_iter().map(str::to_owned).collect();
            matcher.methods = methods;
            matcher.headers = headers.into_iter().map(|wanted| ("x-a".to_owned(), wanted)).collect();
            matcher.query = query.into_iter().map(|wanted| ("q".to_owned(), wanted)).collect();
        })
    })
}

fn named(mut routes: Vec<Route>) -> Vec<Route> {
    for (index, route) in routes.iter_mut().enumerate() {
        route.name = index.to_string().into();
    }
    routes
}

fn any_path() -> impl Strategy<Value = String> {
    let segment = select(vec!["a", "b", "a.b", "a%2Bb", "bb", "bab", ".b", "a.a.b", "c", "b.b"]);
    (prop::collection::vec(segment, 0..4), select(vec!["", "/"])).prop_map(|(segments, tail)| {
        let text = slashed(&segments);
        if text.is_empty() { "/".to_owned() } else { text + tail }
    })
}

/// What the router says, in the oracle's words.
fn answer(router: &Router, request: &RequestHead<'_>) -> Answer {
    match router.find(request) {
        Lookup::Found(found) => {
            let params = found.params().map(|(name, value)| (name.to_string(), value.to_owned()));
            Answer::Found(found.index, params.collect())
        }
        Lookup::MethodNotAllowed { allow } => Answer::Allow(allow.iter().map(ToString::to_string).collect()),
        Lookup::NotFound => Answer::NotFound,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn lookups_follow_the_written_rules(
        routes in prop::collection::vec(any_route(), 0..24),
        requests in prop::collection::vec(
            (any_path(), select(vec!["a.x", "b.x", "B.a.x:80", "c.b.a.x", "x", ""]), any::<bool>(),
             select(vec![None, Some("1"), Some("2")]), select(vec![None, Some("q=1"), Some("r=1&q=2")])),
            1..16),
    ) {
        let mut kept: Vec<Route> = Vec::new();
        for route in routes {
            if !kept.iter().any(|known| oracle::collide(known, &route)) {
                kept.push(route);
            }
        }
        let kept = named(kept);
        let router = Router::build(&kept).map_err(|errors| TestCaseError::fail(format!("{errors:?}")))?;
        for (path, host, is_post, header, query) in &requests {
            let mut headers = HeaderMap::new();
            headers.extend(header.map(|value| (http::HeaderName::from_static("x-a"), HeaderValue::from_static(value))));
            let method = if *is_post { &Method::POST } else { &Method::GET };
            let request = RequestHead { host, path, query: *query, method, headers: &headers };
            let expected = oracle::answer(&kept, &request);
            let answer = answer(&router, &request);
            let explained = router.explain(&request);
            prop_assert_eq!(explained.considered.len(), kept.len());
            let taken = match &answer {
                Answer::Found(index, _) => Some(*index),
                _ => None,
            };
            prop_assert_eq!(explained.taken().map(|taken| taken.index), taken);
            prop_assert_eq!(answer, expected, "{}", request);
        }
    }

    #[test]
    fn paths_follow_the_written_rules(
        patterns in prop::collection::vec(pattern(), 0..24),
        paths in prop::collection::vec(any_path(), 1..16),
    ) {
        let mut kept: Vec<Route> = Vec::new();
        for pattern in patterns {
            let route = route("", &pattern);
            if !kept.iter().any(|known| oracle::collide(known, &route)) {
                kept.push(route);
            }
        }
        let kept = named(kept);
        let router = Router::build(&kept).map_err(|errors| TestCaseError::fail(format!("{errors:?}")))?;
        let headers = HeaderMap::new();
        for path in &paths {
            let request = get(path, &headers);
            prop_assert_eq!(answer(&router, &request), oracle::answer(&kept, &request), "{}", request);
        }
    }

    #[test]
    fn collisions_are_found_just_when_there_are_any(routes in prop::collection::vec(any_route(), 0..12)) {
        let routes = named(routes);
        let collide = (0..routes.len())
            .any(|second| (0..second).any(|first| oracle::collide(&routes[first], &routes[second])));
        prop_assert_eq!(Router::build(&routes).is_err(), collide);
    }

    #[test]
    fn any_pattern_is_refused_or_usable(pattern in "[/{}a*.%2-]{0,12}", path in "(/[a.]{0,3}){1,4}") {
        if let Ok(router) = Router::build(&[route("r", &pattern)]) {
            let headers = HeaderMap::new();
            let _ = router.find(&get(&path, &headers));
        }
    }
}
