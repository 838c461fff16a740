//! Borrowing what is inside a value that is not shared.

#![expect(unsafe_code, reason = "the interpreter's guards hide that they are plain references")]

use rhai::{Dynamic, EvalAltResult, INT, Position, Variant};

use super::Fallible;
use crate::rt::context::Context;

/// What is inside a value, if it is of type `T` and not shared.
pub(super) fn plain<T: Variant + Clone>(value: &mut Dynamic) -> Option<&mut T> {
    if value.is_shared() {
        return None;
    }
    let pointer: *mut T = &raw mut *value.write_lock::<T>()?;
    // SAFETY: the value is not shared, so the guard was nothing but a reference into it, which lives as long as the
    // exclusive borrow of the value does.
    Some(unsafe { &mut *pointer })
}

/// The place that an index means: negative ones count from the end if `from_end`.
pub(super) fn place(length: usize, index: INT, from_end: bool) -> Option<usize> {
    if index >= 0 {
        return usize::try_from(index).ok().filter(|index| *index < length);
    }
    let back = usize::try_from(index.unsigned_abs()).ok().filter(|_| from_end)?;
    length.checked_sub(back)
}

/// The error of a value whose type is not the one wanted.
#[cold]
pub(super) fn mismatch<T>(context: &Context<'_>, actual: &str, position: Position) -> Box<EvalAltResult> {
    let wanted = context.engine.map_type_name(std::any::type_name::<T>()).to_owned();
    EvalAltResult::ErrorMismatchDataType(wanted, actual.to_owned(), position).into()
}

/// Gives an error a position unless it has one.
#[cold]
pub(super) fn positioned(mut error: Box<EvalAltResult>, position: Position) -> Box<EvalAltResult> {
    if error.position().is_none() {
        error.set_position(position);
    }
    error
}

/// Checks the limits of sizes.
pub(super) fn check_size(context: &Context<'_>, value: &Dynamic, position: Position) -> Fallible<()> {
    context.engine.ensure_data_size_within_limits(value).map_err(|error| positioned(error, position))
}

/// The error of a shared value that is in use already.
#[cold]
pub(super) fn data_race() -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataRace(String::new(), Position::NONE).into()
}
