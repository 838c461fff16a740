//! Scripts' own HTTP calls: a small client over the worker's connections.
//!
//! `http://` and `https://`, the latter always verified; no redirects, no cookies, no decompression: what the script asks for is what is sent,
//! to a destination that [`Allow`] names. Nothing waits for ever: the call as a whole has a time limit, and the
//! answer a size limit.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, StatusCode, Uri};

use super::allow::Allow;
use super::delivery::Delivery;
use super::endpoint::{HostField, Settings};
use super::error::{UpstreamError, UpstreamErrorKind};
use super::pool::Pool;
use super::transmit::Limits;
use super::transport::Transport;
use super::wear::WearLimits;
use crate::body::{BodyError, BodyFault, ProxyBody};
use crate::config::UpstreamProtocol;
use crate::tls::Client;

/// Connections to one destination in one worker; further calls wait.
const CONNECTIONS_MAX: usize = 64;
/// Idle connections kept to one destination, and for how long.
const IDLE_MAX: usize = 8;
/// Age from which the addresses of a name are asked for again.
const DNS_REFRESH: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Header fields that belong to the connection, not to the caller.
const OWN_HEADERS: [HeaderName; 10] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

/// A call a script makes.
#[derive(Debug, Clone)]
pub struct HttpCall {
    /// Any method but CONNECT.
    pub method: Method,
    /// Absolute, `http` or `https`, `http://host[:port]/path?query`. A fragment is not allowed.
    pub url: String,
    /// Header fields to send. `Host`, framing and hop-by-hop fields are left out, and set as needed.
    pub headers: HeaderMap,
    /// The body; may be empty.
    pub body: Bytes,
    /// Time for the whole call.
    pub timeout: Duration,
    /// Most bytes of the answer's body.
    pub response_bytes_max: u64,
}

/// The answer to a call, whatever its status.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// Status code.
    pub status: StatusCode,
    /// Header fields as received.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    /// What kind of failure, for scripts to tell apart.
    pub kind: HttpErrorKind,
    /// A sentence for logs and for the script's author.
    pub message: String,
}

/// What kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// The call itself is wrong: URL, scheme or method.
    Invalid,
    /// The destination is not on the list of allowed ones.
    NotAllowed,
    /// No connection could be had.
    Connect,
    /// The call's time was up.
    Timeout,
    /// The answer's body is larger than allowed.
    TooLarge,
    /// The connection failed or the answer is not valid HTTP.
    Broken,
}

/// The client. Cheap to make: one per generation, with that generation's list.
#[derive(Clone)]
pub struct HttpClient {
    pool: Rc<Pool>,
    allow: Rc<Allow>,
    tls: Option<Arc<Client>>,
}

/// Where a call goes.
struct Destination {
    is_secure: bool,
    /// Lower case, without brackets.
    host: String,
    port: u16,
    authority: HeaderValue,
    target: PathAndQuery,
}

impl HttpClient {
    pub(super) fn new(pool: Rc<Pool>, allow: Rc<Allow>, tls: Option<Arc<Client>>) -> Self {
        Self { pool, allow, tls }
    }

    /// Makes the call and reads the whole answer. Dropping the future ends the call.
    pub async fn call(&self, call: HttpCall) -> Result<HttpAnswer, HttpError> {
        let destination = Destination::parse(&call.url)?;
        if call.method == Method::CONNECT {
            return Err(invalid("CONNECT is not possible in a script's call"));
        }
        if !self.allow.may_allow(&destination.host, destination.port) {
            return Err(destination.not_allowed());
        }
        let timeout = call.timeout;
        match tokio::time::timeout(timeout, self.exchange(call, &destination)).await {
            Ok(result) => result,
            Err(_) => Err(HttpError {
                kind: HttpErrorKind::Timeout,
                message: format!("no complete answer from {} within {timeout:?}", destination.name()),
            }),
        }
    }

    async fn exchange(&self, call: HttpCall, destination: &Destination) -> Result<HttpAnswer, HttpError> {
        let limit = call.response_bytes_max;
        let settings = Settings {
            connect_timeout: CONNECT_TIMEOUT.min(call.timeout),
            connections_max: CONNECTIONS_MAX,
            idle_max: IDLE_MAX,
            idle_timeout: IDLE_TIMEOUT,
            queue_timeout: call.timeout,
            dns_refresh: DNS_REFRESH,
            wear: WearLimits::default(),
            host_field: HostField::Kept,
        };
        let limits = Limits {
            response_timeout: call.timeout,
            body_timeout: call.timeout,
            response_bytes_max: limit,
            upgrade_idle_timeout: Duration::ZERO,
        };
        let admits = |address: IpAddr| self.allow.allows(&destination.host, destination.port, address);
        let tls = self.tls.clone().filter(|_| destination.is_secure);
        if destination.is_secure && tls.is_none() {
            return Err(HttpError {
                kind: HttpErrorKind::Connect,
                message:
                    "the system has no authorities to verify servers with; name some in `scripts.http.ca`"
                        .into(),
            });
        }
        let transport = Transport { protocol: UpstreamProtocol::Http1, tls };
        let endpoint = self.pool.endpoint(&destination.host, destination.port, &transport);
        let request = destination.request(call);
        let mut delivery = Delivery::new(request, settings, limits, &self.pool.recorder).only_to(&admits);
        let sent = delivery.attempt(&endpoint).await.map_err(|error| destination.failed(&error))?;
        let (head, body) = sent.response.into_parts();
        let body = body.collect(limit).await.map_err(|error| destination.body_failed(error))?;
        Ok(HttpAnswer { status: head.status, headers: head.headers, body })
    }
}

impl Destination {
    fn parse(url: &str) -> Result<Self, HttpError> {
        let expected = |problem: &str| {
            invalid(&format!(
                "`{url}` {problem}; expected http://host[:port]/path or https://host[:port]/path"
            ))
        };
        if url.contains('#') {
            return Err(expected("has a fragment, which is never sent"));
        }
        let uri: Uri = url.parse().map_err(|_| expected("is not a URL"))?;
        let is_secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(expected("is not absolute")),
        };
        let authority = uri.authority().ok_or_else(|| expected("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(expected("has a user in it; use an Authorization header"));
        }
        let port = match authority.port() {
            None if authority.as_str().ends_with(':') => return Err(expected("has an empty port")),
            None if is_secure => 443,
            None => 80,
            Some(port) if port.as_u16() == 0 => return Err(expected("has port 0")),
            Some(port) => port.as_u16(),
        };
        let host = authority.host().to_ascii_lowercase();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .map_or(host.clone(), str::to_owned);
        // `name.` and `name` are the same host, and the list knows one spelling
        let host = host.strip_suffix('.').map_or(host.clone(), str::to_owned);
        if host.is_empty() {
            return Err(expected("has no host"));
        }
        let authority = HeaderValue::from_str(authority.as_str())
            .map_err(|_| expected("has a host that cannot be sent"))?;
        let target = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { is_secure, host, port, authority, target })
    }

    fn request(&self, call: HttpCall) -> Request<ProxyBody> {
        let mut request = Request::new(ProxyBody::full(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = Uri::from(self.target.clone());
        let mut headers = call.headers;
        for name in OWN_HEADERS {
            headers.remove(name);
        }
        headers.remove("keep-alive");
        headers.remove("proxy-connection");
        headers.insert(header::HOST, self.authority.clone());
        *request.headers_mut() = headers;
        request
    }

    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn not_allowed(&self) -> HttpError {
        HttpError {
            kind: HttpErrorKind::NotAllowed,
            message: format!(
                "{} is not on the list of destinations scripts may call; add it to `scripts.http.allow`",
                self.name()
            ),
        }
    }

    fn failed(&self, error: &UpstreamError) -> HttpError {
        let kind = match error.kind {
            UpstreamErrorKind::NotAllowed => {
                let message = format!(
                    "{} has no address that scripts may call; loopback, link-local and metadata addresses must \
                     be listed themselves in `scripts.http.allow`",
                    self.name()
                );
                return HttpError { kind: HttpErrorKind::NotAllowed, message };
            }
            UpstreamErrorKind::Resolve
            | UpstreamErrorKind::Connect
            | UpstreamErrorKind::Tls
            | UpstreamErrorKind::ConnectTimeout
            | UpstreamErrorKind::QueueFull => HttpErrorKind::Connect,
            UpstreamErrorKind::QueueTimeout
            | UpstreamErrorKind::ResponseTimeout
            | UpstreamErrorKind::Unread => HttpErrorKind::Timeout,
            _ => HttpErrorKind::Broken,
        };
        HttpError { kind, message: error.to_string() }
    }

    fn body_failed(&self, error: BodyError) -> HttpError {
        let kind = match error.fault {
            BodyFault::TooLarge { .. } => HttpErrorKind::TooLarge,
            BodyFault::Stalled => HttpErrorKind::Timeout,
            BodyFault::Gone | BodyFault::Malformed | BodyFault::Filter => HttpErrorKind::Broken,
        };
        HttpError { kind, message: format!("{}: {error}", self.name()) }
    }
}

fn invalid(message: &str) -> HttpError {
    HttpError { kind: HttpErrorKind::Invalid, message: message.to_owned() }
}
