//! Runs a program over a recorded call. Every host call is answered from the record, so nothing happens twice.
//!
//! The program has to ask the same things in the same order. From the first difference on it is answered with
//! whatever ends it soonest, since the outcome is known by then.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_engine::host::{LogLine, Metric};
use forebay_engine::{Answer, Call, Exchange, Host, Program, Progress, ScriptStep, Verdict, Wait};

use super::copy;
use super::record::Event;
use super::sample::Sample;
use crate::memory;

/// What a program made of a recorded call.
pub(super) struct Replayed {
    pub(super) exchange: Box<Exchange>,
    pub(super) verdict: Verdict,
    /// What the program asked of the host.
    pub(super) trace: Vec<Event>,
    /// Where it asked something else than the interpreter did.
    pub(super) divergence: Option<Divergence>,
}

/// The first host call that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Divergence {
    /// Its place in the record, from 0.
    pub(super) index: usize,
    /// What the interpreter asked there.
    pub(super) expected: String,
    /// What the program asked.
    pub(super) found: String,
}

/// Longest time of one replay. Whoever takes longer is cancelled at its next turn, and nothing is said of it.
const TIME_MAX: Duration = Duration::from_secs(1);

/// Replays a sample; `None` if its exchange cannot be copied, or it takes too long.
pub(super) fn replay(
    step: &Arc<ScriptStep>,
    program: &Arc<Program>,
    sample: &Arc<Sample>,
) -> Option<Replayed> {
    let (exchange, _) = copy::exchange(&sample.before)?;
    let host = Rc::new(Record {
        sample: sample.clone(),
        next: Cell::new(0),
        seen: RefCell::default(),
        divergence: RefCell::default(),
        started: Instant::now(),
    });
    let ambient: Rc<dyn Host> = host.clone();
    let mut call =
        Call::begin_in(step.clone(), Some(program.clone()), sample.hook, Box::new(exchange), ambient);
    let mut answer = Answer::Go;
    let (exchange, verdict) = loop {
        match call.resume(answer) {
            Progress::Done(exchange, verdict) => break (exchange, verdict),
            Progress::Waiting(_) if host.started.elapsed() > TIME_MAX => return None,
            Progress::Waiting(Wait::TimeSlice) => answer = Answer::Go,
            Progress::Waiting(wait) => answer = host.wait(wait),
        }
    };
    host.end();
    let (trace, divergence) = (host.seen.take(), host.divergence.take());
    Some(Replayed { exchange, verdict, trace, divergence })
}

/// A host that answers from a record.
struct Record {
    sample: Arc<Sample>,
    next: Cell<usize>,
    seen: RefCell<Vec<Event>>,
    divergence: RefCell<Option<Divergence>>,
    started: Instant,
}

impl Record {
    /// The next event, if it is the one asked for. `matching` gives the answer.
    fn next<T>(&self, found: Event, matching: impl FnOnce(&Event) -> Option<T>) -> Option<T> {
        let index = self.next.get();
        let expected = self.sample.trace.get(index);
        let answer = if self.divergence.borrow().is_some() { None } else { expected.and_then(matching) };
        if answer.is_some() {
            self.next.set(index + 1);
            if let Some(event) = expected {
                self.seen.borrow_mut().push(event.clone());
            }
            return answer;
        }
        self.diverge(index, expected, &found);
        self.seen.borrow_mut().push(found);
        None
    }

    fn diverge(&self, index: usize, expected: Option<&Event>, found: &Event) {
        let expected = expected.map_or_else(|| "nothing more".to_owned(), asked);
        let divergence = Divergence { index, expected, found: asked(found) };
        self.divergence.borrow_mut().get_or_insert(divergence);
    }

    fn wait(&self, wait: Wait) -> Answer {
        let found = Event::Waited(wait.clone(), Answer::Cancelled);
        let answer = self.next(found, |event| match event {
            Event::Waited(asked, answer) if *asked == wait => Some(answer.clone()),
            _ => None,
        });
        answer.unwrap_or(Answer::Cancelled)
    }

    /// The program is done: what it did not ask is a difference too.
    fn end(&self) {
        let index = self.next.get();
        if let Some(expected) = self.sample.trace.get(index) {
            let divergence =
                Divergence { index, expected: asked(expected), found: "nothing more".to_owned() };
            self.divergence.borrow_mut().get_or_insert(divergence);
        }
    }
}

/// What was asked, without the answer.
pub(super) fn asked(event: &Event) -> String {
    match event {
        Event::UnixTime(_) => "the time".to_owned(),
        Event::Random(bytes) => format!("{} random bytes", bytes.len()),
        Event::Log(level, message) => format!("to log at {level:?}: {message}"),
        Event::Env(name, _) => format!("the variable {name}"),
        Event::Secret(name, _) => format!("the secret {name}"),
        Event::Metric(name, kind, value) => format!("to measure {name} ({kind:?}): {value:?}"),
        Event::Waited(wait, _) => format!("{wait:?}"),
    }
}

impl Host for Record {
    fn unix_time_ns(&self) -> i128 {
        let known = self.next(Event::UnixTime(0), |event| match event {
            Event::UnixTime(time) => Some(*time),
            _ => None,
        });
        known.unwrap_or_default()
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn heap_bytes(&self) -> i64 {
        memory::held_bytes()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        let known = self.next(Event::Random(vec![0; buffer.len()]), |event| match event {
            Event::Random(bytes) if bytes.len() == buffer.len() => Some(bytes.clone()),
            _ => None,
        });
        if let Some(bytes) = known {
            buffer.copy_from_slice(&bytes);
        }
    }

    fn log(&self, line: LogLine<'_>) {
        let found = Event::Log(line.level, line.message.to_owned());
        self.next(found, |event| match event {
            Event::Log(level, message) => (*level == line.level && message == line.message).then_some(()),
            _ => None,
        });
    }

    fn env(&self, name: &str) -> Result<Option<String>, String> {
        let known = self.next(Event::Env(name.to_owned(), Ok(None)), |event| match event {
            Event::Env(asked, result) if asked == name => Some(result.clone()),
            _ => None,
        });
        known.unwrap_or(Ok(None))
    }

    fn secret(&self, name: &str) -> Result<String, String> {
        let known = self.next(Event::Secret(name.to_owned(), Ok(String::new())), |event| match event {
            Event::Secret(asked, result) if asked == name => Some(result.clone()),
            _ => None,
        });
        known.unwrap_or_else(|| Err("not in the record".into()))
    }

    fn metric(&self, metric: Metric<'_>) {
        let found = Event::Metric(metric.name.to_owned(), metric.kind, metric.value);
        self.next(found, |event| match event {
            Event::Metric(name, kind, value) => {
                let same = name == metric.name && *kind == metric.kind;
                (same && value.to_bits() == metric.value.to_bits()).then_some(())
            }
            _ => None,
        });
    }
}
