//! The callback under way, and the host's functions as safe ones.
#![expect(unsafe_code, reason = "the host's functions are called through their table")]

use std::marker::PhantomData;

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use forebay_patch_abi as abi;
use forebay_patch_abi::{Host, Slice, Status};

use crate::Error;

/// The host's table, set by the entry before anything else can run.
static HOST: AtomicPtr<Host> = AtomicPtr::new(null_mut());

/// Keeps the table. Several patches of one process are given the same.
pub(crate) fn set_host(host: *const Host) {
    HOST.store(host.cast_mut(), Ordering::Release);
}

/// One callback under way. It cannot be kept: `'call` ends with the callback.
#[derive(Debug)]
pub struct Call<'call> {
    number: abi::Call,
    host: &'static Host,
    /// Invariant in its lifetime, and of one thread.
    lifetime: PhantomData<*mut &'call ()>,
}

impl Call<'_> {
    /// The callback of this number. Only for the shims, which get it from the host.
    pub(crate) fn new(number: abi::Call) -> Self {
        let host = HOST.load(Ordering::Acquire);
        // SAFETY: the entry has set it before the host could call anything else, and it stays until the process ends.
        let host = unsafe { host.as_ref() }.expect("callbacks come after the entry");
        Self { number, host, lifetime: PhantomData }
    }

    pub(crate) fn host(&self) -> &'static Host {
        self.host
    }

    pub(crate) fn number(&self) -> abi::Call {
        self.number
    }

    /// The result of a host function that says no more than whether it worked; false for "there is none".
    pub(crate) fn check(&self, status: Status) -> Result<bool, Error> {
        match status {
            abi::OK => Ok(true),
            abi::ABSENT => Ok(false),
            status => Err(self.error(status)),
        }
    }

    /// Calls a host function that gives something through a pointer, where `nothing` stands before.
    pub(crate) fn given<T>(
        &self,
        nothing: T,
        function: impl FnOnce(*mut T) -> Status,
    ) -> Result<Option<T>, Error> {
        let mut value = nothing;
        let status = function(&raw mut value);
        Ok(self.check(status)?.then_some(value))
    }

    /// The error that a status stands for, in the host's words if it has any.
    fn error(&self, status: Status) -> Error {
        let mut reason = Slice::ABSENT;
        // SAFETY: the host's function, with a place to write to.
        let asked = unsafe { (self.host.last_error)(self.number, &raw mut reason) };
        if asked == abi::OK {
            // SAFETY: the host keeps the text until the callback returns, which is later than this.
            let text = String::from_utf8_lossy(unsafe { reason.bytes() });
            return Error::new(text);
        }
        Error::new(match status {
            abi::STALE => "the call is over, or belongs to another thread".to_owned(),
            status => format!("the gateway refused with status {status}"),
        })
    }

    /// Says why the callback is about to fail.
    pub(crate) fn fail(&self, reason: &str) {
        // SAFETY: the host's function, with text that it reads before it returns. If even that fails there is nothing to
        // be done about it.
        let _ = unsafe { (self.host.fail)(self.number, Slice::text(reason)) };
    }
}
