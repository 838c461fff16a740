//! One call of one hook, as a value that is resumed until it is done. A script runs on a fiber, and so does a native
//! step that may wait; one that does not is called when the value is first resumed, or when the body has been read that it
//! needs.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use super::ScriptStep;
use super::context::{self, Context, Meter};
use super::failure;
use super::fiber::{self, Fiber, FiberStack, Resumed, with_borrowed_stack};
use super::program::Program;
use crate::chain::Hook;
use crate::error::{ErrorKind, ScriptError};
use crate::exchange::{Body, Exchange};
use crate::host::{Answer, Host, Wait};
use crate::native::{self, NativeStep, Waiter};
use crate::verdict::Verdict;

/// A hook call under way. Resume it with [`Answer::Go`] to start it, then with the answer to each wait.
///
/// Dropping a call that waits cancels it: the script ends at once with an error that it cannot catch.
pub struct Call(State);

enum State {
    /// Suspended or not yet started; the context is with the call.
    Suspended(Fiber<Verdict>, Box<Context>),
    /// Not yet started, and needs no fiber.
    Ready(Box<Context>, Arc<Program>, Hook),
    /// No stack could be had: fails when resumed.
    Stillborn(Box<Context>, std::io::Error),
    /// A native step that does not wait, or for which no stack could be had.
    Native(Arc<dyn NativeStep>, Hook, Box<Exchange>, Rc<dyn Host>, Option<std::io::Error>),
    /// A native step whose body is read first, with its deadline; whether that was asked for.
    Reading(Box<Reading>, bool),
    /// A native step that may wait, with its deadline.
    Waiting(Fiber<(Box<Exchange>, Verdict)>, u64),
    Finished,
}

/// A call of a native step that needs its message's body in memory.
struct Reading {
    step: Arc<dyn NativeStep>,
    hook: Hook,
    exchange: Box<Exchange>,
    host: Rc<dyn Host>,
    deadline_ns: u64,
}

/// How far a call has come.
pub enum Progress {
    /// The script waits for this.
    Waiting(Wait),
    /// The script has returned.
    Done(Box<Exchange>, Verdict),
}

impl Call {
    /// A call of `step`'s function for `hook` over the exchange, by its program if it has one.
    pub fn begin(step: Arc<ScriptStep>, hook: Hook, exchange: Box<Exchange>, host: Rc<dyn Host>) -> Self {
        let program = step.program();
        Self::begin_in(step, program, hook, exchange, host)
    }

    /// As [`Call::begin`], by this program, or by the interpreter without one. The call keeps the program until
    /// it is done, whatever happens to the step meanwhile.
    pub fn begin_in(
        step: Arc<ScriptStep>,
        program: Option<Arc<Program>>,
        hook: Hook,
        exchange: Box<Exchange>,
        host: Rc<dyn Host>,
    ) -> Self {
        let program = match program {
            Some(program) if !program.code().may_wait(hook) => {
                let meter = Meter::untimed(step.limits());
                let context = Box::new(Context { exchange, host, step, meter });
                return Self(State::Ready(context, program, hook));
            }
            other => other,
        };
        let meter = Meter::new(step.limits(), &*host);
        let context = Box::new(Context { exchange, host, step: step.clone(), meter });
        let fiber = Fiber::new(move || run(&step, program.as_deref(), hook));
        Self(match fiber {
            Ok(fiber) => State::Suspended(fiber, context),
            Err(error) => State::Stillborn(context, error),
        })
    }

    /// A call of a native step. The gateway calls those that do not wait without making this value of them.
    pub fn native(
        step: Arc<dyn NativeStep>,
        hook: Hook,
        mut exchange: Box<Exchange>,
        host: Rc<dyn Host>,
    ) -> Self {
        if !step.may_wait(hook) {
            if native::is_body_missing(&*step, hook, &mut exchange) {
                let deadline_ns = deadline_of(&*step, &*host);
                let reading = Reading { step, hook, exchange, host, deadline_ns };
                return Self(State::Reading(Box::new(reading), false));
            }
            return Self(State::Native(step, hook, exchange, host, None));
        }
        match FiberStack::take() {
            Ok(stack) => Self(waiting(stack, step, hook, exchange, host)),
            Err(error) => Self(State::Native(step, hook, exchange, host, Some(error))),
        }
    }

    /// Runs the step until it waits or returns.
    ///
    /// # Panics
    /// When the call is already done.
    pub fn resume(&mut self, answer: Answer) -> Progress {
        match std::mem::replace(&mut self.0, State::Finished) {
            State::Suspended(mut fiber, mut context) => {
                // The store answers at once, so a script that only asks it never lets others have their turn. The first
                // slice has begun with the call.
                if fiber.started() && !matches!(answer, Answer::Kv(_)) {
                    let Context { meter, host, .. } = &mut *context;
                    meter.begin_slice(&**host);
                }
                context::enter(context);
                let resumed = fiber.resume(answer);
                let context = context::leave().expect("only `enter` and `leave` move the context");
                match resumed {
                    Resumed::Waiting(wait) => {
                        self.0 = State::Suspended(fiber, context);
                        Progress::Waiting(wait)
                    }
                    Resumed::Done(verdict) => {
                        fiber.recycle();
                        let verdict = within_limits(&context, verdict);
                        Progress::Done(context.exchange, verdict)
                    }
                }
            }
            State::Ready(context, program, hook) => {
                let step = context.step.clone();
                context::enter(context);
                let verdict = with_borrowed_stack(|| run(&step, Some(&*program), hook));
                let context = context::leave().expect("only `enter` and `leave` move the context");
                let verdict = within_limits(&context, verdict);
                Progress::Done(context.exchange, verdict)
            }
            State::Stillborn(context, error) => {
                let message = format!("no stack for the script: {error}");
                let error = ScriptError::new(context.script(), ErrorKind::Memory, message, None);
                Progress::Done(context.exchange, Verdict::Fail(Box::new(error)))
            }
            State::Native(step, hook, mut exchange, host, None) => {
                let verdict = native::call(&*step, hook, &mut exchange, &*host);
                Progress::Done(exchange, verdict)
            }
            State::Native(step, _, exchange, _, Some(error)) => {
                let message = format!("no stack for the step: {error}");
                Progress::Done(exchange, native::fail(&*step, ErrorKind::Memory, message))
            }
            State::Reading(reading, false) => {
                let needed =
                    if reading.hook == Hook::Request { Wait::RequestBody } else { Wait::ResponseBody };
                self.0 = State::Reading(reading, true);
                Progress::Waiting(needed)
            }
            State::Reading(reading, true) => reading.go_on(answer),
            State::Waiting(mut fiber, deadline_ns) => match fiber.resume(answer) {
                Resumed::Waiting(wait) => {
                    self.0 = State::Waiting(fiber, deadline_ns);
                    Progress::Waiting(wait)
                }
                Resumed::Done((exchange, verdict)) => {
                    fiber.recycle();
                    Progress::Done(exchange, verdict)
                }
            },
            State::Finished => panic!("a call that is done cannot be resumed"),
        }
    }

    /// When the call's wall time ends, on the host's monotonic clock, in nanoseconds; 0 for one that does not wait.
    pub fn deadline_ns(&self) -> u64 {
        match &self.0 {
            State::Suspended(_, context) | State::Ready(context, ..) | State::Stillborn(context, _) => {
                context.meter.deadline_ns()
            }
            State::Waiting(_, deadline_ns) => *deadline_ns,
            State::Reading(reading, _) => reading.deadline_ns,
            State::Native(..) | State::Finished => 0,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        loop {
            let started = match &self.0 {
                State::Suspended(fiber, _) => fiber.started(),
                State::Waiting(fiber, _) => fiber.started(),
                State::Ready(..)
                | State::Stillborn(..)
                | State::Native(..)
                | State::Reading(..)
                | State::Finished => false,
            };
            if !started || matches!(self.resume(Answer::Cancelled), Progress::Done(..)) {
                return;
            }
        }
    }
}

impl Reading {
    /// Calls the step with what was read.
    fn go_on(self, answer: Answer) -> Progress {
        let Self { step, hook, mut exchange, host, .. } = self;
        let (kind, reason) = match answer {
            Answer::Body(Ok(bytes)) => {
                if let Some(body) = native::body_of(hook, &mut exchange) {
                    *body = Body::Read(bytes);
                }
                let verdict = native::call(&*step, hook, &mut exchange, &*host);
                return Progress::Done(exchange, verdict);
            }
            Answer::Body(Err(reason)) => (ErrorKind::Runtime, reason),
            Answer::Expired => (ErrorKind::WallTime, "the time of the call is used up".to_owned()),
            Answer::Cancelled => (ErrorKind::Cancelled, "nobody waits for the result any more".to_owned()),
            other => {
                let reason = format!("a body was answered with {other:?}; please report this");
                (ErrorKind::Runtime, reason)
            }
        };
        Progress::Done(exchange, native::fail(&*step, kind, reason))
    }
}

/// Runs a hook; a panic of a host function ends this call only.
fn run(step: &ScriptStep, program: Option<&Program>, hook: Hook) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| step.run(program, hook)))
        .unwrap_or_else(|payload| Verdict::Fail(Box::new(panicked(step, &*payload))))
}

/// When the time of a call of this step that begins now is over.
fn deadline_of(step: &dyn NativeStep, host: &dyn Host) -> u64 {
    let wall_time = u64::try_from(step.wall_time_max().as_nanos()).unwrap_or(u64::MAX);
    host.monotonic_ns().saturating_add(wall_time)
}

/// A native step on a fiber, which owns the exchange until it returns.
fn waiting(
    stack: FiberStack,
    step: Arc<dyn NativeStep>,
    hook: Hook,
    mut exchange: Box<Exchange>,
    host: Rc<dyn Host>,
) -> State {
    let deadline_ns = deadline_of(&*step, &*host);
    let fiber = Fiber::on(stack, move || {
        let waiter = FiberWaiter::default();
        let verdict = native::contained(&*step, || step.call_waiting(hook, &mut exchange, &*host, &waiter));
        (exchange, verdict)
    });
    State::Waiting(fiber, deadline_ns)
}

/// Waits by suspending the fiber that the step runs on.
#[derive(Default)]
struct FiberWaiter {
    /// Whether the call has to end, and why.
    ended: Cell<Option<End>>,
}

#[derive(Clone, Copy)]
enum End {
    Expired,
    Cancelled,
}

impl Waiter for FiberWaiter {
    fn wait(&self, wait: Wait) -> Answer {
        if self.ended.get().is_none() {
            match fiber::suspend(wait) {
                Some(Answer::Expired) => self.ended.set(Some(End::Expired)),
                // Without a fiber nothing can be waited for; this one is made on a fiber alone.
                Some(Answer::Cancelled) | None => self.ended.set(Some(End::Cancelled)),
                Some(answer) => return answer,
            }
        }
        match self.ended.get() {
            Some(End::Expired) => Answer::Expired,
            _ => Answer::Cancelled,
        }
    }
}

/// The verdict of a call that kept its limits. A library function can swallow the error that was to end the call, and
/// the script return before the next check: what it returned then is not its answer.
fn within_limits(context: &Context, verdict: Verdict) -> Verdict {
    match (context.meter.exhausted(), &verdict) {
        (Some(kind), Verdict::Continue | Verdict::Reply(_)) => {
            let (kind, message) = failure::ended(kind.as_str());
            Verdict::Fail(Box::new(ScriptError::new(context.script(), kind, message, None)))
        }
        _ => verdict,
    }
}

fn panicked(step: &ScriptStep, payload: &(dyn std::any::Any + Send)) -> ScriptError {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let message = format!("a host function panicked: {text}; please report this as a bug of Forebay");
    ScriptError::new(step.script().name(), ErrorKind::Panic, message, None)
}
