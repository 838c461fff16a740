//! Types that operators give.

use crate::ops::BinaryOp;
use crate::ty::Ty;

/// Type of `left op right`.
pub(crate) fn binary(op: BinaryOp, left: &Ty, right: &Ty) -> Ty {
    use BinaryOp as Op;
    if *left == Ty::Never || *right == Ty::Never {
        return Ty::Never;
    }
    let compares =
        matches!(op, Op::Equal | Op::NotEqual | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual);
    match (left, right) {
        (Ty::Any, _) | (_, Ty::Any) => Ty::Any,
        // Functions of the standard library order and compare containers, and may be missing.
        (Ty::Array(_) | Ty::Map(_) | Ty::Pointer | Ty::Blob | Ty::Range, _)
        | (_, Ty::Array(_) | Ty::Map(_) | Ty::Pointer | Ty::Blob | Ty::Range) => container(op, left, right),
        _ if compares => Ty::Bool,
        (Ty::Int, Ty::Int) => match op {
            Op::RangeExclusive | Op::RangeInclusive => Ty::Range,
            Op::In => Ty::Any,
            _ => Ty::Int,
        },
        (Ty::Int | Ty::Float, Ty::Int | Ty::Float) => match op {
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo | Op::Power => Ty::Float,
            _ => Ty::Any,
        },
        (Ty::Bool, Ty::Bool) => match op {
            Op::And | Op::Or | Op::Xor => Ty::Bool,
            _ => Ty::Any,
        },
        (Ty::Str, Ty::Str | Ty::Char | Ty::Unit | Ty::Int | Ty::Float | Ty::Bool)
        | (Ty::Char | Ty::Unit | Ty::Int | Ty::Float | Ty::Bool, Ty::Str)
        | (Ty::Char, Ty::Char)
            if op == Op::Add =>
        {
            Ty::Str
        }
        (Ty::Int, Ty::Unit) | (Ty::Unit, Ty::Int)
            if matches!(op, Op::RangeExclusive | Op::RangeInclusive) =>
        {
            Ty::Range
        }
        _ => Ty::Any,
    }
}

fn container(op: BinaryOp, left: &Ty, right: &Ty) -> Ty {
    match (op, left, right) {
        (BinaryOp::In, Ty::Map(_), Ty::Str) => Ty::Bool,
        _ => Ty::Any,
    }
}

/// Type of a variable of type `left` after `left op= right`.
pub(crate) fn assigned(op: BinaryOp, left: &Ty, right: &Ty) -> Ty {
    match (op, left, right) {
        (BinaryOp::Add, Ty::Array(_), Ty::Array(added)) => left.with_part(&[crate::ty::Part::Element], added),
        (BinaryOp::Add, Ty::Array(_), Ty::Never) => left.clone(),
        (BinaryOp::Add, Ty::Array(_), Ty::Any) => Ty::array(Ty::Any),
        (BinaryOp::Add, Ty::Array(_), other) => left.with_part(&[crate::ty::Part::Element], other),
        (BinaryOp::Subtract, Ty::Str, Ty::Str | Ty::Char) => Ty::Str,
        _ => left.join(&binary(op, left, right)),
    }
}

/// The type of a variable of type `known` behind a test for type `ty`. What is another type never comes there.
pub(crate) fn narrowed(known: &Ty, ty: &Ty) -> Ty {
    match (known, ty) {
        (Ty::Any, ty) => ty.clone(),
        (Ty::Array(_), Ty::Array(_)) | (Ty::Map(_), Ty::Map(_)) => known.clone(),
        (known, ty) if known == ty => known.clone(),
        _ => Ty::Never,
    }
}
