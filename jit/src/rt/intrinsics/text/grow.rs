//! Strings that grow.
//!
//! Appending changes the text in place when no other value shares it, so that a loop that appends takes linear time.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, ImmutableString};

use super::super::super::raw;
use super::super::{change, read};
use super::{Line, char_of};

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
