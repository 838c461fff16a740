//! What tools around the engine need of its inside: script values as JSON and back, Rhai's errors in the
//! engine's terms, the libraries for an engine of their own, and the meter of the running call.
//!
//! The test runner, the access log and the compiler's runtime use it.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, ParseError};
use serde_json::Value;

use super::{api, context, failure, interpreter};
use crate::error::ScriptError;
use crate::limits::Limits;

/// A script value as JSON.
///
/// # Errors
/// The reason, for values JSON has no form for (functions, handles, blobs, infinite floats) and for nesting
/// beyond 128 levels.
pub fn to_json(value: &Dynamic) -> Result<Value, String> {
    api::dynamic_to_json(value).map_err(|error| describe(&"value".into(), &error).message)
}

/// A JSON value as a script value: whole numbers that fit become `i64`, others `f64`, null becomes `()`.
pub fn from_json(value: Value) -> Dynamic {
    api::json_to_dynamic(value)
}

/// A header's value as scripts see it: UTF-8 where it is valid, else one character per byte.
pub fn header_text(value: &HeaderValue) -> ImmutableString {
    api::header_text(value)
}

/// Removes the header fields that described a body which is replaced: its encoding, validators, ranges and digests.
pub fn forget_body(headers: &mut HeaderMap) {
    api::describe_body(headers, None);
}

/// An error of Rhai with its kind, its innermost place and the call stack; `script` names the file that was
/// running unless the error names another.
pub fn describe(script: &Arc<str>, error: &EvalAltResult) -> ScriptError {
    failure::describe(script, error)
}

/// A source that does not parse.
pub fn describe_parse(script: &Arc<str>, error: &ParseError) -> ScriptError {
    failure::describe_parse(script, error)
}

/// An engine for code that stands beside scripts, such as tests: the same language and limits, but no running call,
/// so operations are not counted and functions that need a request throw.
pub fn bounded_engine(limits: &Limits) -> Engine {
    interpreter::bounded(limits)
}

/// Charges the running call for this many operations and makes every check of its limits: stack, fuel, memory,
/// time; may let other requests have their turn. A value ends the call: it is the token of the
/// `ErrorTerminated` that the interpreter would have raised. For machine code that counts operations itself; the
/// interpreter's own progress callback charges one operation at a time.
pub fn spend(operations: u64) -> Option<Dynamic> {
    context::spend(operations)
}

/// What a program may do before it calls [`spend`] for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Operations. They are not charged yet.
    pub operations: u64,
    /// The lowest address that it may have a frame at.
    pub stack_floor: usize,
}

/// What the running call may do next, by its fuel and by how its memory grows.
pub fn allowance() -> Allowance {
    let context::Allowance { operations, stack_floor } = context::allowance();
    Allowance { operations, stack_floor }
}
