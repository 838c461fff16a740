//! Strings that grow.
//!
//! Appending changes the text in place when no other value shares it, so that a loop that appends takes linear time.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, Identifier, ImmutableString};

use super::super::super::context::{Context, Status};
use super::super::super::errors::fill;
use super::super::super::guard::park;
use super::super::super::limits::Sizes;
use super::super::super::raw;
use super::super::{change, count, read};
use super::{Line, char_of};
use crate::position::unpack;

/// Appends a string, which may be the same value.
///
/// # Safety
///
/// Both hold strings.
pub unsafe extern "C" fn append_text(text: *mut Dynamic, more: *const Dynamic) {
    if std::ptr::eq(text, more) {
        let body = |text: &mut ImmutableString| {
            let more = text.clone();
            *text += more;
        };
        // SAFETY: the caller's promise.
        unsafe { change(text, body) };
        return;
    }
    // SAFETY: the caller's promise.
    let more = unsafe { raw::value_ref(more) };
    let body = |text: &mut ImmutableString| {
        if let Some(more) = more.read_lock::<ImmutableString>() {
            *text += &*more;
        }
    };
    // SAFETY: the caller's promise.
    unsafe { change(text, body) };
}

/// # Safety
///
/// `text` holds a string.
unsafe fn append(text: *mut Dynamic, more: &str) {
    // SAFETY: the caller's promise.
    unsafe { change(text, |text: &mut ImmutableString| text.make_mut().push_str(more)) };
}

/// Appends a character.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn append_char(text: *mut Dynamic, more: u32) {
    // SAFETY: the caller's promise.
    unsafe { append(text, char_of(more).encode_utf8(&mut [0; 4])) };
}

/// Appends an integer.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn append_int(text: *mut Dynamic, more: i64) {
    // SAFETY: the caller's promise.
    unsafe { append(text, Line::new().int(more)) };
}

/// Appends a float.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn append_float(text: *mut Dynamic, more: f64) {
    // SAFETY: the caller's promise.
    unsafe { append(text, Line::new().float(more)) };
}

/// Appends a truth value.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn append_bool(text: *mut Dynamic, more: u8) {
    // SAFETY: the caller's promise.
    unsafe { append(text, if more == 0 { "false" } else { "true" }) };
}

/// The two strings, one after the other.
///
/// # Safety
///
/// Both hold strings, `out` is an empty slot.
pub unsafe extern "C" fn join(left: *const Dynamic, right: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let right = unsafe { raw::value_ref(right) };
    let body = |left: &ImmutableString| match right.read_lock::<ImmutableString>() {
        Some(right) => left + &*right,
        None => left.clone(),
    };
    // SAFETY: the caller's promise.
    let joined = unsafe { read(left, body) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, joined.into()) };
}

/// The string with the digits of an integer after it.
///
/// # Safety
///
/// `left` holds a string, `out` is an empty slot.
pub unsafe extern "C" fn join_int(left: *const Dynamic, right: i64, out: *mut Dynamic) {
    let mut line = Line::new();
    let body = |left: &str| {
        if let Some(text) = line.int_after(left, right) {
            return ImmutableString::from(text);
        }
        let digits = line.int(right);
        let mut text = Identifier::with_capacity(left.len() + digits.len());
        text.push_str(left);
        text.push_str(digits);
        ImmutableString::from(text)
    };
    // SAFETY: the caller's promise.
    let joined = unsafe { super::super::read_text(left, body) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, joined.into()) };
}

/// Appends a string as long as the result is within the engine's limits; nothing is checked when one of them is empty.
///
/// # Safety
///
/// `context` is the context, both others hold strings.
pub unsafe extern "C" fn append_text_checked(
    context: *mut Context<'_>,
    text: *mut Dynamic,
    more: *const Dynamic,
    position: u32,
) -> Status {
    // SAFETY: the caller's promise.
    let length = unsafe { super::bytes(text) };
    // SAFETY: the caller's promise.
    let added = unsafe { super::bytes(more) };
    if length > 0 && added > 0 {
        // SAFETY: the caller's promise.
        let status = unsafe { check(context, length, added, position) };
        if status == Status::Error {
            return status;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { append_text(text, more) };
    Status::Ok
}

/// Appends a character as long as the result is within the engine's limits.
///
/// # Safety
///
/// `context` is the context, `text` holds a string.
pub unsafe extern "C" fn append_char_checked(
    context: *mut Context<'_>,
    text: *mut Dynamic,
    more: u32,
    position: u32,
) -> Status {
    // SAFETY: the caller's promise.
    let length = unsafe { super::bytes(text) };
    // SAFETY: the caller's promise.
    let status = unsafe { check(context, length, count(char_of(more).len_utf8()), position) };
    if status == Status::Ok {
        // SAFETY: the caller's promise.
        unsafe { append_char(text, more) };
    }
    status
}

/// # Safety
///
/// `context` is the context.
unsafe fn check(context: *mut Context<'_>, length: i64, added: i64, position: u32) -> Status {
    // SAFETY: the caller's promise.
    let context = unsafe { raw::context(context) };
    let total = usize::try_from(length.saturating_add(added)).unwrap_or(usize::MAX);
    match Sizes::string(total).check(context.engine) {
        Ok(()) => Status::Ok,
        Err(error) => park(context, fill(error, unpack(position))),
    }
}
