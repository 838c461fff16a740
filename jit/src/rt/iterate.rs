//! `for` loops over values.
//!
//! Arrays, blobs, strings and ranges are walked here. For all other types the host's iterator is needed. The
//! interpreter's own table of them is not public, so it is looked for in the modules that the program knows of
//! ([`super::natives::RuntimeSites::with_iterators`]), in imported modules and among those of the standard library,
//! and used as lazily as the interpreter uses it. What is not found in any of these is walked by the interpreter, to
//! its end and before the loop begins: that an iterator has effects or does not end can then be told apart from the
//! interpreted loop, that it fails half-way cannot.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::vec::IntoIter;

use rhai::{Array, Blob, Dynamic, ImmutableString, Position};

use super::context::{Context, Status};
use super::errors::fill;
use super::guard::{RhaiResultOf, with};
use super::raw;
use crate::position::unpack;

pub(crate) mod foreign;

/// An iteration at work. It lives in a slot of the frame whose loop it is, as a value of a host type.
struct Iteration(Source);

enum Source {
    Items(IntoIter<Dynamic>),
    Bytes(IntoIter<u8>),
    /// The text and how far it is read.
    Chars(ImmutableString, usize),
    Range(Range<i64>),
    Inclusive(RangeInclusive<i64>),
    Foreign(Box<dyn Iterator<Item = RhaiResultOf<Dynamic>>>),
}

// SAFETY: values must be `Send`, but an iteration is not sent: it is created, used and dropped by the one invocation
// that has it in its frame, on the same stack where the interpreter would have the iterator.
unsafe impl Send for Iteration {}
// SAFETY: as above; nothing but the loop refers to the slot.
unsafe impl Sync for Iteration {}

impl Clone for Iteration {
    /// Values must be clonable; nothing clones the slot of a loop. The clone is at its end.
    fn clone(&self) -> Self {
        Self(Source::Range(0..0))
    }
}

impl fmt::Debug for Iteration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Iteration")
    }
}

impl Iteration {
    fn of(context: &mut Context<'_>, iterable: Dynamic, start: Position) -> RhaiResultOf<Self> {
        let iterable = match standard(iterable) {
            Ok(source) => return Ok(Self(source)),
            Err(iterable) => iterable,
        };
        foreign::iterator(context, iterable, start).map(Source::Foreign).map(Self)
    }

    fn next(&mut self) -> Option<RhaiResultOf<Dynamic>> {
        match &mut self.0 {
            Source::Items(items) => items.next().map(Ok),
            // Bytes are of a type of their own, as the interpreter has it.
            Source::Bytes(bytes) => bytes.next().map(|byte| Ok(Dynamic::from(byte))),
            Source::Chars(text, read) => {
                let char = text.get(*read..)?.chars().next()?;
                *read += char.len_utf8();
                Some(Ok(char.into()))
            }
            Source::Range(range) => range.next().map(|int| Ok(int.into())),
            Source::Inclusive(range) => range.next().map(|int| Ok(int.into())),
            Source::Foreign(iterator) => iterator.next(),
        }
    }
}

/// The iteration over a value of a standard type.
fn standard(iterable: Dynamic) -> Result<Source, Dynamic> {
    let iterable = match iterable.try_cast_result::<Array>() {
        Ok(items) => return Ok(Source::Items(items.into_iter())),
        Err(iterable) => iterable,
    };
    let iterable = match iterable.try_cast_result::<Range<i64>>() {
        Ok(range) => return Ok(Source::Range(range)),
        Err(iterable) => iterable,
    };
    let iterable = match iterable.try_cast_result::<RangeInclusive<i64>>() {
        Ok(range) => return Ok(Source::Inclusive(range)),
        Err(iterable) => iterable,
    };
    let iterable = match iterable.try_cast_result::<ImmutableString>() {
        Ok(text) => return Ok(Source::Chars(text, 0)),
        Err(iterable) => iterable,
    };
    iterable.try_cast_result::<Blob>().map(|bytes| Source::Bytes(bytes.into_iter()))
}

/// Begins a loop over a value, which is owned. The iteration goes into the empty slot `state`; when the loop is left,
/// dropping the slot ends it. `start` is where the expression begins that gave the value.
///
/// # Safety
///
/// `context` is the context, `state` an empty slot, `iterable` holds a valid value.
pub unsafe extern "C" fn iterate_begin(
    context: *mut Context<'_>,
    state: *mut Dynamic,
    iterable: *mut Dynamic,
    start: u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let iterable = unsafe { raw::take(iterable) }.flatten();
        let iteration = Iteration::of(context, iterable, unpack(start))?;
        // SAFETY: the caller's promise.
        unsafe { raw::put(state, Dynamic::from(iteration)) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// The next item: 1 when it is in the empty slot `out`, 0 at the end, 2 when the iterator has failed and the error is
/// parked. `position` is that of the expression that gave the iterable value.
///
/// # Safety
///
/// `context` is the context, `state` what [`iterate_begin`] has filled, `out` an empty slot.
pub unsafe extern "C" fn iterate_next(
    context: *mut Context<'_>,
    state: *mut Dynamic,
    out: *mut Dynamic,
    position: u32,
) -> u8 {
    let mut found = 0;
    let body = |_: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let state = unsafe { raw::value(state) };
        let Some(mut iteration) = state.write_lock::<Iteration>() else { return Ok(()) };
        if let Some(item) = iteration.next() {
            let item = item.map_err(|error| fill(error, unpack(position)))?;
            // SAFETY: the caller's promise.
            unsafe { raw::put(out, item.flatten()) };
            found = 1;
        }
        Ok(())
    };
    // SAFETY: the caller's promise.
    match unsafe { with(context, body) } {
        Status::Ok => found,
        Status::Error => 2,
    }
}

#[cfg(test)]
mod tests;
