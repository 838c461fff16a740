//! `try` and `catch`.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, EvalAltResult, Map};

use crate::rt::context::Context;
use crate::rt::raw;

/// An error has left a `try` block. 1 when the `catch` block is to run: the error has moved to the context's list of
/// caught ones, and `out` has the value of the catch variable if that is wanted. 0 when scripts cannot catch it: it
/// stays parked.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot.
pub unsafe extern "C" fn catch_begin(context: *mut Context<'_>, want_value: u8, out: *mut Dynamic) -> u8 {
    // SAFETY: the caller's promise.
    let context = unsafe { raw::context(context) };
    let catchable = |error: &mut Box<EvalAltResult>| !error.is_pseudo_error() && error.is_catchable();
    let Some(mut error) = context.error.take_if(catchable) else { return 0 };
    if want_value != 0 {
        let value = caught_value(&mut error, context.global.source());
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, value) };
    }
    context.caught.push(error);
    1
}

/// A `catch` block has ended well, or is left by `break`, `continue` or `return`.
///
/// # Safety
///
/// `context` is the context; a caught error is at work.
pub unsafe extern "C" fn catch_end_ok(context: *mut Context<'_>) {
    // SAFETY: the caller's promise.
    unsafe { raw::context(context) }.caught.pop();
}

/// An error has left a `catch` block; a bare `throw` stands for the error that was caught.
///
/// # Safety
///
/// `context` is the context; a caught error is at work.
pub unsafe extern "C" fn catch_end_error(context: *mut Context<'_>) {
    // SAFETY: the caller's promise.
    let context = unsafe { raw::context(context) };
    let Some(mut caught) = context.caught.pop() else { return };
    let again = match context.error.as_deref() {
        Some(EvalAltResult::ErrorRuntime(value, at)) if value.is_unit() => *at,
        _ => return,
    };
    caught.set_position(again);
    context.error = Some(caught);
}

/// What the catch variable holds: the thrown value, or a map that describes the error. The error loses its position
/// in the second case.
fn caught_value(error: &mut EvalAltResult, source: Option<&str>) -> Dynamic {
    if let EvalAltResult::ErrorRuntime(value, _) = error.unwrap_inner() {
        return value.clone();
    }
    let at = error.take_position();
    let mut map = Map::new();
    map.insert("message".into(), error.to_string().into());
    if let Some(source) = source {
        map.insert("source".into(), source.into());
    }
    if let Some(line) = at.line() {
        map.insert("line".into(), number(line));
        map.insert("position".into(), number(at.position().unwrap_or(0)));
    }
    let kind = format!("{error:?}");
    map.insert("error".into(), kind.split('(').next().unwrap_or_default().into());
    describe(error, &mut map);
    map.into()
}

fn number(value: usize) -> Dynamic {
    i64::try_from(value).unwrap_or(i64::MAX).into()
}

/// The parts of an error that have entries of their own in the map.
fn describe(error: &EvalAltResult, map: &mut Map) {
    use EvalAltResult as E;
    let mut entry = |key: &str, value: Dynamic| {
        map.insert(key.into(), value);
    };
    match error {
        E::ErrorFunctionNotFound(function, ..) | E::ErrorNonPureMethodCallOnConstant(function, ..) => {
            entry("function", function.into());
        }
        E::ErrorInFunctionCall(function, source, ..) => {
            entry("function", function.into());
            entry("source", source.into());
        }
        E::ErrorMismatchDataType(requested, actual, ..)
        | E::ErrorMismatchOutputType(requested, actual, ..) => {
            entry("requested", requested.into());
            entry("actual", actual.into());
        }
        E::ErrorArrayBounds(length, index, ..)
        | E::ErrorStringBounds(length, index, ..)
        | E::ErrorBitFieldBounds(length, index, ..) => {
            entry("length", number(*length));
            entry("index", (*index).into());
        }
        E::ErrorVariableExists(name, ..)
        | E::ErrorForbiddenVariable(name, ..)
        | E::ErrorVariableNotFound(name, ..)
        | E::ErrorPropertyNotFound(name, ..)
        | E::ErrorDataRace(name, ..)
        | E::ErrorAssignmentToConstant(name, ..) => entry("variable", name.into()),
        E::ErrorIndexNotFound(index, ..) => entry("index", index.clone()),
        E::ErrorInModule(module, ..) | E::ErrorModuleNotFound(module, ..) => entry("module", module.into()),
        E::ErrorDotExpr(property, ..) => entry("property", property.into()),
        E::ErrorIndexingType(kind, ..) => entry("type", kind.into()),
        // All others either have no parts or cannot be caught.
        _ => (),
    }
}
