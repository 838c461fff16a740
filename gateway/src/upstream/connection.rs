//! One HTTP/1.1 connection to a target, and knowing whether it can take another request.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::{Builder, Parts, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::error::{Fault, UpstreamErrorKind};
use super::peer::Peer;
use super::socket::Socket;
use super::upgraded::Raw;
use super::wear::Wear;
use crate::body::ProxyBody;
use crate::proxy_protocol::Announcement;

/// Most bytes of a response head, and of response data buffered in user space.
const BUFFER_MAX: usize = 64 * 1024;

/// An open connection. Dropping it closes the socket at once, whatever is going on.
pub(super) struct Connection {
    pub(super) sender: SendRequest<ProxyBody>,
    /// Kept with the connection because moving a registered timer is much cheaper than arming a new one.
    pub(super) timer: Pin<Box<Sleep>>,
    /// Shared with the task below, which is aborted before this owner goes.
    socket: Socket,
    peer: Peer,
    /// What the target was told when it was opened.
    /// In a box, since few connections have one and all are moved about.
    announced: Option<Box<Announcement>>,
    /// The peer's address as text, for logs.
    address: Arc<str>,
    /// What is left of the connection when it has switched protocols.
    upgraded: oneshot::Receiver<Raw>,
    /// How much it has been used.
    pub(super) wear: Wear,
    task: JoinHandle<()>,
}

impl Connection {
    /// Begins to speak HTTP/1.1 over an open connection; `socket` is what is beneath it.
    pub(super) async fn start<S>(
        stream: S,
        socket: Socket,
        peer: Peer,
        announced: Option<Announcement>,
    ) -> Result<Self, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let failed = |error: &dyn ToString| Fault::new(UpstreamErrorKind::Connect, error.to_string());
        let mut builder = Builder::new();
        builder.max_buf_size(BUFFER_MAX);
        let (sender, mut driver) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        let (give, upgraded) = oneshot::channel();
        let beneath = socket.clone();
        let (address, named) = (peer.to_string().into(), peer.clone());
        let task = tokio::task::spawn_local(async move {
            match (&mut driver).await {
                // The library shuts a connection down at its end, unless it has switched protocols.
                Ok(()) if !beneath.is_shut() => {
                    let Parts { io, read_buf, .. } = driver.into_parts();
                    // Nobody may want it any more.
                    let _ = give.send(Raw { io: Box::new(io.into_inner()), read: read_buf });
                }
                Ok(()) => {}
                Err(error) => tracing::debug!(peer = %named, %error, "upstream connection ended"),
            }
        });
        let timer = Box::pin(tokio::time::sleep(Duration::ZERO));
        let wear = Wear::new(None);
        let announced = announced.map(Box::new);
        Ok(Self { sender, timer, socket, peer, announced, address, upgraded, wear, task })
    }

    /// Whether the last exchange is over on both sides and nothing is known to be wrong with the connection.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready() && !self.sender.is_closed()
    }

    /// Whether an idle connection is still open as far as the kernel knows; one system call.
    pub(super) fn is_open(&self) -> bool {
        self.socket.is_silent()
    }

    /// What is left after a switch of protocols, once; `None` if the connection was lost.
    pub(super) async fn upgraded(&mut self) -> Option<Raw> {
        (&mut self.upgraded).await.ok()
    }

    /// What the target was told of the client's connection.
    pub(super) fn announced(&self) -> Option<Announcement> {
        self.announced.as_deref().copied()
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
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
