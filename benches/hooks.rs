//! What one hook call costs: nanoseconds for nothing, for one header, and for the validation of an order, beside the
//! same work in Rust; and how one script called from several threads scales.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BatchSize, Criterion};
use forebay_engine::exchange::{Body, Client, Request, RouteInfo};
use forebay_engine::host::{LogLine, Metric};
use forebay_engine::{
    Answer, Chain, Exchange, Hook, Host, Limits, OnError, Progress, Script, ScriptStep, Step, Verdict,
};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

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
        0
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
        client: Client { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 1 },
        route: RouteInfo { name: "bench".into(), params: Vec::new() },
        identity: rhai::Dynamic::UNIT,
        vars: rhai::Map::new(),
        upstream_override: None,
        attempt: 0,
        failure: None,
        access: None,
    })
}

fn run(chain: &Chain, mut exchange: Box<Exchange>, host: &Rc<dyn Host>) -> Box<Exchange> {
    for step in chain.steps(Hook::Request) {
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

/// The scripts that are measured, by name.
fn chains() -> Vec<(&'static str, Chain)> {
    let sources = [
        ("no hook", "const A = 1;"),
        ("empty hook", "fn on_request(req) { }"),
        ("set one header", "fn on_request(req) { req.headers[\"x-hook\"] = \"1\"; }"),
        ("validate order", include_str!("../scripts/validate_order.rhai")),
    ];
    sources.into_iter().map(|(name, source)| (name, Chain::new(vec![step(source)]))).collect()
}

fn hooks(criterion: &mut Criterion) {
    let host: Rc<dyn Host> = Rc::new(BenchHost(Instant::now()));
    let (headers, body) = order();
    let mut group = criterion.benchmark_group("hook");
    for (name, chain) in chains() {
        group.bench_function(name, |bencher| {
            let fresh = || exchange(&headers, &body);
            bencher.iter_batched(fresh, |exchange| run(&chain, exchange, &host), BatchSize::SmallInput);
        });
    }
    group.bench_function("set one header, in Rust", |bencher| {
        let fresh = || exchange(&headers, &body);
        let set = |mut exchange: Box<Exchange>| {
            exchange.request.headers.insert("x-hook", HeaderValue::from_static("1"));
            exchange
        };
        bencher.iter_batched(fresh, set, BatchSize::SmallInput);
    });
    group.finish();
}

/// Calls per second of one script from several threads at once, and the share of a lone thread's that each gets.
fn scaling() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for (name, chain) in chains().into_iter().skip(2) {
        let chain = &chain;
        let rate = |threads: usize| {
            let total: f64 = std::thread::scope(|scope| {
                let workers: Vec<_> =
                    (0..threads).map(|_| scope.spawn(move || calls_per_second(chain))).collect();
                workers.into_iter().map(|worker| worker.join().expect("a worker does not panic")).sum()
            });
            total
        };
        let alone = rate(1);
        for threads in [cores, 8] {
            let together = rate(threads);
            #[expect(clippy::cast_precision_loss, reason = "a number of threads is small")]
            let ideal = alone * threads.min(cores) as f64;
            let (share, together) = (together / ideal, together / 1e3);
            println!(
                "scaling: {name}, {threads} threads on {cores} cores: {together:.0}k calls/s, {share:.2} of ideal"
            );
        }
    }
}

fn calls_per_second(chain: &Chain) -> f64 {
    let host: Rc<dyn Host> = Rc::new(BenchHost(Instant::now()));
    let (headers, body) = order();
    let (began, mut calls) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_secs(1) {
        for _ in 0..100 {
            black_box(run(chain, exchange(&headers, &body), &host));
        }
        calls += 100;
    }
    f64::from(calls) / began.elapsed().as_secs_f64()
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    hooks(&mut criterion);
    criterion.final_summary();
    // `cargo test` runs benches once to see that they work; measuring threads takes seconds and is left out there.
    if std::env::args().any(|argument| argument == "--bench") {
        scaling();
    }
}
