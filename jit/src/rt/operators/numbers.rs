//! Operators on numbers.

use rhai::{EvalAltResult, Position};

use crate::ops::BinaryOp;
use crate::rt::guard::RhaiResultOf;

/// `%` and `**` on floats, which have no machine instruction; all other arithmetic as well. 0 for other operators.
pub extern "C" fn float_binary(op: u32, left: f64, right: f64) -> f64 {
    let op = BinaryOp::ALL.get(op as usize).copied();
    op.and_then(|op| float_arithmetic(op, left, right)).unwrap_or_default()
}

/// A comparison of floats as 0 or 1; 0 for operators that do not compare.
pub extern "C" fn float_compare(op: u32, left: f64, right: f64) -> u8 {
    let op = BinaryOp::ALL.get(op as usize).copied();
    op.and_then(|op| compare_floats(op, left, right)).unwrap_or_default().into()
}

/// Arithmetic on floats; none for other operators.
pub(super) fn float_arithmetic(op: BinaryOp, left: f64, right: f64) -> Option<f64> {
    Some(match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        BinaryOp::Divide => left / right,
        BinaryOp::Modulo => left % right,
        BinaryOp::Power => left.powf(right),
        _ => return None,
    })
}

/// Comparisons of floats, which leave room for a relative error; none for other operators.
pub(super) fn compare_floats(op: BinaryOp, left: f64, right: f64) -> Option<bool> {
    // Literally the interpreter's formula, on which the results for NaN, infinities and tiny numbers hang.
    let scale = if left * right == 0.0 { 1.0 } else { left.abs().max(right.abs()) };
    let is_zero = scale == 0.0;
    let difference = (left - right) / scale;
    Some(match op {
        BinaryOp::Equal => is_zero || (left - right).abs() / scale <= f64::EPSILON,
        BinaryOp::NotEqual => !is_zero && (left - right).abs() / scale > f64::EPSILON,
        BinaryOp::Greater => !is_zero && difference > f64::EPSILON,
        BinaryOp::GreaterEqual => is_zero || difference > -f64::EPSILON,
        BinaryOp::Less => !is_zero && (right - left) / scale > f64::EPSILON,
        BinaryOp::LessEqual => is_zero || (right - left) / scale > -f64::EPSILON,
        _ => return None,
    })
}

/// Comparisons of what has an exact order; none for other operators.
pub(super) fn compare<T: PartialOrd>(op: BinaryOp, left: &T, right: &T) -> Option<bool> {
    Some(match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Greater => left > right,
        BinaryOp::GreaterEqual => left >= right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        _ => return None,
    })
}

/// Arithmetic and bit operators on integers, the error without a position; none for other operators.
pub(super) fn int_arithmetic(op: BinaryOp, left: i64, right: i64) -> Option<RhaiResultOf<i64>> {
    let checked = |result: Option<i64>, what: &str| {
        result.ok_or_else(|| {
            let text = format!("{what}: {left} {} {right}", op.syntax());
            EvalAltResult::ErrorArithmetic(text, Position::NONE).into()
        })
    };
    Some(match op {
        BinaryOp::Add => checked(left.checked_add(right), "Addition overflow"),
        BinaryOp::Subtract => checked(left.checked_sub(right), "Subtraction overflow"),
        BinaryOp::Multiply => checked(left.checked_mul(right), "Multiplication overflow"),
        BinaryOp::Divide if right == 0 => checked(None, "Division by zero"),
        BinaryOp::Divide => checked(left.checked_div(right), "Division overflow"),
        BinaryOp::Modulo => checked(left.checked_rem(right), "Modulo division by zero or overflow"),
        BinaryOp::Power if right < 0 => checked(None, "Integer raised to a negative power"),
        BinaryOp::Power => {
            let power = u32::try_from(right).ok().and_then(|right| left.checked_pow(right));
            checked(power, "Exponential overflow")
        }
        BinaryOp::ShiftLeft => Ok(shift_left(left, right)),
        BinaryOp::ShiftRight => Ok(shift_right(left, right)),
        BinaryOp::And => Ok(left & right),
        BinaryOp::Or => Ok(left | right),
        BinaryOp::Xor => Ok(left ^ right),
        _ => return None,
    })
}

/// Whether an operator on integers keeps the tag of the variable that its assigning form changes.
pub(super) fn keeps_tag(op: BinaryOp) -> bool {
    !matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor)
}

/// A shift to the left; by a negative number, to the right. All bits can be shifted out.
fn shift_left(value: i64, by: i64) -> i64 {
    if by < 0 {
        return shift_right(value, by.checked_abs().unwrap_or(i64::MAX));
    }
    u32::try_from(by).ok().and_then(|by| value.checked_shl(by)).unwrap_or(0)
}

/// A shift to the right that keeps the sign; by a negative number, to the left.
fn shift_right(value: i64, by: i64) -> i64 {
    if by < 0 {
        return shift_left(value, by.checked_abs().unwrap_or(i64::MAX));
    }
    u32::try_from(by).ok().and_then(|by| value.checked_shr(by)).unwrap_or(value >> 63)
}
