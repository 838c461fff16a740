//! Functions on arrays.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Array, Dynamic};

use super::super::context::{Context, Status};
use super::super::errors::fill;
use super::super::guard::with;
use super::super::limits::Sizes;
use super::super::operators::same;
use super::super::raw;
use super::{change, count, read};
use crate::position::unpack;

/// The number of items.
///
/// # Safety
///
/// `array` holds an array.
pub unsafe extern "C" fn len(array: *const Dynamic) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { read(array, |items: &Array| count(items.len())) }
}

/// Adds an item, which is owned.
///
/// # Safety
///
/// `array` holds an array, `item` another value.
pub unsafe extern "C" fn push(array: *mut Dynamic, item: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let item = unsafe { raw::take(item) }.flatten();
    // SAFETY: the caller's promise.
    unsafe { change(array, |items: &mut Array| items.push(item)) };
}

/// Takes the last item.
///
/// # Safety
///
/// `array` holds an array, `out` is an empty slot.
pub unsafe extern "C" fn pop(array: *mut Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let item = unsafe { change(array, Array::pop) }.unwrap_or_default();
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, item) };
}

/// Takes the first item.
///
/// # Safety
///
/// As for [`pop`].
pub unsafe extern "C" fn shift(array: *mut Dynamic, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    unsafe { remove(array, 0, out) };
}

/// Takes the item at an index, which counts from the end when it is negative; unit when there is none.
///
/// # Safety
///
/// As for [`pop`].
pub unsafe extern "C" fn remove(array: *mut Dynamic, index: i64, out: *mut Dynamic) {
    let body = |items: &mut Array| place(items.len(), index).map(|place| items.remove(place));
    // SAFETY: the caller's promise.
    let item = unsafe { change(array, body) }.unwrap_or_default();
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, item) };
}

/// A copy of the item at an index, the first one where a negative index reaches too far; unit where there is none.
///
/// # Safety
///
/// As for [`pop`].
pub unsafe extern "C" fn get(array: *const Dynamic, index: i64, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let item = unsafe { read(array, |items: &Array| items.get(clamped(items.len(), index)).cloned()) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, item.unwrap_or_default()) };
}

/// Replaces the item that [`get`] gives, if there is one. The new one is owned.
///
/// # Safety
///
/// As for [`push`].
pub unsafe extern "C" fn set(array: *mut Dynamic, index: i64, item: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let item = unsafe { raw::take(item) }.flatten();
    let body = |items: &mut Array| {
        let place = clamped(items.len(), index);
        if let Some(place) = items.get_mut(place) {
            *place = item;
        }
    };
    // SAFETY: the caller's promise.
    unsafe { change(array, body) };
}

/// Puts an item, which is owned, before another one.
///
/// # Safety
///
/// As for [`push`].
pub unsafe extern "C" fn insert(array: *mut Dynamic, index: i64, item: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let item = unsafe { raw::take(item) }.flatten();
    // SAFETY: the caller's promise.
    unsafe { change(array, |items: &mut Array| items.insert(clamped(items.len(), index), item)) };
}

/// Adds copies of an item, which is a scalar, until there are `length` of them. `out` is not used.
///
/// # Safety
///
/// `context` is the context, `array` holds an array, `item` another value.
pub unsafe extern "C" fn pad(
    context: *mut Context<'_>,
    array: *mut Dynamic,
    length: i64,
    item: *const Dynamic,
    _out: *mut i64,
    position: u32,
) -> Status {
    // SAFETY: the caller's promise.
    let item = unsafe { raw::value_ref(item) };
    let Ok(length) = usize::try_from(length) else { return Status::Ok };
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let array = unsafe { raw::value(array) };
        let Some(mut items) = array.write_lock::<Array>() else { return Ok(()) };
        let added = length.saturating_sub(items.len());
        if added > 0 && context.engine.max_array_size() > 0 {
            let mut sizes = Sizes::default();
            items.iter().for_each(|item| sizes.add(item, false));
            sizes.array += items.len() + added;
            sizes.check(context.engine).map_err(|error| fill(error, unpack(position)))?;
        }
        items.reserve(added);
        // A copy of a scalar is made faster from its value than by a clone, which looks at the kind.
        if let Ok(value) = item.as_int() {
            items.extend(std::iter::repeat_with(|| Dynamic::from_int(value)).take(added));
        } else if let Ok(value) = item.as_float() {
            items.extend(std::iter::repeat_with(|| Dynamic::from_float(value)).take(added));
        } else if let Ok(value) = item.as_bool() {
            items.extend(std::iter::repeat_with(|| Dynamic::from_bool(value)).take(added));
        } else {
            items.extend(std::iter::repeat_with(|| item.clone()).take(added));
        }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// Adds the items of another array, which is owned.
///
/// # Safety
///
/// As for [`push`].
pub unsafe extern "C" fn append(array: *mut Dynamic, more: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let more = unsafe { raw::take(more) }.flatten().into_array().unwrap_or_default();
    let body = |items: &mut Array| {
        if items.is_empty() && !more.is_empty() {
            *items = more;
        } else {
            items.extend(more);
        }
    };
    // SAFETY: the caller's promise.
    unsafe { change(array, body) };
}

/// Removes all items.
///
/// # Safety
///
/// `array` holds an array.
pub unsafe extern "C" fn clear(array: *mut Dynamic) {
    // SAFETY: the caller's promise.
    unsafe { change(array, Array::clear) };
}

/// Keeps the first items.
///
/// # Safety
///
/// `array` holds an array.
pub unsafe extern "C" fn truncate(array: *mut Dynamic, length: i64) {
    let length = usize::try_from(length).unwrap_or(0);
    // SAFETY: the caller's promise.
    unsafe { change(array, |items: &mut Array| items.truncate(length)) };
}

/// Keeps the last items.
///
/// # Safety
///
/// `array` holds an array.
pub unsafe extern "C" fn chop(array: *mut Dynamic, length: i64) {
    let length = usize::try_from(length).unwrap_or(0);
    let body = |items: &mut Array| {
        let cut = items.len().saturating_sub(length);
        items.drain(..cut);
    };
    // SAFETY: the caller's promise.
    unsafe { change(array, body) };
}

/// Turns the order round.
///
/// # Safety
///
/// `array` holds an array.
pub unsafe extern "C" fn reverse(array: *mut Dynamic) {
    // SAFETY: the caller's promise.
    unsafe { change(array, |items: &mut Array| items.reverse()) };
}

/// Copies of the items from `start` on.
///
/// # Safety
///
/// As for [`pop`].
pub unsafe extern "C" fn extract_tail(array: *const Dynamic, start: i64, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    unsafe { extract(array, start, i64::MAX, out) };
}

/// Copies of at most `length` items from `start` on, which counts from the end when it is negative.
///
/// # Safety
///
/// As for [`pop`].
pub unsafe extern "C" fn extract(array: *const Dynamic, start: i64, length: i64, out: *mut Dynamic) {
    let body = |items: &Array| {
        let start = clamped(items.len(), start);
        let length = usize::try_from(length).unwrap_or(0).min(items.len() - start);
        items[start..start + length].to_vec()
    };
    // SAFETY: the caller's promise.
    let items: Array = unsafe { read(array, body) };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_array(items)) };
}

/// Whether an item equals the value; all of them are of one scalar type, or all are strings.
///
/// # Safety
///
/// `array` holds an array, `value` a value.
pub unsafe extern "C" fn contains(array: *const Dynamic, value: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    u8::from(unsafe { index_of(array, value) } >= 0)
}

/// The place of the first item that equals the value, or -1. The interpreter counts no operation for a comparison.
///
/// # Safety
///
/// As for [`contains`].
pub unsafe extern "C" fn index_of(array: *const Dynamic, value: *const Dynamic) -> i64 {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::value_ref(value) };
    let body = |items: &Array| Some(items.iter().position(|item| same(item, value)).map_or(-1, count));
    // SAFETY: the caller's promise.
    unsafe { read(array, body) }.unwrap_or(-1)
}

/// Where an index is, if it is within bounds.
fn place(length: usize, index: i64) -> Option<usize> {
    let place = clamped(length, index);
    let reaches = index >= 0 || usize::try_from(index.unsigned_abs()).is_ok_and(|back| back <= length);
    (reaches && place < length).then_some(place)
}

/// Where an index is: too far back is the first item, too far on is the end.
fn clamped(length: usize, index: i64) -> usize {
    if index < 0 {
        length - usize::try_from(index.unsigned_abs()).unwrap_or(length).min(length)
    } else {
        usize::try_from(index).unwrap_or(length).min(length)
    }
}
