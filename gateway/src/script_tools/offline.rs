//! The world around a script when there is no gateway: clock, randomness, store, outbound calls, environment.
//!
//! An [`Offline`] is what the author wrote down, plus a record of what the script did with it. It serves the
//! engine's ambient calls as a [`Host`] and its waits in [`mod@drive`]. Sleeping moves the clock instead of
//! waiting. Nothing here reaches the network, the file system or the environment.

mod clock;
mod drive;
mod mocks;
mod store;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use forebay_engine::Host;
use forebay_engine::host::{LogLevel, LogLine, Metric, MetricKind};

use super::Project;
use super::scene::Scene;
use clock::{Clock, Randomness};
pub(super) use drive::{answer, drive, drive_call};
use mocks::Mocks;
pub(super) use mocks::RecordedCall;
pub(super) use store::Store;

/// Most bytes of log lines and of each other record that are kept.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// A world; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Offline(Arc<Mutex<State>>);

/// The world and the record of what happened in it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) kv: Store,
    pub(super) http: Mocks,
    pub(super) log: Record<LogEntry>,
    pub(super) metrics: Record<MetricEntry>,
    /// What the script waited for and what came of it, one line each.
    pub(super) waits: Record<String>,
    randomness: Randomness,
    env: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
}

/// A list that stops growing before it is a danger.
#[derive(Debug)]
pub(super) struct Record<T> {
    pub(super) entries: Vec<T>,
    bytes: usize,
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), bytes: 0 }
    }
}

impl<T> Record<T> {
    /// Adds an entry of about this size; dropped when the record is full.
    fn push(&mut self, entry: T, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes + size_of::<T>());
        if self.bytes <= RECORD_BYTES_MAX {
            self.entries.push(entry);
        }
    }
}

/// A log line of a script.
#[derive(Debug, Clone)]
pub(super) struct LogEntry {
    pub(super) level: &'static str,
    pub(super) message: String,
}

/// A measurement of a script.
#[derive(Debug, Clone)]
pub(super) struct MetricEntry {
    pub(super) name: String,
    /// `count` or `gauge`.
    pub(super) kind: &'static str,
    pub(super) value: f64,
}

impl Offline {
    /// The world a scene describes.
    ///
    /// # Errors
    /// The key and what it should have been.
    pub(super) fn new(scene: &Scene) -> Result<Self, String> {
        let clock = Clock::new(scene.now.as_deref())?;
        let kv = Store::new(&scene.kv)?;
        let mut http = Mocks::default();
        for mock in &scene.http {
            http.add(mock)?;
        }
        Ok(Self(Arc::new(Mutex::new(State {
            clock,
            kv,
            http,
            log: Record::default(),
            metrics: Record::default(),
            waits: Record::default(),
            randomness: Randomness::new(scene.seed),
            env: scene.env.clone(),
            secrets: scene.secrets.clone(),
        }))))
    }

    /// The state. A lock, because values of test scripts may be sent between threads; it is never contended.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A host for one call.
    pub(super) fn host(&self, project: &Project) -> Rc<dyn Host> {
        Rc::new(OfflineHost { world: self.clone(), heap_bytes: project.heap_bytes })
    }
}

struct OfflineHost {
    world: Offline,
    heap_bytes: fn() -> i64,
}

impl Host for OfflineHost {
    fn unix_time_ns(&self) -> i128 {
        self.world.state().clock.unix_ns()
    }

    fn monotonic_ns(&self) -> u64 {
        self.world.state().clock.monotonic_ns()
    }

    fn heap_bytes(&self) -> i64 {
        (self.heap_bytes)()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.world.state().randomness.fill(buffer);
    }

    fn log(&self, line: LogLine<'_>) {
        let entry = LogEntry { level: level_name(line.level), message: line.message.to_owned() };
        self.world.state().log.push(entry, line.message.len());
    }

    fn env(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.world.state().env.get(name).cloned())
    }

    fn secret(&self, name: &str) -> Result<String, String> {
        let known = self.world.state().secrets.get(name).cloned();
        known.ok_or_else(|| format!("there is no secret {name}; give it one under `secrets`"))
    }

    fn metric(&self, metric: Metric<'_>) {
        let kind = match metric.kind {
            MetricKind::Count => "count",
            MetricKind::Gauge => "gauge",
        };
        let entry = MetricEntry { name: metric.name.to_owned(), kind, value: metric.value };
        self.world.state().metrics.push(entry, metric.name.len());
    }
}

/// The word for a level in reports.
fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}
