//! Pooled fibers: plain sequential code that can suspend in the middle of a host call.
//!
//! A script call runs on a stack of its own (corosensei), so a host function deep inside the interpreter can
//! hand a [`Wait`] to whoever resumed the fiber and go on later with the [`Answer`]. A fiber never leaves the
//! thread it was made on. Stacks are mapped lazily, end in a guard page, and are kept for the next call.
//!
//! Invariant: a fiber is never dropped in the middle (that would unwind through foreign frames). Its owner
//! resumes it with [`Answer::Cancelled`] until it has returned; see `Call`'s `Drop`.
#![expect(
    unsafe_code,
    reason = "the pointer to the running fiber's yielder crosses the interpreter's frames"
)]

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use corosensei::stack::{DefaultStack, Stack};
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::host::{Answer, Wait};

/// Address space of one stack. Only pages that were touched cost memory: about 16 KiB for a usual hook.
const STACK_BYTES: usize = 4 << 20;
/// What must be left of a stack for one operation and the library function it calls. Call depth multiplies with
/// the nesting of expressions, so no fixed size is enough for every script within its limits.
const RESERVE_BYTES: usize = 512 << 10;
/// What code that runs on no fiber may use of the stack it is on, from where it begins. The smallest stacks it runs
/// on are those of the runtime's blocking threads, 2 MiB.
const BORROWED_BYTES: usize = 1 << 20;
/// Stacks each thread keeps for later calls.
const POOLED_STACKS_MAX: usize = 128;

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
    /// The lowest address the running script may use; 0 while none runs.
    static STACK_FLOOR: Cell<usize> = const { Cell::new(0) };
    /// The yielder of the fiber that is running on this thread, if one is.
    static RUNNING: Cell<Option<NonNull<Yielder<Answer, Wait>>>> = const { Cell::new(None) };
}

/// A stack for a fiber.
pub(crate) struct FiberStack(DefaultStack);

impl FiberStack {
    /// One from the pool of this thread, or a new one.
    ///
    /// # Errors
    /// When the system has no address space or mapping left for a stack.
    pub(crate) fn take() -> std::io::Result<Self> {
        let pooled = STACKS.with_borrow_mut(Vec::pop);
        pooled.map_or_else(|| DefaultStack::new(STACK_BYTES), Ok).map(Self)
    }
}

/// A computation that can suspend itself.
pub(crate) struct Fiber<T: 'static> {
    stack_floor: usize,
    coroutine: Coroutine<Answer, Wait, T, DefaultStack>,
    yielder: Option<NonNull<Yielder<Answer, Wait>>>,
}

/// What a fiber did when it was resumed.
pub(crate) enum Resumed<T> {
    /// It suspended.
    Waiting(Wait),
    /// It returned.
    Done(T),
}

impl<T> Fiber<T> {
    /// A fiber that will run `body` when first resumed. `body` must not panic.
    ///
    /// # Errors
    /// As [`FiberStack::take`].
    pub(crate) fn new(body: impl FnOnce() -> T + 'static) -> std::io::Result<Self> {
        Ok(Self::on(FiberStack::take()?, body))
    }

    /// As [`Fiber::new`], on a stack that was taken before `body` was made.
    pub(crate) fn on(stack: FiberStack, body: impl FnOnce() -> T + 'static) -> Self {
        let stack = stack.0;
        let stack_floor = stack.limit().get() + RESERVE_BYTES;
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<Answer, Wait>, _first| {
            RUNNING.set(Some(NonNull::from(yielder)));
            body()
        });
        Self { stack_floor, coroutine, yielder: None }
    }

    /// Runs the fiber until it suspends or returns. The first answer starts it and is not seen by it.
    pub(crate) fn resume(&mut self, answer: Answer) -> Resumed<T> {
        let outer = RUNNING.replace(self.yielder);
        let outer_floor = STACK_FLOOR.replace(self.stack_floor);
        let result = self.coroutine.resume(answer);
        STACK_FLOOR.set(outer_floor);
        self.yielder = RUNNING.replace(outer);
        match result {
            CoroutineResult::Yield(wait) => Resumed::Waiting(wait),
            CoroutineResult::Return(value) => Resumed::Done(value),
        }
    }

    /// Whether the fiber was resumed at least once.
    pub(crate) fn started(&self) -> bool {
        self.coroutine.started()
    }

    /// Gives the stack back for the next fiber. Only for a fiber that has returned.
    pub(crate) fn recycle(self) {
        debug_assert!(self.coroutine.done(), "a fiber in the middle of its work has no stack to give back");
        if self.coroutine.done() {
            let stack = self.coroutine.into_stack();
            STACKS.with_borrow_mut(|stacks| {
                if stacks.len() < POOLED_STACKS_MAX {
                    stacks.push(stack);
                }
            });
        }
    }
}

/// Whether the running script has used up its stack.
pub(crate) fn stack_is_low() -> bool {
    here() < STACK_FLOOR.get()
}

/// The lowest address that the running script may have a frame at.
pub(crate) fn stack_floor() -> usize {
    STACK_FLOOR.get()
}

/// Runs `f` on the current stack with a bound on what it may use of it.
pub(crate) fn with_borrowed_stack<T>(f: impl FnOnce() -> T) -> T {
    let outer = STACK_FLOOR.replace(here().saturating_sub(BORROWED_BYTES));
    let result = f();
    STACK_FLOOR.set(outer);
    result
}

/// About where the stack ends at the moment; stacks grow down on every system we run on.
#[inline(never)]
fn here() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&marker)).addr()
}

/// Suspends the running fiber until it is resumed with an answer; `None` when the caller is on no fiber.
pub(crate) fn suspend(wait: Wait) -> Option<Answer> {
    let yielder = RUNNING.get()?;
    // SAFETY: `RUNNING` is set by the fiber itself to its own yielder, which corosensei keeps at the base of
    // that fiber's stack until the fiber returns, and `resume` restores the outer value as soon as the fiber
    // stops running. So a value seen here belongs to the fiber whose stack this very call is on, and that
    // fiber has not returned. The reference is shared, and `suspend` takes `&self`.
    let yielder = unsafe { yielder.as_ref() };
    Some(yielder.suspend(wait))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn done<T>(resumed: Resumed<T>) -> T {
        match resumed {
            Resumed::Done(value) => value,
            Resumed::Waiting(wait) => panic!("still waiting for {wait:?}"),
        }
    }

    #[test]
    fn a_fiber_suspends_with_its_wait_and_goes_on_with_the_answer() {
        let mut fiber = Fiber::new(|| suspend(Wait::Sleep(Duration::from_secs(1)))).unwrap();
        assert!(matches!(fiber.resume(Answer::Go), Resumed::Waiting(Wait::Sleep(_))));
        assert!(matches!(done(fiber.resume(Answer::Cancelled)), Some(Answer::Cancelled)));
        fiber.recycle();
    }

    #[test]
    fn two_fibers_interleave_without_mixing_their_answers() {
        let body = || {
            let first = matches!(suspend(Wait::TimeSlice), Some(Answer::Go));
            let second = matches!(suspend(Wait::TimeSlice), Some(Answer::Expired));
            first && second
        };
        let mut one = Fiber::new(body).unwrap();
        let mut two = Fiber::new(body).unwrap();
        for answer in [|| Answer::Go, || Answer::Go] {
            assert!(matches!(one.resume(answer()), Resumed::Waiting(Wait::TimeSlice)));
            assert!(matches!(two.resume(answer()), Resumed::Waiting(Wait::TimeSlice)));
        }
        assert!(done(two.resume(Answer::Expired)));
        assert!(!done(one.resume(Answer::Go)));
        one.recycle();
        two.recycle();
    }

    #[test]
    fn without_a_fiber_nothing_suspends() {
        assert!(suspend(Wait::TimeSlice).is_none());
        let mut fiber = Fiber::new(|| ()).unwrap();
        done(fiber.resume(Answer::Go));
        fiber.recycle();
        assert!(suspend(Wait::TimeSlice).is_none());
    }
}
