//! The body type that flows through the proxy in both directions.
//!
//! A body is empty, in memory, or streamed from a connection ([`StreamLimits`]). The framing information of the
//! source is kept, so that a body that came with a length leaves with a length, and trailers pass as frames.
//! Nothing is boxed per frame. Whoever needs to know when a body is over, however it ends, registers with
//! [`ProxyBody::on_end`]; this is how the access log learns the number of bytes sent.
//!
//! "Over" means handed to the connection that writes it: hyper does not report when the last byte was flushed.

use std::any::Any;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use forebay_engine::filter::BodyFilter;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

mod end_reason;
mod error;
mod filtered;
mod kept;
mod stream;

pub use end_reason::EndReason;
pub use error::{BodyError, BodyFault, Side};
pub(crate) use stream::Phase;
pub use stream::{Progress, StreamLimits};

use filtered::Filtered;
use kept::Kept;
use stream::Stream;

/// Most bytes set aside for a body before any of it has come, whatever length it claims.
const RESERVE_MAX: u64 = 64 * 1024;

/// The body of a request or a response on its way through the gateway.
#[derive(Debug)]
pub struct ProxyBody {
    source: Source,
    bytes: u64,
    ending: Option<Box<Ending>>,
}

#[derive(Debug)]
enum Source {
    /// Nothing, or nothing more.
    Empty,
    /// In memory, not passed on yet; never of length 0.
    Full(Bytes),
    /// Read from a connection as it is passed on.
    Stream(Stream),
    /// Passed on through filters.
    Filtered(Box<Filtered>),
    /// Remembered while it is passed on, so that it can be sent again.
    Kept(Kept),
    /// Ended early by this error.
    Failed(BodyError),
}

/// What is to happen when the body is over.
#[derive(Default)]
struct Ending {
    held: Option<Box<dyn Any>>,
    callback: Option<Box<dyn FnOnce(BodyEnd)>>,
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ending").finish_non_exhaustive()
    }
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyEnd {
    /// Bytes of data passed on.
    pub bytes: u64,
    /// Whether that was all.
    pub outcome: Outcome,
}

/// Whether a body was passed on in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// To its end.
    Complete,
    /// Reading it failed.
    Failed(BodyError),
    /// Whoever took it stopped: a response's client has gone, or the message may have no body (HEAD).
    Dropped,
}

impl ProxyBody {
    /// A body of no bytes.
    pub fn empty() -> Self {
        Self::new(Source::Empty)
    }

    /// A body in memory.
    pub fn full(data: Bytes) -> Self {
        Self::new(if data.is_empty() { Source::Empty } else { Source::Full(data) })
    }

    /// A body read from a connection as it is passed on.
    pub fn stream(incoming: Incoming, limits: StreamLimits) -> Self {
        Self::new(if incoming.is_end_stream() {
            Source::Empty
        } else {
            Source::Stream(Stream::new(incoming, limits))
        })
    }

    /// This body, passed through these filters. An empty one stays as it is, and its filters are dropped.
    #[must_use]
    pub fn filtered(self, side: Side, filters: Vec<Box<dyn BodyFilter>>) -> Self {
        if filters.is_empty() || matches!(self.source, Source::Empty) {
            return self;
        }
        Self::new(Source::Filtered(Box::new(Filtered::new(self, side, filters))))
    }

    /// This body as one that can be sent again as long as no more than `bytes_max` bytes of it have passed.
    #[must_use]
    pub(crate) fn kept(self, bytes_max: usize) -> Self {
        match self.source {
            Source::Stream(_) | Source::Filtered(_) => Self::new(Source::Kept(Kept::new(self, bytes_max))),
            _ => self,
        }
    }

    /// Whether passing it on from the beginning would give all of it: false for a kept body that was too large, or
    /// that failed.
    pub(crate) fn can_begin(&self) -> bool {
        match &self.source {
            Source::Kept(kept) => kept.can_begin(),
            Source::Failed(_) => false,
            _ => true,
        }
    }

    /// Whether it can be read at once, without its source: in memory, or kept and passed whole.
    pub(crate) fn is_here(&self) -> bool {
        match &self.source {
            Source::Empty | Source::Full(_) => true,
            Source::Kept(kept) => kept.is_complete(),
            Source::Stream(_) | Source::Filtered(_) | Source::Failed(_) => false,
        }
    }

    fn has_failed(&self) -> bool {
        matches!(self.source, Source::Failed(_))
    }

    fn new(source: Source) -> Self {
        Self { source, bytes: 0, ending: None }
    }

    /// Calls `callback` once when the body is over: complete, failed or dropped. A second call replaces the
    /// first callback.
    ///
    /// The callback runs within a poll or a drop of the body: it should do little, and spawn the rest.
    pub fn on_end(&mut self, callback: impl FnOnce(BodyEnd) + 'static) {
        self.ending().callback = Some(Box::new(callback));
    }

    /// Keeps `value` alive until the body is over, beside what it holds already, and drops it before the `on_end`
    /// callback runs.
    pub(crate) fn hold(&mut self, value: Box<dyn Any>) {
        let held = &mut self.ending().held;
        *held = Some(match held.take() {
            Some(before) => Box::new((before, value)),
            None => value,
        });
    }

    fn ending(&mut self) -> &mut Ending {
        self.ending.get_or_insert_default()
    }

    /// A view of a streamed body that stays readable after the body was handed over and after its end;
    /// `None` for a body that is not streamed.
    pub fn watch(&mut self) -> Option<Rc<Progress>> {
        match &mut self.source {
            Source::Stream(stream) => Some(stream.watch()),
            Source::Kept(kept) => kept.watch(),
            _ => None,
        }
    }

    /// Lowers the number of bytes a streamed body may have; false if it is known already to have more.
    pub fn lower_limit(&mut self, bytes_max: u64) -> bool {
        if let Source::Stream(stream) = &mut self.source {
            stream.lower_limit(bytes_max);
        }
        self.bytes_passed().saturating_add(self.size_hint().lower()) <= bytes_max
    }

    /// The same body again, if it is one that can be sent twice: empty, in memory and not begun, or kept.
    pub fn replay(&self) -> Option<Self> {
        match &self.source {
            Source::Empty if self.bytes == 0 => Some(Self::empty()),
            Source::Full(data) => Some(Self::full(data.clone())),
            Source::Kept(kept) => Some(Self::new(Source::Kept(kept.again()))),
            _ => None,
        }
    }

    /// Bytes passed on so far.
    pub fn bytes_passed(&self) -> u64 {
        match &self.source {
            Source::Stream(stream) => stream.bytes(),
            _ => self.bytes,
        }
    }

    /// The error of a body whose declared length says that it has more than `limit` bytes.
    pub fn declared_too_large(&self, limit: u64) -> Option<BodyError> {
        (self.size_hint().lower() > limit).then(|| self.too_large(limit))
    }

    fn too_large(&self, limit: u64) -> BodyError {
        let side = match &self.source {
            Source::Stream(stream) => stream.side(),
            Source::Filtered(filtered) => filtered.side(),
            _ => Side::Client,
        };
        BodyError { side, fault: BodyFault::TooLarge { limit } }
    }

    /// Reads the rest of the body into memory. Trailers are dropped.
    ///
    /// Fails as the body does, and with [`BodyFault::TooLarge`] if there are more than `limit` bytes; when the
    /// declared length says so already, nothing is read. A body that comes in one piece is not copied.
    pub async fn collect(mut self, limit: u64) -> Result<Bytes, BodyError> {
        let too_large = self.too_large(limit);
        if self.size_hint().lower() > limit {
            return Err(self.fail(too_large));
        }
        let Some(first) = self.next_data().await? else { return Ok(Bytes::new()) };
        if first.len() as u64 > limit {
            return Err(self.fail(too_large));
        }
        let Some(second) = self.next_data().await? else { return Ok(first) };
        let expected = (self.size_hint().lower() + second.len() as u64).min(limit).min(RESERVE_MAX);
        let reserve = usize::try_from(expected).unwrap_or(second.len());
        let mut whole = BytesMut::with_capacity(first.len() + reserve.max(second.len()));
        whole.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(data) = next {
            if (whole.len() + data.len()) as u64 > limit {
                return Err(self.fail(too_large));
            }
            whole.extend_from_slice(&data);
            next = self.next_data().await?;
        }
        Ok(whole.freeze())
    }

    /// The next piece of data that is not empty; `None` at the end.
    pub async fn next_data(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let frame = std::future::poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await;
            let Some(frame) = frame else { return Ok(None) };
            if let Ok(data) = frame?.into_data()
                && !data.is_empty()
            {
                return Ok(Some(data));
            }
        }
    }

    fn fail(&mut self, error: BodyError) -> BodyError {
        self.bytes = self.bytes_passed();
        self.source = Source::Failed(error);
        self.finish(Outcome::Failed(error));
        error
    }

    /// Runs what was registered for the end, once.
    fn finish(&mut self, outcome: Outcome) {
        if let Some(ending) = self.ending.take() {
            let Ending { held, callback } = *ending;
            drop(held);
            if let Some(callback) = callback {
                callback(BodyEnd { bytes: self.bytes_passed(), outcome });
            }
        }
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let item = match &mut this.source {
            Source::Empty => None,
            // asked again, a failed body must not look like one that ended well
            Source::Failed(error) => Some(Err(*error)),
            Source::Full(data) => {
                let data = std::mem::take(data);
                this.bytes = data.len() as u64;
                this.source = Source::Empty;
                Some(Ok(Frame::data(data)))
            }
            Source::Stream(stream) => match stream.poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(item) => item,
            },
            Source::Filtered(filtered) => match filtered.poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(item) => counted(&mut this.bytes, item),
            },
            Source::Kept(kept) => match kept.poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(item) => counted(&mut this.bytes, item),
            },
        };
        match &item {
            None => {
                // a stream of undeclared length does not say of itself that it is over
                this.bytes = this.bytes_passed();
                this.source = Source::Empty;
                this.finish(Outcome::Complete);
            }
            Some(Err(error)) => {
                this.fail(*error);
            }
            Some(Ok(_)) if this.is_end_stream() => this.finish(Outcome::Complete),
            Some(Ok(_)) => {}
        }
        Poll::Ready(item)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Full(_) | Source::Failed(_) => false,
            Source::Stream(stream) => stream.is_end_stream(),
            Source::Filtered(filtered) => filtered.is_end_stream(),
            Source::Kept(kept) => kept.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Full(data) => SizeHint::with_exact(data.len() as u64),
            Source::Stream(stream) => stream.size_hint(),
            Source::Filtered(filtered) => filtered.size_hint(),
            Source::Kept(kept) => kept.size_hint(),
            Source::Failed(_) => SizeHint::default(),
        }
    }
}

/// What a poll of a part of the body gave, its bytes added to those passed on.
fn counted(bytes: &mut u64, item: Item) -> Item {
    if let Some(Ok(frame)) = &item {
        *bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    item
}

type Item = Option<Result<Frame<Bytes>, BodyError>>;

impl Drop for ProxyBody {
    fn drop(&mut self) {
        if self.ending.is_some() {
            let outcome = if self.is_end_stream() { Outcome::Complete } else { Outcome::Dropped };
            self.finish(outcome);
        }
    }
}

#[cfg(test)]
mod tests;
