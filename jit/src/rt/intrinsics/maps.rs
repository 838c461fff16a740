//! Functions on maps.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::super::raw;
use super::{change, read, read_text};

/// The names of the entries.
///
/// # Safety
///
/// `map` holds a map, `out` is an empty slot.
pub unsafe extern "C" fn keys(map: *const Dynamic, out: *mut Dynamic) {
    let body = |map: &Map| map.keys().map(|key| Dynamic::from(ImmutableString::from(key.clone()))).collect();
    // SAFETY: the caller's promise.
    let keys: Array = unsafe { read(map, body) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_array(keys)) };
}

/// Copies of the values.
///
/// # Safety
///
/// As for [`keys`].
pub unsafe extern "C" fn values(map: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let values: Array = unsafe { read(map, |map: &Map| map.values().cloned().collect()) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_array(values)) };
}

/// A copy of the entry of this name; unit where there is none.
///
/// # Safety
///
/// As for [`keys`]; `key` holds a string.
pub unsafe extern "C" fn get(map: *const Dynamic, key: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let map = unsafe { raw::value_ref(map) };
    let body = |key: &str| map.read_lock::<Map>().and_then(|map| map.get(key).cloned());
    // SAFETY: the caller's promise.
    let value = unsafe { read_text(key, body) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, value.unwrap_or_default()) };
}

/// Takes the entry of this name out; unit where there is none.
///
/// # Safety
///
/// As for [`get`].
pub unsafe extern "C" fn remove(map: *mut Dynamic, key: *const Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise; a string is no part of the map while it is borrowed by address.
    let key = unsafe { read(key, |key: &ImmutableString| key.clone()) };
    // SAFETY: the caller's promise.
    let value = unsafe { change(map, |map: &mut Map| map.remove(key.as_str())) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, value.unwrap_or_default()) };
}

/// Sets the entry of this name to a value, which is owned.
///
/// # Safety
///
/// `map` holds a map, `key` a string, `value` a value that is neither.
pub unsafe extern "C" fn set(map: *mut Dynamic, key: *const Dynamic, value: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::take(value) }.flatten();
    // SAFETY: the caller's promise.
    let key = unsafe { read(key, |key: &ImmutableString| key.clone()) };
    let body = |map: &mut Map| match map.get_mut(key.as_str()) {
        Some(place) => *place = value,
        None => drop(map.insert(key.as_str().into(), value)),
    };
    // SAFETY: the caller's promise.
    unsafe { change(map, body) };
}

/// Removes all entries.
///
/// # Safety
///
/// `map` holds a map.
pub unsafe extern "C" fn clear(map: *mut Dynamic) {
    // SAFETY: the caller's promise.
    unsafe { change(map, Map::clear) };
}
