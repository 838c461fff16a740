//! `key_auth`: where keys are found, who they belong to, and what is left of them.

use aws_lc_rs::digest::{SHA256, digest};
use forebay_engine::{Exchange, Hook};
use serde_json::{Value, json};

use super::{call, exchange, passes, refusal, step, values};

fn digest_of(key: &str) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, key.as_bytes())))
}

fn settings(more: Value) -> Value {
    let mut settings = json!({ "keys": {
        "alice": digest_of("key-of-alice"),
        "bob": { "digests": [digest_of("old"), digest_of("new")], "meta": { "plan": "gold" } },
    }});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

fn id(exchange: &Exchange) -> String {
    exchange.identity.read_lock::<rhai::Map>().map_or_else(String::new, |map| map["id"].to_string())
}

#[test]
fn a_known_key_says_who_the_caller_is_and_is_hidden() {
    let step = step("key_auth", settings(json!({})));
    let mut exchange = exchange("GET", "/", &[("x-api-key", "key-of-alice")]);
    passes(&*step, &mut exchange);
    assert_eq!((id(&exchange).as_str(), exchange.request.headers.len()), ("alice", 0));
    for key in ["old", "new"] {
        let mut exchange = super::exchange("GET", "/", &[("x-api-key", key)]);
        passes(&*step, &mut exchange);
        let identity = exchange.identity.cast::<rhai::Map>();
        assert_eq!((identity["id"].to_string(), identity["kind"].to_string()), ("bob".into(), "key".into()));
        assert!(identity["meta"].to_string().contains("gold"));
    }
}

#[test]
fn everybody_else_is_asked_for_a_key() {
    let step = step("key_auth", settings(json!({ "realm": "orders" })));
    for fields in [&[][..], &[("x-api-key", "wrong")], &[("x-api-key", "old"), ("x-api-key", "new")]] {
        let mut exchange = exchange("GET", "/", fields);
        let refusal = refusal(call(&*step, Hook::Request, &mut exchange));
        assert_eq!((refusal.status.as_u16(), refusal.kind), (401, "unauthenticated"));
        assert_eq!(values(&refusal.headers, "www-authenticate"), "ApiKey realm=\"orders\"");
        assert!(exchange.identity.is_unit() && !refusal.message.contains("wrong"));
    }
}

#[test]
fn keys_are_found_in_every_place_and_taken_out_of_all() {
    let from = json!([
        { "header": "authorization", "scheme": "Bearer" }, { "query": "api key" }, { "cookie": "key" },
    ]);
    let step = step("key_auth", settings(json!({ "from": from })));
    let after = |target: &str, fields: &[(&str, &str)]| {
        let mut exchange = exchange("GET", target, fields);
        passes(&*step, &mut exchange);
        assert_eq!(id(&exchange), "alice");
        let headers = &exchange.request.headers;
        format!("{} {} {}", exchange.request.uri, values(headers, "authorization"), values(headers, "cookie"))
    };
    assert_eq!(after("/a?b=1", &[("authorization", "bearer  key-of-alice ")]), "/a?b=1  ");
    assert_eq!(after("/a?x=1&api+key=key%2Dof-alice&y=%20", &[]), "/a?x=1&y=%20  ");
    assert_eq!(after("/a?api%20key=key-of-alice", &[]), "/a  ");
    assert_eq!(after("/a", &[("cookie", "a=1; key=key-of-alice; b=2")]), "/a  a=1; b=2");
    assert_eq!(
        after("/a?api+key=wrong", &[("authorization", "Bearer key-of-alice"), ("cookie", "key=x")]),
        "/a  "
    );
    let mut basic = exchange("GET", "/", &[("authorization", "Basic key-of-alice")]);
    let refused = refusal(call(&*step, Hook::Request, &mut basic));
    assert!(values(&refused.headers, "www-authenticate").starts_with("Bearer realm="));
}

#[test]
fn keys_may_be_optional_and_may_be_left_in_place() {
    let step = step("key_auth", settings(json!({ "optional": true, "hide": false })));
    let mut without = exchange("GET", "/", &[]);
    passes(&*step, &mut without);
    assert!(without.identity.is_unit());
    let mut with = exchange("GET", "/", &[("x-api-key", "new")]);
    passes(&*step, &mut with);
    assert_eq!((id(&with).as_str(), values(&with.request.headers, "x-api-key").as_str()), ("bob", "new"));
    let wrong = call(&*step, Hook::Request, &mut exchange("GET", "/", &[("x-api-key", "wrong")]));
    assert_eq!(refusal(wrong).status, 401);
}
