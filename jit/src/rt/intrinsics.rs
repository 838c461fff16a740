//! What the standard library does, for machine code that knows the types: no look-up, no boxes for scalars.
//!
//! Values are passed by address and known to be of the type that the function is for; they are never cells. Scalars
//! come and go in registers. A function that may fail returns a [`super::context::Status`] and writes a scalar result
//! to `out`. Results have the meaning of the library's functions down to the text of errors; limits on sizes are
//! checked by [`check_size`], which machine code calls where an engine has any.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, EvalAltResult, ImmutableString, Position, Variant};

use super::context::{Context, Status};
use super::errors::fill;
use super::guard::park;
use super::raw;
use crate::position::unpack;

pub mod arrays;
pub mod maps;
pub mod numbers;
pub mod text;

/// Checks a value against the engine's limits, as is done with the results and objects of functions.
///
/// # Safety
///
/// `context` is the context, `value` holds a valid value.
pub unsafe extern "C" fn check_size(
    context: *mut Context<'_>,
    value: *const Dynamic,
    position: u32,
) -> Status {
    // SAFETY: the caller's promise.
    let context = unsafe { raw::context(context) };
    // SAFETY: the caller's promise.
    let value = unsafe { raw::value_ref(value) };
    match context.engine.ensure_data_size_within_limits(value) {
        Ok(()) => Status::Ok,
        Err(error) => park(context, fill(error, unpack(position))),
    }
}

/// Reads a value of known type.
///
/// # Safety
///
/// `value` holds a valid value that nothing changes meanwhile.
#[inline]
unsafe fn read<T: Variant + Clone, R: Default>(value: *const Dynamic, body: impl FnOnce(&T) -> R) -> R {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::value_ref(value) };
    value.read_lock::<T>().map(|found| body(&found)).unwrap_or_default()
}

/// Reads a string.
///
/// # Safety
///
/// As for [`read`].
#[inline]
unsafe fn read_text<R: Default>(value: *const Dynamic, body: impl FnOnce(&str) -> R) -> R {
    // SAFETY: the caller's promise.
    unsafe { read(value, |text: &ImmutableString| body(text)) }
}

/// Changes a value of known type in place.
///
/// # Safety
///
/// `value` holds a valid value that nothing else refers to.
#[inline]
unsafe fn change<T: Variant + Clone, R: Default>(value: *mut Dynamic, body: impl FnOnce(&mut T) -> R) -> R {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::value(value) };
    value.write_lock::<T>().map(|mut found| body(&mut found)).unwrap_or_default()
}

/// Parks an arithmetic error.
///
/// # Safety
///
/// `context` is the context.
#[cold]
unsafe fn arithmetic(context: *mut Context<'_>, text: String, at: Position) -> Status {
    // SAFETY: the caller's promise.
    park(unsafe { raw::context(context) }, EvalAltResult::ErrorArithmetic(text, at).into())
}

/// A length as scripts see it.
fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
