//! From Rhai's errors to [`ScriptError`]: one kind, one message, one place, one stack.

use std::sync::Arc;

use rhai::{EvalAltResult, ParseError};

use crate::error::{ErrorKind, Frame, Place, ScriptError};

/// Describes an error that ended a call.
pub(super) fn describe(script: &Arc<str>, error: &EvalAltResult) -> ScriptError {
    let mut stack = Vec::new();
    let mut source = script.clone();
    let mut inner = error;
    loop {
        match inner {
            EvalAltResult::ErrorInFunctionCall(name, module, next, at) => {
                let name = if name.starts_with("anon$") { "(closure)" } else { name };
                stack.push(Frame { function: name.to_owned(), called_at: Place::of(*at) });
                if !module.is_empty() {
                    source = module.as_str().into();
                }
                inner = next;
            }
            EvalAltResult::ErrorInModule(name, next, _) => {
                source = name.as_str().into();
                inner = next;
            }
            _ => break,
        }
    }
    stack.reverse();
    let (kind, message) = kind_and_message(inner);
    ScriptError { script: source, native: false, kind, message, place: Place::of(inner.position()), stack }
}

/// Describes a source that does not parse.
pub(super) fn describe_parse(script: &Arc<str>, error: &ParseError) -> ScriptError {
    ScriptError::new(script, ErrorKind::Syntax, error.err_type().to_string(), Place::of(error.position()))
}

fn kind_and_message(error: &EvalAltResult) -> (ErrorKind, String) {
    use EvalAltResult as E;
    let kind = match error {
        E::ErrorRuntime(value, _) => return (ErrorKind::Runtime, value.to_string()),
        E::ErrorTerminated(token, _) => return ended(&token.to_string()),
        E::ErrorParsing(..) => ErrorKind::Syntax,
        E::ErrorVariableNotFound(..)
        | E::ErrorPropertyNotFound(..)
        | E::ErrorIndexNotFound(..)
        | E::ErrorFunctionNotFound(..)
        | E::ErrorModuleNotFound(..)
        | E::ErrorDotExpr(..) => ErrorKind::NotFound,
        E::ErrorMismatchDataType(..)
        | E::ErrorMismatchOutputType(..)
        | E::ErrorIndexingType(..)
        | E::ErrorFor(..)
        | E::ErrorUnboundThis(..)
        | E::ErrorAssignmentToConstant(..)
        | E::ErrorNonPureMethodCallOnConstant(..) => ErrorKind::Type,
        E::ErrorArithmetic(..) => ErrorKind::Arithmetic,
        E::ErrorArrayBounds(..) | E::ErrorStringBounds(..) | E::ErrorBitFieldBounds(..) => ErrorKind::Bounds,
        E::ErrorStackOverflow(_) => {
            return (ErrorKind::CallDepth, "calls nested deeper than call_depth_max".into());
        }
        E::ErrorTooManyVariables(_) | E::ErrorTooManyModules(_) | E::ErrorDataTooLarge(..) => ErrorKind::Size,
        _ => ErrorKind::Runtime,
    };
    let mut bare = error.clone_message();
    if let Some(first_line) = bare.find('\n') {
        bare.truncate(first_line);
    }
    (kind, bare)
}

/// The limit that a token of [`EvalAltResult::ErrorTerminated`] stands for, and how it reads.
pub(super) fn ended(token: &str) -> (ErrorKind, String) {
    for (kind, message) in [
        (ErrorKind::Operations, "fuel used up: more operations than operations_max"),
        (ErrorKind::CallDepth, "calls and expressions nested too deeply: the stack is used up"),
        (ErrorKind::WallTime, "out of time: the call took longer than wall_time_max"),
        (ErrorKind::Memory, "out of memory: the call holds more than memory_bytes_max"),
        (ErrorKind::Cancelled, "cancelled: the request ended while the script was running"),
    ] {
        if token == kind.as_str() {
            return (kind, message.into());
        }
    }
    (ErrorKind::Runtime, token.to_owned())
}

/// The text of an error without its position, which the place already tells.
trait BareMessage {
    fn clone_message(&self) -> String;
}

impl BareMessage for EvalAltResult {
    fn clone_message(&self) -> String {
        let text = self.to_string();
        let position = self.position();
        if position.is_none() {
            return text;
        }
        let place = format!(" ({position})");
        text.strip_suffix(&place).map(str::to_owned).unwrap_or(text)
    }
}
