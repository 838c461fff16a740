//! Requests that share connections: finding a place, opening a connection for all who wait, giving the place back.

use std::rc::Rc;

use tokio::time::Instant;

use super::endpoint::{Endpoint, Lease, Leased, QUEUE_PER_CONNECTION, Reuse, Settings, Wanted};
use super::error::{Fault, UpstreamErrorKind};
use super::multiplexed::{Multiplexed, STREAMS_MAX, Stream};
use super::shared::Waited;

impl Endpoint {
    /// A place on a connection that others use too: the least used one, else one that is being opened, else a new one.
    /// Only one is opened at a time, since all who wait for it can share it; its failure is theirs as well.
    pub(super) async fn acquire_shared(self: &Rc<Self>, wanted: Wanted<'_>) -> Result<Lease, Fault> {
        let settings = wanted.settings;
        let deadline = Instant::now() + settings.queue_timeout.max(settings.connect_timeout);
        let waiting_max =
            settings.connections_max.saturating_mul(QUEUE_PER_CONNECTION).saturating_mul(STREAMS_MAX);
        loop {
            let found = self.shared.find(|connection| {
                let address = connection.peer().ip();
                wanted.admits(address) && self.host.has(address)
            });
            self.closed(found.closed);
            if let Some(connection) = found.connection {
                return Ok(self.place_on(&connection, wanted.reuse == Reuse::Idle, settings));
            }
            if !self.shared.may_be() {
                // The target has turned out to speak HTTP/1.1 only.
                return Box::pin(self.acquire(wanted)).await;
            }
            let is_full = self.open.get() >= settings.connections_max;
            if let (false, Some(turn)) = (is_full, self.shared.begin_opening()) {
                self.open.set(self.open.get() + 1);
                return turn.ended(self.open(self.lease(None, settings), wanted).await);
            }
            match self.shared.wait(deadline, waiting_max).await {
                Waited::Changed => {}
                Waited::Failed(fault) => return Err(fault),
                Waited::TooLong => return Err(UpstreamErrorKind::QueueTimeout.into()),
                Waited::TooMany => return Err(UpstreamErrorKind::QueueFull.into()),
            }
        }
    }

    pub(super) fn place_on(
        self: &Rc<Self>,
        connection: &Rc<Multiplexed>,
        reused: bool,
        settings: Settings,
    ) -> Lease {
        Lease {
            endpoint: Some(Rc::clone(self)),
            held: Leased::Shared(Stream::of(connection)),
            reused,
            settings,
        }
    }

    /// So many shared connections are gone.
    pub(super) fn closed(&self, count: usize) {
        self.open.set(self.open.get() - count);
    }

    /// A place on a shared connection is free again.
    pub(super) fn released_place(self: &Rc<Self>, settings: Settings) {
        self.closed(self.shared.freed());
        if !self.shared.is_empty() {
            self.start_reaping(Instant::now() + settings.idle_timeout);
        }
    }
}
