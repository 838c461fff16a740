//! One request, from its head to the last byte of its answer. The page to read first.
//!
//! ```text
//! check -> normalise -> route -> request steps -> upstream -> response steps -> respond -> log
//! ```
//! Errors leave this line at any point and meet it again at `respond`, by way of the error steps.

mod finish;
mod intake;
mod target;
mod tunnel;

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use forebay_engine::exchange::{Body, Origin, Response};
use forebay_engine::{Exchange, Hook};
use http::{HeaderMap, StatusCode, Uri};
use http_body::Body as _;
use hyper::body::Incoming;

use crate::body::{ProxyBody, Side, StreamLimits};
use crate::component::ErrorPage;
use crate::config::Upstream;
use crate::hygiene;
use crate::respond::GatewayError;
use crate::steps::{Outcome, StepRunner, Unread, Upgrade};
use crate::upstream::{Caller, Destination};
use crate::worker::connection::ConnectionState;
use crate::worker::{Serving, Worker};
use finish::Finish;
pub use tunnel::Tunnel;

/// Serves one request.
pub async fn serve(
    worker: Rc<Worker>,
    connection: Rc<ConnectionState>,
    request: http::Request<Incoming>,
) -> http::Response<ProxyBody> {
    connection.request_begins();
    let serving = worker.serving();
    let mut finish = Finish::begin(&worker, &connection, &serving, request.version());
    let limit = serving.generation.config.client.request_timeout;
    let answered = {
        // Pinned where it is: it is large, and handing it on would copy it.
        let answering = pin!(answer(&worker, &serving, &connection, request, &mut finish));
        match limit {
            None => Some(answering.await),
            Some(limit) => tokio::time::timeout(limit, answering).await.ok(),
        }
    };
    let answered = answered.unwrap_or_else(|| {
        let error = GatewayError::request_timeout();
        let response = error.response(serving.generation.registry.error_page(), finish.request_id(), None);
        Answered { response, exchange: None, end: error.kind, body: None, close: true, upgrade: Upgrade::No }
    });
    finish.respond(answered)
}

/// What is to be sent to the client, with what the log needs.
struct Answered {
    response: Response,
    /// The exchange, unless the request was refused before there was one.
    exchange: Option<Box<Exchange>>,
    /// How it ended.
    end: &'static str,
    /// The upstream's body, if no step has read or replaced it.
    body: Option<ProxyBody>,
    /// Whether the connection ends with this answer.
    close: bool,
    /// Whether the connection switches protocols with it.
    upgrade: Upgrade,
}

async fn answer(
    worker: &Rc<Worker>,
    serving: &Rc<Serving>,
    connection: &ConnectionState,
    request: http::Request<Incoming>,
    finish: &mut Finish,
) -> Answered {
    let limits = &serving.generation.config.client;
    let stream_limits = StreamLimits {
        side: Side::Client,
        bytes_max: limits.body_bytes_max,
        idle: Some(limits.body_timeout),
    };
    let (parts, incoming) = request.into_parts();
    let mut body = ProxyBody::stream(incoming, stream_limits);
    finish.watch_request(&mut body);
    let taken = match intake::take(worker, serving, connection, parts, &body) {
        Ok(taken) => taken,
        Err(refused) => {
            let page = serving.generation.registry.error_page();
            let accept = refused.accept.as_ref().map(http::HeaderValue::as_bytes);
            let response = refused.error.response(page, &refused.id, accept);
            finish.refused(&refused);
            let close = refused.error.close;
            let upgrade = Upgrade::No;
            return Answered {
                response,
                exchange: None,
                end: refused.error.kind,
                body: None,
                close,
                upgrade,
            };
        }
    };
    let route = &serving.generation.routes[taken.route];
    finish.taken(&taken.exchange, taken.route);
    let mut run = StepRunner { worker, serving, route, spent: std::time::Duration::ZERO };
    let mut unread = Unread::with_request(body);
    unread.upgrade = taken.upgrade;
    let answered = pass(&mut run, taken.exchange, &mut unread, finish).await;
    finish.steps_spent(run.spent);
    answered
}

/// Request steps, upstream, response steps.
async fn pass(
    run: &mut StepRunner<'_>,
    exchange: Box<Exchange>,
    unread: &mut Unread,
    finish: &mut Finish,
) -> Answered {
    let (exchange, outcome) = run.run(Hook::Request, exchange, unread).await;
    let (exchange, outcome) = match outcome {
        Outcome::Passed => match destination(run, &exchange, unread) {
            Ok(upstream) => forward(run, &upstream, exchange, unread, finish).await,
            Err(error) => (exchange, Err(error)),
        },
        Outcome::Replied => (exchange, Ok("step_reply")),
        Outcome::Refused(refusal) => (exchange, Err(GatewayError::from(*refusal))),
        Outcome::Failed(_) => {
            let error = step_error(unread);
            (exchange, Err(error))
        }
    };
    let (exchange, outcome) = match outcome {
        Ok(end) => respond_steps(run, exchange, unread, end).await,
        Err(error) => (exchange, Err(error)),
    };
    match outcome {
        Ok(end) => answered(run, exchange, unread, end),
        Err(error) => fail(run, exchange, unread, error).await,
    }
}

/// Where the request goes, if there is all of it.
fn destination(
    run: &StepRunner<'_>,
    exchange: &Exchange,
    unread: &Unread,
) -> Result<Arc<Destination>, GatewayError> {
    match (&exchange.request.body, unread.lost(Side::Client)) {
        (Body::Unread, Some(error)) => Err(GatewayError::from(error)),
        _ => upstream_of(run, exchange),
    }
}

/// The upstream that the steps or the route chose.
fn upstream_of(run: &StepRunner<'_>, exchange: &Exchange) -> Result<Arc<Destination>, GatewayError> {
    let upstreams = &run.serving.generation.upstreams;
    let chosen = match &exchange.upstream_override {
        Some(name) => upstreams.get(name.as_str()),
        None => run.route.upstream.as_ref(),
    };
    chosen.cloned().ok_or_else(|| {
        tracing::error!(
            request_id = %exchange.id, route = %exchange.route.name, upstream = ?exchange.upstream_override,
            "no such upstream"
        );
        GatewayError::new(StatusCode::BAD_GATEWAY, "no_upstream", "the service could not be reached")
    })
}

/// Sends the request and waits for the head of its answer.
async fn forward(
    run: &StepRunner<'_>,
    destination: &Destination,
    mut exchange: Box<Exchange>,
    unread: &mut Unread,
    finish: &mut Finish,
) -> (Box<Exchange>, Result<&'static str, GatewayError>) {
    let mut request = outgoing(run, &mut exchange, unread);
    let sent_at = Instant::now();
    let upstream = &destination.upstream;
    let asked = upgrade_to(upstream, &request, unread);
    if let Some(protocol) = &asked {
        hygiene::set_upgrade(request.headers_mut(), protocol.clone());
    }
    let caller = Caller { address: exchange.client.ip, ends: finish.ends() };
    let sent = run.worker.upstreams.deliver(destination, request, caller).await;
    let waited = sent_at.elapsed();
    finish.upstream_waited(waited);
    match sent {
        Ok(sent) => {
            exchange.attempt += sent.attempts;
            let (mut parts, body) = sent.response.into_parts();
            hygiene::prepare_client_response(&mut parts.headers, finish.method(), parts.version);
            if let (Some(protocol), Some(upgraded)) = (asked, sent.upgraded) {
                unread.upgrade = Upgrade::Switched(protocol, upgraded);
            }
            let microseconds = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
            let origin = Origin::Upstream { address: sent.address, microseconds };
            unread.response = Some(body);
            let (status, headers) = (parts.status, parts.headers);
            exchange.response = Some(Response { status, headers, body: Body::Unread, origin });
            (exchange, Ok("complete"))
        }
        Err(error) => {
            exchange.attempt += error.attempts;
            run.worker.metrics.upstream_errors.add(1);
            tracing::warn!(request_id = %exchange.id, route = %exchange.route.name, upstream = %upstream.name, "{error}");
            (exchange, Err(GatewayError::from(&error)))
        }
    }
}

/// The protocol to ask the upstream for: what the client asks for, if the upstream is one for it.
fn upgrade_to(
    upstream: &Upstream,
    request: &http::Request<ProxyBody>,
    unread: &mut Unread,
) -> Option<http::HeaderValue> {
    let Upgrade::Asked(protocol) = std::mem::take(&mut unread.upgrade) else { return None };
    let is_allowed = |known: &String| known.as_bytes().eq_ignore_ascii_case(protocol.as_bytes());
    let passes = upstream.upgrades.iter().any(is_allowed) && request.body().is_end_stream();
    passes.then_some(protocol)
}

/// The request as the upstream gets it. Steps that run later see the same one, so its fields are copied if
/// there are such steps.
fn outgoing(run: &StepRunner<'_>, exchange: &mut Exchange, unread: &mut Unread) -> http::Request<ProxyBody> {
    let chain = &run.route.chain;
    let needed_later = chain.has(Hook::Response) || chain.has(Hook::Error) || chain.has(Hook::Log);
    let request = &mut exchange.request;
    let headers = if needed_later {
        request.headers.clone()
    } else {
        std::mem::take::<HeaderMap>(&mut request.headers)
    };
    let body = match &request.body {
        Body::Empty => ProxyBody::empty(),
        Body::Unread => unread.pass_request_on(),
        Body::Read(bytes) | Body::Replaced(bytes) => ProxyBody::full(bytes.clone()),
    };
    let body = body.filtered(Side::Client, std::mem::take(&mut exchange.filters.request));
    let request = &exchange.request;
    let mut outgoing = http::Request::new(body);
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = stripped(&request.uri, run.route.strip_prefix.as_deref());
    *outgoing.headers_mut() = headers;
    outgoing
}

/// The target without the route's prefix. A prefix ends at a segment: `/api` is not taken off `/apis`.
fn stripped(uri: &Uri, prefix: Option<&str>) -> Uri {
    let Some(rest) = prefix.and_then(|prefix| uri.path().strip_prefix(prefix.trim_end_matches('/'))) else {
        return uri.clone();
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return uri.clone();
    }
    let rest = if rest.is_empty() { "/" } else { rest };
    let target = uri.query().map_or_else(|| rest.to_owned(), |query| format!("{rest}?{query}"));
    // Part of a valid target from a slash on is a valid target.
    target.parse().unwrap_or_else(|_| uri.clone())
}

async fn respond_steps(
    run: &mut StepRunner<'_>,
    exchange: Box<Exchange>,
    unread: &mut Unread,
    end: &'static str,
) -> (Box<Exchange>, Result<&'static str, GatewayError>) {
    let (exchange, outcome) = run.run(Hook::Response, exchange, unread).await;
    match outcome {
        Outcome::Passed => {
            let is_unread = matches!(&exchange.response, Some(Response { body: Body::Unread, .. }));
            match unread.lost(Side::Upstream) {
                Some(error) if is_unread => (exchange, Err(GatewayError::from(error))),
                _ => (exchange, Ok(end)),
            }
        }
        Outcome::Replied => (exchange, Ok("step_reply")),
        Outcome::Refused(refusal) => (exchange, Err(GatewayError::from(*refusal))),
        Outcome::Failed(_) => {
            let error = step_error(unread);
            (exchange, Err(error))
        }
    }
}

/// A step that failed because a body could not be read is not to blame: who sent too much, or too slowly, is.
fn step_error(unread: &Unread) -> GatewayError {
    unread.failure.map_or_else(GatewayError::step, GatewayError::from)
}

/// Lets the error steps shape the gateway's own answer. Their failure leaves it as it is.
async fn fail(
    run: &mut StepRunner<'_>,
    mut exchange: Box<Exchange>,
    unread: &mut Unread,
    error: GatewayError,
) -> Answered {
    exchange.failure = Some(error.failure());
    exchange.response = None;
    exchange.filters.response.clear();
    let (mut exchange, outcome) = run.run(Hook::Error, exchange, unread).await;
    match outcome {
        Outcome::Replied => {}
        Outcome::Passed | Outcome::Refused(_) | Outcome::Failed(_) => {
            exchange.response = Some(rendered(run, &exchange, &error));
        }
    }
    unread.response = None;
    unread.upgrade = Upgrade::No;
    Answered { close: error.close, ..answered(run, exchange, unread, error.kind) }
}

/// The gateway's own answer to an error.
fn rendered(run: &StepRunner<'_>, exchange: &Exchange, error: &GatewayError) -> Response {
    let accept = exchange.request.headers.get(http::header::ACCEPT).map(http::HeaderValue::as_bytes);
    error.response(error_page(run), &exchange.id, accept)
}

fn error_page<'a>(run: &'a StepRunner<'_>) -> &'a dyn ErrorPage {
    run.serving.generation.registry.error_page()
}

fn answered(
    run: &StepRunner<'_>,
    mut exchange: Box<Exchange>,
    unread: &mut Unread,
    end: &'static str,
) -> Answered {
    let body = unread.response.take();
    let response = exchange.response.take();
    let mut response = response.unwrap_or_else(|| rendered(run, &exchange, &GatewayError::step()));
    for change in exchange.answer_fields.drain(..) {
        change.apply(&mut response.headers);
    }
    let upgrade = std::mem::take(&mut unread.upgrade);
    Answered { response, exchange: Some(exchange), end, body, close: false, upgrade }
}

#[cfg(test)]
mod tests {
    use super::serve;

    /// Bytes of what an asynchronous function returns.
    fn future_bytes<A, B, C, F: Future>(_: fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// It is copied when a request begins. What only some requests need belongs into a box.
    #[test]
    fn the_future_of_a_request_stays_small() {
        let bytes = future_bytes(serve);
        assert!(bytes < 10_000, "{bytes} bytes");
    }
}
