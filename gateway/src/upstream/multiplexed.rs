//! One HTTP/2 connection to a target, which many requests share.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

use super::error::{Fault, UpstreamErrorKind};
use super::peer::Peer;
use crate::body::ProxyBody;
use crate::worker::http2::OnThisThread;

/// Most requests at the same time over one connection; a target may allow fewer.
pub(super) const STREAMS_MAX: usize = 100;
/// Bytes that a target may send ahead, of one response and of all.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Most bytes of one request body that wait within the library.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Most bytes of a response head.
const HEAD_BYTES_MAX: u32 = 64 << 10;
/// A target that is silent while requests wait is asked whether it is still there: one that has vanished would take
/// all of them with it.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection. Dropping the last holder closes it.
pub(super) struct Multiplexed {
    sender: SendRequest<ProxyBody>,
    streams: Cell<usize>,
    /// As many as the target allows, and at most [`STREAMS_MAX`].
    streams_max: Rc<Cell<usize>>,
    /// Timers of requests that are over: moving a registered one is cheaper than arming a new one.
    timers: RefCell<Vec<Pin<Box<Sleep>>>>,
    /// Since when it has had no request.
    idle_since: Cell<Instant>,
    peer: Peer,
    address: Arc<str>,
    task: JoinHandle<()>,
}

impl Multiplexed {
    /// Begins to speak HTTP/2 over an open connection.
    pub(super) async fn start<S>(stream: S, peer: Peer) -> Result<Self, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let mut builder = Builder::new(OnThisThread);
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .max_header_list_size(HEAD_BYTES_MAX)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        let handshake = builder.handshake(TokioIo::new(stream)).await;
        let (sender, mut driver) =
            handshake.map_err(|error| Fault::new(UpstreamErrorKind::Connect, error))?;
        let streams_max = Rc::new(Cell::new(STREAMS_MAX));
        let allowed = Rc::clone(&streams_max);
        let (address, named) = (peer.to_string().into(), peer.clone());
        let task = tokio::task::spawn_local(async move {
            let ended = poll_fn(|cx| {
                let polled = Pin::new(&mut driver).poll(cx);
                allowed.set(driver.current_max_send_streams().min(STREAMS_MAX));
                polled
            });
            if let Err(error) = ended.await {
                tracing::debug!(peer = %named, %error, "upstream connection ended");
            }
        });
        Ok(Self {
            sender,
            streams: Cell::new(0),
            streams_max,
            timers: RefCell::default(),
            idle_since: Cell::new(Instant::now()),
            peer,
            address,
            task,
        })
    }

    /// Whether it takes requests.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready() && !self.sender.is_closed()
    }

    /// Whether it takes one more request.
    pub(super) fn has_room(&self) -> bool {
        self.is_ready() && self.streams.get() < self.streams_max.get()
    }

    /// Requests under way.
    pub(super) fn streams(&self) -> usize {
        self.streams.get()
    }

    /// When its last request ended, or it was opened.
    pub(super) fn idle_since(&self) -> Instant {
        self.idle_since.get()
    }

    /// Whether it had no request for this long.
    pub(super) fn is_idle_for(&self, time: Duration) -> bool {
        self.streams.get() == 0 && self.idle_since.get().elapsed() >= time
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(super) fn address(&self) -> &Arc<str> {
        &self.address
    }
}

impl Drop for Multiplexed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The right to one request over a shared connection.
pub(super) struct Stream {
    connection: Rc<Multiplexed>,
    /// What the request is sent with; requests have one each, since sending needs it exclusively.
    sender: SendRequest<ProxyBody>,
    /// `None` only while it is dropped.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(super) fn of(connection: &Rc<Multiplexed>) -> Self {
        connection.streams.set(connection.streams.get() + 1);
        let timer = connection.timers.borrow_mut().pop();
        let timer = timer.unwrap_or_else(|| Box::pin(tokio::time::sleep(Duration::ZERO)));
        Self { connection: Rc::clone(connection), sender: connection.sender.clone(), timer: Some(timer) }
    }

    /// What to send with, and the request's timer.
    pub(super) fn parts(&mut self) -> (&mut SendRequest<ProxyBody>, Pin<&mut Sleep>) {
        let armed = || Box::pin(tokio::time::sleep(Duration::ZERO));
        (&mut self.sender, self.timer.get_or_insert_with(armed).as_mut())
    }

    pub(super) fn connection(&self) -> &Multiplexed {
        &self.connection
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.connection.timers.borrow_mut().extend(self.timer.take());
        let left = self.connection.streams.get() - 1;
        self.connection.streams.set(left);
        if left == 0 {
            self.connection.idle_since.set(Instant::now());
        }
    }
}
