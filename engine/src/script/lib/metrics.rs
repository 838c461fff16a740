//! `metrics`: numbers a script reports beside the gateway's own.

use rhai::Dynamic;

use super::values::number;
use crate::host::{Metric, MetricKind};
use crate::script::context::{HostResult, fail, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// Adds 1 to a counter. Names are 1 to 64 of the characters `a` to `z` and `_`; the first use makes the
    /// counter. Never put ids or paths into names.
    Ambient Function [metrics] count(name: Str) -> Unit = |name: &str| report(MetricKind::Count, name, 1.0);
    /// Adds a number that is not negative to a counter; see `count(name)`.
    Ambient Function [metrics] count(name: Str, by: Any) -> Unit = count;
    /// Sets a gauge to a number; names as for `count`.
    Ambient Function [metrics] gauge(name: Str, value: Any) -> Unit = gauge;
};

const NAME_BYTES_MAX: usize = 64;

fn count(name: &str, by: Dynamic) -> HostResult<()> {
    let by = number("metrics::count: by", &by)?;
    if by < 0.0 {
        return fail(format!("metrics::count: a counter only grows, by 0 or more, not {by}; use gauge"));
    }
    report(MetricKind::Count, name, by)
}

fn gauge(name: &str, value: Dynamic) -> HostResult<()> {
    report(MetricKind::Gauge, name, number("metrics::gauge: value", &value)?)
}

fn report(kind: MetricKind, name: &str, value: f64) -> HostResult<()> {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_valid) {
        return fail(format!("metrics: a name is 1 to {NAME_BYTES_MAX} of the characters a to z and _"));
    }
    with(|context| {
        context.host.metric(Metric { script: context.script(), name, kind, value });
    })
}
