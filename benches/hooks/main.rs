//! What one hook call costs: for nothing, for one header, and for the validation of an order, interpreted, promoted
//! and beside the same work in Rust; and how one script called from several threads scales.
//!
//! Runs with the gateway's own allocator, because that counts what a call allocates. Each call gets a fresh exchange,
//! made outside of what is timed, few at a time so that they are in the cache as a request just read is.

mod native;
mod patch;
mod scaling;
mod tiers;

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use forebay_engine::exchange::{Body, Client, Request, RouteInfo};
use forebay_engine::filter::Filters;
use forebay_engine::host::{LogLine, Metric};
use forebay_engine::{
    Answer, Chain, Exchange, Hook, Host, Limits, OnError, Progress, Script, ScriptStep, Step, Verdict,
};
use forebay_gateway::memory::{Counting, held_bytes};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use tiers::Work;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The same work as a script's, in Rust.
type Native = fn(Box<Exchange>) -> Box<Exchange>;

/// A host whose clock is the system's and that has nothing else to offer.
struct BenchHost(Instant);

impl Host for BenchHost {
    fn unix_time_ns(&self) -> i128 {
        0
    }
    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
    fn heap_bytes(&self) -> i64 {
        held_bytes()
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(1);
    }
    fn log(&self, _line: LogLine<'_>) {}
    fn env(&self, _name: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
    fn secret(&self, name: &str) -> Result<String, String> {
        Err(name.to_owned())
    }
    fn metric(&self, _metric: Metric<'_>) {}
}

fn host() -> Rc<dyn Host> {
    Rc::new(BenchHost(Instant::now()))
}

fn step(source: &str) -> Step {
    let limits = Limits::default();
    let script = Script::load("bench", source, &limits, &()).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let step = ScriptStep::new(Arc::new(script), &serde_json::Value::Null, &limits, OnError::Closed);
    Step::Script(Arc::new(step.unwrap_or_else(|errors| panic!("{}", errors[0]))))
}

/// An order of twelve items, its checksum in the headers.
fn order() -> (HeaderMap, Bytes) {
    let skus: Vec<String> = (0..12).map(|n| format!("SKU-{:07}-AB", n * 37)).collect();
    let sum = skus
        .iter()
        .flat_map(|sku| sku.bytes())
        .fold(0_i64, |sum, byte| (sum * 31 + i64::from(byte)) % (1 << 31));
    let items: Vec<_> = skus.iter().map(|sku| serde_json::json!({ "sku": sku, "qty": 3 })).collect();
    let body = serde_json::json!({
        "user": "user_42", "amount": 1234.56, "currency": "EUR", "note": "n".repeat(60), "items": items,
    });
    let mut headers = HeaderMap::new();
    let sum = sum.to_string();
    for (name, value) in [
        ("host", "bench"),
        ("content-type", "application/json"),
        ("x-api-key", "A1b2C3d4A1b2C3d4A1b2C3d4A1b2C3d4"),
        ("x-order-id", "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"),
        ("x-client-version", "1.20.300"),
        ("x-sum", &sum),
    ] {
        headers.insert(name, HeaderValue::from_str(value).expect("a plain value"));
    }
    (headers, Bytes::from(body.to_string()))
}

fn exchange(headers: &HeaderMap, body: &Bytes) -> Box<Exchange> {
    Box::new(Exchange {
        id: "bench".into(),
        request: Request {
            method: Method::POST,
            uri: Uri::from_static("/orders"),
            raw_target: "/orders".into(),
            scheme: "http",
            host: "bench".into(),
            version: Version::HTTP_11,
            headers: headers.clone(),
            body: Body::Read(body.clone()),
        },
        response: None,
        client: Client { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 1, tls: None },
        route: RouteInfo { name: "bench".into(), params: Vec::new() },
        identity: rhai::Dynamic::UNIT,
        vars: rhai::Map::new(),
        upstream_override: None,
        request_body_max: None,
        answer_fields: Vec::new(),
        attempt: 0,
        failure: None,
        access: None,
        filters: Filters::default(),
    })
}

fn run(chain: &Chain, mut exchange: Box<Exchange>, host: &Rc<dyn Host>) -> Box<Exchange> {
    for (_, step) in chain.steps(Hook::Request) {
        let mut call = step.begin(Hook::Request, exchange, host);
        loop {
            match call.resume(Answer::Go) {
                Progress::Waiting(_) => {}
                Progress::Done(done, verdict) => {
                    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
                    exchange = done;
                    break;
                }
            }
        }
    }
    exchange
}

const ONE_HEADER: &str = include_str!("../scripts/one_header.rhai");
const VALIDATE_ORDER: &str = include_str!("../../scripts/validate_order.rhai");

fn chain(source: &str) -> Chain {
    Chain::new(vec![step(source)])
}

fn main() {
    let works = [
        Work {
            name: "empty hook",
            source: include_str!("../scripts/empty.rhai"),
            native: |exchange| exchange,
            steps: vec![("patch", patch::empty_hook())],
        },
        Work {
            name: "set one header",
            source: ONE_HEADER,
            native: native::set_one_header,
            steps: vec![("patch", patch::set_one_header()), ("built in", patch::headers_built_in())],
        },
        Work {
            name: "validate order",
            source: VALIDATE_ORDER,
            native: native::validate_order,
            steps: vec![("patch", patch::validate_order())],
        },
    ];
    // `cargo test` runs benches once to see that they work; measuring takes seconds and is left out there.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let rounds = if measures { 101 } else { 1 };
    tiers::report(works, rounds);
    tiers::report_steps(patch::built_in_alone(), rounds);
    if measures && !std::env::args().any(|argument| argument == "tiers") {
        scaling::report("set one header", || chain(ONE_HEADER), native::set_one_header);
        scaling::report("validate order", || chain(VALIDATE_ORDER), native::validate_order);
    }
}
