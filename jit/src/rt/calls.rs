//! Function pointers: making them, and calling what they point to.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::ptr;

use rhai::{Dynamic, EvalAltResult, FnArgsVec, FnPtr, ImmutableString, Position};

use super::context::{CompiledFunction, Context, Status};
use super::errors::{fill, leaving, mismatch_error};
use super::guard::{RhaiResultOf, guard, park, with};
use super::natives::collect;
use super::raw;
use super::values::{given, unmark};
use crate::position::unpack;

pub(crate) mod callbacks;
mod pointer;
mod site;

pub use site::{Answer, PointerSite, call_closure};

/// The forms of a call of a function pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PointerForm {
    /// `call(pointer, ..)`
    Call = 0,
    /// `pointer.call(..)`
    Method = 1,
    /// `object.call(pointer, ..)`
    Object = 2,
    /// `call(pointer, variable, ..)`: the first argument is a variable, which a host function may change.
    CallVariable = 3,
}

impl PointerForm {
    fn of(number: u32) -> Self {
        match number {
            1 => Self::Method,
            2 => Self::Object,
            3 => Self::CallVariable,
            _ => Self::Call,
        }
    }
}

/// Calls what a function pointer points to.
///
/// The pointer and the arguments are owned; in the form [`PointerForm::CallVariable`] the first argument is the
/// variable itself. `this` is the object of the form [`PointerForm::Object`], and null in all others. In the forms of
/// `call(..)` arguments are plain clones of variables, that is to say cells stay cells: the interpreter hands those to
/// a closure as they are.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `callee` holds a valid value, `this` does or is null, `arguments`
/// points to `count` pointers to valid values; all values are distinct.
pub unsafe extern "C" fn call_function_pointer(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    callee: *mut Dynamic,
    this: *mut Dynamic,
    arguments: *const *mut Dynamic,
    count: usize,
    form: u32,
    position: u32,
) -> Status {
    let body = || {
        // SAFETY: the caller's promise.
        let callee = unsafe { raw::take(callee) };
        // SAFETY: the caller's promise.
        let arguments = unsafe { collect(arguments, count) };
        // SAFETY: the caller's promise.
        let this = unsafe { this.as_mut() };
        let at = unpack(position);
        let pointer = callee.try_cast_result::<FnPtr>().map_err(|value| {
            // SAFETY: the caller's promise.
            not_a_pointer(unsafe { raw::context(context) }, &value, at)
        })?;
        let call = pointer::Call { pointer, form: PointerForm::of(form), this, arguments, at };
        // SAFETY: the caller's promise.
        let value = unsafe { call.run(context) }?;
        // SAFETY: the caller's promise; the call is over.
        let value = given(unsafe { raw::context(context) }, value);
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, value) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { guard(context, body) }
}

/// Checks that a value is a function pointer, as the interpreter does before it evaluates the arguments.
///
/// # Safety
///
/// `context` is the context, `value` holds a valid value.
pub unsafe extern "C" fn expect_function_pointer(
    context: *mut Context<'_>,
    value: *const Dynamic,
    position: u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let value = unsafe { raw::value_ref(value) };
        if value.read_lock::<FnPtr>().is_some() {
            return Ok(());
        }
        Err(not_a_pointer(context, value, unpack(position)))
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

#[expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]
fn not_a_pointer(context: &Context<'_>, value: &Dynamic, at: Position) -> Box<EvalAltResult> {
    let actual = context.engine.map_type_name(value.type_name());
    mismatch_error::<FnPtr>(context.engine, actual, at)
}

/// `Fn(name)`: the name is owned; `position` is that of the argument.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `name` holds a valid value.
pub unsafe extern "C" fn function_pointer_new(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    name: *mut Dynamic,
    position: u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        let at = unpack(position);
        // SAFETY: the caller's promise.
        let name = unsafe { raw::take(name) }
            .into_immutable_string()
            .map_err(|actual| mismatch_error::<ImmutableString>(context.engine, actual, at))?;
        let pointer = FnPtr::new(name).map_err(|error| fill(error, at))?;
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, pointer.into()) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// `curry(pointer, ..)`: the pointer and the values are owned; cells stay cells. `position` is that of the pointer.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `pointer` holds a valid value, `values` points to `count` of them.
pub unsafe extern "C" fn curry(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    pointer: *mut Dynamic,
    values: *mut Dynamic,
    count: usize,
    position: u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let pointer = unsafe { raw::take(pointer) };
        // SAFETY: the caller's promise.
        let values = unsafe { raw::values(values, count) };
        let mut pointer = pointer
            .try_cast_result::<FnPtr>()
            .map_err(|value| not_a_pointer(context, &value, unpack(position)))?;
        pointer.extend(values.iter_mut().map(Dynamic::take));
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, pointer.into()) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// Calls a function of the program as the interpreter calls a script function that it has found: with the check of
/// the level, and with the error wrapped that leaves it. `this` is null when it is unbound. The function may change
/// the arguments; the caller drops what is left of them.
///
/// A function that is found by its name and [is empty](CompiledFunction::is_empty) is not called at all: that is for
/// the caller to see to.
///
/// # Safety
///
/// `context` is the context, to which the caller holds no reference; `this` is null or holds a valid value, `out` is an
/// empty slot, there are as many arguments as the function has parameters.
pub unsafe fn call_compiled(
    context: *mut Context<'_>,
    function: &CompiledFunction,
    this: *mut Dynamic,
    arguments: &mut [Dynamic],
    out: *mut Dynamic,
    position: u32,
) -> Status {
    // SAFETY: the caller's promise; the reference ends before the function is entered.
    let state = unsafe { raw::context(context) };
    let outer = state.level;
    let level = outer + 1;
    let at = unpack(position);
    if level > state.level_max {
        return park(state, EvalAltResult::ErrorStackOverflow(at).into());
    }
    if arguments.len() > state.engine.max_variables() {
        return park(state, EvalAltResult::ErrorTooManyVariables(at).into());
    }
    if function.is_empty {
        return Status::Ok;
    }
    state.level = level;
    // A parameter is a variable, whatever its argument was.
    unmark(state, arguments);
    // SAFETY: the caller's promise.
    let status = unsafe { (function.entry)(context, level, this, out, arguments.as_mut_ptr()) };
    // SAFETY: the caller's promise; the function has returned.
    let state = unsafe { raw::context(context) };
    state.level = outer;
    if status == Status::Error {
        let error = state.error.take().unwrap_or_else(lost_error);
        let source = state.global.source().unwrap_or_default();
        state.error = Some(leaving(error, &function.name, source, at));
    }
    status
}

/// As [`call_compiled`], with a result as the interpreter has it.
///
/// # Safety
///
/// As there.
pub(crate) unsafe fn call_compiled_value(
    context: *mut Context<'_>,
    function: &CompiledFunction,
    this: Option<&mut Dynamic>,
    arguments: &mut [Dynamic],
    position: u32,
) -> RhaiResultOf<Dynamic> {
    let this = this.map_or(ptr::null_mut(), ptr::from_mut);
    let mut out = Dynamic::UNIT;
    // SAFETY: the caller's promise.
    match unsafe { call_compiled(context, function, this, arguments, &raw mut out, position) } {
        Status::Ok => Ok(out),
        // SAFETY: the caller's promise.
        Status::Error => Err(unsafe { raw::context(context) }.error.take().unwrap_or_else(lost_error)),
    }
}

/// A function has failed and parked no error, which is a bug of the compiler.
#[expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]
fn lost_error() -> Box<EvalAltResult> {
    let text = "a compiled function failed without an error";
    EvalAltResult::ErrorSystem(text.into(), text.into()).into()
}

/// The values behind references, which are left empty.
fn taken(arguments: &mut [&mut Dynamic]) -> FnArgsVec<Dynamic> {
    arguments.iter_mut().map(|argument| argument.take()).collect()
}

#[cfg(test)]
mod tests;
