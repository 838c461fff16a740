//! Calls of the program's own functions.

#![expect(unsafe_code, reason = "compiled functions are called through their address")]

use std::ptr;

use rhai::{Dynamic, EvalAltResult, Position};

use super::Fallible;
use crate::rt::{
    context::{CompiledFunction, Context, Status},
    values::unmark,
};

/// How a function is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// By its name: an empty one is answered before it counts as a call.
    ByName,
    /// Through a function pointer that is linked to it.
    ByLink,
}

/// Calls a function of the program, which may change `arguments`.
pub(super) fn call(
    context: &mut Context<'_>,
    function: &CompiledFunction,
    reached: Reached,
    this: Option<&mut Dynamic>,
    arguments: &mut [Dynamic],
    position: Position,
) -> Fallible<Dynamic> {
    if function.is_empty && reached == Reached::ByName {
        return Ok(Dynamic::UNIT);
    }
    let level = context.level + 1;
    if level > context.level_max {
        return Err(EvalAltResult::ErrorStackOverflow(position).into());
    }
    if function.is_empty {
        return Ok(Dynamic::UNIT);
    }
    // A parameter is a variable, whatever its argument was.
    unmark(context, arguments);
    let outer = context.level;
    let this = this.map_or(ptr::null_mut(), ptr::from_mut);
    let mut result = Dynamic::UNIT;
    // SAFETY: the function belongs to the running program; every pointer is valid for the call, and there are as
    // many arguments as the function was found for.
    let status = unsafe {
        (function.entry)(ptr::from_mut(context), level, this, &raw mut result, arguments.as_mut_ptr())
    };
    context.level = outer;
    match status {
        Status::Ok => Ok(result),
        Status::Error => Err(wrapped(context, function, position)),
    }
}

/// The error that a function has left with, as its caller sees it.
#[cold]
fn wrapped(context: &mut Context<'_>, function: &CompiledFunction, position: Position) -> Box<EvalAltResult> {
    let mut error = context.error.take().unwrap_or_else(|| {
        EvalAltResult::ErrorRuntime("a compiled function failed without an error".into(), position).into()
    });
    if matches!(*error, EvalAltResult::Exit(..)) || error.is_system_exception() {
        error.set_position(position);
        return error;
    }
    let source = context.global.source().unwrap_or_default().to_owned();
    EvalAltResult::ErrorInFunctionCall(function.name.to_string(), source, error, position).into()
}
