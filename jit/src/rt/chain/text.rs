//! Parts of strings and of integers.

use rhai::{Dynamic, EvalAltResult, INT, ImmutableString, Position, Target};

use super::{
    Fallible,
    access::{mismatch, place},
};
use crate::rt::context::Context;

type Exclusive = std::ops::Range<INT>;
type Inclusive = std::ops::RangeInclusive<INT>;

/// The bits of an integer.
const BITS: usize = INT::BITS as usize;

/// A range as an index.
struct Span {
    start: INT,
    end: INT,
    exclusive: bool,
}

/// The range that an index is, if it is one.
fn span(index: &Dynamic) -> Option<Span> {
    if let Some(range) = index.read_lock::<Exclusive>() {
        return Some(Span { start: range.start, end: range.end, exclusive: true });
    }
    let range = index.read_lock::<Inclusive>()?;
    Some(Span { start: *range.start(), end: *range.end(), exclusive: false })
}

/// A character of a string, or a slice of it.
pub(super) fn part<'t>(
    context: &Context<'_>,
    object: &'t mut Dynamic,
    index: &Dynamic,
    position: Position,
) -> Fallible<Target<'t>> {
    let Ok(text) = object.as_immutable_string_ref().map(|text| ImmutableString::clone(&text)) else {
        return Err(mismatch::<ImmutableString>(context, object.type_name(), position));
    };
    if let Ok(number) = index.as_int() {
        let offset = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
        let found = if number >= 0 { text.chars().nth(offset) } else { text.chars().rev().nth(offset - 1) };
        return match found {
            // The offset of one that is counted from the end stays what it is, as in the interpreter.
            Some(found) => Ok(Target::StringChar { source: object, value: found.into(), index: offset }),
            None => Err(EvalAltResult::ErrorStringBounds(text.chars().count(), number, position).into()),
        };
    }
    let Some(span) = span(index) else {
        return Err(mismatch::<INT>(context, index.type_name(), position));
    };
    if text.is_empty() {
        return Ok(Target::StringSlice {
            source: object,
            value: text.into(),
            start: 0,
            end: 0,
            exclusive: true,
        });
    }
    let (start, end, value) = slice(&text, &span, position)?;
    Ok(Target::StringSlice { source: object, value: value.into(), start, end, exclusive: span.exclusive })
}

/// A slice of a string that is not empty, with its bounds.
fn slice(
    text: &ImmutableString,
    span: &Span,
    position: Position,
) -> Fallible<(usize, usize, ImmutableString)> {
    let count = text.chars().count();
    let start = match usize::try_from(span.start) {
        Ok(start) => start,
        Err(_) => place(count, span.start, true)
            .ok_or_else(|| Box::new(EvalAltResult::ErrorStringBounds(count, span.start, position)))?,
    };
    let end = usize::try_from(span.end).unwrap_or_else(|_| place(count, span.end, true).unwrap_or(0));
    let last = if span.exclusive { count } else { count - 1 };
    if start == 0 && end >= last {
        return Ok((start, end, text.clone()));
    }
    let length = match end.checked_sub(start) {
        None | Some(0) => 0,
        // An inclusive range of one character is empty here, as in the interpreter.
        Some(length) => length + usize::from(!span.exclusive),
    };
    let value: String = text.chars().skip(start).take(length).collect();
    Ok((start, end, value.into()))
}

/// A bit of an integer, or a field of bits.
pub(super) fn bits<'t>(
    context: &Context<'_>,
    object: &'t mut Dynamic,
    index: &Dynamic,
    position: Position,
) -> Fallible<Target<'t>> {
    let number = object.as_int().unwrap_or_default();
    if let Some(span) = span(index) {
        let (shift, mask) = field(&span, position)?;
        let value = ((number & mask) >> shift).into();
        return Ok(Target::BitField { source: object, value, mask, shift });
    }
    let bit = index.as_int().map_err(|actual| mismatch::<INT>(context, actual, position))?;
    let bit = place(BITS, bit, true)
        .and_then(|bit| u8::try_from(bit).ok())
        .ok_or_else(|| Box::new(EvalAltResult::ErrorBitFieldBounds(BITS, bit, position)))?;
    Ok(Target::Bit { source: object, value: (number & (1 << bit) != 0).into(), bit })
}

/// The shift and the mask of a field of bits.
fn field(span: &Span, position: Position) -> Fallible<(u8, INT)> {
    let open_end = INT::from(INT::BITS) - INT::from(u8::from(!span.exclusive));
    let end = if span.end == INT::MAX { open_end } else { span.end };
    let outside = |index| Box::new(EvalAltResult::ErrorBitFieldBounds(BITS, index, position));
    let start = place(BITS, span.start, false).ok_or_else(|| outside(span.start))?;
    let limit = if span.exclusive { BITS + 1 } else { BITS };
    let end = place(limit, end, false).ok_or_else(|| outside(end))?;
    let width = (end + usize::from(!span.exclusive)).saturating_sub(start);
    Ok(match width {
        0 => (0, 0),
        BITS => (0, -1),
        width => (
            u8::try_from(start).unwrap_or_default(),
            (1_u64.wrapping_shl(u32::try_from(width).unwrap_or(0)) - 1).cast_signed() << start,
        ),
    })
}
