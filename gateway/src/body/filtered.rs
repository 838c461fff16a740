//! A body that passes through filters of native steps, chunk by chunk.
//!
//! Filters act within a poll, so they do not wait. Each chunk goes through all of them, in the order in which they were
//! added; the last chunk is marked as such, so that what a filter has held back can follow.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use forebay_engine::filter::BodyFilter;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::{BodyError, BodyFault, ProxyBody, Side};

type Item = Option<Result<Frame<Bytes>, BodyError>>;

/// A body and what it passes through.
#[derive(Debug)]
pub(super) struct Filtered {
    inner: ProxyBody,
    side: Side,
    /// Emptied when the body is over.
    filters: Vec<Box<dyn BodyFilter>>,
    /// Whether every filter only looks.
    keeps_length: bool,
    /// Whether the last chunk has passed.
    complete: bool,
    /// Trailers that came before the last chunk was known to be the last.
    trailers: Option<HeaderMap>,
}

impl Filtered {
    pub(super) fn new(inner: ProxyBody, side: Side, filters: Vec<Box<dyn BodyFilter>>) -> Self {
        let keeps_length = filters.iter().all(|filter| filter.inspects_only());
        Self { inner, side, filters, keeps_length, complete: false, trailers: None }
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        loop {
            if self.complete {
                return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            let item = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                None => self.pass(Bytes::new(), true),
                Some(Err(error)) => Err(error),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let last = self.inner.is_end_stream();
                        self.pass(data, last)
                    }
                    Err(frame) => {
                        self.trailers = frame.into_trailers().ok();
                        self.pass(Bytes::new(), true)
                    }
                },
            };
            match item {
                // A chunk of which nothing is left would look like an end.
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    fn pass(&mut self, mut chunk: Bytes, last: bool) -> Result<Bytes, BodyError> {
        for filter in &mut self.filters {
            // What a filter has kept to itself is no chunk for the next; only the last may be empty.
            if chunk.is_empty() && !last {
                break;
            }
            chunk = filter.chunk(chunk, last).map_err(|reason| {
                tracing::error!(target: "patch", "a body was broken off by its filter: {reason}");
                BodyError { side: self.side, fault: BodyFault::Filter }
            })?;
        }
        self.complete = last;
        if last {
            self.filters.clear();
        }
        Ok(chunk)
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.complete && self.trailers.is_none()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        if self.keeps_length { self.inner.size_hint() } else { SizeHint::default() }
    }

    pub(super) fn side(&self) -> Side {
        self.side
    }
}
