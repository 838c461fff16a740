//! What one hook call costs: nanoseconds for nothing, for one header, and for the validation of an order, beside the
//! same work in Rust; and how one script called from several threads scales.
//!
//! Runs with the gateway's own allocator, because that counts what a call allocates. Each call gets a fresh exchange,
//! made outside of what is timed, few at a time so that they are in the cache as a request just read is.

mod native;
mod patch;
mod scaling;

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use criterion::{BatchSize, Criterion};
use forebay_engine::exchange::{Body, Client, Request, RouteInfo};
use forebay_engine::filter::Filters;
use forebay_engine::host::{LogLine, Metric};
use forebay_engine::{
    Answer, Chain, Exchange, Hook, Host, Limits, NativeStep, OnError, Progress, Script, ScriptStep, Step,
    Verdict, native as native_step,
};
use forebay_gateway::component::{Registry, Setup};
use forebay_gateway::memory::{Counting, held_bytes};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

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

/// A step of built-in middleware.
fn middleware(id: &str, settings: &serde_json::Value) -> Arc<dyn NativeStep> {
    let registry = Registry::builtin();
    let (implementation, code) = registry.middleware(id).expect("it is built in");
    let (name, on_error) = (&id.into(), OnError::Closed);
    let setup = Setup { name, implementation, on_error, settings, registry: &registry };
    code.build(&setup).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// As the gateway calls a native step.
fn run_native(step: &dyn NativeStep, mut exchange: Box<Exchange>, host: &Rc<dyn Host>) -> Box<Exchange> {
    let verdict = native_step::call(step, Hook::Request, &mut exchange, &**host);
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    exchange
}

fn hooks(criterion: &mut Criterion) {
    const EXCHANGES: BatchSize = BatchSize::NumIterations(64);
    let host = host();
    let (headers, body) = order();
    let fresh = || exchange(&headers, &body);
    let mut group = criterion.benchmark_group("hook");
    for (name, source) in [
        ("no hook", include_str!("../scripts/none.rhai")),
        ("empty hook", include_str!("../scripts/empty.rhai")),
        ("set one header", ONE_HEADER),
        ("validate order", VALIDATE_ORDER),
    ] {
        let chain = chain(source);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(fresh, |exchange| run(&chain, exchange, &host), EXCHANGES);
        });
    }
    for (name, step) in patch::steps() {
        let chain = Chain::new(vec![step]);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(fresh, |exchange| run(&chain, exchange, &host), EXCHANGES);
        });
    }
    let natives: [(&str, Native); 2] = [
        ("set one header, in Rust", native::set_one_header),
        ("validate order, in Rust", native::validate_order),
    ];
    for (name, native) in natives {
        group.bench_function(name, |bencher| bencher.iter_batched(fresh, native, EXCHANGES));
    }
    for (name, id, settings) in [
        (
            "set one header, built in",
            "headers",
            serde_json::json!({ "request": { "set": { "x-hook": "1" } } }),
        ),
        ("ip, built in", "ip", serde_json::json!({ "allow": ["127.0.0.0/8"] })),
        (
            "rate_limit, built in",
            "rate_limit",
            serde_json::json!({ "requests": 1_000_000_000, "per": "1s", "fields": "none" }),
        ),
    ] {
        let step = middleware(id, &settings);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(fresh, |exchange| run_native(&*step, exchange, &host), EXCHANGES);
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    hooks(&mut criterion);
    criterion.final_summary();
    // `cargo test` runs benches once to see that they work; measuring threads takes seconds and is left out there.
    if std::env::args().any(|argument| argument == "--bench") {
        scaling::report("set one header", || chain(ONE_HEADER), native::set_one_header);
        scaling::report("validate order", || chain(VALIDATE_ORDER), native::validate_order);
    }
}
