//! The call that is running on this thread: its exchange, its host and its meter.
//!
//! Host functions are called by the interpreter with script values only; they find the exchange here. The
//! context is moved into the thread's slot when a call is resumed and moved out when it suspends or returns,
//! so it is owned by exactly one place at a time and no lock or reference count is needed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rhai::{Dynamic, EvalAltResult, Position};

use super::{ScriptStep, fiber};
use crate::error::ErrorKind;
use crate::exchange::Exchange;
use crate::host::{Answer, Host, Wait};
use crate::limits::Limits;

thread_local! {
    static CURRENT: RefCell<Option<Box<Context>>> = const { RefCell::new(None) };
    /// Operations the running call may still do. Rhai's own count starts anew in every callback of a library
    /// function, so a comparison function of `sort` would have a fresh allowance each time it is called.
    static FUEL: Cell<u64> = const { Cell::new(0) };
}

/// Result of a host function.
pub(crate) type HostResult<T> = Result<T, Box<EvalAltResult>>;

/// Everything a running call may touch.
pub(crate) struct Context {
    pub(crate) exchange: Box<Exchange>,
    pub(crate) host: Rc<dyn Host>,
    pub(crate) step: Arc<ScriptStep>,
    pub(crate) meter: Meter,
}

impl Context {
    /// The name of the script that is running.
    pub(crate) fn script(&self) -> &Arc<str> {
        self.step.script().name()
    }
}

/// What a call has used of its limits.
pub(crate) struct Meter {
    fuel: u64,
    time_slice_ns: u64,
    memory_bytes_max: i64,
    wall_time_max_ns: u64,
    deadline_ns: u64,
    /// Whether the clock was read; a call that neither waits nor takes long may end before it is.
    is_timed: bool,
    slice_started_ns: u64,
    heap_at_resume: i64,
    heap_before: i64,
    /// Heap bytes when a program was last granted operations.
    heap_at_allowance: i64,
    /// The limit that was exceeded. Sticky: a library function that swallows the error of a callback only
    /// postpones the end to the next check.
    exhausted: Option<ErrorKind>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits, host: &dyn Host) -> Self {
        let mut meter = Self::untimed(limits);
        meter.begin_time(host.monotonic_ns());
        meter
    }

    /// A meter whose time begins when the clock is first looked at: for calls that are known not to wait.
    pub(crate) fn untimed(limits: &Limits) -> Self {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self {
            fuel: limits.operations_max,
            time_slice_ns: nanoseconds(limits.time_slice),
            memory_bytes_max: i64::try_from(limits.memory_bytes_max).unwrap_or(i64::MAX),
            wall_time_max_ns: nanoseconds(limits.wall_time_max),
            deadline_ns: 0,
            is_timed: false,
            slice_started_ns: 0,
            heap_at_resume: 0,
            heap_before: 0,
            heap_at_allowance: 0,
            exhausted: None,
        }
    }

    fn begin_time(&mut self, now: u64) {
        self.deadline_ns = now.saturating_add(self.wall_time_max_ns);
        self.slice_started_ns = now;
        self.is_timed = true;
    }

    pub(crate) fn deadline_ns(&self) -> u64 {
        self.deadline_ns
    }

    /// The limit that the call has exceeded, if any.
    pub(crate) fn exhausted(&self) -> Option<ErrorKind> {
        self.exhausted
    }

    fn resumed(&mut self, host: &dyn Host) {
        FUEL.set(self.fuel);
        self.heap_at_resume = host.heap_bytes();
        self.heap_at_allowance = self.heap_at_resume;
    }

    /// Others have had their turn.
    pub(crate) fn begin_slice(&mut self, host: &dyn Host) {
        self.slice_started_ns = host.monotonic_ns();
    }

    fn suspended(&mut self, host: &dyn Host) {
        self.fuel = FUEL.get();
        self.heap_before += host.heap_bytes() - self.heap_at_resume;
    }

    fn check_memory(&mut self, host: &dyn Host) {
        if self.heap_before + host.heap_bytes() - self.heap_at_resume > self.memory_bytes_max {
            self.exhausted.get_or_insert(ErrorKind::Memory);
        }
    }

    /// Whether the time slice is used up.
    fn check_time(&mut self, host: &dyn Host) -> bool {
        let now = host.monotonic_ns();
        if !self.is_timed {
            self.begin_time(now);
        }
        if now > self.deadline_ns {
            self.exhausted.get_or_insert(ErrorKind::WallTime);
        }
        now - self.slice_started_ns > self.time_slice_ns
    }
}

/// Makes the context the running one.
pub(crate) fn enter(mut context: Box<Context>) {
    let Context { meter, host, .. } = &mut *context;
    meter.resumed(&**host);
    CURRENT.set(Some(context));
}

/// Takes the running context out again.
pub(crate) fn leave() -> Option<Box<Context>> {
    let mut context = CURRENT.take()?;
    let Context { meter, host, .. } = &mut *context;
    meter.suspended(&**host);
    Some(context)
}

/// Calls `f` with the running context.
///
/// # Errors
/// When no request is being served, which is so while constants are computed.
pub(crate) fn with<T>(f: impl FnOnce(&mut Context) -> T) -> HostResult<T> {
    CURRENT.with_borrow_mut(|current| match current {
        Some(context) => Ok(f(context)),
        None => fail("this needs a request; top-level constants are computed without one"),
    })
}

/// Calls `f` with the exchange of the running call.
pub(crate) fn with_exchange<T>(f: impl FnOnce(&mut Exchange) -> T) -> HostResult<T> {
    with(|context| f(&mut context.exchange))
}

/// An error a script can catch.
pub(crate) fn fail<T>(message: impl Into<String>) -> HostResult<T> {
    Err(EvalAltResult::ErrorRuntime(Dynamic::from(message.into()), Position::NONE).into())
}

/// Hands a wait to the caller of the script and returns its answer.
///
/// # Errors
/// A catchable error outside of a request; an uncatchable one when the call has to end.
pub(crate) fn wait(wait: Wait) -> HostResult<Answer> {
    with(|context| context.meter.exhausted)?.map_or(Ok(()), |kind| Err(terminated(kind)))?;
    match fiber::suspend(wait) {
        Some(Answer::Expired) => Err(end(ErrorKind::WallTime)),
        Some(Answer::Cancelled) => Err(end(ErrorKind::Cancelled)),
        Some(answer) => Ok(answer),
        None => fail("this waits, and nothing can wait here"),
    }
}

/// Marks the running call as ended; every later check ends it again.
fn exhaust(kind: ErrorKind) {
    CURRENT.with_borrow_mut(|current| {
        if let Some(context) = current {
            context.meter.exhausted.get_or_insert(kind);
        }
    });
}

#[expect(clippy::unnecessary_box_returns, reason = "the interpreter's errors are boxed")]
fn end(kind: ErrorKind) -> Box<EvalAltResult> {
    exhaust(kind);
    terminated(kind)
}

#[expect(clippy::unnecessary_box_returns, reason = "the interpreter's errors are boxed")]
fn terminated(kind: ErrorKind) -> Box<EvalAltResult> {
    EvalAltResult::ErrorTerminated(Dynamic::from(kind.as_str()), Position::NONE).into()
}

/// Runs `f` outside of a request with this much fuel.
pub(crate) fn with_fuel<T>(operations: u64, f: impl FnOnce() -> T) -> T {
    let outer = FUEL.replace(operations);
    let result = fiber::with_borrowed_stack(f);
    FUEL.set(outer);
    result
}

/// Called by the interpreter at every operation; a value ends the call.
///
/// Memory is looked at every 16 operations (a single operation can allocate one string of the largest size)
/// and the clock every 64: reading it costs about half of what one operation costs.
pub(crate) fn progress() -> Option<Dynamic> {
    if fiber::stack_is_low() {
        return Some(out_of_stack());
    }
    let fuel = FUEL.get();
    if !fuel.is_multiple_of(16) {
        FUEL.set(fuel - 1);
        return None;
    }
    if fuel == 0 {
        return Some(out_of_fuel());
    }
    FUEL.set(fuel - 1);
    check(fuel.is_multiple_of(64))
}

/// As [`progress`], for machine code: this many operations at once, followed by every check. How many
/// operations pass between two checks is for the program to choose.
pub(crate) fn spend(operations: u64) -> Option<Dynamic> {
    if fiber::stack_is_low() {
        return Some(out_of_stack());
    }
    let Some(left) = FUEL.get().checked_sub(operations) else {
        FUEL.set(0);
        return Some(out_of_fuel());
    };
    FUEL.set(left);
    check(true)
}

/// What a program may do next before it has to account for it.
pub(crate) struct Allowance {
    /// Operations.
    pub(crate) operations: u64,
    /// The lowest address that it may have a frame at.
    pub(crate) stack_floor: usize,
}

/// Operations between two checks of a program, at most and when memory grows. One operation may allocate one
/// string of the largest size, so this bounds how far a call gets beyond `memory_bytes_max`.
const OPERATIONS_AT_ONCE: u64 = 256;
const OPERATIONS_AT_ONCE_GROWING: u64 = 16;
/// Growth between two checks from which memory counts as growing.
const GROWTH_BYTES: i64 = 128 << 10;

/// What the running call may do next.
pub(crate) fn allowance() -> Allowance {
    let at_once = CURRENT.with_borrow_mut(|current| {
        let Some(context) = current else { return OPERATIONS_AT_ONCE };
        let held = context.host.heap_bytes();
        let grown = held - context.meter.heap_at_allowance;
        context.meter.heap_at_allowance = held;
        if grown > GROWTH_BYTES { OPERATIONS_AT_ONCE_GROWING } else { OPERATIONS_AT_ONCE }
    });
    Allowance { operations: FUEL.get().min(at_once), stack_floor: fiber::stack_floor() }
}

fn out_of_stack() -> Dynamic {
    exhaust(ErrorKind::CallDepth);
    Dynamic::from(ErrorKind::CallDepth.as_str())
}

fn out_of_fuel() -> Dynamic {
    exhaust(ErrorKind::Operations);
    Dynamic::from(ErrorKind::Operations.as_str())
}

/// Looks at memory and, if it is time to, at the clock; a value ends the call.
fn check(looks_at_clock: bool) -> Option<Dynamic> {
    let (exhausted, slice_used) = CURRENT.with_borrow_mut(|current| {
        let Some(context) = current else { return (None, false) };
        let Context { meter, host, .. } = &mut **context;
        meter.check_memory(&**host);
        let slice_used = looks_at_clock && meter.check_time(&**host);
        (meter.exhausted, slice_used)
    });
    let ended = match exhausted {
        None if slice_used => match fiber::suspend(Wait::TimeSlice) {
            Some(Answer::Cancelled) => Some(ErrorKind::Cancelled),
            Some(Answer::Expired) => Some(ErrorKind::WallTime),
            _ => None,
        },
        other => other,
    };
    ended.map(|kind| {
        exhaust(kind);
        Dynamic::from(kind.as_str())
    })
}
