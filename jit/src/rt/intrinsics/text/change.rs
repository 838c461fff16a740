//! Functions that change a string.
//!
//! They read all that they need before they write: an argument may be the very same value.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, ImmutableString};

use super::super::super::raw;
use super::super::change;
use super::{cased, text_of};

/// Turns the string into upper case.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn make_upper(text: *mut Dynamic) {
    let body = |text: &mut ImmutableString| *text = cased(text, char::is_uppercase, str::to_uppercase);
    // SAFETY: the caller's promise.
    unsafe { change(text, body) };
}

/// Turns the string into lower case.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn make_lower(text: *mut Dynamic) {
    let body = |text: &mut ImmutableString| *text = cased(text, char::is_lowercase, str::to_lowercase);
    // SAFETY: the caller's promise.
    unsafe { change(text, body) };
}

/// Removes white space at both ends.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn trim(text: *mut Dynamic) {
    let body = |text: &mut ImmutableString| {
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            *text = trimmed.into();
        }
    };
    // SAFETY: the caller's promise.
    unsafe { change(text, body) };
}

/// Removes everything.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn clear(text: *mut Dynamic) {
    let body = |text: &mut ImmutableString| match text.get_mut() {
        Some(text) => text.clear(),
        None => *text = ImmutableString::new(),
    };
    // SAFETY: the caller's promise.
    unsafe { change(text, body) };
}

/// Replaces each occurrence; both arguments are strings or characters.
///
/// # Safety
///
/// `text` holds a string, the others a string or a character each.
pub unsafe extern "C" fn replace(text: *mut Dynamic, from: *const Dynamic, to: *const Dynamic) {
    // SAFETY: the caller's promise.
    let from = unsafe { text_of(from) };
    // SAFETY: the caller's promise.
    let to = unsafe { text_of(to) };
    let body = |text: &mut ImmutableString| {
        if !text.is_empty() {
            *text = text.replace(from.as_str(), &to).into();
        }
    };
    // SAFETY: the caller's promise.
    unsafe { change(text, body) };
}

/// Takes the last character out; unit when there is none.
///
/// # Safety
///
/// `text` holds a string, `out` is an empty slot.
pub unsafe extern "C" fn pop(text: *mut Dynamic, out: *mut Dynamic) {
    let body = |text: &mut ImmutableString| if text.is_empty() { None } else { text.make_mut().pop() };
    // SAFETY: the caller's promise.
    let last = unsafe { change(text, body) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, last.map_or(Dynamic::UNIT, Dynamic::from_char)) };
}
