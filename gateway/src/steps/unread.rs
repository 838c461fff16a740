//! The bodies of an exchange that no step has read yet, and what became of those that could not be read.
//!
//! A body is read from its connection once. When that fails half-way, what was there is gone: the message cannot be
//! passed on any more, whatever the step makes of the error, since a peer would take what is left for the whole.
//! A body that says at once that it is too large to be read is not begun, and still streams past. One that was passed
//! on unread cannot be read any more, which is an error and not an empty body.

use bytes::Bytes;
use http::HeaderValue;

use crate::body::{BodyError, BodyFault, ProxyBody, Side};
use crate::upstream::Upgraded;

/// Whether the connection of an exchange is to switch protocols.
#[derive(Default)]
pub enum Upgrade {
    /// It is not.
    #[default]
    No,
    /// The client asks for it, and its request has no body.
    Asked(HeaderValue),
    /// The upstream has switched to what was asked for.
    Switched(HeaderValue, Box<Upgraded>),
}

/// The bodies of an exchange that no step has read yet, and what may come after them.
#[derive(Default)]
pub struct Unread {
    request: Option<ProxyBody>,
    /// The upstream's body.
    pub response: Option<ProxyBody>,
    /// Why the last attempt of the running step to read one failed.
    pub failure: Option<BodyError>,
    /// Whether the connection is to switch protocols.
    pub upgrade: Upgrade,
    request_lost: Option<BodyError>,
    response_lost: Option<BodyError>,
    is_request_passed_on: bool,
    is_response_passed_on: bool,
}

impl Unread {
    /// With the client's body; there is no response yet.
    pub fn with_request(body: ProxyBody) -> Self {
        Self { request: Some(body), ..Self::default() }
    }

    /// At the end of an exchange: what was not read by now has been passed on.
    pub fn passed_on() -> Self {
        Self { is_request_passed_on: true, is_response_passed_on: true, ..Self::default() }
    }

    /// The client's body, to be passed on.
    pub fn pass_request_on(&mut self) -> ProxyBody {
        self.is_request_passed_on = true;
        self.request.take().unwrap_or_else(ProxyBody::empty)
    }

    /// Lowers the limit of the client's body, if it was not read yet; false if it has said that it is larger.
    pub(super) fn lower_request_limit(&mut self, limit: u64) -> bool {
        self.request.as_mut().is_none_or(|body| body.lower_limit(limit))
    }

    /// Why the body cannot be passed on, if reading it failed after it was begun.
    pub fn lost(&self, side: Side) -> Option<BodyError> {
        match side {
            Side::Client => self.request_lost,
            Side::Upstream => self.response_lost,
        }
    }

    /// Reads a body of at most `limit` bytes, or says why that cannot be.
    pub(super) async fn read(&mut self, side: Side, limit: u64) -> Result<Bytes, String> {
        match side {
            Side::Client if self.is_request_passed_on => {
                Err("the request body was passed on unread; read it in on_request".to_owned())
            }
            Side::Upstream if self.is_response_passed_on => {
                Err("the response body was passed on; read it in on_response".to_owned())
            }
            _ => self.collect(side, limit).await.map_err(|error| error.to_string()),
        }
    }

    /// Reads a body. One that was lost before stays lost.
    ///
    /// Dropping the future, because the time of the call is over, loses the body to a sender that is too slow.
    async fn collect(&mut self, side: Side, limit: u64) -> Result<Bytes, BodyError> {
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
