//! A host with a settable clock, an exchange, and a driver that answers waits.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use serde_json::{Value, json};

use crate::exchange::{Body, Client, Origin, Request, Response, RouteInfo};
use crate::host::{LogLine, Metric};
use crate::{
    Answer, Exchange, Hook, Host, Limits, OnError, Progress, Script, ScriptError, ScriptStep, Step, Verdict,
    Wait,
};

/// A host whose time moves by a fixed amount at every look.
#[derive(Default)]
pub(crate) struct TestHost {
    /// Added to the wall clock, which otherwise stands at 2023-11-14T22:13:20Z.
    pub(super) unix_offset_seconds: Cell<i128>,
    pub(super) now_ns: Cell<u64>,
    pub(super) tick_ns: Cell<u64>,
    pub(super) heap: Cell<i64>,
    pub(super) heap_per_look: Cell<i64>,
    pub(super) lines: RefCell<Vec<String>>,
}

impl Host for TestHost {
    fn unix_time_ns(&self) -> i128 {
        (1_700_000_000 + self.unix_offset_seconds.get()) * 1_000_000_000
    }

    fn monotonic_ns(&self) -> u64 {
        self.now_ns.set(self.now_ns.get() + self.tick_ns.get());
        self.now_ns.get()
    }

    fn heap_bytes(&self) -> i64 {
        self.heap.set(self.heap.get() + self.heap_per_look.get());
        self.heap.get()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }

    fn log(&self, line: LogLine<'_>) {
        assert_ne!(line.message, "panic", "the test asked for a panic");
        self.lines.borrow_mut().push(format!("{:?} {}: {}", line.level, line.script, line.message));
    }

    fn env(&self, name: &str) -> Result<Option<String>, String> {
        if name == "HOME" {
            return Err("scripts may not read HOME".into());
        }
        Ok((name == "REGION").then(|| "north".to_owned()))
    }

    fn secret(&self, name: &str) -> Result<String, String> {
        if name == "token" { Ok("s3cret".into()) } else { Err(format!("there is no secret {name}")) }
    }

    fn metric(&self, metric: Metric<'_>) {
        let Metric { script, name, kind, value } = metric;
        self.lines.borrow_mut().push(format!("{kind:?} {script}: {name} {value}"));
    }
}

pub(super) fn load(source: &str) -> Result<Script, Vec<ScriptError>> {
    Script::load("demo", source, &Limits::default(), &())
}

pub(super) fn step_with(source: &str, config: &Value, limits: &Limits) -> Step {
    let script = Script::load("demo", source, limits, &()).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let step = ScriptStep::new(Arc::new(script), config, limits, OnError::Closed);
    Step::Script(Arc::new(step.unwrap_or_else(|errors| panic!("{}", errors[0]))))
}

pub(super) fn step(source: &str) -> Step {
    step_with(source, &json!({}), &Limits::default())
}

pub(crate) fn exchange() -> Box<Exchange> {
    let mut headers = HeaderMap::new();
    headers.insert("host", "shop.example".parse().unwrap());
    headers.insert("x-many", "one".parse().unwrap());
    headers.append("x-many", "two".parse().unwrap());
    headers.insert("cookie", "a=1; b=two".parse().unwrap());
    Box::new(Exchange {
        id: "req-1".into(),
        request: Request {
            method: Method::GET,
            uri: Uri::from_static("/items/7?page=2&tag=a&tag=b%20c"),
            raw_target: "/items/./7?page=2&tag=a&tag=b%20c".into(),
            scheme: "http",
            host: "shop.example".into(),
            version: Version::HTTP_11,
            headers,
            body: Body::Unread,
        },
        response: Some(Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Body::Read(Bytes::from_static(b"hello")),
            origin: Origin::Upstream { address: "127.0.0.1:9000".into(), microseconds: 1234 },
        }),
        client: Client { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 40000, tls: None },
        route: RouteInfo { name: "items".into(), params: vec![("id".into(), "7".into())] },
        identity: rhai::Dynamic::UNIT,
        vars: rhai::Map::new(),
        upstream_override: None,
        request_body_max: None,
        answer_fields: Vec::new(),
        attempt: 0,
        failure: None,
        access: None,
        filters: crate::filter::Filters::default(),
    })
}

/// Runs a hook to its end, answering every wait with `serve`.
pub(super) fn drive(
    step: &Step,
    hook: Hook,
    host: &Rc<TestHost>,
    serve: impl Fn(&Wait) -> Answer,
) -> (Box<Exchange>, Verdict) {
    let host: Rc<dyn Host> = host.clone();
    let mut call = step.begin(hook, exchange(), &host);
    let mut answer = Answer::Go;
    loop {
        match call.resume(answer) {
            Progress::Waiting(wait) => answer = serve(&wait),
            Progress::Done(exchange, verdict) => return (exchange, verdict),
        }
    }
}

/// Runs a request hook that waits for nothing but its turn and the body `{"n": 1}`.
pub(super) fn run(step: &Step) -> (Box<Exchange>, Verdict) {
    drive(step, Hook::Request, &Rc::new(TestHost::default()), |wait| match wait {
        Wait::RequestBody => Answer::Body(Ok(Bytes::from_static(b"{\"n\": 1}"))),
        _ => Answer::Go,
    })
}

/// The error a source ends with.
pub(super) fn failure(source: &str) -> ScriptError {
    expect_failure(run(&step(source)).1)
}

pub(super) fn expect_failure(verdict: Verdict) -> ScriptError {
    match verdict {
        Verdict::Fail(error) => *error,
        other => panic!("expected an error, got {other:?}"),
    }
}

/// The text a hook body puts into the header `x-out`.
pub(super) fn output(body: &str) -> String {
    let (exchange, verdict) = run(&step(&format!("fn on_request(req) {{ {body} }}")));
    assert!(matches!(verdict, Verdict::Continue), "{body}: {verdict:?}");
    exchange.request.headers.get("x-out").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}
