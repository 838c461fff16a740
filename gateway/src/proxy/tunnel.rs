//! A request whose connection has switched protocols: from the 101 on, bytes pass both ways until the tunnel ends, and
//! with it the exchange.

mod relay;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::finish::Finish;
use crate::body::EndReason;
use crate::upstream::Upgraded;
use crate::worker::Worker;
use relay::{End, Side, relay};

/// A tunnel that begins when the client has got its 101. Dropped before that, it closes the upstream's connection.
pub struct Tunnel {
    finish: Finish,
    upstream: Box<Upgraded>,
}

impl Tunnel {
    pub(super) fn new(finish: Finish, upstream: Box<Upgraded>) -> Self {
        Self { finish, upstream }
    }

    /// Runs the tunnel to its end. `read` came from the client after its request.
    pub async fn run<S>(mut self, worker: &Worker, io: S, read: Bytes)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(raw) = self.upstream.raw().await else {
            self.finish.tunnelled((0, 0), EndReason::UpstreamGone);
            return;
        };
        let metrics = &worker.metrics.tunnels;
        metrics.opened.add(1);
        let open = metrics.open.raised();
        let (client, upstream) = (Side { io, read }, Side { io: raw.io, read: raw.read });
        let passed = relay(client, upstream, self.upstream.idle_timeout()).await;
        drop(open);
        metrics.from_clients.add(passed.from_client);
        metrics.from_upstreams.add(passed.from_upstream);
        let end = match passed.end {
            End::Closed => EndReason::Complete,
            End::ClientGone => EndReason::ClientGone,
            End::UpstreamGone => EndReason::UpstreamGone,
            End::Idle => EndReason::TunnelIdle,
        };
        self.finish.tunnelled((passed.from_client, passed.from_upstream), end);
    }
}
