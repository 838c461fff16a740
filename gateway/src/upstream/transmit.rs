//! One request over one connection, up to the head of the response, under its time limits.
//!
//! The connection stays leased until the response body is over, unless hyper has read all of it by the time the
//! head is passed on. A response that comes while the request is still being sent is passed on like any other;
//! the connection is then not ready at the end of the response, and closed.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::{Instant, Sleep};

use super::endpoint::{Lease, Leased};
use super::error::{Fault, UpstreamErrorKind};
use super::http2_form;
use super::upgraded::Upgraded;
use crate::body::{BodyError, Phase, Progress, ProxyBody, Side, StreamLimits};
use crate::config;
use crate::hygiene;

/// Time and size limits of one exchange with an upstream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From the last byte of the request to the head of the response.
    pub(super) response_timeout: Duration,
    /// Longest pause within the response body, or before the upstream takes more of the request body.
    pub(super) body_timeout: Duration,
    /// Most bytes of the response body.
    pub(super) response_bytes_max: u64,
    /// Longest time in which nothing passes once the connection has switched protocols.
    pub(super) upgrade_idle_timeout: Duration,
}

impl From<&config::Upstream> for Limits {
    fn from(upstream: &config::Upstream) -> Self {
        Self {
            response_timeout: upstream.response_timeout,
            body_timeout: upstream.body_timeout,
            response_bytes_max: u64::MAX,
            upgrade_idle_timeout: upstream.upgrade_idle_timeout,
        }
    }
}

/// Least time between two looks at a request body that waits for its client.
const SHORTEST_CHECK: Duration = Duration::from_millis(1);

/// A request that got no response head.
pub(super) enum Failed {
    /// Not a byte was sent; the request may go elsewhere.
    Unsent(Box<Request<ProxyBody>>, Fault),
    /// The target may have seen it.
    Sent(Fault),
}

/// Gives the request the framing its body calls for, whatever its header fields said, and the version we speak.
pub(super) fn frame(request: &mut Request<ProxyBody>) {
    *request.version_mut() = Version::HTTP_11;
    let exact = request.body().size_hint().exact();
    let expects_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
    let headers = request.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    match exact {
        Some(0) if expects_body => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // hyper writes the length, where there is one to write
        Some(_) => {
            headers.remove(CONTENT_LENGTH);
        }
        None => {
            headers.remove(CONTENT_LENGTH);
            // hyper leaves a body of unknown length out of a GET unless told
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

/// A response head, with what follows it.
pub(super) struct Answer {
    pub(super) response: Response<ProxyBody>,
    /// The connection, if it has switched to the protocol that the request asked for.
    pub(super) upgraded: Option<Box<Upgraded>>,
}

/// Sends the request and waits for the head of the response. `asked` is the protocol that the request asks to switch to.
pub(super) async fn transmit(
    mut lease: Lease,
    mut request: Request<ProxyBody>,
    asked: Option<HeaderValue>,
    limits: Limits,
) -> Result<Answer, Failed> {
    let watch = request.body_mut().watch();
    let watch = watch.as_deref();
    let scheme = lease.scheme();
    let answer = match &mut lease.held {
        Leased::Exclusive(connection) => {
            let Some(connection) = connection else {
                let fault = Fault::new(UpstreamErrorKind::Reset, "the lease has no connection");
                return Err(Failed::Unsent(Box::new(request), fault));
            };
            let reply = connection.sender.try_send_request(request);
            head(reply, connection.timer.as_mut(), watch, limits).await
        }
        Leased::Shared(stream) => {
            http2_form::make(&mut request, scheme);
            let (sender, timer) = stream.parts();
            let reply = sender.try_send_request(request);
            head(reply, timer, watch, limits).await.map_err(|failed| match failed {
                Failed::Unsent(mut request, fault) => {
                    http2_form::undo(&mut request);
                    Failed::Unsent(request, fault)
                }
                sent @ Failed::Sent(_) => sent,
            })
        }
    };
    let (head, incoming) = answer?.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        if !asked.is_some_and(|asked| hygiene::switches_to(&head.headers, &asked)) {
            let text = "101 without having been asked to switch to that protocol";
            return Err(Failed::Sent(Fault::new(UpstreamErrorKind::BadResponse, text)));
        }
        let response = Response::from_parts(head, ProxyBody::empty());
        return Ok(Answer { response, upgraded: Some(Upgraded::new(lease, limits.upgrade_idle_timeout)) });
    }
    let side = Side::Upstream;
    let limits = StreamLimits { side, bytes_max: limits.response_bytes_max, idle: Some(limits.body_timeout) };
    let mut body = ProxyBody::stream(incoming, limits);
    // a small response has been read to its end by now, and its connection is free
    if !lease.is_over() {
        body.hold(Box::new(lease));
    }
    Ok(Answer { response: Response::from_parts(head, body), upgraded: None })
}

/// Waits for the head of the response within its time.
async fn head(
    reply: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<ProxyBody>>>>,
    mut timer: Pin<&mut Sleep>,
    watch: Option<&Progress>,
    limits: Limits,
) -> Result<Response<Incoming>, Failed> {
    let mut reply = pin!(reply);
    let started = Instant::now();
    timer.as_mut().reset(next_check(watch, started, limits));
    poll_fn(|cx| {
        if let Poll::Ready(answer) = reply.as_mut().poll(cx) {
            return Poll::Ready(answer.map_err(failed));
        }
        while timer.as_mut().poll(cx).is_ready() {
            if let Some(kind) = overdue(watch, started, limits) {
                return Poll::Ready(Err(Failed::Sent(kind.into())));
            }
            timer.as_mut().reset(next_check(watch, started, limits));
        }
        Poll::Pending
    })
    .await
}

/// When the wait has to be judged next.
fn next_check(watch: Option<&Progress>, started: Instant, limits: Limits) -> Instant {
    match watch.map(Progress::phase) {
        None => started + limits.response_timeout,
        // a body that is sent again may have ended, or stood still, in an earlier try
        Some(Phase::Ended(at)) => at.max(started) + limits.response_timeout,
        Some(Phase::AwaitingReader(since)) => since.max(started) + limits.body_timeout,
        Some(Phase::AwaitingSender) => {
            Instant::now() + limits.response_timeout.min(limits.body_timeout).max(SHORTEST_CHECK)
        }
    }
}

/// Which limit the wait has passed, if any.
fn overdue(watch: Option<&Progress>, started: Instant, limits: Limits) -> Option<UpstreamErrorKind> {
    let now = Instant::now();
    let (since, limit, kind) = match watch.map(Progress::phase) {
        None => (started, limits.response_timeout, UpstreamErrorKind::ResponseTimeout),
        Some(Phase::Ended(at)) => {
            (at.max(started), limits.response_timeout, UpstreamErrorKind::ResponseTimeout)
        }
        Some(Phase::AwaitingReader(since)) => {
            (since.max(started), limits.body_timeout, UpstreamErrorKind::Unread)
        }
        // the client is the slow one, and the body's own limit is for that
        Some(Phase::AwaitingSender) => return None,
    };
    (now >= since + limit).then_some(kind)
}

fn failed(mut error: TrySendError<Request<ProxyBody>>) -> Failed {
    let request = error.take_message();
    let error = error.into_error();
    let detail = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    if let Some(request) = request {
        return Failed::Unsent(Box::new(request), Fault::new(UpstreamErrorKind::Reset, detail));
    }
    let body_error = error.source().and_then(|source| source.downcast_ref::<BodyError>());
    Failed::Sent(match body_error {
        Some(&body_error) => UpstreamErrorKind::RequestBody(body_error).into(),
        None if error.is_parse() => Fault::new(UpstreamErrorKind::BadResponse, detail),
        None => Fault::new(UpstreamErrorKind::Reset, detail),
    })
}
