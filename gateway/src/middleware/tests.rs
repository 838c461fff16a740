//! Built-in middleware over exchanges, as the gateway calls it; what it does over sockets is tested end to end.

mod cors;
mod headers;
mod key_auth;
mod rate_limit;
mod settings;

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::sync::Arc;

use forebay_engine::exchange::{Body, Client, Origin, Request, Response, RouteInfo};
use forebay_engine::filter::Filters;
use forebay_engine::host::{LogLine, Metric};
use forebay_engine::{Exchange, Hook, Host, NativeStep, OnError, Refusal, Verdict};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use serde_json::Value;

use crate::component::{Registry, Setup};

/// A host whose clock the test sets, and which counts metrics.
#[derive(Default)]
struct TestHost {
    now_ns: Cell<u64>,
    metrics: RefCell<Vec<String>>,
}

impl Host for TestHost {
    fn unix_time_ns(&self) -> i128 {
        0
    }
    fn monotonic_ns(&self) -> u64 {
        self.now_ns.get()
    }
    fn heap_bytes(&self) -> i64 {
        0
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
    fn log(&self, _line: LogLine<'_>) {}
    fn env(&self, _name: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
    fn secret(&self, name: &str) -> Result<String, String> {
        Err(name.to_owned())
    }
    fn metric(&self, metric: Metric<'_>) {
        self.metrics.borrow_mut().push(format!("{} {}", metric.script, metric.name));
    }
}

/// A step of this middleware with these settings.
fn step(id: &str, settings: Value) -> Arc<dyn NativeStep> {
    let registry = Registry::builtin();
    let (implementation, code) = registry.middleware(id).unwrap();
    let (on_error, name) = (OnError::Closed, &id.into());
    let setup = Setup { name, implementation, on_error, settings: &settings, registry: &registry };
    code.build(&setup).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A request with these header fields.
fn exchange(method: &str, target: &str, fields: &[(&str, &str)]) -> Exchange {
    Exchange {
        id: "req-1".into(),
        request: Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            uri: target.parse().unwrap(),
            raw_target: target.into(),
            scheme: "http",
            host: "shop.test".into(),
            version: Version::HTTP_11,
            headers: headers(fields),
            body: Body::Empty,
        },
        response: None,
        client: Client { ip: IpAddr::from([10, 0, 0, 1]), port: 40_000, tls: None },
        route: RouteInfo { name: "a".into(), params: Vec::new() },
        identity: rhai::Dynamic::UNIT,
        vars: rhai::Map::new(),
        upstream_override: None,
        request_body_max: None,
        answer_fields: Vec::new(),
        attempt: 0,
        failure: None,
        access: None,
        filters: Filters::default(),
    }
}

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers
            .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn respond(exchange: &mut Exchange, status: u16, fields: &[(&str, &str)]) {
    let (status, headers) = (StatusCode::from_u16(status).unwrap(), headers(fields));
    exchange.response = Some(Response { status, headers, body: Body::Empty, origin: Origin::Gateway });
}

fn call(step: &dyn NativeStep, hook: Hook, exchange: &mut Exchange) -> Verdict {
    assert!(step.has(hook), "{hook:?}");
    step.call(hook, exchange, &TestHost::default())
}

fn passes(step: &dyn NativeStep, exchange: &mut Exchange) {
    let verdict = call(step, Hook::Request, exchange);
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
}

fn refusal(verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::Refuse(refusal) => *refusal,
        other => panic!("{other:?}"),
    }
}

/// All values of a field, joined.
fn values(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap());
    values.collect::<Vec<_>>().join("|")
}

/// What the fields of an answer become.
fn answered(exchange: &mut Exchange, fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = headers(fields);
    for change in exchange.answer_fields.drain(..) {
        change.apply(&mut headers);
    }
    headers
}
