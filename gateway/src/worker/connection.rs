//! One client connection: hyper serves it, its state bounds how long it may take for what.

use std::cell::Cell;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Instant;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::Worker;
use super::timed_io::TimedIo;
use crate::config::ClientLimits;
use crate::hygiene::{Edge, EdgeScheme};
use crate::proxy;

/// Smallest read buffer hyper accepts, in bytes.
const BUFFER_BYTES_MIN: usize = 8 << 10;
/// hyper's own limit on the number of header fields.
const HYPER_HEADERS_MAX: usize = 100;

/// What a connection is doing, for its time limits.
pub struct ConnectionState {
    peer: SocketAddr,
    edge: Edge,
    doing: Cell<Doing>,
    since: Cell<Instant>,
    /// Since when the client has not taken bytes we want to send.
    blocked_since: Cell<Option<Instant>>,
    stopping: Cell<bool>,
    /// Wakes the connection's task to end or to stop.
    wake: Notify,
    expired: Cell<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Nothing received since it was opened.
    Opening,
    /// Waiting for the next request.
    Idle,
    /// Some bytes of a request's head have come.
    ReadingHead,
    /// A request is being served; its own limits apply.
    Serving,
}

impl ConnectionState {
    fn new(peer: SocketAddr, local_port: u16) -> Self {
        Self {
            peer,
            edge: Edge::new(peer.ip(), local_port, EdgeScheme::Http),
            doing: Cell::new(Doing::Opening),
            since: Cell::new(Instant::now()),
            blocked_since: Cell::new(None),
            stopping: Cell::new(false),
            wake: Notify::new(),
            expired: Cell::new(false),
        }
    }

    /// The other end of the connection.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What is told to upstreams of the connection.
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    fn becomes(&self, doing: Doing) {
        self.doing.set(doing);
        self.since.set(Instant::now());
    }

    /// Bytes came from the client.
    pub(super) fn received(&self) {
        if self.doing.get() == Doing::Idle {
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
        self.doing.set(Doing::Serving);
    }

    /// The last byte of the answer was handed to the connection.
    pub fn request_ends(&self) {
        self.becomes(Doing::Idle);
    }

    /// Finishes the request that is under way, if there is one, and then closes.
    pub(super) fn stop_after_request(&self) {
        self.stopping.set(true);
        self.wake.notify_one();
    }

    /// Ends the connection if one of its waits took too long.
    pub(super) fn check(&self, now: Instant, limits: &ClientLimits) {
        let over = |since: Instant, limit| now.saturating_duration_since(since) > limit;
        let waited_too_long = match self.doing.get() {
            Doing::Opening | Doing::ReadingHead => over(self.since.get(), limits.header_timeout),
            Doing::Idle => over(self.since.get(), limits.idle_timeout),
            Doing::Serving => false,
        };
        let unread = self.blocked_since.get().is_some_and(|since| over(since, limits.write_timeout));
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

/// hyper's side of the limits.
fn builder(limits: &ClientLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The state's own limit replaces hyper's, which would need a timer per head.
    builder
        .header_read_timeout(None)
        .max_buf_size(limits.header_bytes_max.max(BUFFER_BYTES_MIN))
        .max_header_size(limits.header_bytes_max);
    // Naming the number, even its own default, makes hyper allocate for each head.
    if limits.headers_max != HYPER_HEADERS_MAX {
        builder.max_headers(limits.headers_max);
    }
    builder
}

/// Serves a connection until it is closed.
pub(super) async fn serve(worker: Rc<Worker>, stream: TcpStream, peer: SocketAddr) {
    let local_port = stream.local_addr().map_or(0, |local| local.port());
    let state = Rc::new(ConnectionState::new(peer, local_port));
    let _registration = Registration { key: worker.register(&state), worker: worker.clone() };
    let limits = worker.serving().generation.config.client.clone();
    let service = service_fn(|request| {
        let (worker, state) = (worker.clone(), state.clone());
        async move { Ok::<_, std::convert::Infallible>(proxy::serve(worker, state, request).await) }
    });
    let connection = builder(&limits).serve_connection(TimedIo::new(stream, state.clone()), service);
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "client connection ended");
                }
                return;
            }
            () = state.wake.notified() => {
                if state.expired.get() {
                    tracing::debug!(%peer, doing = ?state.doing.get(), "client connection timed out");
                    return;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
