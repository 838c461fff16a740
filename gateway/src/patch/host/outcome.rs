//! Reasons, replies, refusals and results.
#![expect(unsafe_code, reason = "arguments of patches are read through their pointers")]

use std::collections::BTreeSet;
use std::sync::Mutex;

use bytes::Bytes;
use forebay_engine::{Refusal, Reply};
use forebay_patch_abi::{self as abi, Call, Slice, Status, Value};
use http::{HeaderMap, StatusCode};

use super::frame::{Fault, Frame, Pending, Phase, give, with};
use super::values;

/// Longest reason that is kept, in bytes.
const REASON_BYTES_MAX: usize = 4 << 10;
/// Most different words for refusals in the life of a process. They are kept for ever, so that they can be counted.
const WORDS_MAX: usize = 1024;

/// Text a patch passes, for people: what is no UTF-8 is replaced, and what is too long is cut.
///
/// # Safety
/// As [`Slice::bytes`].
pub(super) unsafe fn lossy(slice: Slice, bytes_max: usize) -> String {
    // SAFETY: the caller promises it.
    let bytes = unsafe { slice.bytes() };
    String::from_utf8_lossy(&bytes[..bytes.len().min(bytes_max)]).into_owned()
}

/// Text a patch passes.
///
/// # Safety
/// As [`Slice::bytes`].
pub(super) unsafe fn text<'a>(slice: Slice, what: &str) -> Result<&'a str, Fault> {
    // SAFETY: the caller promises it.
    let bytes = unsafe { slice.bytes() };
    std::str::from_utf8(bytes).map_err(|_| Fault::invalid(format!("{what} is not UTF-8")))
}

pub(super) unsafe extern "C" fn fail(call: Call, reason: Slice) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        frame.reason = Some(unsafe { lossy(reason, REASON_BYTES_MAX) });
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn last_error(call: Call, reason: *mut Slice) -> Status {
    give(call, reason, Slice::ABSENT, |frame| {
        let error = frame.error.clone();
        Ok((!error.is_empty()).then(|| frame.keep_text(error)))
    })
}

fn status_code(status: u32, least: u16) -> Result<StatusCode, Fault> {
    let code = u16::try_from(status).ok().filter(|code| (least..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| Fault::invalid(format!("{status} is no status for this; expected {least} to 599")))
}

/// Whether this callback can answer.
fn answers(frame: &Frame<'_>) -> Result<(), Fault> {
    match frame.phase {
        Phase::Hook(forebay_engine::Hook::Log) => {
            Err(Fault::unavailable("in on_log it is too late to answer"))
        }
        Phase::Hook(_) | Phase::Apart => Ok(()),
        Phase::Create | Phase::Chunk => Err(Fault::unavailable("this callback cannot answer")),
    }
}

pub(super) unsafe extern "C" fn reply(call: Call, status: u32, body: Slice) -> Status {
    with(call, |frame| {
        answers(frame)?;
        let status = status_code(status, 200)?;
        // SAFETY: the patch passes bytes that can be read during this call.
        let body = Bytes::copy_from_slice(unsafe { body.bytes() });
        frame.pending = Some(Pending::Reply(Reply { status, headers: HeaderMap::new(), body }));
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn refuse(call: Call, status: u32, kind: Slice, message: Slice) -> Status {
    with(call, |frame| {
        answers(frame)?;
        frame.exchange()?;
        let status = status_code(status, 400)?;
        // SAFETY: the patch passes bytes that can be read during this call.
        let kind = unsafe { text(kind, "the kind of the error") }?;
        // SAFETY: as above.
        let message = unsafe { text(message, "the message") }?;
        frame.pending = Some(Pending::Refusal(Box::new(Refusal::new(status, word(kind)?, message))));
        Ok(abi::OK)
    })
}

/// The word, kept for ever. Only a request that is refused comes here.
fn word(kind: &str) -> Result<&'static str, Fault> {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = kind.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    if !begins || kind.len() > 64 || !kind.bytes().all(plain) {
        return Err(Fault::invalid(format!(
            "{kind:?} is no kind of error: expected [a-z][a-z0-9_]*, at most 64 bytes"
        )));
    }
    let mut words = WORDS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = words.get(kind) {
        return Ok(known);
    }
    if words.len() >= WORDS_MAX {
        return Err(Fault::new(abi::REFUSED, "too many different kinds of errors; use fixed words"));
    }
    let kept: &'static str = Box::leak(kind.to_owned().into_boxed_str());
    words.insert(kept);
    Ok(kept)
}

pub(super) unsafe extern "C" fn result(call: Call, value: *const Value) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes a value that can be read during this call.
        frame.result = Some(unsafe { values::taken(value) }?);
        Ok(abi::OK)
    })
}
