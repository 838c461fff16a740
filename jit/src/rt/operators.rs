//! Operators on values of any type.
//!
//! With fast operators (the default of an engine) the interpreter has its own meaning for operators on standard
//! types; that table is in [`builtin`] and [`assign`](mod@assign). All else is a call of a function with the operator's name.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::borrow::Cow;

use rhai::{Dynamic, EvalAltResult, Position};

use super::context::{Context, Status};
use super::errors::fill;
use super::guard::{RhaiResultOf, park, with};
use super::natives::native_operator;
use super::raw;
use crate::ops::BinaryOp;
use crate::position::unpack;

mod assign;
mod builtin;
mod numbers;

pub use assign::{assign, op_assign};
pub use numbers::{float_binary, float_compare};

/// Unary operators, as [`unary`] numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum UnaryOp {
    /// `-x`
    Minus = 0,
    /// `+x`
    Plus = 1,
    /// `!x`
    Not = 2,
}

impl UnaryOp {
    /// The operator with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Minus, Self::Plus, Self::Not].get(number as usize).copied()
    }
}

/// A binary operator (a [`BinaryOp`]) on two values, which stay as they are.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `left` and `right` hold valid values.
pub unsafe extern "C" fn binary(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    op: u32,
    left: *const Dynamic,
    right: *const Dynamic,
    position: u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let left = plain(unsafe { raw::value_ref(left) });
        // SAFETY: the caller's promise.
        let right = plain(unsafe { raw::value_ref(right) });
        let value = binary_value(context, operator(op)?, &left, &right, unpack(position))?;
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, value) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// A unary operator (a [`UnaryOp`]) on a value, which stays as it is.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `operand` holds a valid value.
pub unsafe extern "C" fn unary(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    op: u32,
    operand: *const Dynamic,
    position: u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let operand = plain(unsafe { raw::value_ref(operand) });
        let op = UnaryOp::from_number(op).ok_or_else(|| unknown_operator(op))?;
        let value = unary_value(context, op, &operand, unpack(position))?;
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, value) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// A binary operator on two integers, with all errors; a comparison gives 0 or 1.
///
/// # Safety
///
/// `context` is the context, `out` is good for writing.
pub unsafe extern "C" fn int_binary(
    context: *mut Context<'_>,
    op: u32,
    left: i64,
    right: i64,
    out: *mut i64,
    position: u32,
) -> Status {
    let at = unpack(position);
    let result = operator(op).and_then(|op| {
        let value = numbers::int_arithmetic(op, left, right);
        let compared = || numbers::compare(op, &left, &right).map(|truth| Ok(truth.into()));
        value.or_else(compared).unwrap_or_else(|| Err(unknown_operator(op as u32)))
    });
    match result {
        Ok(value) => {
            // SAFETY: the caller's promise.
            unsafe { out.write(value) };
            Status::Ok
        }
        // SAFETY: the caller's promise.
        Err(error) => park(unsafe { raw::context(context) }, fill(error, at)),
    }
}

/// `-x` on the least integer: raises the error of fast operators.
///
/// # Safety
///
/// `context` is the context.
pub unsafe extern "C" fn int_negate_overflow(context: *mut Context<'_>, position: u32) -> Status {
    // SAFETY: the caller's promise.
    park(unsafe { raw::context(context) }, negate_overflow(unpack(position)))
}

#[expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]
fn negate_overflow(at: Position) -> Box<EvalAltResult> {
    EvalAltResult::ErrorArithmetic("integer overflow".into(), at).into()
}

/// The operator with this number.
fn operator(number: u32) -> RhaiResultOf<BinaryOp> {
    BinaryOp::ALL.get(number as usize).copied().ok_or_else(|| unknown_operator(number))
}

/// Only a wrong number in machine code leads here.
#[expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]
fn unknown_operator(number: u32) -> Box<EvalAltResult> {
    let text = format!("there is no operator {number}");
    EvalAltResult::ErrorSystem(text.clone(), text.into()).into()
}

/// What an operator sees of a value: cells are looked through.
fn plain(value: &Dynamic) -> Cow<'_, Dynamic> {
    if value.is_shared() { Cow::Owned(value.flatten_clone()) } else { Cow::Borrowed(value) }
}

/// A binary operator on two values that are not cells.
pub(crate) fn binary_value(
    context: &mut Context<'_>,
    op: BinaryOp,
    left: &Dynamic,
    right: &Dynamic,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    if context.engine.fast_operators()
        && !left.is_variant()
        && !right.is_variant()
        && let Some(result) = builtin::binary(context.engine, op, left, right)
    {
        return result.map_err(|error| fill(error, at));
    }
    let operands = if op == BinaryOp::In { [right, left] } else { [left, right] };
    native_operator(context, |sites| &sites.binary[op as usize], operands, at)
}

/// A unary operator on a value that is not a cell.
pub(crate) fn unary_value(
    context: &mut Context<'_>,
    op: UnaryOp,
    operand: &Dynamic,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    if context.engine.fast_operators() {
        match op {
            UnaryOp::Not => {
                if let Ok(truth) = operand.as_bool() {
                    return Ok((!truth).into());
                }
            }
            UnaryOp::Minus => {
                if let Ok(int) = operand.as_int() {
                    return int.checked_neg().map(Dynamic::from_int).ok_or_else(|| negate_overflow(at));
                }
                if let Ok(float) = operand.as_float() {
                    return Ok((-float).into());
                }
            }
            UnaryOp::Plus => (),
        }
    }
    native_operator(context, |sites| &sites.unary[op as usize], [operand], at)
}

/// `left == right` for two values of one scalar type, or two strings.
pub(crate) fn same(left: &Dynamic, right: &Dynamic) -> bool {
    if let (Ok(left), Ok(right)) = (left.as_int(), right.as_int()) {
        left == right
    } else if let (Ok(left), Ok(right)) = (left.as_immutable_string_ref(), right.as_immutable_string_ref()) {
        *left == *right
    } else if let (Ok(left), Ok(right)) = (left.as_float(), right.as_float()) {
        numbers::compare_floats(BinaryOp::Equal, left, right).unwrap_or_default()
    } else if let (Ok(left), Ok(right)) = (left.as_char(), right.as_char()) {
        left == right
    } else {
        matches!((left.as_bool(), right.as_bool()), (Ok(left), Ok(right)) if left == right)
    }
}

#[cfg(test)]
mod tests;
