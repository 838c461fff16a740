//! `kv`: the key-value store that the configuration names, shared by all scripts and requests.

use std::time::Duration;

use bytes::Bytes;
use rhai::{Blob, Dynamic, ImmutableString};

use crate::host::{Answer, KvOperation, KvValue, Wait};
use crate::script::api::scalar_text;
use crate::script::context::{HostResult, fail, wait};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The value of a key as a string, or as a blob if it is no UTF-8; `()` if there is none. Numbers and bools
    /// come back as strings. Keys have 1 to 512 bytes. When the store cannot answer, every function here is an
    /// error, which `try` can catch.
    Waits Function [kv] get(key: Str) -> Any = get;
    /// Stores a string, blob, number or bool until it is deleted or evicted; `true` if it was stored. Use
    /// `json::stringify` for maps and arrays.
    Waits Function [kv] set(key: Str, value: Any) -> Bool =
        |key: &str, value: Dynamic| set(key, &value, None, Existing::Replace);
    /// Like `set(key, value)`, for a number of seconds, at least 1.
    Waits Function [kv] set(key: Str, value: Any, ttl_seconds: Int) -> Bool =
        |key: &str, value: Dynamic, ttl: i64| set(key, &value, Some(ttl), Existing::Replace);
    /// Stores a value for a number of seconds only if the key has none yet; `true` if it was stored. Of several
    /// requests at once, one gets `true`.
    Waits Function [kv] set_nx(key: Str, value: Any, ttl_seconds: Int) -> Bool =
        |key: &str, value: Dynamic, ttl: i64| set(key, &value, Some(ttl), Existing::Keep);
    /// Adds 1 to the integer of a key, 0 if there is none, and returns the sum. Simultaneous additions all count.
    /// A value that is no integer is an error.
    Waits Function [kv] incr(key: Str) -> Int = |key: &str| increment(key, 1, None);
    /// Adds an integer, which may be negative; see `incr(key)`.
    Waits Function [kv] incr(key: Str, by: Int) -> Int = |key: &str, by: i64| increment(key, by, None);
    /// Adds an integer; a key that this makes lives for a number of seconds, at least 1, from now. One that was
    /// there keeps its time: this counts in windows.
    Waits Function [kv] incr(key: Str, by: Int, ttl_seconds: Int) -> Int =
        |key: &str, by: i64, ttl: i64| increment(key, by, Some(ttl));
    /// Removes a key; `true` if it was there.
    Waits Function [kv] delete(key: Str) -> Bool = delete;
    /// The seconds a key has left, begun ones count whole; -1 if it stays for ever, -2 if there is no such key.
    Waits Function [kv] ttl(key: Str) -> Int = ttl;
};

const KEY_BYTES_MAX: usize = 512;

/// Longest time to live, 100 years: adding it to a clock must not overflow.
const TTL_SECONDS_MAX: i64 = 100 * 365 * 24 * 60 * 60;

/// What to do with a value that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    Replace,
    Keep,
}

fn ask(operation: KvOperation) -> HostResult<KvValue> {
    match wait(Wait::Kv(operation))? {
        Answer::Kv(Ok(value)) => Ok(value),
        Answer::Kv(Err(reason)) => fail(format!("kv: {reason}")),
        other => {
            fail(format!("the gateway answered a kv operation with {other:?}; please report this as a bug"))
        }
    }
}

fn unexpected<T>(value: &KvValue) -> HostResult<T> {
    fail(format!("kv: the store answered {value:?}; please report this as a bug"))
}

fn ask_bool(operation: KvOperation) -> HostResult<bool> {
    match ask(operation)? {
        KvValue::Bool(flag) => Ok(flag),
        other => unexpected(&other),
    }
}

fn ask_int(operation: KvOperation) -> HostResult<i64> {
    match ask(operation)? {
        KvValue::Int(number) => Ok(number),
        other => unexpected(&other),
    }
}

fn checked_key(key: &str) -> HostResult<String> {
    match key.len() {
        1..=KEY_BYTES_MAX => Ok(key.to_owned()),
        bytes => fail(format!(
            "kv: a key has 1 to {KEY_BYTES_MAX} bytes, not {bytes}; use hash::sha256 for long ones"
        )),
    }
}

fn checked_ttl(seconds: i64) -> HostResult<Duration> {
    match u64::try_from(seconds) {
        Ok(whole) if (1..=TTL_SECONDS_MAX).contains(&seconds) => Ok(Duration::from_secs(whole)),
        _ => fail(format!(
            "kv: a time to live is 1 to {TTL_SECONDS_MAX} seconds, not {seconds}; leave it out to keep the value"
        )),
    }
}

fn stored_bytes(value: &Dynamic) -> HostResult<Bytes> {
    if let Some(text) = scalar_text(value) {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    match value.read_lock::<Blob>() {
        Some(blob) => Ok(Bytes::copy_from_slice(&blob)),
        None => fail(format!(
            "kv: a value is a string, blob, number or bool, not {}; use json::stringify for maps and arrays",
            value.type_name()
        )),
    }
}

fn get(key: &str) -> HostResult<Dynamic> {
    match ask(KvOperation::Get { key: checked_key(key)? })? {
        KvValue::Nothing => Ok(Dynamic::UNIT),
        KvValue::Bytes(bytes) => Ok(match std::str::from_utf8(&bytes) {
            Ok(text) => ImmutableString::from(text).into(),
            Err(_) => Dynamic::from_blob(bytes.to_vec()),
        }),
        KvValue::Int(number) => Ok(ImmutableString::from(number.to_string()).into()),
        other @ KvValue::Bool(_) => unexpected(&other),
    }
}

fn set(key: &str, value: &Dynamic, ttl_seconds: Option<i64>, existing: Existing) -> HostResult<bool> {
    ask_bool(KvOperation::Set {
        key: checked_key(key)?,
        value: stored_bytes(value)?,
        ttl: ttl_seconds.map(checked_ttl).transpose()?,
        only_if_absent: existing == Existing::Keep,
    })
}

fn increment(key: &str, by: i64, ttl_seconds: Option<i64>) -> HostResult<i64> {
    let ttl = ttl_seconds.map(checked_ttl).transpose()?;
    ask_int(KvOperation::Increment { key: checked_key(key)?, by, ttl })
}

fn delete(key: &str) -> HostResult<bool> {
    ask_bool(KvOperation::Delete { key: checked_key(key)? })
}

fn ttl(key: &str) -> HostResult<i64> {
    let milliseconds = ask_int(KvOperation::Ttl { key: checked_key(key)? })?;
    // Rounded up: a key that is there must not look as if its time was over.
    Ok(if milliseconds < 0 {
        milliseconds
    } else {
        milliseconds / 1_000 + i64::from(milliseconds % 1_000 > 0)
    })
}
