//! What tools around the engine need of its inside: script values as JSON and back, Rhai's errors in the
//! engine's terms, and the libraries for an engine of their own.
//!
//! The test runner and the access log use it; a request does not come this way.

use std::sync::Arc;

use http::HeaderValue;
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, ParseError};
use serde_json::Value;

use super::{api, failure, interpreter};
use crate::error::ScriptError;

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

/// An error of Rhai with its kind, its innermost place and the call stack; `script` names the file that was
/// running unless the error names another.
pub fn describe(script: &Arc<str>, error: &EvalAltResult) -> ScriptError {
    failure::describe(script, error)
}

/// A source that does not parse.
pub fn describe_parse(script: &Arc<str>, error: &ParseError) -> ScriptError {
    failure::describe_parse(script, error)
}

/// Makes Rhai's standard library and every library of the script API available in another engine. Functions
/// that need a running call throw there.
pub fn register_libraries(engine: &mut Engine) {
    interpreter::register_libraries(engine);
}
