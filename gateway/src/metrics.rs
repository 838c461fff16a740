//! Counters of the data plane: one set of cells per worker, summed when somebody asks.
//!
//! A cell is written by one worker only, so counting is an uncontended relaxed addition.

mod http2;
mod tls;
mod tunnels;
mod upstream;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay_engine::ErrorKind;
use forebay_engine::host::MetricKind;

pub use http2::Http2Metrics;
pub use tls::{TlsMetrics, render_expiries};
pub use tunnels::TunnelMetrics;
pub use upstream::render as render_upstreams;

/// Upper bounds of the duration buckets in microseconds: the OpenTelemetry advice, and finer below 5 ms.
const BUCKETS_US: [u64; 17] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
    2_500_000, 5_000_000, 7_500_000, 10_000_000,
];

thread_local! {
    /// The counters of the worker that runs on this thread.
    static OF_THIS_THREAD: RefCell<Option<Arc<WorkerMetrics>>> = const { RefCell::new(None) };
}

/// From now on this thread is the worker with these counters.
pub fn belong_to_this_thread(metrics: Arc<WorkerMetrics>) {
    OF_THIS_THREAD.replace(Some(metrics));
}

/// The counters of the worker that runs on this thread, for code that is called without its worker.
pub fn of_this_thread() -> Option<Arc<WorkerMetrics>> {
    OF_THIS_THREAD.with_borrow(Clone::clone)
}

/// Counters of one worker.
#[derive(Default)]
pub struct WorkerMetrics {
    /// Requests being served.
    pub active: Cell,
    /// Open client connections.
    pub connections: Cell,
    /// Answers by the first digit of their status.
    statuses: [Cell; 6],
    durations: [Cell; BUCKETS_US.len() + 1],
    duration_us_sum: Cell,
    /// HTTP/2 towards clients.
    pub http2: Http2Metrics,
    /// Handshakes with clients.
    pub tls: TlsMetrics,
    /// Connections of trusted proxies without a good header of the PROXY protocol.
    pub bad_announcements: Cell,
    /// Connections that have switched protocols.
    pub tunnels: TunnelMetrics,
    /// Requests that no upstream answered.
    pub upstream_errors: Cell,
    /// Hook calls of scripts.
    pub script_calls: Cell,
    /// Hook calls of native steps.
    pub native_calls: Cell,
    /// Microseconds spent in hook calls, waits included.
    pub script_us: Cell,
    /// Failed hook calls by kind.
    script_errors: [Cell; 17],
    /// Failed hook calls that did not end their request because the step says `on_error: open`.
    pub script_errors_open: Cell,
    /// What scripts count themselves; locked only by its own worker and by readers.
    custom: Mutex<BTreeMap<String, (MetricKind, f64)>>,
}

/// One counter.
#[derive(Default)]
pub struct Cell(AtomicU64);

impl Cell {
    /// Adds to the counter.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Raises a gauge by one until the mark is dropped.
    pub fn raised(&self) -> Raised<'_> {
        self.add(1);
        Raised(self)
    }

    /// Subtracts from a gauge.
    pub fn subtract(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A gauge that is raised by one for as long as this lives.
#[must_use]
pub struct Raised<'a>(&'a Cell);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.subtract(1);
    }
}

/// Most metrics that scripts may make up, per worker.
const CUSTOM_MAX: usize = 1_000;

impl WorkerMetrics {
    /// Counts one finished request.
    pub fn finished(&self, status: u16, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.partition_point(|&bound| bound < us);
        self.durations[bucket].add(1);
        self.duration_us_sum.add(us);
        self.statuses[usize::from(status / 100).min(5)].add(1);
    }

    /// Counts one failed hook call.
    pub fn script_error(&self, kind: ErrorKind) {
        self.script_errors[kind as usize].add(1);
    }

    /// Takes a measurement that a script reports.
    pub fn custom(&self, script: &str, name: &str, kind: MetricKind, value: f64) {
        let Ok(mut custom) = self.custom.lock() else { return };
        let key = format!("{name}{{script=\"{script}\"}}");
        if !custom.contains_key(&key) && custom.len() >= CUSTOM_MAX {
            return;
        }
        let entry = custom.entry(key).or_insert((kind, 0.0));
        match kind {
            MetricKind::Count => entry.1 += value,
            MetricKind::Gauge => entry.1 = value,
        }
    }
}

/// The sum over all workers of one cell.
pub fn sum<'a>(
    workers: impl Iterator<Item = &'a WorkerMetrics>,
    cell: impl Fn(&WorkerMetrics) -> u64,
) -> u64 {
    workers.map(cell).sum()
}

/// The counters in the Prometheus text format, version 0.0.4.
pub fn render(workers: &[&WorkerMetrics]) -> String {
    let mut text = String::new();
    let total = |cell: &dyn Fn(&WorkerMetrics) -> u64| workers.iter().map(|worker| cell(worker)).sum::<u64>();
    let mut simple = |name, kind, help, value| simple(&mut text, name, kind, help, value);
    simple("http_server_active_requests", "gauge", "Requests being served.", total(&|w| w.active.get()));
    simple("forebay_connections", "gauge", "Open client connections.", total(&|w| w.connections.get()));
    simple(
        "forebay_upstream_errors_total",
        "counter",
        "Requests without an answer of their upstream.",
        total(&|w| w.upstream_errors.get()),
    );
    simple(
        "forebay_script_calls_total",
        "counter",
        "Hook calls of scripts.",
        total(&|w| w.script_calls.get()),
    );
    simple(
        "forebay_native_calls_total",
        "counter",
        "Hook calls of built-in middleware and patches.",
        total(&|w| w.native_calls.get()),
    );
    simple(
        "forebay_script_duration_microseconds_total",
        "counter",
        "Time in hook calls, waits included.",
        total(&|w| w.script_us.get()),
    );
    simple(
        "forebay_script_errors_open_total",
        "counter",
        "Failed hook calls that let their request pass.",
        total(&|w| w.script_errors_open.get()),
    );
    simple(
        "forebay_proxy_protocol_failures_total",
        "counter",
        "Connections of trusted proxies without a good header of the PROXY protocol.",
        total(&|w| w.bad_announcements.get()),
    );
    http2::render(&mut text, &total);
    tunnels::render(&mut text, &total);
    tls::render(&mut text, &total);
    render_errors(&mut text, &total);
    render_durations(&mut text, &total);
    render_custom(&mut text, workers);
    text
}

/// One metric without labels.
fn simple(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
}

type Total<'a> = dyn Fn(&dyn Fn(&WorkerMetrics) -> u64) -> u64 + 'a;

fn render_errors(text: &mut String, total: &Total<'_>) {
    text.push_str(
        "# HELP forebay_script_errors_total Failed hook calls.\n# TYPE forebay_script_errors_total counter\n",
    );
    for kind in ErrorKind::ALL {
        let count = total(&|w| w.script_errors[kind as usize].get());
        let _ = writeln!(text, "forebay_script_errors_total{{kind=\"{}\"}} {count}", kind.as_str());
    }
    text.push_str("# HELP forebay_responses_total Answers by class of status.\n# TYPE forebay_responses_total counter\n");
    for class in 1..=5_usize {
        let count = total(&|w| w.statuses[class].get());
        let _ = writeln!(text, "forebay_responses_total{{class=\"{class}xx\"}} {count}");
    }
}

fn render_durations(text: &mut String, total: &Total<'_>) {
    let name = "http_server_request_duration_seconds";
    let _ = write!(
        text,
        "# HELP {name} Time from a request's head to the last byte of its answer.\n# TYPE {name} histogram\n"
    );
    let mut count = 0;
    for (index, bound) in BUCKETS_US.iter().enumerate() {
        count += total(&|w| w.durations[index].get());
        #[expect(clippy::cast_precision_loss, reason = "the bounds are small")]
        let bound = *bound as f64 / 1e6;
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {count}");
    }
    count += total(&|w| w.durations[BUCKETS_US.len()].get());
    #[expect(clippy::cast_precision_loss, reason = "a sum of times needs no last digit")]
    let sum = total(&|w| w.duration_us_sum.get()) as f64 / 1e6;
    let _ = write!(text, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}\n");
}

fn render_custom(text: &mut String, workers: &[&WorkerMetrics]) {
    let mut merged: BTreeMap<String, f64> = BTreeMap::new();
    for worker in workers {
        let Ok(custom) = worker.custom.lock() else { continue };
        for (key, (kind, value)) in &*custom {
            let entry = merged.entry(key.clone()).or_insert(0.0);
            match kind {
                MetricKind::Count => *entry += value,
                MetricKind::Gauge => *entry = value.max(*entry),
            }
        }
    }
    for (key, value) in merged {
        let _ = writeln!(text, "forebay_script_{key} {value}");
    }
}
