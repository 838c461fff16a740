//! The ambient services of scripts on one worker: clocks, randomness, log, environment, secrets, metrics.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use forebay_engine::Host;
use forebay_engine::host::{LogLevel, LogLine, Metric};

use crate::config::{ScriptSettings, Secret};
use crate::memory;
use crate::metrics::WorkerMetrics;

/// Longest log line of a script, in bytes; the rest is cut.
const LOG_BYTES_MAX: usize = 8 << 10;

/// What the monotonic clock counts from: one start for all workers and generations, so that steps which outlive a
/// reload can compare times.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// One worker's services for the steps of one generation.
pub struct ScriptHost {
    env_allow: Vec<String>,
    secrets: BTreeMap<String, Secret>,
    metrics: Arc<WorkerMetrics>,
}

impl ScriptHost {
    /// Services as the configuration allows them.
    pub fn new(settings: &ScriptSettings, metrics: Arc<WorkerMetrics>) -> Self {
        Self { env_allow: settings.env_allow.clone(), secrets: settings.secrets.clone(), metrics }
    }
}

impl Host for ScriptHost {
    fn unix_time_ns(&self) -> i128 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        }
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(STARTED.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn heap_bytes(&self) -> i64 {
        memory::held_bytes()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        // The system's generator cannot fail once it is seeded, and it is by the time a process runs.
        aws_lc_rs::rand::fill(buffer).expect("the system's random generator works");
    }

    fn log(&self, line: LogLine<'_>) {
        write(&line);
    }

    fn env(&self, name: &str) -> Result<Option<String>, String> {
        if !self.env_allow.iter().any(|allowed| allowed == name) {
            return Err(format!("scripts may not read the variable {name}; name it in scripts.env"));
        }
        Ok(std::env::var(name).ok())
    }

    fn secret(&self, name: &str) -> Result<String, String> {
        match self.secrets.get(name) {
            Some(secret) => Ok(secret.0.clone()),
            None => Err(format!("there is no secret {name:?}; define it in scripts.secrets")),
        }
    }

    fn metric(&self, metric: Metric<'_>) {
        self.metrics.custom(metric.script, metric.name, metric.kind, metric.value);
    }
}

/// The text with control characters escaped: what a script logs may come from a client, and must not be able to
/// look like another line of the log.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escaped =
        text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() });
    Cow::Owned(escaped.collect())
}

/// Writes the log line of a step.
pub(crate) fn write(line: &LogLine<'_>) {
    let mut end = line.message.len().min(LOG_BYTES_MAX);
    while !line.message.is_char_boundary(end) {
        end -= 1;
    }
    let message = one_line(&line.message[..end]);
    let (script, request_id) = (line.script, line.request_id);
    match line.level {
        LogLevel::Trace => tracing::trace!(target: "script", script, request_id, "{message}"),
        LogLevel::Debug => tracing::debug!(target: "script", script, request_id, "{message}"),
        LogLevel::Info => tracing::info!(target: "script", script, request_id, "{message}"),
        LogLevel::Warn => tracing::warn!(target: "script", script, request_id, "{message}"),
        LogLevel::Error => tracing::error!(target: "script", script, request_id, "{message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_message_stays_on_its_line() {
        assert_eq!(one_line("caf\u{e9} \\ \"x\""), "caf\u{e9} \\ \"x\"");
        assert_eq!(one_line("a\r\nERROR b\u{1b}[2J"), "a\\r\\nERROR b\\u{1b}[2J");
    }
}
