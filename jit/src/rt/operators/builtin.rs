//! What binary operators mean for standard types.

use rhai::{Blob, Dynamic, Engine, ImmutableString};

use super::numbers::{compare, compare_floats, float_arithmetic, int_arithmetic};
use crate::ops::BinaryOp;
use crate::rt::guard::RhaiResultOf;
use crate::rt::limits::Sizes;
use crate::rt::values::ValueKind;

/// The result for standard types, its error without a position; none where a function of the operator's name is to
/// be called. Operands are neither cells nor host types.
pub(super) fn binary(
    engine: &Engine,
    op: BinaryOp,
    left: &Dynamic,
    right: &Dynamic,
) -> Option<RhaiResultOf<Dynamic>> {
    use ValueKind as K;
    match (ValueKind::of(left), ValueKind::of(right)) {
        (K::Int, K::Int) => ints(op, left.as_int().ok()?, right.as_int().ok()?),
        (K::Float, K::Float) => floats(op, left.as_float().ok()?, right.as_float().ok()?),
        (K::Float, K::Int) => floats(op, left.as_float().ok()?, float_of(right)?),
        (K::Int, K::Float) => floats(op, float_of(left)?, right.as_float().ok()?),
        (K::Bool, K::Bool) => truths(op, left.as_bool().ok()?, right.as_bool().ok()?),
        (K::Str, K::Str) => {
            let (left, right) = (left.as_immutable_string_ref().ok()?, right.as_immutable_string_ref().ok()?);
            strings(engine, op, &left, &right)
        }
        (K::Char, K::Char) => chars(engine, op, left.as_char().ok()?, right.as_char().ok()?),
        (K::Char, K::Str) => char_and_string(engine, op, left, right),
        (K::Str, K::Char) => string_and_char(engine, op, left, right),
        (K::Blob, K::Blob) => blobs(engine, op, left, right),
        (K::Blob, K::Char) => blob_and_char(engine, op, left, right),
        (K::Unit, K::Unit) => {
            let is_equal = op == BinaryOp::Equal;
            is_comparison(op).then(|| Ok(is_equal.into()))
        }
        (K::Unit, K::Str) if op == BinaryOp::Add => Some(Ok(right.clone())),
        (K::Str, K::Unit) if op == BinaryOp::Add => Some(Ok(left.clone())),
        (K::Int, K::Unit) if is_range(op) => ints(op, left.as_int().ok()?, i64::MAX),
        (K::Unit, K::Int) if is_range(op) => ints(op, 0, right.as_int().ok()?),
        // Values of different types are not equal, and neither is less.
        (one, two) if one != two && is_comparison(op) => Some(Ok((op == BinaryOp::NotEqual).into())),
        _ => None,
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    compare(op, &0, &0).is_some()
}

fn is_range(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::RangeExclusive | BinaryOp::RangeInclusive)
}

#[expect(clippy::cast_precision_loss, reason = "this is how integers meet floats")]
fn float_of(int: &Dynamic) -> Option<f64> {
    Some(int.as_int().ok()? as f64)
}

fn ints(op: BinaryOp, left: i64, right: i64) -> Option<RhaiResultOf<Dynamic>> {
    match op {
        BinaryOp::RangeExclusive => Some(Ok(Dynamic::from(left..right))),
        BinaryOp::RangeInclusive => Some(Ok(Dynamic::from(left..=right))),
        _ => match int_arithmetic(op, left, right) {
            Some(result) => Some(result.map(Dynamic::from_int)),
            None => compare(op, &left, &right).map(|truth| Ok(truth.into())),
        },
    }
}

fn floats(op: BinaryOp, left: f64, right: f64) -> Option<RhaiResultOf<Dynamic>> {
    match float_arithmetic(op, left, right) {
        Some(value) => Some(Ok(value.into())),
        None => compare_floats(op, left, right).map(|truth| Ok(truth.into())),
    }
}

fn truths(op: BinaryOp, left: bool, right: bool) -> Option<RhaiResultOf<Dynamic>> {
    let truth = match op {
        BinaryOp::And => left & right,
        BinaryOp::Or => left | right,
        BinaryOp::Xor => left ^ right,
        _ => compare(op, &left, &right)?,
    };
    Some(Ok(truth.into()))
}

fn strings(
    engine: &Engine,
    op: BinaryOp,
    left: &ImmutableString,
    right: &ImmutableString,
) -> Option<RhaiResultOf<Dynamic>> {
    Some(Ok(match op {
        BinaryOp::Add => {
            let size = Sizes::string(left.len() + right.len());
            return Some(size.check(engine).map(|()| (left + right).into()));
        }
        BinaryOp::Subtract => (left - right).into(),
        _ => compare(op, &left.as_str(), &right.as_str())?.into(),
    }))
}

/// A string that is not too long.
fn joined(engine: &Engine, parts: [&str; 2]) -> RhaiResultOf<Dynamic> {
    Sizes::string(parts[0].len() + parts[1].len()).check(engine)?;
    Ok(parts.into_iter().collect::<ImmutableString>().into())
}

fn chars(engine: &Engine, op: BinaryOp, left: char, right: char) -> Option<RhaiResultOf<Dynamic>> {
    if op == BinaryOp::Add {
        return Some(joined(engine, [left.encode_utf8(&mut [0; 4]), right.encode_utf8(&mut [0; 4])]));
    }
    compare(op, &left, &right).map(|truth| Ok(truth.into()))
}

/// How a string compares with a character: by its first two characters.
fn head(text: &str) -> [Option<char>; 2] {
    let mut chars = text.chars();
    [chars.next(), chars.next()]
}

fn char_and_string(
    engine: &Engine,
    op: BinaryOp,
    left: &Dynamic,
    right: &Dynamic,
) -> Option<RhaiResultOf<Dynamic>> {
    let (left, right) = (left.as_char().ok()?, right.as_immutable_string_ref().ok()?);
    if op == BinaryOp::Add {
        return Some(joined(engine, [left.encode_utf8(&mut [0; 4]), right.as_str()]));
    }
    compare(op, &[Some(left), None], &head(right.as_str())).map(|truth| Ok(truth.into()))
}

fn string_and_char(
    engine: &Engine,
    op: BinaryOp,
    left: &Dynamic,
    right: &Dynamic,
) -> Option<RhaiResultOf<Dynamic>> {
    let (left, right) = (left.as_immutable_string_ref().ok()?, right.as_char().ok()?);
    match op {
        BinaryOp::Add => Some(joined(engine, [left.as_str(), right.encode_utf8(&mut [0; 4])])),
        BinaryOp::Subtract => Some(Ok((&*left - right).into())),
        _ => compare(op, &head(left.as_str()), &[Some(right), None]).map(|truth| Ok(truth.into())),
    }
}

fn blobs(engine: &Engine, op: BinaryOp, left: &Dynamic, right: &Dynamic) -> Option<RhaiResultOf<Dynamic>> {
    let (one, two) = (left.as_blob_ref().ok()?, right.as_blob_ref().ok()?);
    match op {
        BinaryOp::Add if two.is_empty() => Some(Ok(left.clone())),
        BinaryOp::Add if one.is_empty() => Some(Ok(right.clone())),
        BinaryOp::Add => Some(extended(engine, &one, &two)),
        BinaryOp::Equal => Some(Ok((*one == *two).into())),
        BinaryOp::NotEqual => Some(Ok((*one != *two).into())),
        _ => None,
    }
}

fn blob_and_char(
    engine: &Engine,
    op: BinaryOp,
    left: &Dynamic,
    right: &Dynamic,
) -> Option<RhaiResultOf<Dynamic>> {
    if op != BinaryOp::Add {
        return None;
    }
    let (blob, char) = (left.as_blob_ref().ok()?, right.as_char().ok()?);
    Some(extended(engine, &blob, char.encode_utf8(&mut [0; 4]).as_bytes()))
}

fn extended(engine: &Engine, blob: &Blob, more: &[u8]) -> RhaiResultOf<Dynamic> {
    Sizes::blob(blob.len() + more.len()).check(engine)?;
    Ok(Dynamic::from_blob([blob, more].concat()))
}
