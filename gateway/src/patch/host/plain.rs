//! The ambient services of callbacks that belong to no worker: making instances, self-tests, error pages, balancers and
//! access filters.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use forebay_engine::Host;
use forebay_engine::host::{LogLine, Metric};

use crate::{metrics, script_host};

/// Clocks, randomness and the log.
#[derive(Debug, Clone, Copy)]
pub(in crate::patch) struct PlainHost;

impl Host for PlainHost {
    fn unix_time_ns(&self) -> i128 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
    }

    fn monotonic_ns(&self) -> u64 {
        static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
        u64::try_from(STARTED.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn heap_bytes(&self) -> i64 {
        0
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        // The system's generator cannot fail once it is seeded, and it is by the time a process runs.
        aws_lc_rs::rand::fill(buffer).expect("the system's random generator works");
    }

    fn log(&self, line: LogLine<'_>) {
        script_host::write(&line);
    }

    fn env(&self, name: &str) -> Result<Option<String>, String> {
        Err(format!("the variable {name} can be read by hooks of middleware and by key lookups, not here"))
    }

    fn secret(&self, name: &str) -> Result<String, String> {
        Err(format!("the secret {name} can be read by hooks of middleware and by key lookups, not here"))
    }

    /// Counted by the worker that serves the request; while an instance is made or a patch tests itself there is none.
    fn metric(&self, metric: Metric<'_>) {
        if let Some(metrics) = metrics::of_this_thread() {
            metrics.custom(metric.script, metric.name, metric.kind, metric.value);
        }
    }
}
