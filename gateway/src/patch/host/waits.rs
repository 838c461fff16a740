//! Services that take time: the key-value store, sleeping, outbound HTTP.
#![expect(unsafe_code, reason = "arguments of patches are read through their pointers")]

use std::time::Duration;

use bytes::Bytes;
use forebay_engine::host::{HttpAnswer, HttpCall, KvOperation, KvValue};
use forebay_engine::{Answer, Wait};
use forebay_patch_abi::{self as abi, Call, Slice, Status};
use http::{HeaderMap, Method};

use super::frame::{Fault, Frame, Kept, give, wait, with};
use super::{headers, outcome};

/// Most requests that are sent at once.
const REQUESTS_MAX: usize = 64;
/// Largest answer table that a newer patch can have.
const ANSWER_BYTES_MAX: usize = 4096;

fn milliseconds(time: u64) -> Option<Duration> {
    (time > 0).then(|| Duration::from_millis(time))
}

/// # Safety
/// As [`Slice::bytes`].
unsafe fn key(key: Slice) -> Result<String, Fault> {
    // SAFETY: the caller promises it.
    let key = unsafe { outcome::text(key, "the key") }?;
    match key.len() {
        1..=512 => Ok(key.to_owned()),
        bytes => Err(Fault::invalid(format!("a key has 1 to 512 bytes, and this one has {bytes}"))),
    }
}

/// Makes the operation, waits for the store, and calls `f` with its answer.
fn ask<T>(
    call: Call,
    out: Option<(*mut T, T)>,
    operation: impl FnOnce() -> Result<KvOperation, Fault>,
    f: impl FnOnce(&mut Frame<'_>, KvValue) -> Result<Option<T>, Fault>,
) -> Status {
    let mut made = None;
    let status = with(call, |_| {
        made = Some(operation()?);
        Ok(abi::OK)
    });
    let Some(operation) = made else { return status };
    let answer = match wait(call, Wait::Kv(operation)) {
        Ok(answer) => answer,
        Err(status) => return status,
    };
    let come_to = |frame: &mut Frame<'_>| match answer {
        Answer::Kv(Ok(value)) => f(frame, value),
        Answer::Kv(Err(reason)) => Err(Fault::new(abi::UNREACHABLE, reason)),
        other => Err(Fault::new(abi::FAILED, format!("the store answered {other:?}; please report this"))),
    };
    match out {
        Some((out, nothing)) => give(call, out, nothing, come_to),
        None => with(call, |frame| Ok(if come_to(frame)?.is_some() { abi::OK } else { abi::ABSENT })),
    }
}

pub(super) unsafe extern "C" fn kv_get(call: Call, name: Slice, value: *mut Slice) -> Status {
    // SAFETY: the patch passes bytes that can be read during this call.
    let operation = || Ok(KvOperation::Get { key: unsafe { key(name) }? });
    ask(call, Some((value, Slice::ABSENT)), operation, |frame, found| match found {
        KvValue::Bytes(bytes) => Ok(Some(frame.keep_bytes(bytes))),
        KvValue::Int(number) => Ok(Some(frame.keep_text(number.to_string()))),
        KvValue::Nothing | KvValue::Bool(_) => Ok(None),
    })
}

pub(super) unsafe extern "C" fn kv_set(
    call: Call,
    name: Slice,
    value: Slice,
    ttl_milliseconds: u64,
    only_if_absent: u32,
) -> Status {
    let operation = || {
        // SAFETY: the patch passes bytes that can be read during this call.
        let key = unsafe { key(name) }?;
        // SAFETY: as above.
        let value = Bytes::copy_from_slice(unsafe { value.bytes() });
        let ttl = milliseconds(ttl_milliseconds);
        Ok(KvOperation::Set { key, value, ttl, only_if_absent: only_if_absent != 0 })
    };
    ask(call, None, operation, |_, stored| Ok((stored == KvValue::Bool(true)).then_some(())))
}

pub(super) unsafe extern "C" fn kv_increment(
    call: Call,
    name: Slice,
    by: i64,
    ttl_milliseconds: u64,
    sum: *mut i64,
) -> Status {
    let operation = || {
        // SAFETY: the patch passes bytes that can be read during this call.
        let key = unsafe { key(name) }?;
        Ok(KvOperation::Increment { key, by, ttl: milliseconds(ttl_milliseconds) })
    };
    ask(call, Some((sum, 0)), operation, |_, value| match value {
        KvValue::Int(number) => Ok(Some(number)),
        other => Err(Fault::new(abi::FAILED, format!("the store counted {other:?}; please report this"))),
    })
}

pub(super) unsafe extern "C" fn kv_delete(call: Call, name: Slice) -> Status {
    // SAFETY: the patch passes bytes that can be read during this call.
    let operation = || Ok(KvOperation::Delete { key: unsafe { key(name) }? });
    ask(call, None, operation, |_, existed| Ok((existed == KvValue::Bool(true)).then_some(())))
}

pub(super) unsafe extern "C" fn kv_ttl(call: Call, name: Slice, milliseconds: *mut i64) -> Status {
    // SAFETY: the patch passes bytes that can be read during this call.
    let operation = || Ok(KvOperation::Ttl { key: unsafe { key(name) }? });
    ask(call, Some((milliseconds, 0)), operation, |_, left| match left {
        KvValue::Int(left) if left >= -1 => Ok(Some(left)),
        _ => Ok(None),
    })
}

pub(super) unsafe extern "C" fn sleep(call: Call, milliseconds: u64) -> Status {
    let needed = match milliseconds {
        0 => Wait::TimeSlice,
        time => Wait::Sleep(Duration::from_millis(time)),
    };
    match wait(call, needed) {
        Ok(_) => abi::OK,
        Err(status) => status,
    }
}

pub(super) unsafe extern "C" fn http(
    call: Call,
    requests: *const *const abi::HttpRequest,
    answers: *const *mut abi::HttpAnswer,
    count: usize,
) -> Status {
    let mut calls = Vec::new();
    let status = with(call, |_| {
        if count == 0 || count > REQUESTS_MAX || requests.is_null() || answers.is_null() {
            return Err(Fault::invalid(format!("expected 1 to {REQUESTS_MAX} requests and as many answers")));
        }
        // SAFETY: the patch passes an array of so many pointers, and it is not null.
        let requests = unsafe { std::slice::from_raw_parts(requests, count) };
        // SAFETY: as above.
        let answers = unsafe { std::slice::from_raw_parts(answers, count) };
        for (index, (request, answer)) in requests.iter().zip(answers).enumerate() {
            if request.is_null() || answer.is_null() {
                return Err(Fault::invalid(format!("request or answer {index} is null")));
            }
            // SAFETY: it is not null, and begins with its size.
            let request_size = unsafe { request.cast::<usize>().read() };
            // SAFETY: as above.
            let answer_size = unsafe { answer.cast::<usize>().read() };
            let fits = request_size >= size_of::<abi::HttpRequest>()
                && (size_of::<abi::HttpAnswer>()..=ANSWER_BYTES_MAX).contains(&answer_size);
            if !fits {
                return Err(Fault::invalid(format!("set `size` of request and answer {index} to sizeof")));
            }
            // SAFETY: it has the size that it says.
            let request = unsafe { request.read() };
            // SAFETY: what it points to can be read during this call.
            calls.push(unsafe { outbound(&request) }?);
        }
        Ok(abi::OK)
    });
    if status != abi::OK {
        return status;
    }
    let answer = match wait(call, Wait::Http(calls)) {
        Ok(answer) => answer,
        Err(status) => return status,
    };
    with(call, |frame| {
        let Answer::Http(results) = answer else {
            return Err(Fault::new(abi::FAILED, "the client gave no answers; please report this"));
        };
        // SAFETY: the patch passes an array of so many pointers, as was checked before the wait.
        let places = unsafe { std::slice::from_raw_parts(answers, count) };
        for (place, result) in places.iter().zip(results) {
            // SAFETY: the table is large enough, as was checked before the wait, and the patch keeps it in place.
            let size = unsafe { place.cast::<usize>().read() };
            let answer = abi::HttpAnswer { size, ..told(frame, result) };
            // SAFETY: as above.
            unsafe { place.write(answer) };
        }
        Ok(abi::OK)
    })
}

/// # Safety
/// What the request points to can be read.
unsafe fn outbound(request: &abi::HttpRequest) -> Result<HttpCall, Fault> {
    // SAFETY: the caller promises it.
    let method = match unsafe { request.method.bytes() } {
        b"" => Method::GET,
        text => Method::from_bytes(text).map_err(|_| Fault::invalid("the method is none"))?,
    };
    // SAFETY: as above.
    let url = unsafe { outcome::text(request.url, "the URL") }?.to_owned();
    let mut fields = HeaderMap::new();
    if request.headers.len > 0 && request.headers.ptr.is_null() {
        return Err(Fault::invalid("the header fields are null"));
    }
    let list = match request.headers.len {
        0 => &[],
        // SAFETY: as above; the array has so many fields, and is not null.
        len => unsafe { std::slice::from_raw_parts(request.headers.ptr, len) },
    };
    for field in list {
        // SAFETY: as above.
        let name = headers::settable(unsafe { field.name.bytes() })?;
        // SAFETY: as above.
        let value = headers::parse_value(&name, unsafe { field.value.bytes() })?;
        if fields.try_append(name, value).is_err() {
            return Err(Fault::invalid("too many header fields"));
        }
    }
    // SAFETY: as above.
    let body = Bytes::copy_from_slice(unsafe { request.body.bytes() });
    Ok(HttpCall { method, url, headers: fields, body, timeout: milliseconds(request.timeout_milliseconds) })
}

fn told(frame: &mut Frame<'_>, result: Result<HttpAnswer, String>) -> abi::HttpAnswer {
    let none = abi::Fields { ptr: std::ptr::null(), len: 0 };
    match result {
        Ok(HttpAnswer { status, headers: fields, body }) => {
            let list = fields.iter().map(|(name, value)| headers::field(name, value)).collect();
            // Values are shared slices of a buffer, and names are as well or lie in the map's own memory.
            frame.keep(Kept::Headers(fields));
            let list = frame.keep_fields(list);
            let (status, body) = (u32::from(status.as_u16()), frame.keep_bytes(body));
            abi::HttpAnswer { size: 0, status, headers: list, body, error: Slice::ABSENT }
        }
        Err(reason) => {
            let error = frame.keep_text(reason);
            abi::HttpAnswer { size: 0, status: 0, headers: none, body: Slice::ABSENT, error }
        }
    }
}
