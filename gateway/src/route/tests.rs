//! Tests of [`super`].

use http::HeaderValue;

use super::*;
use crate::config::{RouteMatcher, ValueMatch};

pub(super) fn route(name: &str, path: &str) -> Route {
    Route {
        name: name.into(),
        matcher: RouteMatcher { path: path.to_owned(), ..RouteMatcher::default() },
        steps: Vec::new(),
        upstream: None,
        strip_prefix: None,
        location: None,
    }
}

pub(super) fn with(mut route: Route, change: impl FnOnce(&mut RouteMatcher)) -> Route {
    change(&mut route.matcher);
    route
}

/// A router whose routes are named by their paths.
fn router(paths: &[&str]) -> Router {
    Router::build(&paths.iter().map(|path| route(path, path)).collect::<Vec<_>>()).unwrap()
}

pub(super) fn get<'a>(path: &'a str, headers: &'a HeaderMap) -> RequestHead<'a> {
    RequestHead { host: "h", path, query: None, method: &Method::GET, headers }
}

/// Name of the route taken with its parameters, or what else was answered.
fn found(router: &Router, request: &RequestHead<'_>) -> String {
    match router.find(request) {
        Lookup::Found(found) => {
            let params = found.params().map(|(name, value)| format!(" {name}={value}"));
            let params = params.collect::<Vec<_>>().concat();
            format!("{}{params}", router.entries[found.index].name)
        }
        Lookup::MethodNotAllowed { allow } => {
            format!("405 {}", allow.iter().map(Method::as_str).collect::<Vec<_>>().join(","))
        }
        Lookup::NotFound => "404".to_owned(),
    }
}

fn check(router: &Router, path: &str, expected: &str) {
    assert_eq!(found(router, &get(path, &HeaderMap::new())), expected, "{path}");
}

#[test]
fn a_literal_beats_a_parameter_beats_a_tail() {
    let router = router(&["/api/{*rest}", "/api/{id}", "/api/users", "/api/{id}/x"]);
    check(&router, "/api/users", "/api/users");
    check(&router, "/api/7", "/api/{id} id=7");
    check(&router, "/api/users/x", "/api/{id}/x id=users");
    check(&router, "/api/users/y", "/api/{*rest} rest=users/y");
    check(&router, "/api/", "/api/{*rest} rest=");
    check(&router, "/api/a//", "/api/{*rest} rest=a//");
    check(&router, "/api", "404");
    check(&router, "/", "404");
}

#[test]
fn a_dead_end_is_backtracked_out_of() {
    let router = router(&["/a/b/c", "/{x}/b/d", "/{x}/{y}/{z}", "/{*all}"]);
    check(&router, "/a/b/c", "/a/b/c");
    check(&router, "/a/b/d", "/{x}/b/d x=a");
    check(&router, "/a/b/e", "/{x}/{y}/{z} x=a y=b z=e");
    check(&router, "/a/b/c/d", "/{*all} all=a/b/c/d");
    check(&router, "/a/b/", "/{*all} all=a/b/");
}

#[test]
fn a_trailing_slash_is_another_path() {
    let router = router(&["/a", "/b/"]);
    check(&router, "/a", "/a");
    check(&router, "/a/", "404");
    check(&router, "/b/", "/b/");
    check(&router, "/b", "404");
}

#[test]
fn segments_may_have_literal_parts() {
    let router = router(&["/{file}.json", "/{file}", "/v{major}.{minor}", "/{a}-{b}-end"]);
    check(&router, "/x.json", "/{file}.json file=x");
    check(&router, "/.json", "/{file} file=.json");
    check(&router, "/v1.2.3", "/v{major}.{minor} major=1 minor=2.3");
    check(&router, "/v.", "/{file} file=v.");
    check(&router, "/1-2-3-end", "/{a}-{b}-end a=1 b=2-3");
    check(&router, "/é-ü-end", "/{a}-{b}-end a=é b=ü");
    // More literal bytes win: `.json` over `v` and `.`.
    check(&router, "/v1.json", "/{file}.json file=v1");
}

#[test]
fn paths_are_matched_decoded() {
    let router = router(&["/admin:list", "/caf%C3%A9", "/größe/{x}", "/{other}"]);
    check(&router, "/admin%3Alist", "/admin:list");
    check(&router, "/admin:list", "/admin:list");
    check(&router, "/caf%C3%A9", "/caf%C3%A9");
    check(&router, "/gr%C3%B6%C3%9Fe/a%20b%25", "/größe/{x} x=a b%");
    check(&router, "/%252F", "/{other} other=%2F");
}

#[test]
fn exact_hosts_beat_wildcards_beat_any() {
    let hosts = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let routes = [
        route("any", "/{*p}"),
        with(route("wide", "/w"), |matcher| matcher.hosts = hosts(&["*.example.com"])),
        with(route("long", "/w"), |matcher| matcher.hosts = hosts(&["*.a.example.com"])),
        with(route("exact", "/e"), |matcher| matcher.hosts = hosts(&["b.a.example.com", "other.test"])),
    ];
    let router = Router::build(&routes).unwrap();
    let headers = HeaderMap::new();
    for (host, path, expected) in [
        ("b.a.example.com", "/e", "exact"),
        ("OTHER.test:8080", "/e", "exact"),
        ("other.test.", "/e", "exact"),
        ("b.a.example.com", "/w", "long"),
        ("x.b.a.example.com", "/w", "long"),
        ("a.example.com", "/w", "wide"),
        ("example.com", "/w", "any p=w"),
        ("b.a.example.com", "/x", "any p=x"),
        ("[::1]:80", "/w", "any p=w"),
        ("", "/w", "any p=w"),
    ] {
        let request = RequestHead { host, ..get(path, &headers) };
        assert_eq!(found(&router, &request), expected, "{host}{path}");
    }
}

#[test]
fn failing_conditions_send_the_search_on() {
    let header = |wanted| vec![("x-beta".to_owned(), wanted)];
    let routes = [
        route("plain", "/a"),
        with(route("beta", "/a"), |matcher| matcher.headers = header(ValueMatch::Exact("1".into()))),
        with(route("query", "/a"), |matcher| {
            matcher.headers = header(ValueMatch::Regex(regex::Regex::new("^2").unwrap()));
            matcher.query = vec![("q r".to_owned(), ValueMatch::Exact("ü".into()))];
        }),
        with(route("tail", "/{*t}"), |matcher| matcher.query = vec![("z".to_owned(), ValueMatch::Absent)]),
    ];
    let router = Router::build(&routes).unwrap();
    let mut headers = HeaderMap::new();
    assert_eq!(found(&router, &get("/a", &headers)), "plain");
    headers.append("x-beta", HeaderValue::from_static("0"));
    headers.append("x-beta", HeaderValue::from_static("1"));
    assert_eq!(found(&router, &get("/a", &headers)), "beta");
    headers.insert("x-beta", HeaderValue::from_static("23"));
    let query = |query| RequestHead { query: Some(query), ..get("/a", &headers) };
    assert_eq!(found(&router, &query("x&q+r=%C3%BC&z=1")), "query");
    assert_eq!(found(&router, &query("q%20r=u")), "plain");
    assert_eq!(found(&router, &RequestHead { query: Some("z"), ..get("/b", &headers) }), "404");
    assert_eq!(found(&router, &get("/b", &headers)), "tail t=b");
}

#[test]
fn only_a_wrong_method_is_answered_with_what_is_allowed() {
    let methods = |names: &[Method]| names.to_vec();
    let routes = [
        with(route("write", "/a/{x}"), |matcher| matcher.methods = methods(&[Method::PUT, Method::DELETE])),
        with(route("read", "/a/b"), |matcher| matcher.methods = methods(&[Method::HEAD])),
        with(route("header", "/a/b"), |matcher| {
            matcher.methods = methods(&[Method::PATCH]);
            matcher.headers = vec![("x-a".to_owned(), ValueMatch::Present)];
        }),
    ];
    let router = Router::build(&routes).unwrap();
    check(&router, "/a/b", "405 DELETE,HEAD,PUT");
    check(&router, "/a/c", "405 DELETE,PUT");
    check(&router, "/b", "404");
    let headers = HeaderMap::new();
    let put = RequestHead { method: &Method::PUT, ..get("/a/b", &headers) };
    assert_eq!(found(&router, &put), "write x=b");
}

#[test]
fn routes_that_take_the_same_requests_are_reported_together() {
    let routes = [
        route("one", "/a/{x}"),
        route("two", "/a/{y}"),
        with(route("three", "/b"), |matcher| matcher.hosts = vec!["h".into(), "i".into()]),
        with(route("four", "/b"), |matcher| matcher.hosts = vec!["I".into(), "j".into()]),
        route("five", "b"),
    ];
    let errors: Vec<String> = Router::build(&routes).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].contains("`five`") && errors[0].contains("starts with `/`"), "{}", errors[0]);
    assert!(errors[1].contains("`one` and `two`") && errors[1].contains("path `/a/{y}`"), "{}", errors[1]);
    assert!(errors[2].contains("`three` and `four`") && errors[2].contains("host `i`"), "{}", errors[2]);
}

#[test]
fn patterns_that_cannot_be_used_are_refused() {
    for (pattern, part) in [
        ("", "starts with `/`"),
        ("/a//b", "leave them out"),
        ("/a/../b", "leave them out"),
        ("/%2e", "leave them out"),
        ("/a%2fb", "encoded"),
        ("/a b", "space"),
        ("/{a", "pairs"),
        ("/a}", "pairs"),
        ("/{}", "not a parameter name"),
        ("/{1a}", "not a parameter name"),
        ("/{a}/{a}", "twice"),
        ("/{a}{b}", "between"),
        ("/{*a}/b", "last segment"),
        ("/x{*a}", "last segment"),
    ] {
        let errors = Router::build(&[route("r", pattern)]).unwrap_err();
        assert!(errors[0].to_string().contains(part), "{pattern}: {}", errors[0]);
    }
    let many = (0..=PARAMS_MAX).map(|index| format!("/{{p{index}}}")).collect::<Vec<_>>().concat();
    assert!(Router::build(&[route("r", &many)]).is_err());
    assert!(Router::build(&[route("r", &"/a".repeat(65))]).is_err());
    assert!(Router::build(&[with(route("r", "/"), |matcher| matcher.hosts = vec!["a*.b".into()])]).is_err());
    let header = with(route("r", "/"), |matcher| matcher.headers = vec![("a b".into(), ValueMatch::Present)]);
    assert!(Router::build(&[header]).is_err());
}

#[test]
fn an_explanation_tells_every_route_s_fate() {
    let routes = [
        route("tail", "/{*t}"),
        with(route("post", "/a"), |matcher| {
            matcher.methods = vec![Method::POST];
            matcher.headers = vec![("x-a".into(), ValueMatch::Present)];
        }),
        route("a", "/a"),
        route("b", "/b"),
        with(route("host", "/a"), |matcher| matcher.hosts = vec!["other".into()]),
    ];
    let router = Router::build(&routes).unwrap();
    let explanation = router.explain(&get("/a", &HeaderMap::new()));
    let told: Vec<String> = explanation
        .considered
        .iter()
        .map(|considered| match &considered.verdict {
            Verdict::Refused(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                format!("{}: {}", considered.name, reasons.join("; "))
            }
            verdict => format!("{}: {verdict:?}", considered.name),
        })
        .collect();
    assert_eq!(
        told,
        [
            "post: method is not POST; header `x-a` is not present",
            "a: Taken",
            "tail: Outranked",
            "b: path differs",
            "host: host differs"
        ]
    );
    assert_eq!(explanation.taken().map(|taken| taken.index), Some(2));
}

#[test]
fn ten_thousand_routes_are_not_tried_one_by_one() {
    let routes: Vec<Route> =
        (0..10_000).map(|n| route(&n.to_string(), &format!("/s{}/r{n}/{{id}}", n % 100))).collect();
    let router = Router::build(&routes).unwrap();
    check(&router, "/s42/r4242/x", "4242 id=x");
    let mut asked = 0;
    let _ = router.visit("h", "/s42/r4242/x", |_, _| {
        asked += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(asked, 1);
}
