//! Helpers on single values: copies, drops, kinds, scalars.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, ImmutableString, Scope};

use super::context::Context;
use super::errors::mismatch_error;
use super::guard::park;
use super::raw;
use crate::position::unpack;

type Test = fn(&Dynamic) -> bool;

/// What a value is, numbered for machine code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "named after what they are")]
pub enum ValueKind {
    Unit,
    Bool,
    Int,
    Float,
    Char,
    Str,
    Array,
    Blob,
    Map,
    FnPtr,
    /// A type of the host; ranges are among them.
    Other,
    /// A cell that closures share.
    Shared,
}

impl ValueKind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 12] = [
        Self::Unit,
        Self::Bool,
        Self::Int,
        Self::Float,
        Self::Char,
        Self::Str,
        Self::Array,
        Self::Blob,
        Self::Map,
        Self::FnPtr,
        Self::Other,
        Self::Shared,
    ];

    /// The kind of a value, not looking into cells.
    pub fn of(value: &Dynamic) -> Self {
        const TESTS: [(Test, ValueKind); 9] = [
            (Dynamic::is_int, ValueKind::Int),
            (Dynamic::is_string, ValueKind::Str),
            (Dynamic::is_float, ValueKind::Float),
            (Dynamic::is_bool, ValueKind::Bool),
            (Dynamic::is_array, ValueKind::Array),
            (Dynamic::is_map, ValueKind::Map),
            (Dynamic::is_char, ValueKind::Char),
            (Dynamic::is_fnptr, ValueKind::FnPtr),
            (Dynamic::is_blob, ValueKind::Blob),
        ];
        if value.is_shared() {
            return Self::Shared;
        }
        if value.is_variant() {
            return Self::Other;
        }
        let found = TESTS.iter().find(|(test, _)| test(value));
        found.map_or(Self::Unit, |(_, kind)| *kind)
    }
}

/// Drops a value in place; unit is left.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_drop(slot: *mut Dynamic) {
    // SAFETY: the caller's promise.
    drop(unsafe { raw::take(slot) });
}

/// A plain clone: a cell stays a cell.
///
/// # Safety
///
/// `out` is an empty slot, `source` holds a valid value.
pub unsafe extern "C" fn value_clone(out: *mut Dynamic, source: *const Dynamic) {
    // SAFETY: the caller's promise.
    let copy = unsafe { raw::value_ref(source) }.clone();
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, copy) };
}

/// A copy of what a variable holds: cells are looked through.
///
/// # Safety
///
/// `out` is an empty slot, `source` holds a valid value.
pub unsafe extern "C" fn value_copy(out: *mut Dynamic, source: *const Dynamic) {
    // SAFETY: the caller's promise.
    let copy = unsafe { raw::value_ref(source) }.flatten_clone();
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, copy) };
}

/// Replaces a cell by what is in it.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_flatten(slot: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::value(slot) };
    if value.is_shared() {
        *value = value.take().flatten();
    }
}

/// Puts a value into a cell unless it is in one.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_share(slot: *mut Dynamic) {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::value(slot) };
    if !value.is_shared() {
        *value = value.take().into_shared();
    }
}

/// Marks a value and all that it contains as read-only (1) or read-write (0). What is behind a cell is not touched.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_set_access(slot: *mut Dynamic, read_only: u8) {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::value(slot) };
    if read_only == 0 {
        make_writable(value);
    } else {
        *value = value.take().into_read_only();
    }
}

/// Whether a value, or one that it contains, is marked as read-only. Cells are not looked into.
pub(crate) fn holds_read_only(value: &Dynamic) -> bool {
    if value.is_read_only() {
        return true;
    }
    if value.is_shared() {
        return false;
    }
    value.as_array_ref().is_ok_and(|items| items.iter().any(holds_read_only))
        || value.as_map_ref().is_ok_and(|entries| entries.values().any(holds_read_only))
}

/// What machine code gets of a host function: no cell, which nobody would look at as one; and no mark of a constant,
/// unless the program follows those.
pub(crate) fn given(context: &Context<'_>, value: Dynamic) -> Dynamic {
    let mut value = value.flatten();
    if value.is_read_only() && context.functions.sites().is_some_and(|sites| !sites.reads_globals) {
        make_writable(&mut value);
    }
    value
}

/// Takes the marks of constants from values that become those of variables.
pub(crate) fn unmark(context: &Context<'_>, values: &mut [Dynamic]) {
    // Within writable values there are marks only in programs that refer to constants by their qualified names.
    let looks_inside = context.functions.sites().is_none_or(|sites| sites.reads_globals);
    for value in values.iter_mut().filter(|value| looks_inside || value.is_read_only()) {
        make_writable(value);
    }
}

/// Marks a value and all that it contains as read-write.
pub(crate) fn make_writable(value: &mut Dynamic) {
    if !holds_read_only(value) {
        return;
    }
    if value.is_array() || value.is_map() || value.is_variant() {
        // The one public way to set the mode without a copy of the contents: a scope that takes in a parameter.
        let mut scope = Scope::new();
        scope.extend([("v", value.take())]);
        if let Some(kept) = scope.get_mut("v") {
            *value = kept.take();
        }
    } else {
        // A clone is always read-write, and of these it is cheap (of a blob, as cheap as it can be had).
        *value = value.clone();
    }
}

/// The kind of a value as a [`ValueKind`], not looking into cells.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_kind(slot: *const Dynamic) -> u32 {
    // SAFETY: the caller's promise.
    ValueKind::of(unsafe { raw::value_ref(slot) }) as u32
}

/// The integer that a value is known to be.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_int(slot: *const Dynamic) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { raw::value_ref(slot) }.as_int().unwrap_or_default()
}

/// The float that a value is known to be.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_float(slot: *const Dynamic) -> f64 {
    // SAFETY: the caller's promise.
    unsafe { raw::value_ref(slot) }.as_float().unwrap_or_default()
}

/// The truth value that a value is known to be, as 0 or 1.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_bool(slot: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    u8::from(unsafe { raw::value_ref(slot) }.as_bool().unwrap_or_default())
}

/// The character that a value is known to be.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn value_char(slot: *const Dynamic) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { raw::value_ref(slot) }.as_char().unwrap_or_default().into()
}

/// Fills an empty slot with an integer.
///
/// # Safety
///
/// `out` is an empty slot.
pub unsafe extern "C" fn value_set_int(out: *mut Dynamic, value: i64) {
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_int(value)) };
}

/// Fills an empty slot with a float.
///
/// # Safety
///
/// `out` is an empty slot.
pub unsafe extern "C" fn value_set_float(out: *mut Dynamic, value: f64) {
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_float(value)) };
}

/// Fills an empty slot with a truth value: false for 0, true for all else.
///
/// # Safety
///
/// `out` is an empty slot.
pub unsafe extern "C" fn value_set_bool(out: *mut Dynamic, value: u8) {
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_bool(value != 0)) };
}

/// Fills an empty slot with a character.
///
/// # Safety
///
/// `out` is an empty slot.
pub unsafe extern "C" fn value_set_char(out: *mut Dynamic, value: u32) {
    let value = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, Dynamic::from_char(value)) };
}

/// The condition of an `if` or a loop: 0 or 1, or 2 when the value is no truth value and the error is parked.
///
/// # Safety
///
/// `context` is the context, `slot` holds a valid value.
pub unsafe extern "C" fn expect_bool(context: *mut Context<'_>, slot: *const Dynamic, position: u32) -> u8 {
    // SAFETY: the caller's promise.
    match unsafe { raw::value_ref(slot) }.as_bool() {
        Ok(value) => u8::from(value),
        Err(actual) => {
            // SAFETY: the caller's promise.
            let context = unsafe { raw::context(context) };
            let error = mismatch_error::<bool>(context.engine, actual, unpack(position));
            park(context, error);
            2
        }
    }
}

/// Whether `??` goes on to its next operand: 1 for unit, also for unit in a cell.
///
/// # Safety
///
/// `slot` holds a valid value.
pub unsafe extern "C" fn is_unit(slot: *const Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    u8::from(unsafe { raw::value_ref(slot) }.is_unit())
}

/// The name that scripts have for the type of a value: 1 when it is in the empty slot `out`, 0 for cells and for types
/// of the host, which it is for the engine to name.
///
/// # Safety
///
/// `value` points to a valid value, `out` is an empty slot.
pub unsafe extern "C" fn type_name(value: *const Dynamic, out: *mut Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    let name = match ValueKind::of(unsafe { raw::value_ref(value) }) {
        ValueKind::Unit => "()",
        ValueKind::Bool => "bool",
        ValueKind::Int => "i64",
        ValueKind::Float => "f64",
        ValueKind::Char => "char",
        ValueKind::Str => "string",
        ValueKind::Array => "array",
        ValueKind::Map => "map",
        ValueKind::Blob => "blob",
        ValueKind::FnPtr | ValueKind::Other | ValueKind::Shared => return 0,
    };
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, ImmutableString::from(name).into()) };
    1
}

#[cfg(test)]
mod tests;
