//! One call of one hook, as a value that is resumed until it is done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use super::ScriptStep;
use super::context::{self, Context, Meter};
use super::failure;
use super::fiber::{Fiber, Resumed};
use super::program::Program;
use crate::chain::Hook;
use crate::error::{ErrorKind, ScriptError};
use crate::exchange::Exchange;
use crate::host::{Answer, Host, Wait};
use crate::verdict::Verdict;

/// A hook call under way. Resume it with [`Answer::Go`] to start it, then with the answer to each wait.
///
/// Dropping a call that waits cancels it: the script ends at once with an error that it cannot catch.
pub struct Call {
    state: State,
    step: Arc<ScriptStep>,
}

enum State {
    /// Suspended or not yet started; the context is with the call.
    Suspended(Fiber<Verdict>, Box<Context>),
    /// No stack could be had: fails when resumed.
    Stillborn(Box<Context>, std::io::Error),
    Finished,
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
        let meter = Meter::new(step.limits(), &*host);
        let context = Box::new(Context { exchange, host, script: step.script().name().clone(), meter });
        let running = step.clone();
        let fiber = Fiber::new(move || {
            catch_unwind(AssertUnwindSafe(|| running.run(program.as_deref(), hook)))
                .unwrap_or_else(|payload| Verdict::Fail(Box::new(panicked(&running, &*payload))))
        });
        let state = match fiber {
            Ok(fiber) => State::Suspended(fiber, context),
            Err(error) => State::Stillborn(context, error),
        };
        Self { state, step }
    }

    /// Runs the script until it waits or returns.
    ///
    /// # Panics
    /// When the call is already done.
    pub fn resume(&mut self, answer: Answer) -> Progress {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Suspended(mut fiber, mut context) => {
                // The store answers at once, so a script that only asks it never lets others have their turn.
                if !matches!(answer, Answer::Kv(_)) {
                    let Context { meter, host, .. } = &mut *context;
                    meter.begin_slice(&**host);
                }
                context::enter(context);
                let resumed = fiber.resume(answer);
                let context = context::leave().expect("only `enter` and `leave` move the context");
                match resumed {
                    Resumed::Waiting(wait) => {
                        self.state = State::Suspended(fiber, context);
                        Progress::Waiting(wait)
                    }
                    Resumed::Done(verdict) => {
                        fiber.recycle();
                        let verdict = within_limits(&context, verdict);
                        Progress::Done(context.exchange, verdict)
                    }
                }
            }
            State::Stillborn(context, error) => {
                let message = format!("no stack for the script: {error}");
                let error = ScriptError::new(&context.script, ErrorKind::Memory, message, None);
                Progress::Done(context.exchange, Verdict::Fail(Box::new(error)))
            }
            State::Finished => panic!("a call that is done cannot be resumed"),
        }
    }

    /// The step this is a call of.
    pub fn step(&self) -> &Arc<ScriptStep> {
        &self.step
    }

    /// When the call's wall time ends, on the host's monotonic clock, in nanoseconds.
    pub fn deadline_ns(&self) -> u64 {
        match &self.state {
            State::Suspended(_, context) | State::Stillborn(context, _) => context.meter.deadline_ns(),
            State::Finished => 0,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        while let State::Suspended(fiber, _) = &self.state {
            if !fiber.started() {
                return;
            }
            if let Progress::Done(..) = self.resume(Answer::Cancelled) {
                return;
            }
        }
    }
}

/// The verdict of a call that kept its limits. A library function can swallow the error that was to end the call, and
/// the script return before the next check: what it returned then is not its answer.
fn within_limits(context: &Context, verdict: Verdict) -> Verdict {
    match (context.meter.exhausted(), &verdict) {
        (Some(kind), Verdict::Continue | Verdict::Reply(_)) => {
            let (kind, message) = failure::ended(kind.as_str());
            Verdict::Fail(Box::new(ScriptError::new(&context.script, kind, message, None)))
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
