//! Assignments to variables: `x = y` and `x op= y`.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::slice;

use rhai::{
    BinaryExpr, Dynamic, Engine, EvalAltResult, Expr, ImmutableString, OpAssignment, Position, Stmt,
    StmtBlock, Token,
};

use super::numbers::{float_arithmetic, int_arithmetic, keeps_tag};
use super::{operator, unknown_operator};
use crate::ops::BinaryOp;
use crate::position::unpack;
use crate::rt::context::{Context, Status};
use crate::rt::errors::{RuntimeName, fill, name_text};
use crate::rt::guard::{RhaiResultOf, with};
use crate::rt::interpret::{self, arguments};
use crate::rt::limits::Sizes;
use crate::rt::raw;
use crate::rt::values::{ValueKind, unmark};

/// `target op= value`: the operator is a [`BinaryOp`], the value is owned. `position` is that of the operator,
/// `root` that of the variable, `name` its name, or null for `this`.
///
/// # Safety
///
/// `context` is the context, `target` and `value` hold valid, distinct values, `name` is null or points to a name.
pub unsafe extern "C" fn op_assign(
    context: *mut Context<'_>,
    target: *mut Dynamic,
    op: u32,
    value: *mut Dynamic,
    name: *const RuntimeName,
    position: u32,
    root: u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let name = unsafe { name_text(name) }.unwrap_or_default();
        // SAFETY: the caller's promise.
        let target = unsafe { raw::value(target) };
        // SAFETY: the caller's promise.
        let value = unsafe { raw::take(value) }.flatten();
        let place = Place { name, root: unpack(root), operator: unpack(position) };
        op_assign_value(context, target, operator(op)?, value, place)
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// `target = value` where the target may be a cell or a constant; the value is owned.
///
/// # Safety
///
/// As for [`op_assign`].
pub unsafe extern "C" fn assign(
    context: *mut Context<'_>,
    target: *mut Dynamic,
    value: *mut Dynamic,
    name: *const RuntimeName,
    root: u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let name = unsafe { name_text(name) }.unwrap_or_default();
        // SAFETY: the caller's promise.
        let target = unsafe { raw::value(target) };
        // SAFETY: the caller's promise.
        let mut value = unsafe { raw::take(value) }.flatten();
        in_cell(target, |target| {
            refuse_constant(target, name, unpack(root))?;
            unmark(context, slice::from_mut(&mut value));
            *target = value;
            Ok(())
        })
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// What errors say about the place of an assignment.
#[derive(Clone, Copy)]
pub(crate) struct Place<'s> {
    /// The variable.
    pub name: &'s str,
    /// Where it stands.
    pub root: Position,
    /// Where the operator stands.
    pub operator: Position,
}

/// Works on what a variable holds, with its cell locked if it is one.
fn in_cell(target: &mut Dynamic, work: impl FnOnce(&mut Dynamic) -> RhaiResultOf<()>) -> RhaiResultOf<()> {
    if !target.is_shared() {
        return work(target);
    }
    match target.write_lock::<Dynamic>() {
        Some(mut inner) => work(&mut inner),
        None => Err(EvalAltResult::ErrorDataRace(String::new(), Position::NONE).into()),
    }
}

fn refuse_constant(target: &Dynamic, name: &str, at: Position) -> RhaiResultOf<()> {
    if target.is_read_only() {
        return Err(EvalAltResult::ErrorAssignmentToConstant(name.to_owned(), at).into());
    }
    Ok(())
}

/// `target op= value` as the interpreter does it.
pub(crate) fn op_assign_value(
    context: &mut Context<'_>,
    target: &mut Dynamic,
    op: BinaryOp,
    value: Dynamic,
    place: Place<'_>,
) -> RhaiResultOf<()> {
    in_cell(target, |target| {
        refuse_constant(target, place.name, place.root)?;
        let mut value = Some(value);
        if context.engine.fast_operators()
            && let Some(result) = builtin(context.engine, op, target, &mut value)
        {
            return result.map_err(|error| fill(error, place.operator));
        }
        slow(context, target, op, value.unwrap_or_default(), place)
    })
}

/// Through the interpreter: the registered function of the operator, or else `target = target op value`.
fn slow(
    context: &mut Context<'_>,
    target: &mut Dynamic,
    op: BinaryOp,
    value: Dynamic,
    place: Place<'_>,
) -> RhaiResultOf<()> {
    let syntax = op.assigning_syntax().ok_or_else(|| unknown_operator(op as u32))?;
    let token = Token::lookup_symbol_from_syntax(syntax).ok_or_else(|| unknown_operator(op as u32))?;
    let assignment = OpAssignment::new_op_assignment_from_token(token, place.operator);
    let (rhs, operations) = arguments::expression(value, place.operator);
    let sides = BinaryExpr { lhs: Expr::ThisPtr(place.root), rhs };
    let statement = Stmt::Assignment(Box::new((assignment, sides)));
    let block = StmtBlock::new([statement], place.root, place.operator);
    let expression = Expr::Stmt(Box::new(block));
    let mut caches = std::mem::take(&mut context.caches);
    // The statement, the value, the target, and the call, which fuel is taken for here.
    context.fuel -= 1;
    let result = interpret::evaluate(context, &expression, Some(target), &mut caches, operations + 3);
    context.caches = caches;
    result.map(|_| ())
}

/// The meaning for standard types; none where a function is to be called. The value is taken only when it is used up.
fn builtin(
    engine: &Engine,
    op: BinaryOp,
    target: &mut Dynamic,
    value: &mut Option<Dynamic>,
) -> Option<RhaiResultOf<()>> {
    use ValueKind as K;
    let right = value.as_ref()?;
    let kinds = (ValueKind::of(target), ValueKind::of(right));
    match kinds {
        (K::Int, K::Int) => ints(op, target, right.as_int().ok()?),
        (K::Float, K::Float) => floats(op, target, right.as_float().ok()?),
        (K::Float, K::Int) => floats(op, target, float_of(right.as_int().ok()?)),
        (K::Bool, K::Bool) => truths(op, target, right.as_bool().ok()?),
        (K::Str, K::Str | K::Char) => strings(engine, op, target, right),
        // The rest can only grow.
        _ if op != BinaryOp::Add => None,
        (K::Char, K::Char | K::Str) => char_grows(engine, target, right),
        (K::Array, K::Array) => Some(append(engine, target, value.take()?)),
        (K::Array, _) => Some(push(engine, target, value.take()?)),
        (K::Blob, K::Blob | K::Int | K::Char | K::Str) => Some(blob_grows(engine, target, right)),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "this is how integers meet floats")]
fn float_of(int: i64) -> f64 {
    int as f64
}

fn ints(op: BinaryOp, target: &mut Dynamic, right: i64) -> Option<RhaiResultOf<()>> {
    let result = int_arithmetic(op, target.as_int().ok()?, right)?;
    Some(result.map(|value| {
        if !keeps_tag(op) {
            *target = value.into();
        } else if let Some(mut place) = target.write_lock::<i64>() {
            *place = value;
        }
    }))
}

fn floats(op: BinaryOp, target: &mut Dynamic, right: f64) -> Option<RhaiResultOf<()>> {
    let value = float_arithmetic(op, target.as_float().ok()?, right)?;
    *target.write_lock::<f64>()? = value;
    Some(Ok(()))
}

fn truths(op: BinaryOp, target: &mut Dynamic, right: bool) -> Option<RhaiResultOf<()>> {
    let mut place = target.write_lock::<bool>()?;
    match op {
        BinaryOp::And => *place &= right,
        BinaryOp::Or => *place |= right,
        BinaryOp::Xor => *place ^= right,
        _ => return None,
    }
    Some(Ok(()))
}

/// The text of a string or a character.
fn text_of(value: &Dynamic) -> Option<ImmutableString> {
    match value.as_char() {
        Ok(char) => Some(char.to_string().into()),
        Err(_) => value.as_immutable_string_ref().ok().map(|text| text.clone()),
    }
}

fn strings(engine: &Engine, op: BinaryOp, target: &mut Dynamic, right: &Dynamic) -> Option<RhaiResultOf<()>> {
    let mut place = target.as_immutable_string_mut().ok()?;
    match (op, right.as_char()) {
        (BinaryOp::Subtract, Ok(char)) => *place -= char,
        (BinaryOp::Subtract, Err(_)) => *place -= &*right.as_immutable_string_ref().ok()?,
        (BinaryOp::Add, Ok(char)) => {
            if let Err(error) = Sizes::string(place.len() + char.len_utf8()).check(engine) {
                return Some(Err(error));
            }
            *place += char;
        }
        (BinaryOp::Add, Err(_)) => {
            let more = right.as_immutable_string_ref().ok()?;
            // Nothing is checked when nothing is put together.
            if !place.is_empty()
                && !more.is_empty()
                && let Err(error) = Sizes::string(place.len() + more.len()).check(engine)
            {
                return Some(Err(error));
            }
            *place += &*more;
        }
        _ => return None,
    }
    Some(Ok(()))
}

/// A character becomes a string.
fn char_grows(engine: &Engine, target: &mut Dynamic, right: &Dynamic) -> Option<RhaiResultOf<()>> {
    let mut text = target.as_char().ok()?.to_string();
    let more = text_of(right)?;
    if more.is_empty() {
        return Some(Ok(()));
    }
    // The interpreter checks the size only when a string is added.
    if right.is_string()
        && let Err(error) = Sizes::string(text.len() + more.len()).check(engine)
    {
        return Some(Err(error));
    }
    text.push_str(&more);
    *target = text.into();
    Some(Ok(()))
}

fn append(engine: &Engine, target: &mut Dynamic, value: Dynamic) -> RhaiResultOf<()> {
    let more = value.into_array().unwrap_or_default();
    if more.is_empty() {
        return Ok(());
    }
    let is_empty = target.as_array_ref().is_ok_and(|items| items.is_empty());
    if !is_empty {
        engine.ensure_data_size_within_limits(target)?;
    }
    if let Ok(mut items) = target.as_array_mut() {
        if is_empty {
            *items = more;
        } else {
            items.extend(more);
        }
    }
    Ok(())
}

fn push(engine: &Engine, target: &mut Dynamic, value: Dynamic) -> RhaiResultOf<()> {
    if let Ok(mut items) = target.as_array_mut() {
        items.push(value);
    }
    engine.ensure_data_size_within_limits(target)
}

fn blob_grows(engine: &Engine, target: &mut Dynamic, right: &Dynamic) -> RhaiResultOf<()> {
    let Ok(mut blob) = target.as_blob_mut() else { return Ok(()) };
    // What is put in, and how long the interpreter takes it to be.
    let (more, length) = if let Ok(int) = right.as_int() {
        (vec![int.to_le_bytes()[0]], 1)
    } else if let Ok(char) = right.as_char() {
        (char.to_string().into_bytes(), 1)
    } else if let Ok(text) = right.as_immutable_string_ref() {
        if text.is_empty() {
            return Ok(());
        }
        (text.as_bytes().to_vec(), text.len())
    } else {
        let more = right.as_blob_ref().map(|more| more.clone()).unwrap_or_default();
        let length = more.len();
        (more, length)
    };
    Sizes::blob(blob.len() + length).check(engine)?;
    blob.extend(more);
    Ok(())
}
