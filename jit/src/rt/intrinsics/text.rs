//! Functions on strings.
//!
//! Functions that change a string read all that they need before they write: an argument may be the very same value.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString};

use super::super::context::{Context, Status};
use super::super::guard::park;
use super::super::raw;
use super::{change, count, read, read_text};
use crate::position::unpack;

mod grow;
mod line;

pub use grow::{append_bool, append_char, append_float, append_int, append_text, join};
pub(crate) use line::Line;

/// A test of one string with another.
type Test = fn(&str, &str) -> bool;

/// Whether the string has no characters.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn is_empty(text: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { read_text(text, |text| text.is_empty().into()) }
}

/// The number of bytes.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn bytes(text: *const Dynamic) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { read_text(text, |text| count(text.len())) }
}

/// # Safety
///
/// Both hold strings.
unsafe fn test(text: *const Dynamic, other: *const Dynamic, test: Test) -> u8 {
    // SAFETY: the caller's promise.
    let other = unsafe { raw::value_ref(other) };
    let body = |text: &str| {
        let other = other.read_lock::<ImmutableString>();
        other.is_some_and(|other| test(text, &other))
    };
    // SAFETY: the caller's promise.
    unsafe { read_text(text, body) }.into()
}

/// Whether the other string is part of this one.
///
/// # Safety
///
/// Both hold strings.
pub unsafe extern "C" fn contains(text: *const Dynamic, other: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { test(text, other, |text, other| text.contains(other)) }
}

/// Whether the string starts with the other one.
///
/// # Safety
///
/// Both hold strings.
pub unsafe extern "C" fn starts_with(text: *const Dynamic, other: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { test(text, other, |text, other| text.starts_with(other)) }
}

/// Whether the string ends with the other one.
///
/// # Safety
///
/// Both hold strings.
pub unsafe extern "C" fn ends_with(text: *const Dynamic, other: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { test(text, other, |text, other| text.ends_with(other)) }
}

/// Whether the strings are equal.
///
/// # Safety
///
/// Both hold strings.
pub unsafe extern "C" fn equals(text: *const Dynamic, other: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { test(text, other, |text, other| text == other) }
}

/// How the strings are ordered: less than 0, 0 or more.
///
/// # Safety
///
/// Both hold strings.
pub unsafe extern "C" fn order(text: *const Dynamic, other: *const Dynamic) -> i64 {
    // SAFETY: the caller's promise.
    let other = unsafe { raw::value_ref(other) };
    let body = |text: &str| {
        let other = other.read_lock::<ImmutableString>();
        other.map_or(0, |other| text.cmp(&other) as i64)
    };
    // SAFETY: the caller's promise.
    unsafe { read_text(text, body) }
}

/// A character from machine code.
fn char_of(value: u32) -> char {
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether the character is in the string.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn contains_char(text: *const Dynamic, value: u32) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { read_text(text, |text| text.contains(char_of(value)).into()) }
}

/// Whether the string starts with the character.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn starts_with_char(text: *const Dynamic, value: u32) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { read_text(text, |text| text.starts_with(char_of(value)).into()) }
}

/// Whether the string ends with the character.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn ends_with_char(text: *const Dynamic, value: u32) -> u8 {
    // SAFETY: the caller's promise.
    unsafe { read_text(text, |text| text.ends_with(char_of(value)).into()) }
}

/// The number of characters before a byte of the text; -1 for none, and always for an empty text.
fn characters_before(text: &str, byte: Option<usize>) -> i64 {
    byte.filter(|_| !text.is_empty()).map_or(-1, |byte| count(text[..byte].chars().count()))
}

/// The place of the other string in this one, or -1.
///
/// # Safety
///
/// Both hold strings.
pub unsafe extern "C" fn index_of(text: *const Dynamic, other: *const Dynamic) -> i64 {
    // SAFETY: the caller's promise.
    let other = unsafe { raw::value_ref(other) };
    let body = |text: &str| {
        let other = other.read_lock::<ImmutableString>();
        other.map_or(-1, |other| characters_before(text, text.find(other.as_str())))
    };
    // SAFETY: the caller's promise.
    unsafe { read_text(text, body) }
}

/// The place of the character, or -1.
///
/// # Safety
///
/// `text` holds a string.
pub unsafe extern "C" fn index_of_char(text: *const Dynamic, value: u32) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { read_text(text, |text| characters_before(text, text.find(char_of(value)))) }
}

/// # Safety
///
/// `out` is an empty slot.
unsafe fn put(out: *mut Dynamic, text: ImmutableString) {
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, text.into()) };
}

/// The rest of the string from `start` on.
///
/// # Safety
///
/// `text` holds a string, `out` is an empty slot.
pub unsafe extern "C" fn sub_string_tail(text: *const Dynamic, start: i64, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    unsafe { sub_string(text, start, i64::MAX, out) };
}

/// At most `length` characters from `start` on, which counts from the end when it is negative.
///
/// # Safety
///
/// `text` holds a string, `out` is an empty slot.
pub unsafe extern "C" fn sub_string(text: *const Dynamic, start: i64, length: i64, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let part = unsafe { read_text(text, |text| ImmutableString::from(part(text, start, length))) };
    // SAFETY: the caller's promise.
    unsafe { put(out, part) };
}

fn part(text: &str, start: i64, length: i64) -> &str {
    let Some(length) = usize::try_from(length).ok().filter(|length| *length > 0) else { return "" };
    let distance = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
    if text.is_ascii() {
        let from = if start < 0 { text.len().saturating_sub(distance) } else { distance.min(text.len()) };
        return &text[from..from.saturating_add(length).min(text.len())];
    }
    let rest = if start < 0 {
        text.char_indices().rev().nth(distance - 1).map_or(text, |(byte, _)| &text[byte..])
    } else {
        text.char_indices().nth(distance).map_or("", |(byte, _)| &text[byte..])
    };
    rest.char_indices().nth(length).map_or(rest, |(byte, _)| &rest[..byte])
}

/// The string in upper case.
///
/// # Safety
///
/// `text` holds a string, `out` is an empty slot.
pub unsafe extern "C" fn upper(text: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let upper = unsafe { read(text, |text| cased(text, char::is_uppercase, str::to_uppercase)) };
    // SAFETY: the caller's promise.
    unsafe { put(out, upper) };
}

/// The string in lower case.
///
/// # Safety
///
/// `text` holds a string, `out` is an empty slot.
pub unsafe extern "C" fn lower(text: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let lower = unsafe { read(text, |text| cased(text, char::is_lowercase, str::to_lowercase)) };
    // SAFETY: the caller's promise.
    unsafe { put(out, lower) };
}

/// A string that is in this case already is itself.
fn cased(text: &ImmutableString, is: fn(char) -> bool, convert: fn(&str) -> String) -> ImmutableString {
    if text.chars().all(is) { text.clone() } else { convert(text).into() }
}

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

/// The text of a string or character.
///
/// # Safety
///
/// `value` holds a string or a character.
unsafe fn text_of(value: *const Dynamic) -> ImmutableString {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::value_ref(value) };
    match value.as_char() {
        Ok(char) => ImmutableString::from(&*char.encode_utf8(&mut [0; 4])),
        Err(_) => value.read_lock::<ImmutableString>().map(|text| text.clone()).unwrap_or_default(),
    }
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

/// The parts between a string or character; the whole where it does not occur.
///
/// # Safety
///
/// `text` holds a string, `separator` a string or a character, `out` is an empty slot.
pub unsafe extern "C" fn split(text: *const Dynamic, separator: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let separator = unsafe { text_of(separator) };
    let body = |text: &ImmutableString| -> Array {
        if text.is_empty() || !separator.is_empty() && !text.contains(separator.as_str()) {
            vec![text.clone().into()]
        } else {
            text.split(separator.as_str()).map(|part| ImmutableString::from(part).into()).collect()
        }
    };
    // SAFETY: the caller's promise.
    let parts = unsafe { read(text, body) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_array(parts)) };
}

/// The characters.
///
/// # Safety
///
/// `text` holds a string, `out` is an empty slot.
pub unsafe extern "C" fn to_chars(text: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let chars: Array = unsafe { read_text(text, |text| text.chars().map(Dynamic::from_char).collect()) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_array(chars)) };
}

/// The character that starts at a byte, which is moved on; -1 at the end.
///
/// # Safety
///
/// `text` holds a string, `byte` is the start of a character or the length.
pub unsafe extern "C" fn next_char(text: *const Dynamic, byte: *mut i64) -> i64 {
    // SAFETY: the caller's promise.
    let start = usize::try_from(unsafe { byte.read() }).unwrap_or(usize::MAX);
    let body = |text: &str| text.get(start..).and_then(|rest| rest.chars().next());
    // SAFETY: the caller's promise.
    let Some(found) = (unsafe { read_text(text, body) }) else { return -1 };
    // SAFETY: the caller's promise.
    unsafe { byte.write(count(start + found.len_utf8())) };
    u32::from(found).into()
}

/// The integer that the string is the text of.
///
/// # Safety
///
/// `context` is the context, `text` holds a string, `out` is good for writing.
pub unsafe extern "C" fn parse_int(
    context: *mut Context<'_>,
    text: *const Dynamic,
    out: *mut i64,
    position: u32,
) -> Status {
    let body = |text: &str| {
        let parsed = text.trim().parse::<i64>();
        Some(parsed.map_err(|error| format!("Error parsing integer number '{text}': {error}")))
    };
    // SAFETY: the caller's promise.
    let parsed = unsafe { read_text(text, body) };
    // SAFETY: the caller's promise.
    unsafe { parsed_number(context, parsed, out, position) }
}

/// The float that the string is the text of.
///
/// # Safety
///
/// `context` is the context, `text` holds a string, `out` is good for writing.
pub unsafe extern "C" fn parse_float(
    context: *mut Context<'_>,
    text: *const Dynamic,
    out: *mut f64,
    position: u32,
) -> Status {
    let body = |text: &str| {
        let parsed = text.trim().parse::<f64>();
        Some(parsed.map_err(|error| format!("Error parsing floating-point number '{text}': {error}")))
    };
    // SAFETY: the caller's promise.
    let parsed = unsafe { read_text(text, body) };
    // SAFETY: the caller's promise.
    unsafe { parsed_number(context, parsed, out, position) }
}

/// # Safety
///
/// `context` is the context, `out` is good for writing.
unsafe fn parsed_number<T>(
    context: *mut Context<'_>,
    parsed: Option<Result<T, String>>,
    out: *mut T,
    position: u32,
) -> Status {
    let message = match parsed {
        Some(Ok(number)) => {
            // SAFETY: the caller's promise.
            unsafe { out.write(number) };
            return Status::Ok;
        }
        Some(Err(message)) => message,
        None => String::new(),
    };
    let error = EvalAltResult::ErrorArithmetic(message, unpack(position));
    // SAFETY: the caller's promise.
    park(unsafe { raw::context(context) }, error.into())
}
