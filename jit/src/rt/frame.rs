//! Slots of frames and what variables need beside their value.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::mem::MaybeUninit;

use rhai::{Dynamic, EvalAltResult};

use super::context::{Context, Status};
use super::errors::RuntimeName;
use super::guard::{park, with};
use super::raw;
use crate::position::unpack;

/// Drops a row of values and leaves unit in each.
///
/// # Safety
///
/// `first` points to `count` valid values of the caller's.
pub unsafe extern "C" fn drop_range(first: *mut Dynamic, count: usize) {
    // SAFETY: the caller's promise.
    for value in unsafe { raw::values(first, count) } {
        drop(value.take());
    }
}

/// Puts unit into a row of slots whatever bits they hold.
///
/// # Safety
///
/// `first` points to memory for `count` values that need no drop.
pub unsafe extern "C" fn clear_range(first: *mut Dynamic, count: usize) {
    // SAFETY: the caller's promise; nothing is read.
    let slots = unsafe { std::slice::from_raw_parts_mut(first.cast::<MaybeUninit<Dynamic>>(), count) };
    for slot in slots {
        slot.write(Dynamic::UNIT);
    }
}

/// Whether the value is a shared cell.
///
/// # Safety
///
/// `value` points to a valid value.
pub unsafe extern "C" fn is_shared(value: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    u8::from(unsafe { raw::value_ref(value) }.is_shared())
}

/// The number of entries of a map.
///
/// # Safety
///
/// `value` points to a valid value.
pub unsafe extern "C" fn map_length(value: *const Dynamic) -> i64 {
    // SAFETY: the caller's promise.
    let length = unsafe { raw::value_ref(value) }.as_map_ref().map_or(0, |map| map.len());
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Gives a variable its next value, through the cell if it was captured.
///
/// # Safety
///
/// Both point to valid values; `value` is taken.
pub unsafe extern "C" fn store_through(variable: *mut Dynamic, value: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::take(value) };
    // SAFETY: as above.
    let variable = unsafe { raw::value(variable) };
    if let Some(mut cell) = variable.write_lock::<Dynamic>() {
        *cell = value;
    }
}

/// `variable = value`.
///
/// # Safety
///
/// All pointers are valid; `value` is taken.
pub unsafe extern "C" fn assign(
    context: *mut Context<'_>,
    variable: *mut Dynamic,
    value: *mut Dynamic,
    name: *const RuntimeName,
    position: u32,
) -> Status {
    // SAFETY: machine code's promise.
    let value = unsafe { raw::take(value) };
    // SAFETY: as above.
    let variable = unsafe { raw::value(variable) };
    if variable.is_read_only() {
        // SAFETY: the program owns the name.
        let name = unsafe { &*name }.text.to_string();
        let error = EvalAltResult::ErrorAssignmentToConstant(name, unpack(position));
        // SAFETY: the context outlives the call.
        return park(unsafe { raw::context(context) }, error.into());
    }
    // SAFETY: as above.
    unsafe {
        with(context, |_| {
            let Some(mut cell) = variable.write_lock::<Dynamic>() else {
                return Err(EvalAltResult::ErrorDataRace(String::new(), unpack(position)).into());
            };
            *cell = value;
            Ok(())
        })
    }
}
