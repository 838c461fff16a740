//! Middleware: a step of a chain.
#![expect(unsafe_code, reason = "instances cross the boundary as pointers")]

use std::ffi::c_void;

use forebay_patch_abi::{self as abi, Status};

use crate::body::{on_chunk, stream_end};
use crate::entry::{contained, create, destroy};
use crate::{Error, Exchange, Setup, Verdict};

/// A set of hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hooks(u32);

impl Hooks {
    /// No hook.
    pub const NONE: Self = Self(0);
    /// Before the upstream is asked.
    pub const REQUEST: Self = Self(abi::HOOK_REQUEST);
    /// After the head of a response has come.
    pub const RESPONSE: Self = Self(abi::HOOK_RESPONSE);
    /// The gateway itself is about to answer an error.
    pub const ERROR: Self = Self(abi::HOOK_ERROR);
    /// After the last byte.
    pub const LOG: Self = Self(abi::HOOK_LOG);

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A step of a chain. A value of the type is one step of one route with its settings; workers call it at the same time.
pub trait Middleware: Send + Sync + Sized + 'static {
    /// The hooks at which it acts; others cost nothing.
    const HOOKS: Hooks;
    /// Those of them that may wait: for a body, the store, another server, a time. They run on a stack of their own,
    /// which costs more than a plain call.
    const WAITS: Hooks = Hooks::NONE;
    /// Those of [`REQUEST`](Hooks::REQUEST) and [`RESPONSE`](Hooks::RESPONSE) before which the gateway reads the body of
    /// their message. [`Exchange::body`] gives it at once then, and the hook is a plain call. Where it cannot be read the
    /// hook is not called, and the step has failed. None of them is in [`WAITS`](Middleware::WAITS); a hook that refuses by
    /// the head alone, before a body has come, belongs there instead.
    const BODIES: Hooks = Hooks::NONE;
    /// Whether it answers CORS preflight requests, so that its routes take them.
    const ANSWERS_PREFLIGHT: bool = false;

    /// Makes the step from its settings.
    ///
    /// # Errors
    /// What is wrong with the settings; the configuration is refused with it.
    fn create(setup: &Setup<'_>) -> Result<Self, Error>;

    /// Acts before the upstream is asked.
    ///
    /// # Errors
    /// Why it cannot do its work; the step's `on_error` decides what that means.
    fn on_request(&self, _exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        Ok(Verdict::Continue)
    }

    /// Acts after the head of a response has come.
    ///
    /// # Errors
    /// As [`Middleware::on_request`].
    fn on_response(&self, _exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        Ok(Verdict::Continue)
    }

    /// Acts when the gateway itself is about to answer an error.
    ///
    /// # Errors
    /// As [`Middleware::on_request`].
    fn on_error(&self, _exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        Ok(Verdict::Continue)
    }

    /// Acts after the last byte; the verdict changes nothing any more.
    ///
    /// # Errors
    /// As [`Middleware::on_request`].
    fn on_log(&self, _exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        Ok(Verdict::Continue)
    }
}

/// The table of a middleware.
#[doc(hidden)]
pub trait Table {
    /// The table.
    const TABLE: &'static abi::Middleware;
}

impl<M: Middleware> Table for M {
    const TABLE: &'static abi::Middleware = &abi::Middleware {
        size: size_of::<abi::Middleware>(),
        hooks: M::HOOKS.0,
        waits: M::WAITS.0,
        flags: if M::ANSWERS_PREFLIGHT { abi::MIDDLEWARE_ANSWERS_PREFLIGHT } else { 0 },
        bodies: M::BODIES.0,
        create: Some(create_middleware::<M>),
        destroy: Some(destroy::<M>),
        on_request: if M::HOOKS.has(Hooks::REQUEST) { Some(on_request::<M>) } else { None },
        on_response: if M::HOOKS.has(Hooks::RESPONSE) { Some(on_response::<M>) } else { None },
        on_error: if M::HOOKS.has(Hooks::ERROR) { Some(on_error::<M>) } else { None },
        on_log: if M::HOOKS.has(Hooks::LOG) { Some(on_log::<M>) } else { None },
        on_chunk: Some(on_chunk),
        stream_end: Some(stream_end),
    };
}

unsafe extern "C" fn create_middleware<M: Middleware>(call: abi::Call, instance: *mut *mut c_void) -> Status {
    // SAFETY: the host passes a place for the instance.
    unsafe { create(call, instance, M::create) }
}

/// Calls a hook.
///
/// # Safety
/// `instance` is one that `create` made of this type.
unsafe fn hook<M: Middleware>(
    instance: *mut c_void,
    call: abi::Call,
    run: impl FnOnce(&M, &mut Exchange<'_>) -> Result<Verdict, Error>,
) -> Status {
    contained(call, |_| {
        // SAFETY: the caller promises it, and the host frees an instance after its last callback only.
        let instance = unsafe { &*instance.cast::<M>() };
        let mut exchange = Exchange::new(call);
        run(instance, &mut exchange)?.send(exchange.call())
    })
}

macro_rules! hooks {
    ($($name:ident)+) => {
        $(unsafe extern "C" fn $name<M: Middleware>(instance: *mut c_void, call: abi::Call) -> Status {
            // SAFETY: the host calls the functions of a table with instances of that table.
            unsafe { hook::<M>(instance, call, M::$name) }
        })+
    };
}

hooks!(on_request on_response on_error on_log);
