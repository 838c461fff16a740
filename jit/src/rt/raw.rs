//! The few ways in which helpers look through the pointers that machine code hands them.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::Dynamic;

use super::context::Context;

/// The context behind a helper's first argument.
///
/// # Safety
///
/// The pointer comes from machine code or its caller, which hold the context alive for `'x`; no other reference to
/// it is used while this one is.
#[inline]
pub(crate) unsafe fn context<'x, 'a>(context: *mut Context<'a>) -> &'x mut Context<'a>
where
    'a: 'x,
{
    // SAFETY: the caller's promise.
    unsafe { &mut *context }
}

/// The value in a slot.
///
/// # Safety
///
/// The slot holds a valid value for `'x` and nothing else refers to it meanwhile.
#[inline]
pub(crate) unsafe fn value<'x>(slot: *mut Dynamic) -> &'x mut Dynamic {
    // SAFETY: the caller's promise.
    unsafe { &mut *slot }
}

/// The value in a slot, for reading only.
///
/// # Safety
///
/// The slot holds a valid value for `'x` that nothing changes meanwhile.
#[inline]
pub(crate) unsafe fn value_ref<'x>(slot: *const Dynamic) -> &'x Dynamic {
    // SAFETY: the caller's promise.
    unsafe { &*slot }
}

/// Takes an owned value and leaves unit behind.
///
/// # Safety
///
/// As [`value`].
#[inline]
pub(crate) unsafe fn take(slot: *mut Dynamic) -> Dynamic {
    // SAFETY: the caller's promise.
    unsafe { value(slot) }.take()
}

/// Fills an empty slot.
///
/// # Safety
///
/// `out` is valid for writes and what it holds needs no drop: it is unit.
#[inline]
pub(crate) unsafe fn put(out: *mut Dynamic, value: Dynamic) {
    // SAFETY: the caller's promise.
    unsafe { out.write(value) }
}

/// A run of values, such as the items of a literal.
///
/// # Safety
///
/// `first` points to `count` valid values that nothing else refers to for `'x`; it may be anything when `count` is 0.
#[inline]
pub(crate) unsafe fn values<'x>(first: *mut Dynamic, count: usize) -> &'x mut [Dynamic] {
    if count == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise; the run is not empty, so the pointer is good.
    unsafe { std::slice::from_raw_parts_mut(first, count) }
}

/// The positions of such a run.
///
/// # Safety
///
/// As [`values`], for positions.
#[inline]
pub(crate) unsafe fn positions<'x>(first: *const u32, count: usize) -> &'x [u32] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; the run is not empty, so the pointer is good.
    unsafe { std::slice::from_raw_parts(first, count) }
}
