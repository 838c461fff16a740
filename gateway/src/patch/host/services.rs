//! Services that answer at once: environment, secrets, log, metrics, clocks, randomness.
#![expect(unsafe_code, reason = "arguments of patches are read through their pointers")]

use forebay_engine::host::{LogLevel, LogLine, Metric, MetricKind};
use forebay_patch_abi::{self as abi, Call, Slice, Status};

use super::frame::{Fault, Phase, give, with};
use super::outcome;

/// Longest log line, in bytes; the rest is cut.
const LOG_BYTES_MAX: usize = 8 << 10;
/// Most random bytes at once.
const RANDOM_BYTES_MAX: usize = 1 << 20;

pub(super) unsafe extern "C" fn environment(call: Call, name: Slice, value: *mut Slice) -> Status {
    give(call, value, Slice::ABSENT, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { outcome::text(name, "the name of the variable") }?;
        if frame.phase == Phase::Create {
            return Err(Fault::unavailable("the environment can be read while a request is served"));
        }
        let found = frame.host.env(name).map_err(|reason| Fault::new(abi::REFUSED, reason))?;
        Ok(found.map(|value| frame.keep_text(value)))
    })
}

pub(super) unsafe extern "C" fn secret(call: Call, name: Slice, value: *mut Slice) -> Status {
    give(call, value, Slice::ABSENT, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { outcome::text(name, "the name of the secret") }?;
        if frame.phase == Phase::Create {
            return Err(Fault::unavailable("secrets can be read while a request is served"));
        }
        let secret = frame.host.secret(name).map_err(|reason| Fault::new(abi::REFUSED, reason))?;
        Ok(Some(frame.keep_text(secret)))
    })
}

pub(super) unsafe extern "C" fn log(call: Call, level: u32, message: Slice) -> Status {
    with(call, |frame| {
        let level = match level {
            abi::LOG_TRACE => LogLevel::Trace,
            abi::LOG_DEBUG => LogLevel::Debug,
            abi::LOG_INFO => LogLevel::Info,
            abi::LOG_WARN => LogLevel::Warn,
            abi::LOG_ERROR => LogLevel::Error,
            other => return Err(Fault::invalid(format!("there is no level {other}"))),
        };
        // SAFETY: the patch passes bytes that can be read during this call.
        let message = unsafe { outcome::lossy(message, LOG_BYTES_MAX) };
        let request_id = frame.request_id();
        frame.host.log(LogLine { level, script: frame.name, request_id, message: &message });
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn metric(call: Call, name: Slice, kind: u32, value: f64) -> Status {
    with(call, |frame| {
        let kind = match kind {
            abi::METRIC_COUNT => MetricKind::Count,
            abi::METRIC_GAUGE => MetricKind::Gauge,
            other => return Err(Fault::invalid(format!("there is no kind of metric {other}"))),
        };
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { outcome::text(name, "the name of the metric") }?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(Fault::invalid(format!(
                "{name:?} is no name of a metric: expected [a-z_]+, at most 64 bytes"
            )));
        }
        if !value.is_finite() || (kind == MetricKind::Count && value < 0.0) {
            return Err(Fault::invalid(format!("{value} is no amount; a counter takes no negative one")));
        }
        frame.host.metric(Metric { script: frame.name, name, kind, value });
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn unix_time(call: Call, nanoseconds: *mut i64) -> Status {
    give(call, nanoseconds, 0, |frame| Ok(Some(i64::try_from(frame.host.unix_time_ns()).unwrap_or(i64::MAX))))
}

pub(super) unsafe extern "C" fn monotonic_time(call: Call, nanoseconds: *mut u64) -> Status {
    give(call, nanoseconds, 0, |frame| Ok(Some(frame.host.monotonic_ns())))
}

pub(super) unsafe extern "C" fn random(call: Call, buffer: *mut u8, len: usize) -> Status {
    with(call, |frame| {
        if len > RANDOM_BYTES_MAX {
            return Err(Fault::invalid(format!("more than {RANDOM_BYTES_MAX} random bytes at once")));
        }
        if len == 0 {
            return Ok(abi::OK);
        }
        if buffer.is_null() {
            return Err(Fault::invalid("the buffer is null"));
        }
        let mut random = vec![0; len];
        frame.host.fill_random(&mut random);
        // SAFETY: the patch gives a buffer of `len` bytes that can be written; it may not be initialised, so it is
        // written through its pointer.
        unsafe { buffer.copy_from_nonoverlapping(random.as_ptr(), len) };
        Ok(abi::OK)
    })
}
