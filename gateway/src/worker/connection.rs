//! One client connection: hyper serves it, its state bounds how long it may take for what.

use std::cell::{Cell, OnceCell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use forebay_engine::exchange::Tls;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::opening::{self, Opened};
use super::{Worker, announced, handshake, http1, http2};
use crate::body::{Phase, Progress};
use crate::config::{ClientLimits, Protocol};
use crate::hygiene::{Edge, EdgeScheme};
use crate::proxy::Tunnel;
use crate::proxy_protocol::Ends;

/// What a connection is doing, for its time limits.
pub struct ConnectionState {
    ends: Ends,
    edge: Edge,
    /// What the handshake has settled, once it has.
    tls: OnceCell<Arc<Tls>>,
    doing: Cell<Doing>,
    since: Cell<Instant>,
    /// Since when the client has not taken bytes we want to send.
    blocked_since: Cell<Option<Instant>>,
    stopping: Cell<bool>,
    /// Requests being served; HTTP/1 has one at a time.
    serving: Cell<usize>,
    is_http2: Cell<bool>,
    is_flooded: Cell<bool>,
    /// Responses of HTTP/2, which a client can leave unread each for itself.
    responses: RefCell<Vec<Rc<Progress>>>,
    /// What the connection becomes after a 101.
    tunnel: RefCell<Option<Tunnel>>,
    /// Wakes the connection's task to end or to stop.
    wake: Notify,
    expired: Cell<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Agreeing on keys.
    Handshaking,
    /// Nothing received since it was opened.
    Opening,
    /// Waiting for the next request.
    Idle,
    /// Some bytes of a request's head have come.
    ReadingHead,
    /// A request is being served; its own limits apply.
    Serving,
    /// HTTP/2: the client was told that no more requests are taken.
    Closing,
}

impl ConnectionState {
    fn new(ends: Ends, scheme: EdgeScheme) -> Self {
        let doing = match scheme {
            EdgeScheme::Http => Doing::Opening,
            EdgeScheme::Https => Doing::Handshaking,
        };
        Self {
            ends,
            edge: Edge::new(ends.source.ip(), ends.destination.port(), scheme),
            tls: OnceCell::new(),
            doing: Cell::new(doing),
            since: Cell::new(Instant::now()),
            blocked_since: Cell::new(None),
            stopping: Cell::new(false),
            serving: Cell::new(0),
            is_http2: Cell::new(false),
            is_flooded: Cell::new(false),
            responses: RefCell::default(),
            tunnel: RefCell::default(),
            wake: Notify::new(),
            expired: Cell::new(false),
        }
    }

    /// The other end of the connection: the socket's, or the one that a trusted proxy has told of.
    pub fn peer(&self) -> SocketAddr {
        self.ends.source
    }

    /// Both ends of the connection.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// What is told to upstreams of the connection.
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// How the connection is secured; `None` for plain TCP.
    pub fn tls(&self) -> Option<&Arc<Tls>> {
        self.tls.get()
    }

    /// The handshake is over; a request may come.
    pub(super) fn secured(&self, tls: Tls) {
        // There is one handshake for each connection, so nothing is ever refused here.
        let _ = self.tls.set(Arc::new(tls));
        self.becomes(Doing::Opening);
    }

    /// The answer that is sent now switches protocols.
    pub fn switches(&self, tunnel: Tunnel) {
        *self.tunnel.borrow_mut() = Some(tunnel);
    }

    /// What the connection is from here on, if it has switched protocols.
    pub(super) fn take_tunnel(&self) -> Option<Tunnel> {
        self.tunnel.borrow_mut().take()
    }

    /// Waits until the connection's time is over (`true`) or it is to stop (`false`).
    pub(super) async fn woken(&self) -> bool {
        self.wake.notified().await;
        self.expired.get()
    }

    fn becomes(&self, doing: Doing) {
        self.doing.set(doing);
        self.since.set(Instant::now());
    }

    /// The client's connection preface is complete. From here on an idle client is idle, whatever frames it sends.
    pub(super) fn http2_begins(&self) {
        self.is_http2.set(true);
        self.becomes(Doing::Idle);
    }

    /// The client sent more control frames than it may.
    pub(super) fn flooded(&self) {
        self.is_flooded.set(true);
    }

    pub(super) fn is_flooded(&self) -> bool {
        self.is_flooded.get()
    }

    /// Whether the connection whose time is over can be ended in order: it was idle, and the client has not been
    /// told yet.
    pub(super) fn closes_gracefully(&self) -> bool {
        let is_idle = self.doing.get() == Doing::Idle && self.blocked_since.get().is_none();
        if is_idle {
            self.expired.set(false);
            self.becomes(Doing::Closing);
        }
        is_idle
    }

    /// A response of HTTP/2 that the client has to take within its time.
    pub fn watch_response(&self, progress: Rc<Progress>) {
        let mut responses = self.responses.borrow_mut();
        responses.retain(|response| !matches!(response.phase(), Phase::Ended(_)));
        responses.push(progress);
    }

    /// Bytes came from the client.
    pub(super) fn received(&self) {
        if self.doing.get() == Doing::Idle && !self.is_http2.get() {
            self.becomes(Doing::ReadingHead);
        }
    }

    pub(super) fn wrote(&self) {
        self.blocked_since.set(None);
    }

    pub(super) fn write_blocked(&self) {
        if self.blocked_since.get().is_none() {
            self.blocked_since.set(Some(Instant::now()));
        }
    }

    /// A complete head was received.
    pub fn request_begins(&self) {
        self.serving.set(self.serving.get() + 1);
        self.doing.set(Doing::Serving);
    }

    /// The last byte of the answer was handed to the connection.
    pub fn request_ends(&self) {
        let left = self.serving.get().saturating_sub(1);
        self.serving.set(left);
        if left == 0 {
            self.becomes(if self.stopping.get() && self.is_http2.get() {
                Doing::Closing
            } else {
                Doing::Idle
            });
        }
    }

    /// Finishes the request that is under way, if there is one, and then closes.
    pub(super) fn stop_after_request(&self) {
        self.stopping.set(true);
        if self.is_http2.get() && self.doing.get() == Doing::Idle {
            self.becomes(Doing::Closing);
        }
        self.wake.notify_one();
    }

    /// Ends the connection if one of its waits took too long.
    pub(super) fn check(&self, now: Instant, limits: &ClientLimits) {
        let over = |since: Instant, limit| now.saturating_duration_since(since) > limit;
        let waited_too_long = match self.doing.get() {
            Doing::Handshaking => over(self.since.get(), limits.handshake_timeout),
            Doing::Opening | Doing::ReadingHead | Doing::Closing => {
                over(self.since.get(), limits.header_timeout)
            }
            Doing::Idle => over(self.since.get(), limits.idle_timeout),
            Doing::Serving => false,
        };
        let left_unread = |response: &Rc<Progress>| match response.phase() {
            Phase::AwaitingReader(since) => over(since.into_std(), limits.write_timeout),
            Phase::AwaitingSender | Phase::Ended(_) => false,
        };
        let unread = self.blocked_since.get().is_some_and(|since| over(since, limits.write_timeout))
            || self.responses.borrow().iter().any(left_unread);
        if waited_too_long || unread {
            self.expired.set(true);
            self.wake.notify_one();
        }
    }
}

/// Takes the connection out of the worker's list however its task ends.
struct Registration {
    worker: Rc<Worker>,
    key: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.worker.unregister(self.key);
    }
}

impl Registration {
    fn of(worker: &Rc<Worker>, state: &Rc<ConnectionState>) -> Self {
        Self { key: worker.register(state), worker: worker.clone() }
    }
}

/// Serves a connection of the listener with this index until it is closed.
pub(super) async fn serve(worker: Rc<Worker>, mut stream: TcpStream, peer: SocketAddr, index: usize) {
    let mut ends = Ends { source: peer, destination: stream.local_addr().unwrap_or(peer) };
    let (config, speaks_http2, speaks_http1, is_announced) = {
        let serving = worker.serving();
        let server = serving.generation.tls.get(index).and_then(Option::as_ref);
        let listener = serving.generation.config.listeners.get(index);
        let speaks = |protocol| listener.is_none_or(|listener| listener.protocols.contains(&protocol));
        let is_announced = listener.is_some_and(|listener| listener.announces(peer.ip()));
        let config = server.map(|server| server.config.clone());
        (config, speaks(Protocol::Http2), speaks(Protocol::Http1), is_announced)
    };
    if is_announced {
        let Some(told) = Box::pin(told(&worker, &mut stream, ends)).await else { return };
        ends = told;
    }
    let scheme = if config.is_some() { EdgeScheme::Https } else { EdgeScheme::Http };
    let state = Rc::new(ConnectionState::new(ends, scheme));
    let _registration = Registration::of(&worker, &state);
    match config {
        Some(config) => {
            let Some(stream) = handshake::accept(&worker, &state, stream, config).await else { return };
            let agreed = stream.get_ref().1.alpn_protocol();
            // Without ALPN a client speaks what was there before it, unless the listener does not.
            if agreed == Some(b"h2") || !speaks_http1 {
                http2::serve(&worker, &state, stream).await;
            } else {
                http1::serve(&worker, &state, stream).await;
            }
        }
        None if !speaks_http2 => http1::serve(&worker, &state, stream).await,
        None if !speaks_http1 => http2::serve(&worker, &state, stream).await,
        None => serve_either(&worker, &state, stream).await,
    }
}

/// The ends of a connection that begins with a header of the PROXY protocol; `None` when that is missing, malformed or late.
async fn told(worker: &Rc<Worker>, stream: &mut TcpStream, ends: Ends) -> Option<Ends> {
    let state = Rc::new(ConnectionState::new(ends, EdgeScheme::Http));
    state.becomes(Doing::Handshaking);
    let _registration = Registration::of(worker, &state);
    let read = tokio::select! {
        biased;
        read = announced::read(stream) => read,
        expired = state.woken() => {
            if !expired {
                return None;
            }
            Err(std::io::ErrorKind::TimedOut.into())
        }
    };
    match read {
        Ok(told) => Some(told.unwrap_or(ends)),
        Err(error) => {
            worker.metrics.bad_announcements.add(1);
            tracing::debug!(peer = %ends.source, %error, "no good header of the PROXY protocol");
            None
        }
    }
}

/// Serves a plain connection in the protocol that its first bytes are of.
async fn serve_either(worker: &Rc<Worker>, state: &Rc<ConnectionState>, stream: TcpStream) {
    let opened = tokio::select! {
        biased;
        opened = opening::look(stream) => opened,
        _ = state.woken() => return,
    };
    match opened {
        Ok(Opened::Http1(stream)) => http1::serve(worker, state, stream).await,
        Ok(Opened::Http2(stream)) => http2::serve(worker, state, stream).await,
        Ok(Opened::Http1Begun(stream)) => http1::serve(worker, state, stream).await,
        Ok(Opened::Http2Begun(stream)) => http2::serve(worker, state, stream).await,
        Err(error) => tracing::debug!(peer = %state.peer(), %error, "client connection ended"),
    }
}
