//! The bodies of an exchange that no step has read yet, and what became of those that could not be read.
//!
//! A body is read from its connection once. When that fails half-way, what was there is gone: the message cannot be
//! passed on any more, whatever the step makes of the error, since a peer would take what is left for the whole.
//! A body that says at once that it is too large to be read is not begun, and still streams past.

use bytes::Bytes;

use crate::body::{BodyError, BodyFault, ProxyBody, Side};

/// The bodies of an exchange that no step has read yet.
#[derive(Default)]
pub struct Unread {
    /// The client's body.
    pub request: Option<ProxyBody>,
    /// The upstream's body.
    pub response: Option<ProxyBody>,
    /// Why the last attempt of the running step to read one failed.
    pub failure: Option<BodyError>,
    request_lost: Option<BodyError>,
    response_lost: Option<BodyError>,
}

impl Unread {
    /// With the client's body; there is no response yet.
    pub fn with_request(body: ProxyBody) -> Self {
        Self { request: Some(body), ..Self::default() }
    }

    /// Why the body cannot be passed on, if reading it failed after it was begun.
    pub fn lost(&self, side: Side) -> Option<BodyError> {
        match side {
            Side::Client => self.request_lost,
            Side::Upstream => self.response_lost,
        }
    }

    /// Reads a body of at most `limit` bytes. One that was lost before stays lost.
    ///
    /// Dropping the future, because the time of the call is over, loses the body to a sender that is too slow.
    pub(super) async fn read(&mut self, side: Side, limit: u64) -> Result<Bytes, BodyError> {
        let (body, lost) = match side {
            Side::Client => (&mut self.request, &mut self.request_lost),
            Side::Upstream => (&mut self.response, &mut self.response_lost),
        };
        let declared = body.as_ref().and_then(|body| body.declared_too_large(limit));
        if let Some(error) = lost.or(declared) {
            self.failure = Some(error);
            return Err(error);
        }
        let Some(body) = body.take() else { return Ok(Bytes::new()) };
        let unfinished = Some(BodyError { side, fault: BodyFault::Stalled });
        (*lost, self.failure) = (unfinished, unfinished);
        let read = body.collect(limit).await;
        *lost = read.as_ref().err().copied();
        self.failure = *lost;
        read
    }
}
