//! `cors`: what a browser is told before and with an answer.

use forebay_engine::{Hook, Reply, Verdict};
use serde_json::{Value, json};

use super::{answered, call, exchange, passes, step, values};

const ORIGIN: &str = "https://app.test";

fn preflight(settings: Value, fields: &[(&str, &str)]) -> Reply {
    let step = step("cors", settings);
    assert!(step.answers_preflight());
    match call(&*step, Hook::Request, &mut exchange("OPTIONS", "/", fields)) {
        Verdict::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_preflight_request_is_told_what_is_allowed() {
    let settings = json!({
        "origins": [ORIGIN], "methods": ["GET", "PUT"], "headers": ["X-Version", "content-type"],
        "credentials": true, "max_age": "10m",
    });
    let asked = [("origin", ORIGIN), ("access-control-request-method", "PUT")];
    let reply = preflight(settings, &asked);
    assert_eq!(reply.status, 204);
    let told = ["origin", "credentials", "methods", "headers"];
    let told = told.map(|name| values(&reply.headers, &format!("access-control-allow-{name}")));
    assert_eq!(told, [ORIGIN, "true", "GET, PUT", "x-version, content-type"]);
    assert_eq!(values(&reply.headers, "access-control-max-age"), "600");
    assert!(values(&reply.headers, "vary").contains("access-control-request-headers"));
}

#[test]
fn a_preflight_request_of_another_origin_is_granted_nothing() {
    let asked = [("origin", "https://evil.test"), ("access-control-request-method", "PUT")];
    let reply = preflight(json!({ "origins": [ORIGIN], "credentials": true }), &asked);
    assert_eq!(reply.status, 204);
    assert!(
        reply.headers.keys().all(|name| !name.as_str().starts_with("access-control")),
        "{:?}",
        reply.headers
    );
    assert!(values(&reply.headers, "vary").starts_with("origin"));
}

#[test]
fn a_star_stands_for_what_was_asked_for() {
    let asked = [
        ("origin", "https://any.test"),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "authorization, x-a"),
    ];
    let reply = preflight(json!({ "origins": ["*"], "methods": ["*"], "headers": ["*"] }), &asked);
    let told = ["origin", "methods", "headers"];
    let told = told.map(|name| values(&reply.headers, &format!("access-control-allow-{name}")));
    assert_eq!(told, ["*", "PATCH", "authorization, x-a"]);
}

#[test]
fn other_requests_go_on_and_their_answers_are_marked() {
    let step = step("cors", json!({ "origins": [ORIGIN], "credentials": true, "expose": ["x-total"] }));
    let upstream = [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "x-secret"),
        ("vary", "accept"),
    ];
    let marked = |method: &str, fields: &[(&str, &str)]| {
        let mut exchange = exchange(method, "/", fields);
        passes(&*step, &mut exchange);
        answered(&mut exchange, &upstream)
    };
    let headers = marked("GET", &[("origin", ORIGIN)]);
    let told = ["allow-origin", "allow-credentials", "expose-headers"];
    let told =
        |headers: &http::HeaderMap| told.map(|name| values(headers, &format!("access-control-{name}")));
    assert_eq!(told(&headers), [ORIGIN, "true", "x-total"]);
    assert_eq!(values(&headers, "vary"), "accept|origin");
    // Neither a foreign origin nor none is granted anything, whatever the upstream says; caches have to know.
    for fields in [&[("origin", "https://evil.test")][..], &[]] {
        let headers = marked("GET", fields);
        assert_eq!(told(&headers), ["", "", ""]);
        assert_eq!(values(&headers, "vary"), "accept|origin");
    }
    // OPTIONS that asks about nothing is an ordinary request.
    assert_eq!(told(&marked("OPTIONS", &[("origin", ORIGIN)]))[0], ORIGIN);
}
