//! The HTTP/2 connections of one target, and who waits for a place on one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::breaker::Admitted;
use super::error::Fault;
use super::multiplexed::Multiplexed;

/// The connections. A target that may speak HTTP/2 is taken to do so until it has agreed on something else.
pub(super) struct Shared {
    may_be: Cell<bool>,
    connections: RefCell<Vec<Member>>,
    is_opening: Cell<bool>,
    /// Number of attempts to open one that failed, and how the last of them did.
    failures: Cell<u64>,
    last_failure: RefCell<Option<Fault>>,
    waiting: Cell<usize>,
    changed: Notify,
}

/// What looking for a place gave.
pub(super) struct Found {
    pub(super) connection: Option<Rc<Multiplexed>>,
    /// Number of connections that turned out to be closed, and were forgotten.
    pub(super) closed: usize,
}

/// What waiting for a place gave.
pub(super) enum Waited {
    /// It is worth looking again.
    Changed,
    /// The connection that was being opened could not be.
    Failed(Fault),
    /// Nothing within the time.
    TooLong,
    /// As many wait as may.
    TooMany,
}

/// A connection, how long it may be idle, and its place among the bounded connections of its upstream.
struct Member {
    connection: Rc<Multiplexed>,
    idle_timeout: Duration,
    _admitted: Option<Admitted>,
}

/// The turn to open a connection; dropped, everybody looks again.
pub(super) struct Turn<'a>(&'a Shared);

impl Turn<'_> {
    /// Tells those who wait how it went.
    pub(super) fn ended<T>(self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &outcome {
            self.0.failures.set(self.0.failures.get() + 1);
            *self.0.last_failure.borrow_mut() = Some(fault.clone());
        }
        outcome
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.is_opening.set(false);
        self.0.changed.notify_waiters();
    }
}

/// One who waits, for as long as it does.
struct Waiter<'a>(&'a Cell<usize>);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Shared {
    pub(super) fn new(may_be: bool) -> Self {
        Self {
            may_be: Cell::new(may_be),
            connections: RefCell::default(),
            is_opening: Cell::new(false),
            failures: Cell::new(0),
            last_failure: RefCell::default(),
            waiting: Cell::new(0),
            changed: Notify::new(),
        }
    }

    /// Whether the target may have such connections.
    pub(super) fn may_be(&self) -> bool {
        self.may_be.get()
    }

    /// The target agreed on HTTP/1.1.
    pub(super) fn is_not(&self) {
        self.may_be.set(false);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.connections.borrow().is_empty()
    }

    /// Number of connections, and of requests under way over them.
    pub(super) fn load(&self) -> (usize, usize) {
        let connections = self.connections.borrow();
        (connections.len(), connections.iter().map(|one| one.connection.streams()).sum())
    }

    /// Whether one of the connections takes another request.
    pub(super) fn has_room(&self) -> bool {
        self.connections.borrow().iter().any(|one| one.connection.has_room())
    }

    /// The connection with the fewest requests among those that have room and are admitted.
    pub(super) fn find(&self, admits: impl Fn(&Multiplexed) -> bool) -> Found {
        let closed = self.forget_closed();
        let connections = self.connections.borrow();
        let with_room =
            connections.iter().map(|one| &one.connection).filter(|one| one.has_room() && admits(one));
        let connection = with_room.min_by_key(|one| one.streams()).cloned();
        Found { connection, closed }
    }

    /// The turn to open one, unless somebody has it.
    pub(super) fn begin_opening(&self) -> Option<Turn<'_>> {
        if self.is_opening.replace(true) { None } else { Some(Turn(self)) }
    }

    /// Takes up a new connection, to be closed when it had no request for the time given.
    pub(super) fn add(
        &self,
        connection: &Rc<Multiplexed>,
        idle_timeout: Duration,
        admitted: Option<Admitted>,
    ) {
        self.may_be.set(true);
        let connection = Rc::clone(connection);
        self.connections.borrow_mut().push(Member { connection, idle_timeout, _admitted: admitted });
    }

    /// Waits until it is worth looking again, unless `waiting_max` do so already.
    pub(super) async fn wait(&self, deadline: Instant, waiting_max: usize) -> Waited {
        if self.waiting.get() >= waiting_max {
            return Waited::TooMany;
        }
        self.waiting.set(self.waiting.get() + 1);
        let _waiter = Waiter(&self.waiting);
        let failures = self.failures.get();
        if tokio::time::timeout_at(deadline, self.changed.notified()).await.is_err() {
            return Waited::TooLong;
        }
        match &*self.last_failure.borrow() {
            Some(fault) if self.failures.get() != failures => Waited::Failed(fault.clone()),
            _ => Waited::Changed,
        }
    }

    /// A place is free. Returns the number of closed connections forgotten.
    pub(super) fn freed(&self) -> usize {
        let closed = self.forget_closed();
        self.changed.notify_waiters();
        closed
    }

    /// Closes what had no request for too long: their number, and when to look next.
    pub(super) fn reap(&self) -> (usize, Option<Instant>) {
        let mut connections = self.connections.borrow_mut();
        let before = connections.len();
        connections.retain(|one| one.connection.is_ready() && !one.connection.is_idle_for(one.idle_timeout));
        let next = connections.iter().map(|one| one.connection.idle_since() + one.idle_timeout).min();
        // One in use is looked at again later.
        let soonest = Instant::now() + SOONEST_LOOK;
        (before - connections.len(), next.map(|next| next.max(soonest)))
    }

    fn forget_closed(&self) -> usize {
        let mut connections = self.connections.borrow_mut();
        let before = connections.len();
        connections.retain(|one| one.connection.is_ready());
        before - connections.len()
    }
}

/// Least time between two looks at idle connections.
const SOONEST_LOOK: Duration = Duration::from_secs(1);
