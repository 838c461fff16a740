//! `log` in `on_log`: the access record, about to be written.

use rhai::{Dynamic, ImmutableString};

use crate::exchange::AccessRecord;
use crate::script::context::{HostResult, fail, with_exchange};
use crate::script::table::{HostFunction, host_functions};

/// The access record of the running call.
#[derive(Debug, Clone, Copy)]
pub struct Log;

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// Microseconds from the request's head to the last byte of the response.
    Reads Getter [Log] total_us() -> Int = total;
    /// Microseconds spent waiting for the upstream's response head.
    Reads Getter [Log] upstream_us() -> Int = upstream;
    /// Microseconds spent in steps, their waits included.
    Reads Getter [Log] steps_us() -> Int = steps;
    /// Body bytes received from the client.
    Reads Getter [Log] request_bytes() -> Int = request_bytes;
    /// Body bytes sent to the client.
    Reads Getter [Log] response_bytes() -> Int = response_bytes;
    /// The short code for the way the exchange ended.
    Reads Getter [Log] end_reason() -> Str = end_reason;
    /// A field added before, or `()`.
    Reads IndexGetter [Log] index(name: Str) -> Any = get;
    /// Adds a field to the record; anything JSON can hold.
    Mutates IndexSetter [Log] index(name: Str, value: Any) -> Unit = set;
    /// Keeps the record from being written.
    Mutates Method [Log] suppress() -> Unit = suppress;
};

fn with_record<T>(f: impl FnOnce(&mut AccessRecord) -> T) -> HostResult<T> {
    with_exchange(|exchange| match &mut exchange.access {
        Some(record) => Ok(f(record)),
        None => fail("the access record exists in on_log only"),
    })?
}

fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn total(_: &mut Log) -> HostResult<i64> {
    with_record(|record| int(record.total_microseconds))
}

fn upstream(_: &mut Log) -> HostResult<i64> {
    with_record(|record| int(record.upstream_microseconds))
}

fn steps(_: &mut Log) -> HostResult<i64> {
    with_record(|record| int(record.steps_microseconds))
}

fn request_bytes(_: &mut Log) -> HostResult<i64> {
    with_record(|record| int(record.request_bytes))
}

fn response_bytes(_: &mut Log) -> HostResult<i64> {
    with_record(|record| int(record.response_bytes))
}

fn end_reason(_: &mut Log) -> HostResult<ImmutableString> {
    with_record(|record| record.end_reason.into())
}

fn get(_: &mut Log, name: &str) -> HostResult<Dynamic> {
    with_record(|record| record.extra.get(name).cloned().unwrap_or(Dynamic::UNIT))
}

fn set(_: &mut Log, name: &str, value: Dynamic) -> HostResult<()> {
    super::dynamic_to_json(&value)?;
    with_record(|record| {
        record.extra.insert(name.into(), value);
    })
}

fn suppress(_: &mut Log) -> HostResult<()> {
    with_record(|record| record.suppressed = true)
}
