//! `time`: clocks, and waiting.

use std::time::Duration;

use crate::host::Wait;
use crate::script::context::{HostResult, fail, wait, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// Seconds since 1970-01-01 UTC.
    Ambient Function [time] now() -> Int = now;
    /// Milliseconds since 1970-01-01 UTC.
    Ambient Function [time] now_ms() -> Int = now_ms;
    /// Waits; other requests go on meanwhile. The global `sleep(seconds)` does the same.
    Waits Function [time] sleep_ms(milliseconds: Int) -> Unit = sleep_ms;
};

fn now() -> HostResult<i64> {
    with(|context| i64::try_from(context.host.unix_time_ns() / 1_000_000_000).unwrap_or(i64::MAX))
}

fn now_ms() -> HostResult<i64> {
    with(|context| i64::try_from(context.host.unix_time_ns() / 1_000_000).unwrap_or(i64::MAX))
}

fn sleep_ms(milliseconds: i64) -> HostResult<()> {
    match u64::try_from(milliseconds) {
        Ok(milliseconds) => wait(Wait::Sleep(Duration::from_millis(milliseconds))).map(|_| ()),
        Err(_) => fail("a time to sleep cannot be negative"),
    }
}

/// Rhai's global `sleep`.
pub(in crate::script) fn sleep_seconds(seconds: f64) -> HostResult<()> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) => wait(Wait::Sleep(time)).map(|_| ()),
        Err(_) => fail("a time to sleep is a number of seconds that is not negative"),
    }
}
