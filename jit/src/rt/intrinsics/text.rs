//! Functions on strings.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Array, Dynamic, ImmutableString};

use super::super::raw;
use super::{count, read, read_text};

mod change;
mod grow;
mod line;
mod parse;

pub use change::{clear, make_lower, make_upper, pop, replace, trim};
pub use grow::{
    append_bool, append_char, append_char_checked, append_float, append_int, append_text,
    append_text_checked, join, join_int,
};
pub(crate) use line::Line;
pub use parse::{parse_float, parse_int};

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
    let text = unsafe { raw::value_ref(text) };
    // SAFETY: the caller's promise.
    let other = unsafe { raw::value_ref(other) };
    match (text.read_lock::<ImmutableString>(), other.read_lock::<ImmutableString>()) {
        (Some(text), Some(other)) => u8::from(text.as_str() == other.as_str()),
        _ => 0,
    }
}

/// Where the bytes of the string are, and how many: they stay there as long as somebody holds it.
///
/// # Safety
///
/// `text` holds a string, `out` is good for writing two words.
pub unsafe extern "C" fn parts(text: *const Dynamic, out: *mut [usize; 2]) {
    // SAFETY: the caller's promise.
    let parts = unsafe { read_text(text, |text| [text.as_ptr().expose_provenance(), text.len()]) };
    // SAFETY: the caller's promise.
    unsafe { out.write(parts) };
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

/// The parts between a string or character; the whole where it does not occur.
///
/// # Safety
///
/// `text` holds a string, `separator` a string or a character, `out` is an empty slot.
pub unsafe extern "C" fn split(text: *const Dynamic, separator: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let separator = unsafe { text_of(separator) };
    let body = |text: &ImmutableString| -> Array {
        let mut characters = separator.chars();
        if text.is_empty() {
            vec![text.clone().into()]
        } else if let (Some(only), None) = (characters.next(), characters.next()) {
            // Looking for one character takes no table.
            text.split(only).map(|part| ImmutableString::from(part).into()).collect()
        } else if !separator.is_empty() && !text.contains(separator.as_str()) {
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
