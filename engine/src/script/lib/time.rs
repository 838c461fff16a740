//! `time`: clocks, waiting, and times as text. Every text is in UTC.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};
use rhai::ImmutableString;

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
    /// Seconds since 1970 as RFC 3339 text, such as `2023-11-14T22:13:20Z`. Years -9999 to 9999.
    Pure Function [time] rfc3339(seconds: Int) -> Str = rfc3339;
    /// Seconds since 1970 as header fields have them, such as `Tue, 14 Nov 2023 22:13:20 GMT`. Years 0 to 9999.
    Pure Function [time] http_date(seconds: Int) -> Str = http_date;
    /// The seconds since 1970 of an RFC 3339 text with `Z` or an offset; a fraction of a second is cut off. Other
    /// text is an error.
    Pure Function [time] parse_rfc3339(text: Str) -> Int = parse_rfc3339;
    /// Seconds since 1970 by a pattern like that of `strftime`, at most 256 bytes: `%Y-%m-%d %H:%M:%S`, `%a` and
    /// `%b` for names, `%j` for the day of the year. An unknown directive is an error.
    Pure Function [time] format(seconds: Int, pattern: Str) -> Str = format_by;
};

/// Longest pattern of `format`: one directive of five bytes can ask for 255 bytes of text.
const PATTERN_BYTES_MAX: usize = 256;

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

fn timestamp(seconds: i64) -> HostResult<Timestamp> {
    match Timestamp::from_second(seconds) {
        Ok(timestamp) => Ok(timestamp),
        Err(_) => fail(format!("{seconds} seconds since 1970 are outside of the years -9999 to 9999")),
    }
}

fn rfc3339(seconds: i64) -> HostResult<ImmutableString> {
    Ok(timestamp(seconds)?.to_string().into())
}

fn http_date(seconds: i64) -> HostResult<ImmutableString> {
    match rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp(seconds)?) {
        Ok(text) => Ok(text.into()),
        Err(_) => fail(format!("{seconds} seconds since 1970 are outside of the years 0 to 9999")),
    }
}

fn parse_rfc3339(text: &str) -> HostResult<i64> {
    let parsed = if is_rfc3339(text) { text.parse::<Timestamp>().ok() } else { None };
    match parsed {
        // Before 1970 the fraction counts towards zero; seconds are cut off towards the past everywhere.
        Some(timestamp) => Ok(timestamp.as_second() - i64::from(timestamp.subsec_nanosecond() < 0)),
        None => fail("not an RFC 3339 time, such as 2023-11-14T22:13:20Z or 2023-11-14T23:13:20.5+01:00"),
    }
}

/// Whether a text has the form that RFC 3339 (section 5.6) allows: the parser takes many more.
fn is_rfc3339(text: &str) -> bool {
    let digits = |pattern: &str, text: &str| {
        pattern.len() == text.len()
            && pattern.bytes().zip(text.bytes()).all(|(wanted, byte)| match wanted {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't' | b' '),
                b'+' => matches!(byte, b'+' | b'-'),
                _ => byte == wanted,
            })
    };
    let Some((date_time, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else { return false };
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|character: char| character.is_ascii_digit()),
        None => rest,
    };
    let has_digits = !rest.starts_with('.') || rest.len() > offset.len() + 1;
    let is_offset = matches!(offset, "Z" | "z") || digits("+00:00", offset);
    digits("0000-00-00T00:00:00", date_time) && has_digits && is_offset
}

fn format_by(seconds: i64, pattern: &str) -> HostResult<ImmutableString> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return fail(format!("time::format: a pattern has at most {PATTERN_BYTES_MAX} bytes"));
    }
    match strtime::format(pattern, timestamp(seconds)?) {
        Ok(text) => Ok(text.into()),
        Err(error) => fail(format!("time::format: bad pattern {pattern:?}: {error}")),
    }
}
