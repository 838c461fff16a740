//! A host that records what a script asks of it, for calls of the interpreter.

use std::cell::RefCell;
use std::rc::Rc;

use forebay_engine::host::{HttpAnswer, KvOperation, KvValue, LogLevel, LogLine, Metric, MetricKind};
use forebay_engine::{Answer, Exchange, Hook, Host, Verdict, Wait};

use super::copy;
use super::sample::Sample;

/// Most bytes of one record; a call that asks for more is not kept.
const TRACE_BYTES_MAX: usize = 256 << 10;

/// One thing a script asked of the host, with the answer.
#[derive(Debug, Clone)]
pub enum Event {
    /// The wall clock.
    UnixTime(i128),
    /// Random bytes.
    Random(Vec<u8>),
    /// A log line.
    Log(LogLevel, String),
    /// An environment variable.
    Env(String, Result<Option<String>, String>),
    /// A secret.
    Secret(String, Result<String, String>),
    /// A measurement.
    Metric(String, MetricKind, f64),
    /// Something that takes time. Turns (time slices) are not recorded: when they come is no part of the meaning.
    Waited(Wait, Answer),
}

impl Event {
    fn bytes(&self) -> usize {
        let text = |result: &Result<String, String>| result.as_ref().unwrap_or_else(|text| text).len();
        64 + match self {
            Self::UnixTime(_) => 0,
            Self::Random(bytes) => bytes.len(),
            Self::Log(_, message) => message.len(),
            Self::Env(name, _) => 2 * name.len() + 64,
            Self::Secret(name, value) => name.len() + text(value),
            Self::Metric(name, ..) => name.len(),
            Self::Waited(wait, answer) => wait_bytes(wait) + answer_bytes(answer),
        }
    }
}

fn wait_bytes(wait: &Wait) -> usize {
    match wait {
        Wait::Http(calls) => {
            calls.iter().map(|call| 256 + call.url.len() + 96 * call.headers.len() + call.body.len()).sum()
        }
        Wait::Kv(KvOperation::Set { key, value, .. }) => key.len() + value.len(),
        _ => 64,
    }
}

fn answer_bytes(answer: &Answer) -> usize {
    let http = |result: &Result<HttpAnswer, String>| match result {
        Ok(answer) => 128 + 96 * answer.headers.len() + answer.body.len(),
        Err(reason) => reason.len(),
    };
    match answer {
        Answer::Body(Ok(bytes)) | Answer::Kv(Ok(KvValue::Bytes(bytes))) => bytes.len(),
        Answer::Http(results) => results.iter().map(http).sum(),
        _ => 64,
    }
}

/// Passes everything on to another host and writes it down.
pub struct Recorder {
    inner: Rc<dyn Host>,
    hook: Hook,
    before: RefCell<Option<(Exchange, usize)>>,
    trace: RefCell<Trace>,
}

#[derive(Default)]
struct Trace {
    events: Vec<Event>,
    bytes: usize,
    /// The call cannot be replayed: too much, or ended from outside.
    is_void: bool,
}

impl Recorder {
    /// A recorder for one call over this exchange; `None` if the exchange cannot be copied.
    pub fn begin(inner: Rc<dyn Host>, hook: Hook, exchange: &Exchange) -> Option<Rc<Self>> {
        let before = RefCell::new(Some(copy::exchange(exchange)?));
        Some(Rc::new(Self { inner, hook, before, trace: RefCell::default() }))
    }

    /// Writes down a wait that was served.
    pub fn waited(&self, wait: Wait, answer: &Answer) {
        match answer {
            Answer::Expired | Answer::Cancelled => self.trace.borrow_mut().is_void = true,
            _ if wait == Wait::TimeSlice => {}
            _ => self.note(Event::Waited(wait, answer.clone())),
        }
    }

    /// The whole call as a sample; `None` if it cannot be replayed.
    pub fn finish(&self, after: &Exchange, verdict: &Verdict) -> Option<Sample> {
        let trace = std::mem::take(&mut *self.trace.borrow_mut());
        let (before, before_bytes) = self.before.borrow_mut().take()?;
        if trace.is_void {
            return None;
        }
        let (after, after_bytes) = copy::exchange(after)?;
        let verdict = match verdict {
            Verdict::Continue => Verdict::Continue,
            Verdict::Reply(reply) => Verdict::Reply(reply.clone()),
            Verdict::Refuse(refusal) => Verdict::Refuse(refusal.clone()),
            Verdict::Fail(error) => Verdict::Fail(error.clone()),
        };
        let bytes = before_bytes + after_bytes + trace.bytes;
        Some(Sample { hook: self.hook, before, trace: trace.events, after, verdict, bytes })
    }

    fn note(&self, event: Event) {
        let mut trace = self.trace.borrow_mut();
        trace.bytes += event.bytes();
        if trace.bytes > TRACE_BYTES_MAX {
            trace.is_void = true;
            trace.events.clear();
        } else if !trace.is_void {
            trace.events.push(event);
        }
    }
}

impl Host for Recorder {
    fn unix_time_ns(&self) -> i128 {
        let now = self.inner.unix_time_ns();
        self.note(Event::UnixTime(now));
        now
    }

    fn monotonic_ns(&self) -> u64 {
        self.inner.monotonic_ns()
    }

    fn heap_bytes(&self) -> i64 {
        self.inner.heap_bytes()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.inner.fill_random(buffer);
        self.note(Event::Random(buffer.to_vec()));
    }

    fn log(&self, line: LogLine<'_>) {
        self.note(Event::Log(line.level, line.message.to_owned()));
        self.inner.log(line);
    }

    fn env(&self, name: &str) -> Result<Option<String>, String> {
        let result = self.inner.env(name);
        self.note(Event::Env(name.to_owned(), result.clone()));
        result
    }

    fn secret(&self, name: &str) -> Result<String, String> {
        let result = self.inner.secret(name);
        self.note(Event::Secret(name.to_owned(), result.clone()));
        result
    }

    fn metric(&self, metric: Metric<'_>) {
        self.note(Event::Metric(metric.name.to_owned(), metric.kind, metric.value));
        self.inner.metric(metric);
    }
}
