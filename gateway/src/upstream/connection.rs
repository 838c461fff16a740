//! One HTTP/1.1 connection to a target, and knowing whether it can take another request.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::error::{Fault, UpstreamErrorKind};
use super::socket::Socket;
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
    task: JoinHandle<()>,
}

impl Connection {
    /// Begins to speak HTTP/1.1 over an open connection; `socket` is what is beneath it.
    pub(super) async fn start<S>(stream: S, socket: Socket, peer: SocketAddr) -> Result<Self, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let failed = |error: &dyn ToString| Fault::new(UpstreamErrorKind::Connect, error.to_string());
        let mut builder = Builder::new();
        builder.max_buf_size(BUFFER_MAX);
        let (sender, driver) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        let task = tokio::task::spawn_local(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%peer, %error, "upstream connection ended");
            }
        });
        let timer = Box::pin(tokio::time::sleep(Duration::ZERO));
        Ok(Self { sender, timer, socket, peer, address: peer.to_string().into(), task })
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
