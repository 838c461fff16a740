//! Direct helpers for the commonest shapes, on values whose type machine code knows.
//!
//! They take values that are not shared. A result of null (or of -1) sends machine code to the general way, or to
//! [`bounds_error`].

#![expect(unsafe_code, reason = "the helpers receive raw pointers from machine code")]

use std::ptr;

use rhai::{Array, Blob, Dynamic, EvalAltResult, INT, Identifier, ImmutableString, Map};

use super::{
    Guess, RuntimeKey,
    access::{place, plain},
    key::{find, has},
};
use crate::{
    layout::maps::ENTRIES_MAX,
    position::unpack,
    rt::context::{Context, Status},
};

/// The entry of a map with a constant key; null when it is not there.
///
/// # Safety
///
/// `map` must be a valid map that nothing else uses while the result is in use; `key` must be valid.
pub unsafe extern "C" fn map_get(map: *mut Dynamic, key: *const RuntimeKey) -> *mut Dynamic {
    // SAFETY: the caller hands over a valid value.
    let map = unsafe { &mut *map };
    // SAFETY: keys belong to the program that is running.
    let key = unsafe { &*key };
    entry(map, &key.identifier)
}

/// As [`map_get`], after a guess that was wrong. Where the entry is, is remembered if it may be guessed.
///
/// # Safety
///
/// As [`map_get`]; `guess` must be valid.
pub unsafe extern "C" fn map_find(
    map: *mut Dynamic,
    key: *const RuntimeKey,
    guess: *const Guess,
) -> *mut Dynamic {
    // SAFETY: the caller hands over a valid value.
    let map = unsafe { &mut *map };
    // SAFETY: keys belong to the program that is running.
    let key = unsafe { &*key };
    // SAFETY: so do guesses.
    let guess = unsafe { &*guess };
    let Some(entries) = plain::<Map>(map) else { return ptr::null_mut() };
    if entries.len() > ENTRIES_MAX {
        return find(entries, &key.identifier).map_or(ptr::null_mut(), ptr::from_mut);
    }
    for (index, (name, value)) in entries.iter_mut().enumerate() {
        if *name == key.identifier {
            guess.remember(index);
            return value;
        }
    }
    ptr::null_mut()
}

/// As [`map_find`]; a missing entry is added as unit.
///
/// # Safety
///
/// As [`map_find`].
pub unsafe extern "C" fn map_place(
    map: *mut Dynamic,
    key: *const RuntimeKey,
    guess: *const Guess,
) -> *mut Dynamic {
    // SAFETY: the caller's promise.
    let found = unsafe { map_find(map, key, guess) };
    if !found.is_null() {
        return found;
    }
    // SAFETY: the caller's promise.
    unsafe { map_insert(map, key) }
}

/// The entry of a map with a string as the key; null when it is not there.
///
/// # Safety
///
/// As [`map_get`]; `key` must be a valid string.
pub unsafe extern "C" fn map_get_str(map: *mut Dynamic, key: *const Dynamic) -> *mut Dynamic {
    // SAFETY: the caller hands over a valid value.
    let map = unsafe { &mut *map };
    // SAFETY: the caller hands over a valid value.
    let key = unsafe { &*key };
    key.read_lock::<ImmutableString>().map_or(ptr::null_mut(), |key| entry(map, key.as_ref()))
}

/// The entry of a map with a constant key; a missing one is added as unit.
///
/// # Safety
///
/// As [`map_get`].
pub unsafe extern "C" fn map_insert(map: *mut Dynamic, key: *const RuntimeKey) -> *mut Dynamic {
    // SAFETY: the caller hands over a valid value.
    let map = unsafe { &mut *map };
    // SAFETY: keys belong to the program that is running.
    let key = unsafe { &*key };
    let Some(map) = plain::<Map>(map) else { return ptr::null_mut() };
    // Most keys are there already: those need no clone.
    if let Some(item) = find(map, &key.identifier) {
        return item;
    }
    map.entry(key.identifier.clone()).or_insert(Dynamic::UNIT)
}

/// The entry of a map with a string as the key; a missing one is added as unit.
///
/// # Safety
///
/// As [`map_get_str`].
pub unsafe extern "C" fn map_insert_str(map: *mut Dynamic, key: *const Dynamic) -> *mut Dynamic {
    // SAFETY: the caller hands over a valid value.
    let map = unsafe { &mut *map };
    // SAFETY: the caller hands over a valid value.
    let key = unsafe { &*key };
    let Some(map) = plain::<Map>(map) else { return ptr::null_mut() };
    let Some(key) = key.read_lock::<ImmutableString>() else { return ptr::null_mut() };
    if let Some(item) = find(map, key.as_ref()) {
        return item;
    }
    map.entry(key.as_str().into()).or_insert(Dynamic::UNIT)
}

/// Whether a map has an entry of this name: 1 or 0.
///
/// # Safety
///
/// `map` must be a valid map, `key` a valid string.
pub unsafe extern "C" fn map_contains_str(map: *const Dynamic, key: *const Dynamic) -> u8 {
    // SAFETY: the caller hands over a valid value.
    let map = unsafe { &*map };
    // SAFETY: the caller hands over a valid value.
    let key = unsafe { &*key };
    let (Some(map), Some(key)) = (map.read_lock::<Map>(), key.read_lock::<ImmutableString>()) else {
        return 0;
    };
    has(&map, key.as_ref()).into()
}

/// An item of an array, counted from the end when the index is negative; null when it is out of bounds.
///
/// # Safety
///
/// `array` must be a valid array that nothing else uses while the result is in use.
pub unsafe extern "C" fn array_index(array: *mut Dynamic, index: i64) -> *mut Dynamic {
    // SAFETY: the caller hands over a valid value.
    let array = unsafe { &mut *array };
    let Some(array) = plain::<Array>(array) else { return ptr::null_mut() };
    place(array.len(), index, true)
        .and_then(|place| array.get_mut(place))
        .map_or(ptr::null_mut(), ptr::from_mut)
}

/// The length of an array.
///
/// # Safety
///
/// `array` must be a valid array.
pub unsafe extern "C" fn array_len(array: *const Dynamic) -> i64 {
    // SAFETY: the caller hands over a valid value.
    let array = unsafe { &*array };
    array.read_lock::<Array>().map_or(0, |array| count(array.len()))
}

/// The length of a string, in characters.
///
/// # Safety
///
/// `string` must be a valid string.
pub unsafe extern "C" fn string_len(string: *const Dynamic) -> i64 {
    // SAFETY: the caller hands over a valid value.
    let string = unsafe { &*string };
    string.read_lock::<ImmutableString>().map_or(0, |text| count(characters(&text)))
}

/// A character of a string, counted from the end when the index is negative; -1 when it is out of bounds.
///
/// # Safety
///
/// `string` must be a valid string.
pub unsafe extern "C" fn string_char_at(string: *const Dynamic, index: i64) -> i64 {
    // SAFETY: the caller hands over a valid value.
    let string = unsafe { &*string };
    string
        .read_lock::<ImmutableString>()
        .and_then(|text| character(&text, index))
        .map_or(-1, |found| i64::from(u32::from(found)))
}

/// Parks the error of an index that is out of the bounds of an array, a blob or a string.
///
/// # Safety
///
/// `context` and `target` must be valid.
pub unsafe extern "C" fn bounds_error(
    context: *mut Context<'_>,
    target: *const Dynamic,
    index: i64,
    position: u32,
) -> Status {
    // SAFETY: the caller hands over a valid context.
    let context = unsafe { &mut *context };
    // SAFETY: the caller hands over a valid value.
    let target = unsafe { &*target };
    let position = unpack(position);
    let error = if let Some(text) = target.read_lock::<ImmutableString>() {
        EvalAltResult::ErrorStringBounds(characters(&text), index, position)
    } else {
        let array = target.read_lock::<Array>().map(|array| array.len());
        let length = array.or_else(|| target.read_lock::<Blob>().map(|blob| blob.len()));
        EvalAltResult::ErrorArrayBounds(length.unwrap_or_default(), index, position)
    };
    context.error = Some(error.into());
    Status::Error
}

/// The entry of this name, or null.
fn entry(map: &mut Dynamic, key: &Identifier) -> *mut Dynamic {
    plain::<Map>(map).and_then(|map| find(map, key)).map_or(ptr::null_mut(), ptr::from_mut)
}

/// A length as scripts see it.
fn count(length: usize) -> INT {
    INT::try_from(length).unwrap_or(INT::MAX)
}

/// The number of characters in a text.
fn characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// The character at a place, as long as the text up to it is ASCII without counting.
fn character(text: &str, index: INT) -> Option<char> {
    let bytes = text.as_bytes();
    let offset = usize::try_from(index.unsigned_abs()).ok()?;
    if index >= 0 {
        match bytes.get(..=offset) {
            Some(start) if start.is_ascii() => start.last().map(|byte| char::from(*byte)),
            Some(_) => text.chars().nth(offset),
            // There are no more characters than bytes.
            None => None,
        }
    } else {
        let end = bytes.get(bytes.len().checked_sub(offset)?..)?;
        if end.is_ascii() {
            end.first().map(|byte| char::from(*byte))
        } else {
            text.chars().rev().nth(offset - 1)
        }
    }
}
