//! `rate_limit`: who is counted as whom, and what answers say.

use std::net::IpAddr;

use forebay_engine::{Exchange, Hook, NativeStep, Verdict};
use serde_json::json;

use super::{TestHost, answered, exchange, refusal, step, values};

const SECOND: u64 = 1_000_000_000;

/// Whether the requests of these exchanges get through, in turn.
fn ask(step: &dyn NativeStep, exchanges: Vec<Exchange>) -> Vec<bool> {
    let host = TestHost::default();
    let is_allowed =
        |mut exchange| matches!(step.call(Hook::Request, &mut exchange, &host), Verdict::Continue);
    exchanges.into_iter().map(is_allowed).collect()
}

fn from(address: &str) -> Exchange {
    let mut exchange = exchange("GET", "/", &[]);
    exchange.client.ip = address.parse::<IpAddr>().unwrap();
    exchange
}

fn identified(id: rhai::Dynamic) -> Exchange {
    let mut exchange = exchange("GET", "/", &[]);
    exchange.identity = id;
    exchange
}

#[test]
fn addresses_are_counted_apart_and_ipv6_by_network() {
    let step = step("rate_limit", json!({ "requests": 1, "per": "1m" }));
    let addresses =
        ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"];
    assert_eq!(ask(&*step, addresses.map(from).into()), [true, false, true, true, false, true]);
}

#[test]
fn identities_headers_and_everybody_can_be_counted() {
    let limit = |key| step("rate_limit", json!({ "requests": 1, "per": "1m", "key": key }));
    let map = |id: &str| {
        let mut map = rhai::Map::new();
        map.insert("id".into(), id.into());
        rhai::Dynamic::from_map(map)
    };
    let identities = vec![map("a"), map("b"), "a".into(), rhai::Dynamic::UNIT, rhai::Dynamic::UNIT];
    let identities = identities.into_iter().map(identified).collect();
    assert_eq!(ask(&*limit(json!("identity")), identities), [true, true, false, true, false]);
    let tenant = |fields: &[(&str, &str)]| exchange("GET", "/", fields);
    let tenants = vec![
        tenant(&[("x-tenant", "a")]),
        tenant(&[("x-tenant", "b")]),
        tenant(&[("x-tenant", "a")]),
        tenant(&[]),
    ];
    assert_eq!(ask(&*limit(json!({ "header": "x-tenant" })), tenants), [true, true, false, true]);
    assert_eq!(ask(&*limit(json!("route")), vec![from("10.0.0.1"), from("10.0.0.2")]), [true, false]);
}

#[test]
fn answers_tell_what_is_left_and_when_to_come_back() {
    let host = TestHost::default();
    let settings = json!({ "requests": 60, "per": "1m", "burst": 2, "policy": "api" });
    let step = step("rate_limit", settings);
    let ask = |now: u64| {
        host.now_ns.set(now);
        let mut exchange = exchange("GET", "/", &[]);
        let verdict = step.call(Hook::Request, &mut exchange, &host);
        let headers = answered(&mut exchange, &[]);
        (verdict, values(&headers, "ratelimit"), values(&headers, "ratelimit-policy"))
    };
    let (first, state, policy) = ask(0);
    assert!(matches!(first, Verdict::Continue));
    assert_eq!((state.as_str(), policy.as_str()), ("\"api\";r=1;t=1", "\"api\";q=2;w=2"));
    assert_eq!(ask(0).1, "\"api\";r=0;t=2");
    let (third, state, _) = ask(0);
    let refused = refusal(third);
    assert_eq!(
        (refused.status.as_u16(), refused.kind, state.as_str()),
        (429, "rate_limited", "\"api\";r=0;t=2")
    );
    assert_eq!(values(&refused.headers, "retry-after"), "1");
    assert_eq!(*host.metrics.borrow(), ["rate_limit rate_limited"]);
    assert!(matches!(ask(SECOND + 1).0, Verdict::Continue));
}

#[test]
fn older_fields_and_none_can_be_chosen() {
    let names = |fields: &str| {
        let step = step("rate_limit", json!({ "requests": 5, "per": "5s", "fields": fields }));
        let mut exchange = exchange("GET", "/", &[]);
        step.call(Hook::Request, &mut exchange, &TestHost::default());
        let headers = answered(&mut exchange, &[]);
        headers
            .iter()
            .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names("split"), "ratelimit-limit=5 ratelimit-remaining=4 ratelimit-reset=1");
    assert_eq!(names("legacy"), "x-ratelimit-limit=5 x-ratelimit-remaining=4 x-ratelimit-reset=1");
    assert_eq!(names("none"), "");
}
