//! Choosing the case of a `switch`.
//!
//! The interpreter compares hashes of value and type; so do we, with a hash of our own.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::{Range, RangeInclusive};

use rhai::{Dynamic, FnPtr};

use super::raw;
use crate::ir::SwitchRange;

/// Cases by the hash of their value.
#[derive(Debug)]
pub struct SwitchTable {
    cases: HashMap<u64, i64>,
}

impl SwitchTable {
    /// A table of these values, numbered from 0.
    pub fn new<'c>(values: impl Iterator<Item = &'c Dynamic>) -> Self {
        let cases = (0..).zip(values).map(|(index, value)| (hash(value), index)).collect();
        Self { cases }
    }
}

fn hash(value: &Dynamic) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Whether the interpreter can compare the value with cases.
fn is_hashable(value: &Dynamic) -> bool {
    if value.is_shared() {
        return value.read_lock::<Dynamic>().is_some_and(|inner| is_hashable(&inner));
    }
    if let Ok(array) = value.as_array_ref() {
        return array.iter().all(is_hashable);
    }
    if let Ok(map) = value.as_map_ref() {
        return map.values().all(is_hashable);
    }
    if let Some(pointer) = value.read_lock::<FnPtr>() {
        return pointer.iter_curry().all(is_hashable);
    }
    !value.is_variant() || value.is::<Range<i64>>() || value.is::<RangeInclusive<i64>>()
}

/// Number of the case of a value; -1 when there is none, -2 when the value cannot be compared with any.
///
/// # Safety
///
/// Both point to what they should.
pub unsafe extern "C" fn switch_find(table: *const SwitchTable, value: *const Dynamic) -> i64 {
    // SAFETY: machine code's promise.
    let value = unsafe { raw::value_ref(value) };
    if !is_hashable(value) {
        return -2;
    }
    // SAFETY: the program owns the table.
    unsafe { &*table }.cases.get(&hash(value)).copied().unwrap_or(-1)
}

/// Whether a range case contains the value.
///
/// # Safety
///
/// As [`switch_find`].
pub unsafe extern "C" fn switch_range(range: *const SwitchRange, value: *const Dynamic) -> u8 {
    // SAFETY: the program owns the range.
    let range = unsafe { &*range };
    // SAFETY: machine code's promise.
    let value = unsafe { raw::value_ref(value) }.flatten_clone();
    let contains = if let Ok(value) = value.as_int() {
        value >= range.start && (value < range.end || range.inclusive && value == range.end)
    } else if let Ok(value) = value.as_float() {
        #[expect(clippy::cast_precision_loss, reason = "the interpreter compares them like this")]
        let (start, end) = (range.start as f64, range.end as f64);
        value >= start && (value < end || range.inclusive && value <= end)
    } else {
        false
    };
    u8::from(contains)
}
