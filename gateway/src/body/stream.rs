//! A body that is read from a connection while it is passed on: counted, bounded in size and in pauses.
//!
//! A body whose bytes are already there costs no timer: one is armed only when a read has to wait, and kept for
//! the next wait.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::error::{BodyError, BodyFault, Side};

/// Bounds on a streamed body.
#[derive(Debug, Clone, Copy)]
pub struct StreamLimits {
    /// Who sends it: decides what a failure means.
    pub side: Side,
    /// Most bytes; `u64::MAX` for no limit.
    pub bytes_max: u64,
    /// Longest wait for the next piece; `None` for no limit.
    pub idle: Option<Duration>,
}

/// Where the reading of a watched body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Whoever sends the body is to act; the body's own idle limit bounds it.
    AwaitingSender,
    /// Whoever takes the body is to act, since the given time.
    AwaitingReader(Instant),
    /// The body ended at the given time, complete or not.
    Ended(Instant),
}

/// What can be seen of a body from outside, while something else reads it and afterwards.
#[derive(Debug)]
pub struct Progress {
    bytes: Cell<u64>,
    phase: Cell<Phase>,
}

impl Progress {
    /// Bytes of the body passed on so far; the total once it has ended.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }
}

#[derive(Debug)]
pub(super) struct Stream {
    incoming: Incoming,
    limits: StreamLimits,
    bytes: u64,
    wait: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    progress: Option<Rc<Progress>>,
}

impl Stream {
    pub(super) fn new(incoming: Incoming, limits: StreamLimits) -> Self {
        Self { incoming, limits, bytes: 0, wait: None, waiting: false, progress: None }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn lower_limit(&mut self, bytes_max: u64) {
        self.limits.bytes_max = self.limits.bytes_max.min(bytes_max);
    }

    pub(super) fn side(&self) -> Side {
        self.limits.side
    }

    pub(super) fn watch(&mut self) -> Rc<Progress> {
        Rc::clone(self.progress.get_or_insert_with(|| {
            Rc::new(Progress {
                bytes: Cell::new(self.bytes),
                phase: Cell::new(Phase::AwaitingReader(Instant::now())),
            })
        }))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Poll::Ready(item) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            if let Some(progress) = &self.progress {
                progress.phase.set(Phase::AwaitingSender);
            }
            return match self.poll_wait(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(self.fault(BodyFault::Stalled)))),
                Poll::Pending => Poll::Pending,
            };
        };
        self.waiting = false;
        let item = match item {
            None => None,
            Some(Err(error)) => Some(Err(BodyError::from_hyper(self.limits.side, &error))),
            Some(Ok(frame)) => Some(self.count(frame)),
        };
        if let Some(progress) = &self.progress {
            let more = matches!(item, Some(Ok(_))) && !self.incoming.is_end_stream();
            let now = Instant::now();
            progress.phase.set(if more { Phase::AwaitingReader(now) } else { Phase::Ended(now) });
            progress.bytes.set(self.bytes);
        }
        Poll::Ready(item)
    }

    fn count(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        if let Some(data) = frame.data_ref() {
            let bytes = self.bytes + data.len() as u64;
            if bytes > self.limits.bytes_max {
                return Err(self.fault(BodyFault::TooLarge { limit: self.limits.bytes_max }));
            }
            self.bytes = bytes;
        }
        Ok(frame)
    }

    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(idle) = self.limits.idle else { return Poll::Pending };
        let wait = match &mut self.wait {
            Some(wait) => {
                // moving a registered timer further away is cheap, which is why it is not cancelled in between
                if !self.waiting {
                    wait.as_mut().reset(Instant::now() + idle);
                }
                wait
            }
            none => none.insert(Box::pin(tokio::time::sleep(idle))),
        };
        self.waiting = true;
        wait.as_mut().poll(cx)
    }

    fn fault(&self, fault: BodyFault) -> BodyError {
        BodyError { side: self.limits.side, fault }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress
            && !matches!(progress.phase.get(), Phase::Ended(_))
        {
            progress.phase.set(Phase::Ended(Instant::now()));
        }
    }
}
