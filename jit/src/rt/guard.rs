//! The border that neither a panic nor an unparked error crosses on its way to machine code.
#![expect(unsafe_code, reason = "helpers get the context as a pointer")]
#![expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rhai::EvalAltResult;

use super::context::{Context, Status};
use super::raw;

/// What the interpreter's own functions return.
pub type RhaiResultOf<T> = Result<T, Box<EvalAltResult>>;

/// A panic inside a host function, on its way out as an error that scripts cannot catch.
#[derive(Debug)]
pub struct HostPanic {
    /// The message of the panic.
    pub message: String,
}

impl fmt::Display for HostPanic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a host function panicked: {}", self.message)
    }
}

impl std::error::Error for HostPanic {}

/// Runs the body of a helper: an error is parked, a panic becomes an error.
///
/// # Safety
///
/// `context` is the pointer that the helper was called with; the body does not keep a reference to the context.
pub unsafe fn guard(context: *mut Context<'_>, body: impl FnOnce() -> RhaiResultOf<()>) -> Status {
    let error = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return Status::Ok,
        Ok(Err(error)) => error,
        Err(payload) => panic_error(&*payload),
    };
    // SAFETY: the body is over, so nothing else refers to the context.
    unsafe { raw::context(context) }.error = Some(error);
    Status::Error
}

/// As [`guard`], for bodies that do not re-enter machine code and so may hold the context all along.
///
/// # Safety
///
/// `context` is the pointer that the helper was called with.
pub unsafe fn with<'a>(
    context: *mut Context<'a>,
    body: impl FnOnce(&mut Context<'a>) -> RhaiResultOf<()>,
) -> Status {
    // SAFETY: the reference lives as long as the body, which does not see the pointer.
    let borrowed = unsafe { raw::context(context) };
    // SAFETY: the reference was moved into the body.
    unsafe { guard(context, || body(borrowed)) }
}

/// Parks an error.
pub(crate) fn park(context: &mut Context<'_>, error: Box<EvalAltResult>) -> Status {
    context.error = Some(error);
    Status::Error
}

/// The error that a panic becomes: a system error, which `catch` lets pass and function calls do not wrap.
pub(crate) fn panic_error(payload: &(dyn Any + Send)) -> Box<EvalAltResult> {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message =
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned());
    let panic = HostPanic { message };
    EvalAltResult::ErrorSystem(panic.to_string(), Box::new(panic)).into()
}
