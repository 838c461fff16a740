//! Filters of bodies on their way: what a native step puts into an exchange to see the chunks that stream past.
//!
//! The engine only carries them. Whoever sends a body takes its filters and passes the chunks through them, in the
//! order in which they were added; a body in memory is one chunk.

use std::fmt;

use bytes::Bytes;

/// Sees each chunk of one body. Dropped when the body is over, completely or not.
///
/// `Send` and `Sync` because exchanges are; a filter is used by the worker of its exchange alone.
pub trait BodyFilter: Send + Sync + fmt::Debug {
    /// Takes a chunk, which may be empty if it is the last, and gives what is passed on instead of it.
    ///
    /// # Errors
    /// Why the message cannot go on. It is broken off, so that the other side sees that it is not complete.
    fn chunk(&mut self, chunk: Bytes, last: bool) -> Result<Bytes, String>;

    /// Whether what is passed on is always what was taken, so that the message keeps its length.
    fn inspects_only(&self) -> bool;
}

/// The filters of one exchange, by message.
#[derive(Debug, Default)]
pub struct Filters {
    /// Those of the request's body.
    pub request: Vec<Box<dyn BodyFilter>>,
    /// Those of the response's body.
    pub response: Vec<Box<dyn BodyFilter>>,
}
