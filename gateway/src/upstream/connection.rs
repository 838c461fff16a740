//! One HTTP/1.1 connection to a target: opening it, and knowing whether it can take another request.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

use super::error::{Fault, UpstreamErrorKind};
use super::socket::Socket;
use super::wear::Wear;
use crate::body::ProxyBody;

/// Most bytes of a response head, and of response data buffered in user space.
const BUFFER_MAX: usize = 64 * 1024;

/// An open connection. Dropping it closes the socket at once, whatever is going on.
pub(super) struct Connection {
    pub(super) sender: SendRequest<ProxyBody>,
    /// Kept with the connection because moving a registered timer is much cheaper than arming a new one.
    pub(super) timer: Pin<Box<Sleep>>,
    /// Shared with the task below, which is aborted before this owner goes.
    socket: Socket,
    peer: SocketAddr,
    /// The peer's address as text, for logs.
    address: Arc<str>,
    /// How much it has been used.
    pub(super) wear: Wear,
    task: JoinHandle<()>,
}

impl Connection {
    /// Connects to the first of `addresses` that accepts within `timeout`, which they share evenly.
    pub(super) async fn open(addresses: &[SocketAddr], timeout: Duration) -> Result<Self, Fault> {
        let deadline = Instant::now() + timeout;
        let mut last = Fault::from(UpstreamErrorKind::Resolve);
        for (index, &peer) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            match tokio::time::timeout(share, TcpStream::connect(peer)).await {
                Ok(Ok(stream)) => return Self::start(stream, peer).await,
                Ok(Err(error)) => last = Fault::new(UpstreamErrorKind::of_connect(&error), error),
                Err(_) => last = UpstreamErrorKind::ConnectTimeout.into(),
            }
        }
        Err(last)
    }

    async fn start(stream: TcpStream, peer: SocketAddr) -> Result<Self, Fault> {
        let failed = |error: &dyn ToString| Fault::new(UpstreamErrorKind::Connect, error.to_string());
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let socket = Socket::new(stream);
        let mut builder = Builder::new();
        builder.max_buf_size(BUFFER_MAX);
        let (sender, driver) =
            builder.handshake(TokioIo::new(socket.clone())).await.map_err(|error| failed(&error))?;
        let task = tokio::task::spawn_local(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%peer, %error, "upstream connection ended");
            }
        });
        let timer = Box::pin(tokio::time::sleep(Duration::ZERO));
        Ok(Self {
            sender,
            timer,
            socket,
            peer,
            address: peer.to_string().into(),
            wear: Wear::new(None),
            task,
        })
    }

    /// Whether the last exchange is over on both sides and nothing is known to be wrong with the connection.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready() && !self.sender.is_closed()
    }

    /// Whether an idle connection is still open as far as the kernel knows; one system call.
    pub(super) fn is_open(&self) -> bool {
        self.socket.is_silent()
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(super) fn address(&self) -> &Arc<str> {
        &self.address
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // the sender's drop alone would let an unfinished upload go on
        self.task.abort();
    }
}
