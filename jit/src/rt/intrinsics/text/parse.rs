//! The numbers that strings are the texts of.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, EvalAltResult};

use super::super::super::context::{Context, Status};
use super::super::super::guard::park;
use super::super::super::raw;
use super::super::read_text;
use crate::position::unpack;

/// The integer that the string is the text of.
///
/// # Safety
///
/// `context` is the context, `text` holds a string, `out` is good for writing.
pub unsafe extern "C" fn parse_int(
    context: *mut Context<'_>,
    text: *const Dynamic,
    out: *mut i64,
    position: u32,
) -> Status {
    let body = |text: &str| {
        let parsed = text.trim().parse::<i64>();
        Some(parsed.map_err(|error| format!("Error parsing integer number '{text}': {error}")))
    };
    // SAFETY: the caller's promise.
    let parsed = unsafe { read_text(text, body) };
    // SAFETY: the caller's promise.
    unsafe { parsed_number(context, parsed, out, position) }
}

/// The float that the string is the text of.
///
/// # Safety
///
/// `context` is the context, `text` holds a string, `out` is good for writing.
pub unsafe extern "C" fn parse_float(
    context: *mut Context<'_>,
    text: *const Dynamic,
    out: *mut f64,
    position: u32,
) -> Status {
    let body = |text: &str| {
        let parsed = text.trim().parse::<f64>();
        Some(parsed.map_err(|error| format!("Error parsing floating-point number '{text}': {error}")))
    };
    // SAFETY: the caller's promise.
    let parsed = unsafe { read_text(text, body) };
    // SAFETY: the caller's promise.
    unsafe { parsed_number(context, parsed, out, position) }
}

/// # Safety
///
/// `context` is the context, `out` is good for writing.
unsafe fn parsed_number<T>(
    context: *mut Context<'_>,
    parsed: Option<Result<T, String>>,
    out: *mut T,
    position: u32,
) -> Status {
    let message = match parsed {
        Some(Ok(number)) => {
            // SAFETY: the caller's promise.
            unsafe { out.write(number) };
            return Status::Ok;
        }
        Some(Err(message)) => message,
        None => String::new(),
    };
    let error = EvalAltResult::ErrorArithmetic(message, unpack(position));
    // SAFETY: the caller's promise.
    park(unsafe { raw::context(context) }, error.into())
}
