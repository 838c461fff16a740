//! Errors: raising, wrapping at calls, catching.
#![expect(unsafe_code, reason = "machine code passes pointers")]
#![expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]

use std::any::type_name;

use rhai::{Array, Blob, Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, Map, Position};

use super::context::{Context, Status};
use super::guard::park;
use super::raw;
use super::values::ValueKind;
use crate::position::unpack;

pub mod caught;

pub use caught::{catch_begin, catch_end_error, catch_end_ok};

/// A name that machine code refers to by address; the program owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeName {
    /// Its text.
    pub text: Box<str>,
}

impl RuntimeName {
    /// A name.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into() }
    }
}

/// An error that needs no more than a name and a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum RaiseKind {
    /// `this` where there is none.
    UnboundThis,
    /// An assignment to the constant of this name.
    AssignmentToConstant,
    /// No variable of this name.
    VariableNotFound,
    /// The calls are nested too deeply.
    StackOverflow,
    /// More variables than the engine allows.
    TooManyVariables,
    /// A variable of this name exists and the engine forbids to shadow it.
    VariableExists,
    /// `for` over something that cannot be iterated.
    ForNotIterable,
    /// No module of this name.
    ModuleNotFound,
    /// More operations than the engine allows.
    TooManyOperations,
    /// More modules than the engine allows.
    TooManyModules,
    /// The engine forbids a variable of this name.
    ForbiddenVariable,
    /// No property of this name.
    PropertyNotFound,
    /// No function of this signature: the name is the whole signature.
    FunctionNotFound,
    /// The type of this name cannot be indexed.
    IndexingType,
    /// An arithmetic error: the name is the message.
    Arithmetic,
    /// A bare `throw`.
    Throw,
}

impl RaiseKind {
    const ALL: [Self; 16] = [
        Self::UnboundThis,
        Self::AssignmentToConstant,
        Self::VariableNotFound,
        Self::StackOverflow,
        Self::TooManyVariables,
        Self::VariableExists,
        Self::ForNotIterable,
        Self::ModuleNotFound,
        Self::TooManyOperations,
        Self::TooManyModules,
        Self::ForbiddenVariable,
        Self::PropertyNotFound,
        Self::FunctionNotFound,
        Self::IndexingType,
        Self::Arithmetic,
        Self::Throw,
    ];

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// The error itself.
    pub fn error(self, name: &str, at: Position) -> EvalAltResult {
        let name = || name.to_owned();
        match self {
            Self::UnboundThis => EvalAltResult::ErrorUnboundThis(at),
            Self::AssignmentToConstant => EvalAltResult::ErrorAssignmentToConstant(name(), at),
            Self::VariableNotFound => EvalAltResult::ErrorVariableNotFound(name(), at),
            Self::StackOverflow => EvalAltResult::ErrorStackOverflow(at),
            Self::TooManyVariables => EvalAltResult::ErrorTooManyVariables(at),
            Self::VariableExists => EvalAltResult::ErrorVariableExists(name(), at),
            Self::ForNotIterable => EvalAltResult::ErrorFor(at),
            Self::ModuleNotFound => EvalAltResult::ErrorModuleNotFound(name(), at),
            Self::TooManyOperations => EvalAltResult::ErrorTooManyOperations(at),
            Self::TooManyModules => EvalAltResult::ErrorTooManyModules(at),
            Self::ForbiddenVariable => EvalAltResult::ErrorForbiddenVariable(name(), at),
            Self::PropertyNotFound => EvalAltResult::ErrorPropertyNotFound(name(), at),
            Self::FunctionNotFound => EvalAltResult::ErrorFunctionNotFound(name(), at),
            Self::IndexingType => EvalAltResult::ErrorIndexingType(name(), at),
            Self::Arithmetic => EvalAltResult::ErrorArithmetic(name(), at),
            Self::Throw => EvalAltResult::ErrorRuntime(Dynamic::UNIT, at),
        }
    }
}

/// The text behind a name that may be missing.
///
/// # Safety
///
/// The pointer is null or good for `'x`.
pub(crate) unsafe fn name_text<'x>(name: *const RuntimeName) -> Option<&'x str> {
    // SAFETY: the caller's promise.
    unsafe { name.as_ref() }.map(|name| &*name.text)
}

/// Raises an error that needs no more than a name (null where it needs none).
///
/// # Safety
///
/// `context` is the context, `name` is null or points to a name.
pub unsafe extern "C" fn raise(
    context: *mut Context<'_>,
    kind: u32,
    name: *const RuntimeName,
    position: u32,
) -> Status {
    // SAFETY: the caller's promise.
    let name = unsafe { name_text(name) }.unwrap_or_default();
    let kind = RaiseKind::from_number(kind).unwrap_or(RaiseKind::Throw);
    // SAFETY: the caller's promise.
    park(unsafe { raw::context(context) }, kind.error(name, unpack(position)).into())
}

/// `throw value`; the value is owned.
///
/// # Safety
///
/// `context` is the context, `value` holds a valid value.
pub unsafe extern "C" fn throw(context: *mut Context<'_>, value: *mut Dynamic, position: u32) -> Status {
    // SAFETY: the caller's promise.
    let value = unsafe { raw::take(value) }.flatten();
    // SAFETY: the caller's promise.
    park(unsafe { raw::context(context) }, EvalAltResult::ErrorRuntime(value, unpack(position)).into())
}

/// The interpreter's error where a value has not the type that is asked for.
pub(crate) fn mismatch_error<T>(engine: &Engine, actual: &str, at: Position) -> Box<EvalAltResult> {
    mismatch_named(engine, type_name::<T>(), actual, at)
}

fn mismatch_named(engine: &Engine, wanted: &str, actual: &str, at: Position) -> Box<EvalAltResult> {
    EvalAltResult::ErrorMismatchDataType(engine.map_type_name(wanted).into(), actual.into(), at).into()
}

/// A value has not the type (a [`ValueKind`]) that is asked for. `mapped` tells how the interpreter names the actual
/// type at this place: as Rust does (0) or as scripts see it (1).
///
/// # Safety
///
/// `context` is the context, `value` holds a valid value.
pub unsafe extern "C" fn mismatch(
    context: *mut Context<'_>,
    wanted: u32,
    value: *const Dynamic,
    mapped: u8,
    position: u32,
) -> Status {
    // SAFETY: the caller's promise.
    let context = unsafe { raw::context(context) };
    // SAFETY: the caller's promise.
    let actual = unsafe { raw::value_ref(value) }.type_name();
    let wanted = ValueKind::ALL.get(wanted as usize).copied().map_or("?", wanted_name);
    let actual = if mapped == 0 { actual } else { context.engine.map_type_name(actual) };
    let error = mismatch_named(context.engine, wanted, actual, unpack(position));
    park(context, error)
}

fn wanted_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Unit => type_name::<()>(),
        ValueKind::Bool => type_name::<bool>(),
        ValueKind::Int => type_name::<i64>(),
        ValueKind::Float => type_name::<f64>(),
        ValueKind::Char => type_name::<char>(),
        ValueKind::Str => type_name::<ImmutableString>(),
        ValueKind::Array => type_name::<Array>(),
        ValueKind::Blob => type_name::<Blob>(),
        ValueKind::Map => type_name::<Map>(),
        ValueKind::FnPtr => type_name::<FnPtr>(),
        ValueKind::Other | ValueKind::Shared => type_name::<Dynamic>(),
    }
}

/// What happens to the parked error when it leaves the script function of this name: most errors are wrapped, system
/// errors and `exit` get the position of the call. `source` is null for the source that the context runs.
///
/// # Safety
///
/// `context` is the context, `name` points to a name, `source` is null or points to a name.
pub unsafe extern "C" fn wrap_call_error(
    context: *mut Context<'_>,
    name: *const RuntimeName,
    source: *const RuntimeName,
    position: u32,
) {
    // SAFETY: the caller's promise.
    let context = unsafe { raw::context(context) };
    // SAFETY: the caller's promise.
    let name = unsafe { name_text(name) }.unwrap_or_default();
    // SAFETY: the caller's promise.
    let source = unsafe { name_text(source) };
    if let Some(error) = context.error.take() {
        let source = source.unwrap_or_else(|| context.global.source().unwrap_or_default());
        context.error = Some(leaving(error, name, source, unpack(position)));
    }
}

/// The error as it looks from outside of the script function that it leaves.
pub(crate) fn leaving(
    mut error: Box<EvalAltResult>,
    name: &str,
    source: &str,
    at: Position,
) -> Box<EvalAltResult> {
    if matches!(*error, EvalAltResult::Exit(..)) || error.is_system_exception() {
        error.set_position(at);
        return error;
    }
    EvalAltResult::ErrorInFunctionCall(name.to_owned(), source.to_owned(), error, at).into()
}

/// Gives an error a position unless it has one.
pub(crate) fn fill(mut error: Box<EvalAltResult>, at: Position) -> Box<EvalAltResult> {
    if error.position().is_none() {
        error.set_position(at);
    }
    error
}

#[cfg(test)]
mod tests;
