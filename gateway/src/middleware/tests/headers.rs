//! `headers`: what becomes of fields, and when.

use forebay_engine::Hook;
use forebay_engine::exchange::Failure;
use http::StatusCode;
use serde_json::json;

use super::{answered, call, exchange, passes, respond, step, values};

#[test]
fn fields_are_removed_set_added_and_given_defaults() {
    let rule = json!({
        "remove": ["x-gone"], "set": { "X-Set": "new" }, "add": { "x-add": "2" },
        "default": { "x-there": "no", "x-absent": "yes" },
    });
    let step = step("headers", json!({ "request": rule }));
    let sent =
        [("x-gone", "1"), ("x-gone", "2"), ("x-set", "a"), ("x-set", "b"), ("x-add", "1"), ("x-there", "t")];
    let mut exchange = exchange("GET", "/", &sent);
    passes(&*step, &mut exchange);
    let headers = &exchange.request.headers;
    let found = ["x-gone", "x-set", "x-add", "x-there", "x-absent"].map(|name| values(headers, name));
    assert_eq!(found, ["", "new", "1|2", "t", "yes"]);
    assert!(!step.has(Hook::Response) && !step.has(Hook::Log));
}

#[test]
fn rules_apply_under_their_conditions_only() {
    let rule = |name: &str, when| json!({ "set": { name: "1" }, "when": when });
    let rules = [
        rule("x-method", json!({ "methods": ["POST"] })),
        rule("x-prefix", json!({ "path_prefix": "/api/" })),
        rule("x-here", json!({ "request_headers": { "x-in": "present", "x-out": "absent" } })),
        rule("x-exact", json!({ "request_headers": { "x-in": "b" } })),
        rule("x-regex", json!({ "request_headers": { "x-in": { "regex": "^[ab]$" } } })),
        rule("x-all", json!({ "methods": ["POST"], "path_prefix": "/other" })),
    ];
    let step = step("headers", json!({ "request": rules }));
    let set = |method: &str, target: &str, fields: &[(&str, &str)]| {
        let mut exchange = exchange(method, target, fields);
        passes(&*step, &mut exchange);
        let names = exchange.request.headers.keys().map(|name| name.as_str().to_owned());
        names.filter(|name| name != "x-in").collect::<Vec<_>>().join(" ")
    };
    assert_eq!(set("GET", "/", &[]), "");
    assert_eq!(set("POST", "/api?x", &[]), "x-method x-prefix");
    assert_eq!(set("GET", "/api/7", &[]), "x-prefix");
    assert_eq!(set("GET", "/apis", &[]), "");
    assert_eq!(set("GET", "/", &[("x-in", "a"), ("x-in", "b")]), "x-here x-exact x-regex");
    assert_eq!(set("GET", "/", &[("x-in", "c")]), "x-here");
}

#[test]
fn rules_of_answers_look_at_status_and_fields() {
    let rule = |name: &str, when| json!({ "set": { name: "1" }, "when": when });
    let rules = [
        rule("x-class", json!({ "status": ["4xx"] })),
        rule("x-range", json!({ "status": [200, "500-503"] })),
        rule("x-type", json!({ "response_headers": { "content-type": { "regex": "json" } } })),
        rule("x-get", json!({ "methods": ["GET"] })),
    ];
    let step = step("headers", json!({ "response": rules }));
    let set = |method: &str, status, fields: &[(&str, &str)]| {
        let mut exchange = exchange(method, "/", &[]);
        respond(&mut exchange, status, fields);
        call(&*step, Hook::Response, &mut exchange);
        let headers = exchange.response.unwrap().headers;
        headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .filter(|name| name.starts_with("x-"))
            .collect::<Vec<_>>()
    };
    assert_eq!(set("GET", 404, &[]), ["x-class", "x-get"]);
    assert_eq!(set("POST", 503, &[]), ["x-range"]);
    assert_eq!(set("POST", 504, &[("content-type", "application/json")]), ["x-type"]);
    assert_eq!(set("POST", 200, &[]), ["x-range"]);
}

#[test]
fn answers_that_the_gateway_has_still_to_make_get_them_too() {
    let rules =
        json!([{ "set": { "x-any": "1" } }, { "set": { "x-ok": "1" }, "when": { "status": ["2xx"] } }]);
    let step = step("headers", json!({ "response": rules }));
    let mut exchange = exchange("GET", "/", &[]);
    let status = StatusCode::BAD_GATEWAY;
    exchange.failure = Some(Failure { status, kind: "connect", message: String::new() });
    call(&*step, Hook::Error, &mut exchange);
    let headers = answered(&mut exchange, &[]);
    assert_eq!((values(&headers, "x-any").as_str(), values(&headers, "x-ok").as_str()), ("1", ""));
}
