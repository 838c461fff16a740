//! Steps that are native code: the middleware the gateway brings along, and what patches put in its place.
//!
//! The engine knows only this trait. A step says for each hook whether it may wait. One that may not is a plain
//! call on the worker's own stack, which costs no fiber, no allocation and no script budget; one that may runs
//! on a fiber, so that its code reads straight on while the worker serves others.
//!
//! Invariant: a panic in a step ends the call with an error and goes no further.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::chain::Hook;
use crate::error::{ErrorKind, ScriptError};
use crate::exchange::{Body, Exchange};
use crate::host::{Answer, Host, Wait};
use crate::limits::Limits;
use crate::step::OnError;
use crate::verdict::Verdict;

/// Which code a step runs, for people: `rate_limit 1.0.0 (built-in)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Implementation {
    /// What the configuration calls it: `[a-z][a-z0-9_-]*`, at most 64 characters.
    pub id: Arc<str>,
    /// Its version, `MAJOR.MINOR.PATCH`.
    pub version: Arc<str>,
    /// Who brought it.
    pub provider: Provider,
}

/// Who brought an implementation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// The gateway itself.
    BuiltIn,
    /// A patch.
    Patch {
        /// Name of the patch.
        name: Arc<str>,
    },
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::Patch { name } => write!(f, "patch {name}"),
        }
    }
}

impl fmt::Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.id, self.version, self.provider)
    }
}

/// A step that is native code, joined with its settings. Every worker calls the same value, so what it keeps
/// between calls is atomic, and nothing in it is locked while a request waits.
pub trait NativeStep: Send + Sync + fmt::Debug {
    /// Name for logs and metrics.
    fn name(&self) -> &Arc<str>;

    /// Which code this is.
    fn implementation(&self) -> &Implementation;

    /// Whether the step acts at this hook; the same for every call.
    fn has(&self, hook: Hook) -> bool;

    /// What an error of the step means.
    fn on_error(&self) -> OnError;

    /// Whether the step answers CORS preflight requests. A route with such a step also takes the preflight requests
    /// for the methods that it takes.
    fn answers_preflight(&self) -> bool {
        false
    }

    /// Names of the query parameters whose values are secrets. Logs do not tell them, whether or not the step has run.
    fn secret_parameters(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    /// Whether a call at this hook may wait; the same for every call. Such a call is made by
    /// [`NativeStep::call_waiting`], every other by [`NativeStep::call`].
    fn may_wait(&self, _hook: Hook) -> bool {
        false
    }

    /// Whether a call at this hook needs the body of its message in memory: the request's at [`Hook::Request`], the
    /// response's at [`Hook::Response`]. It is read before the call, which need not wait for it then; where it cannot
    /// be, the step has failed. For hooks that may wait this is not asked.
    fn needs_body(&self, _hook: Hook) -> bool {
        false
    }

    /// How long a call that may wait may take, waits included. Then its wait ends with [`Answer::Expired`].
    fn wall_time_max(&self) -> Duration {
        Limits::default().wall_time_max
    }

    /// Acts at a hook that the step [has](NativeStep::has), at once.
    fn call(&self, hook: Hook, exchange: &mut Exchange, host: &dyn Host) -> Verdict;

    /// Acts at a hook at which the step [may wait](NativeStep::may_wait).
    fn call_waiting(
        &self,
        hook: Hook,
        exchange: &mut Exchange,
        host: &dyn Host,
        _waiter: &dyn Waiter,
    ) -> Verdict {
        self.call(hook, exchange, host)
    }
}

/// What a native step waits through.
pub trait Waiter {
    /// Lets the worker serve others until there is an answer. After [`Answer::Expired`] or
    /// [`Answer::Cancelled`] every further wait gets the same answer at once, so that the step ends soon.
    fn wait(&self, wait: Wait) -> Answer;
}

/// Whether the body that a step needs at this hook has still to be read.
pub fn is_body_missing(step: &dyn NativeStep, hook: Hook, exchange: &mut Exchange) -> bool {
    step.needs_body(hook) && body_of(hook, exchange).is_some_and(|body| body.bytes().is_none())
}

/// The body that belongs to a hook.
pub(crate) fn body_of(hook: Hook, exchange: &mut Exchange) -> Option<&mut Body> {
    match hook {
        Hook::Request => Some(&mut exchange.request.body),
        Hook::Response => exchange.response.as_mut().map(|response| &mut response.body),
        Hook::Error | Hook::Log => None,
    }
}

/// Calls a step that does not wait. A panic becomes an error of the step.
pub fn call(step: &dyn NativeStep, hook: Hook, exchange: &mut Exchange, host: &dyn Host) -> Verdict {
    contained(step, || step.call(hook, exchange, host))
}

/// Runs a call of a step; a panic becomes an error of the step.
pub fn contained(step: &dyn NativeStep, call: impl FnOnce() -> Verdict) -> Verdict {
    // What a panicking step leaves behind is its request's exchange, which stays valid data, and its own atomics.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        fail(step, ErrorKind::Panic, format!("{} panicked: {text}", step.implementation()))
    })
}

/// The verdict of a step that cannot do its work.
pub fn fail(step: &dyn NativeStep, kind: ErrorKind, message: impl Into<String>) -> Verdict {
    Verdict::Fail(Box::new(ScriptError::of_native(step.name(), kind, message)))
}

#[cfg(test)]
mod tests;
