//! The callback of a patch that is running on this thread.
//!
//! A [`Frame`] lives on the stack of whoever called the patch, and the thread points to it while the callback runs. Host
//! functions are given the frame's number and compare: a number that is kept and used later, or on another thread, finds
//! no frame, so a stale handle is refused rather than followed. While a callback waits on its fiber the thread points to
//! nothing, because it does other things.
#![expect(unsafe_code, reason = "the frame crosses code of a patch as a pointer of the thread")]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use forebay_engine::{Answer, Exchange, Host, Reply, Wait};
use forebay_engine::{Refusal, Waiter};
use forebay_patch_abi::{self as abi, Call, Field, Slice, Status};
use http::HeaderMap;
use rhai::Dynamic;
use serde_json::{Map, Value};

use crate::patch::adapter::Instance;
use crate::patch::culprit;

thread_local! {
    /// The running callback's frame; null for none.
    static CURRENT: Cell<*mut Frame<'static>> = const { Cell::new(null_mut()) };
    /// The number of the thread's last callback; 0 before the first.
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// When a callback runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::patch) enum Phase {
    /// An instance is made.
    Create,
    /// A hook.
    Hook(forebay_engine::Hook),
    /// A chunk of a body passes.
    Chunk,
    /// Anything else.
    Apart,
}

/// What a callback may see of an exchange.
pub(in crate::patch) enum View<'a> {
    /// There is none.
    Nothing,
    /// All, and change it.
    Exchange(&'a mut Exchange),
    /// All.
    Shown(&'a Exchange),
    /// The header fields of the request.
    Headers(&'a HeaderMap),
}

/// What a hook has begun to answer.
pub(in crate::patch) enum Pending {
    /// With `reply`.
    Reply(Reply),
    /// With `refuse`.
    Refusal(Box<Refusal>),
}

/// One callback under way.
pub(in crate::patch) struct Frame<'a> {
    number: Call,
    /// Name of the step or component, for log and metrics.
    pub(in crate::patch) name: &'a str,
    pub(in crate::patch) phase: Phase,
    pub(in crate::patch) host: &'a dyn Host,
    pub(in crate::patch) view: View<'a>,
    pub(in crate::patch) waiter: Option<&'a dyn Waiter>,
    /// The instance that is called, for hooks.
    pub(in crate::patch) instance: Option<&'a Arc<Instance<abi::Middleware>>>,
    /// In [`Phase::Create`].
    pub(in crate::patch) settings: Option<&'a Value>,
    /// What an access filter adds.
    pub(in crate::patch) fields: Option<&'a mut Map<String, Value>>,
    pub(in crate::patch) pending: Option<Pending>,
    pub(in crate::patch) result: Option<Dynamic>,
    /// What was written instead of a chunk.
    pub(in crate::patch) output: Vec<u8>,
    /// What `fail` said.
    pub(in crate::patch) reason: Option<String>,
    /// Why the last function failed.
    pub(in crate::patch) error: String,
    /// What slices of this callback point to, where nothing else keeps it.
    kept: Vec<Kept>,
    /// The worker's time in this callback, without what it waited.
    pub(in crate::patch) spent: Option<Stopwatch>,
}

/// Kept because a slice points to it, not to be read again.
#[expect(dead_code, reason = "held for the memory that slices point to")]
pub(in crate::patch) enum Kept {
    Text(String),
    Bytes(Bytes),
    Value(Dynamic),
    Fields(Vec<Field>),
    Headers(HeaderMap),
}

/// Why a function does not do what it was asked to.
pub(in crate::patch) struct Fault {
    pub(in crate::patch) status: Status,
    pub(in crate::patch) reason: String,
}

impl Fault {
    pub(in crate::patch) fn new(status: Status, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    pub(in crate::patch) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(abi::INVALID, reason)
    }

    pub(in crate::patch) fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(abi::UNAVAILABLE, reason)
    }
}

impl<'a> Frame<'a> {
    pub(in crate::patch) fn new(name: &'a str, phase: Phase, host: &'a dyn Host) -> Self {
        Self {
            number: 0,
            name,
            phase,
            host,
            view: View::Nothing,
            waiter: None,
            instance: None,
            settings: None,
            fields: None,
            pending: None,
            result: None,
            output: Vec::new(),
            reason: None,
            error: String::new(),
            kept: Vec::new(),
            spent: None,
        }
    }

    pub(in crate::patch) fn exchange(&self) -> Result<&Exchange, Fault> {
        match &self.view {
            View::Exchange(exchange) => Ok(exchange),
            View::Shown(exchange) => Ok(exchange),
            View::Nothing | View::Headers(_) => Err(Fault::unavailable("this callback has no exchange")),
        }
    }

    pub(in crate::patch) fn exchange_mut(&mut self) -> Result<&mut Exchange, Fault> {
        match &mut self.view {
            View::Exchange(exchange) => Ok(exchange),
            View::Shown(_) => Err(Fault::unavailable("this callback may not change the exchange")),
            View::Nothing | View::Headers(_) => Err(Fault::unavailable("this callback has no exchange")),
        }
    }

    /// Id of the request, if there is one.
    pub(in crate::patch) fn request_id(&self) -> &str {
        self.exchange().map_or("", |exchange| &exchange.id)
    }

    /// Keeps text until the callback returns.
    pub(in crate::patch) fn keep_text(&mut self, text: String) -> Slice {
        let slice = Slice::text(&text);
        self.kept.push(Kept::Text(text));
        slice
    }

    /// Keeps bytes until the callback returns.
    pub(in crate::patch) fn keep_bytes(&mut self, bytes: Bytes) -> Slice {
        let slice = Slice::of(&bytes);
        self.kept.push(Kept::Bytes(bytes));
        slice
    }

    /// Keeps fields until the callback returns.
    pub(in crate::patch) fn keep_fields(&mut self, fields: Vec<Field>) -> abi::Fields {
        let list = abi::Fields { ptr: fields.as_ptr(), len: fields.len() };
        self.kept.push(Kept::Fields(fields));
        list
    }

    pub(in crate::patch) fn keep(&mut self, kept: Kept) {
        self.kept.push(kept);
    }

    pub(in crate::patch) fn keep_all(&mut self, kept: Vec<Kept>) {
        self.kept.extend(kept);
    }

    /// What to say of a failed callback.
    pub(in crate::patch) fn explain(&mut self, status: Status) -> String {
        let reason =
            self.reason.take().or_else(|| Some(self.error.clone()).filter(|error| !error.is_empty()));
        let what = match status {
            abi::PANICKED => "it panicked".to_owned(),
            abi::FAILED => return reason.unwrap_or_else(|| "it failed, and gave no reason".to_owned()),
            status => format!("it returned {status}, which is no result of this callback"),
        };
        match reason {
            Some(reason) => format!("{what}: {reason}"),
            None => what,
        }
    }
}

/// Restores the thread's frame, however the callback ends.
struct Restore(*mut Frame<'static>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// The next number of this thread. The upper bits are the thread's, so no two callbacks of the process share one.
fn next_number() -> Call {
    static THREADS: AtomicU64 = AtomicU64::new(1);
    LAST.with(|last| {
        let mut number = last.get();
        if number == 0 {
            number = THREADS.fetch_add(1, Ordering::Relaxed) << 44;
        }
        last.set(number + 1);
        number + 1
    })
}

/// Makes the frame the running one for as long as `callback` takes, which gets its number.
pub(in crate::patch) fn run<T>(frame: &mut Frame<'_>, callback: impl FnOnce(Call) -> T) -> T {
    frame.number = next_number();
    let number = frame.number;
    let pointer = ptr::from_mut(frame).cast::<Frame<'static>>();
    let _restore = Restore(CURRENT.replace(pointer));
    callback(number)
}

/// The self-test of a patch.
pub(in crate::patch) type SelfTest = unsafe extern "C" fn(call: Call) -> Status;

/// Calls the self-test of a patch.
pub(in crate::patch) fn enter(test: SelfTest, call: Call) -> Status {
    // SAFETY: the function is of a patch that stays mapped, is called as its type says, and does not unwind.
    unsafe { test(call) }
}

/// Calls `f` with the frame of this number; a panic in it becomes a failure.
pub(in crate::patch) fn with(call: Call, f: impl FnOnce(&mut Frame<'_>) -> Result<Status, Fault>) -> Status {
    let pointer = CURRENT.get();
    if pointer.is_null() {
        return abi::STALE;
    }
    // SAFETY: `run` set the pointer to a frame that it borrows until it takes the pointer away again, and nobody else
    // uses it meanwhile: host functions do not call each other, and one that waits takes the pointer away as well.
    let frame = unsafe { &mut *pointer };
    if frame.number != call {
        return abi::STALE;
    }
    match catch_unwind(AssertUnwindSafe(|| f(frame))) {
        Ok(Ok(status)) => status,
        Ok(Err(fault)) => {
            frame.error = fault.reason;
            fault.status
        }
        Err(_) => {
            "a host function panicked; please report this as a bug of Forebay".clone_into(&mut frame.error);
            abi::FAILED
        }
    }
}

/// As [`with`], for a function that gives something: `out` is set to `nothing` unless there is something.
pub(in crate::patch) fn give<T>(
    call: Call,
    out: *mut T,
    nothing: T,
    f: impl FnOnce(&mut Frame<'_>) -> Result<Option<T>, Fault>,
) -> Status {
    if out.is_null() {
        return with(call, |_| Err(Fault::invalid("a pointer for the result is null")));
    }
    let mut given = nothing;
    let status = with(call, |frame| {
        let Some(value) = f(frame)? else { return Ok(abi::ABSENT) };
        given = value;
        Ok(abi::OK)
    });
    // SAFETY: the pointer is not null, and the ABI demands of the patch that it can be written to.
    unsafe { out.write(given) };
    status
}

/// Waits on the fiber of the running callback.
pub(in crate::patch) fn wait(call: Call, wait: Wait) -> Result<Answer, Status> {
    let pointer = CURRENT.get();
    let mut waiter: Option<&'static dyn Waiter> = None;
    let status = with(call, |frame| {
        let Some(found) = frame.waiter else {
            let reason = "this callback may not wait; set its bit in `waits`, if it has one";
            return Err(Fault::new(abi::CANNOT_WAIT, reason));
        };
        if let Some(spent) = &mut frame.spent {
            spent.pause();
        }
        // SAFETY: the waiter outlives the frame, which outlives this function: it is a callee of the callback.
        waiter = Some(unsafe { std::mem::transmute::<&dyn Waiter, &'static dyn Waiter>(found) });
        Ok(abi::OK)
    });
    let Some(waiter) = waiter else { return Err(status) };
    CURRENT.set(null_mut());
    let answer = {
        let _outside = culprit::outside();
        waiter.wait(wait)
    };
    CURRENT.set(pointer);
    let ended = match answer {
        Answer::Expired => abi::EXPIRED,
        Answer::Cancelled => abi::CANCELLED,
        _ => abi::OK,
    };
    let status = with(call, |frame| {
        if let Some(spent) = &mut frame.spent {
            spent.go_on();
        }
        match ended {
            abi::EXPIRED => Err(Fault::new(ended, "the time of the call is used up")),
            abi::CANCELLED => Err(Fault::new(ended, "nobody waits for the result any more")),
            _ => Ok(ended),
        }
    });
    if status == abi::OK { Ok(answer) } else { Err(status) }
}

/// Time on the worker, by a clock that costs a few nanoseconds and counts in its own ticks of a few milliseconds.
#[derive(Debug)]
pub(in crate::patch) struct Stopwatch {
    began_ns: u64,
    spent_ns: u64,
}

impl Stopwatch {
    /// Starts.
    pub(in crate::patch) fn start() -> Self {
        Self { began_ns: coarse_ns(), spent_ns: 0 }
    }

    fn pause(&mut self) {
        self.spent_ns += coarse_ns().saturating_sub(self.began_ns);
    }

    fn go_on(&mut self) {
        self.began_ns = coarse_ns();
    }

    /// Nanoseconds that have passed for certain: one tick less than the clock says, since it may have ticked at once.
    pub(in crate::patch) fn certain_ns(mut self) -> u64 {
        self.pause();
        // Almost always nothing, and then it does not matter how long a tick is.
        if self.spent_ns == 0 { 0 } else { self.spent_ns.saturating_sub(tick_ns()) }
    }
}

fn coarse_ns() -> u64 {
    nanoseconds(rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse))
}

fn tick_ns() -> u64 {
    nanoseconds(rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse))
}

fn nanoseconds(time: rustix::time::Timespec) -> u64 {
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000_000 + rest.unwrap_or(0)
}
