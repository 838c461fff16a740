//! The connections of one worker to one target: idle ones, the count of all, and who waits for one.
//!
//! Relies on a single thread: nothing here is locked, and no borrow is held across an await. A connection is
//! either idle in the list or owned by a [`Lease`]; a lease without a connection is the right to open one.
//! The number of leases and idle connections never exceeds `connections_max`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::breaker::{self, Admitted, Bound};
use super::connection::Connection;
use super::error::{Fault, UpstreamErrorKind};
use super::resolve::Host;
use super::shared::Shared;
use super::state::UpstreamState;
use super::transport::{self, Opened, Secured, Transport};
use super::wear::{Wear, WearLimits};
use crate::config::{self, UpstreamProtocol};
use crate::proxy_protocol::Announcement;

pub(super) use super::lease::{Lease, Leased};

/// Requests that may wait for a connection, for each connection there may be.
pub(super) const QUEUE_PER_CONNECTION: usize = 4;

/// What a caller wants of the pool; comes with each request because configurations change and pools stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) connect_timeout: Duration,
    pub(super) connections_max: usize,
    pub(super) idle_max: usize,
    pub(super) idle_timeout: Duration,
    pub(super) queue_timeout: Duration,
    /// Age from which the addresses of a name are asked for again.
    pub(super) dns_refresh: Duration,
    /// When a connection is closed instead of being kept.
    pub(super) wear: WearLimits,
    /// Which `Host` the request goes out with.
    pub(super) host_field: HostField,
}

/// Which `Host` a request goes out with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostField {
    /// The one it has.
    Kept,
    /// The target's own.
    OfTarget,
}

impl From<&config::Upstream> for Settings {
    fn from(upstream: &config::Upstream) -> Self {
        Self {
            connect_timeout: upstream.connect_timeout,
            connections_max: upstream.connections_max.max(1),
            idle_max: upstream.idle_max,
            idle_timeout: upstream.idle_timeout,
            queue_timeout: upstream.queue_timeout,
            dns_refresh: upstream.policies.dns_refresh,
            wear: WearLimits {
                age_max: upstream.policies.connection_age_max,
                requests_max: upstream.policies.connection_requests_max,
            },
            host_field: if upstream.preserve_host { HostField::Kept } else { HostField::OfTarget },
        }
    }
}

/// What kind of connection will do.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) settings: Settings,
    pub(super) reuse: Reuse,
    /// Addresses that may be connected to; `None` allows all.
    pub(super) admits: Option<&'a dyn Fn(IpAddr) -> bool>,
    /// Whether it has to be one of HTTP/1.1, to switch protocols.
    pub(super) exclusive: bool,
    /// The upstream whose circuit breakers hold; `None` for scripts' calls.
    pub(super) bounds: Option<&'a Arc<UpstreamState>>,
    /// What the target is told of the client's connection. Connections are for the client that they were opened for.
    pub(super) announced: Option<Announcement>,
}

/// Whether an idle connection will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    /// Yes.
    Idle,
    /// No: an idle one has just turned out to be dead.
    Fresh,
}

/// One target of one worker.
pub(super) struct Endpoint {
    pub(super) address: Arc<str>,
    /// The target's `Host`: its name, and its port unless that is HTTP's own (RFC 9110, section 7.2).
    pub(super) host_value: Option<HeaderValue>,
    pub(super) backoff: Backoff,
    pub(super) host: Host,
    port: u16,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    protocol: UpstreamProtocol,
    secured: Option<Secured>,
    /// Connections that requests share.
    pub(super) shared: Shared,
    /// Longest unused first.
    idle: RefCell<VecDeque<Idle>>,
    /// Leases and idle connections together.
    pub(super) open: Cell<usize>,
    waiting: RefCell<VecDeque<oneshot::Sender<Lease>>>,
    reaping: Cell<bool>,
}

struct Idle {
    connection: Connection,
    until: Instant,
}

fn host_value(host: &str, port: u16, scheme: &str) -> Option<HeaderValue> {
    let default_port = if scheme == "https" { 443 } else { 80 };
    // A unix socket has no name of its own, and no port.
    let host = if host.starts_with('/') { "localhost" } else { host };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let text = if port == default_port || port == 0 { host } else { format!("{host}:{port}") };
    HeaderValue::from_str(&text).ok()
}

impl Endpoint {
    pub(super) fn new(address: Arc<str>, host: &str, port: u16, transport: &Transport) -> Self {
        let scheme = transport.scheme();
        Self {
            address,
            host_value: host_value(host, port, scheme),
            scheme,
            protocol: transport.protocol,
            secured: transport.secured(host),
            shared: Shared::new(transport.may_multiplex()),
            backoff: Backoff::default(),
            host: Host::new(host),
            port,
            idle: RefCell::default(),
            open: Cell::new(0),
            waiting: RefCell::default(),
            reaping: Cell::new(false),
        }
    }

    /// Requests under way, or about to be.
    pub(super) fn active(&self) -> u32 {
        let (connections, streams) = self.shared.load();
        let exclusive = self.open.get().saturating_sub(self.idle.borrow().len() + connections);
        u32::try_from(exclusive + streams).unwrap_or(u32::MAX)
    }

    /// Whether a request would have to wait for a connection.
    pub(super) fn is_saturated(&self, settings: Settings) -> bool {
        self.open.get() >= settings.connections_max
            && self.idle.borrow().is_empty()
            && !self.shared.has_room()
    }

    /// Whether it holds no connection, idle or in use.
    pub(super) fn is_unused(&self) -> bool {
        self.open.get() == 0
    }

    /// A connection: the idle one used last, else a new one, else the next that becomes free.
    pub(super) async fn acquire(self: &Rc<Self>, wanted: Wanted<'_>) -> Result<Lease, Fault> {
        let settings = wanted.settings;
        self.host.freshen(settings.dns_refresh);
        if self.shared.may_be() && !wanted.is_exclusive() {
            return Box::pin(self.acquire_shared(wanted)).await;
        }
        if wanted.reuse == Reuse::Idle
            && let Some(connection) = self.take_idle(wanted)
        {
            return Ok(self.lease(Some(connection), settings));
        }
        if self.open.get() >= settings.connections_max && !self.close_oldest_idle() {
            let pending = wanted.bounded(Bound::Pending)?;
            let mut lease = self.wait(settings).await?;
            drop(pending);
            lease.settings = settings;
            let fits = wanted.reuse == Reuse::Idle
                && lease.exclusive().is_some_and(|connection| wanted.takes(connection));
            return if fits { Ok(lease) } else { self.open(lease, wanted).await };
        }
        self.open.set(self.open.get() + 1);
        let lease = self.lease(None, settings);
        self.open(lease, wanted).await
    }

    pub(super) fn lease(self: &Rc<Self>, connection: Option<Connection>, settings: Settings) -> Lease {
        let reused = connection.is_some();
        Lease { endpoint: Some(Rc::clone(self)), held: Leased::Exclusive(connection), reused, settings }
    }

    fn take_idle(&self, wanted: Wanted<'_>) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        let is_same = |idle: &Idle| idle.connection.announced() == wanted.announced;
        while let Some(position) = idle.iter().rposition(is_same)
            && let Some(Idle { connection, until }) = idle.remove(position)
        {
            if Instant::now() < until && wanted.takes(&connection) && self.host.has(connection.peer().ip()) {
                return Some(connection);
            }
            self.open.set(self.open.get() - 1);
        }
        None
    }

    fn close_oldest_idle(&self) -> bool {
        let closed = self.idle.borrow_mut().pop_front().is_some();
        if closed {
            self.open.set(self.open.get() - 1);
        }
        closed
    }

    /// Opens a connection. The future is boxed, since handshakes are large and most requests need none.
    pub(super) async fn open(self: &Rc<Self>, lease: Lease, wanted: Wanted<'_>) -> Result<Lease, Fault> {
        Box::pin(self.open_within_time(lease, wanted)).await
    }

    async fn open_within_time(self: &Rc<Self>, mut lease: Lease, wanted: Wanted<'_>) -> Result<Lease, Fault> {
        lease.held = Leased::Exclusive(None);
        lease.reused = false;
        let admitted = wanted.bounded(Bound::Connections)?;
        let timeout = wanted.settings.connect_timeout;
        let started = Instant::now();
        let peers = self.host.peers(self.port, wanted.settings.dns_refresh);
        let peers = match tokio::time::timeout(timeout, peers).await {
            Ok(found) => found.map_err(|error| Fault::new(UpstreamErrorKind::Resolve, error))?,
            Err(_) => {
                return Err(Fault::new(UpstreamErrorKind::ConnectTimeout, "the resolver did not answer"));
            }
        };
        let allowed: Vec<_> = peers.into_iter().filter(|peer| wanted.admits(peer.ip())).collect();
        if allowed.is_empty() {
            return Err(UpstreamErrorKind::NotAllowed.into());
        }
        let protocol = if wanted.is_exclusive() { UpstreamProtocol::Http1 } else { self.protocol };
        match transport::open(&allowed, wanted.announced, protocol, self.secured.as_ref(), started + timeout)
            .await?
        {
            Opened::Http1(mut connection) => {
                if !wanted.is_exclusive() {
                    self.shared.is_not();
                }
                connection.wear = Wear::new(admitted);
                lease.held = Leased::Exclusive(Some(connection));
                Ok(lease)
            }
            Opened::Http2(connection) => {
                self.shared.add(&connection, wanted.settings.idle_timeout, admitted);
                // The connection counts as open for as long as it is shared; the lease goes without giving that back.
                lease.endpoint = None;
                Ok(self.place_on(&connection, false, wanted.settings))
            }
        }
    }

    async fn wait(&self, settings: Settings) -> Result<Lease, Fault> {
        let (grant, granted) = oneshot::channel();
        {
            let mut waiting = self.waiting.borrow_mut();
            let most = settings.connections_max.saturating_mul(QUEUE_PER_CONNECTION);
            if waiting.len() >= most {
                waiting.retain(|grant| !grant.is_closed());
            }
            if waiting.len() >= most {
                return Err(UpstreamErrorKind::QueueFull.into());
            }
            waiting.push_back(grant);
        }
        match tokio::time::timeout(settings.queue_timeout, granted).await {
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(_)) | Err(_) => Err(UpstreamErrorKind::QueueTimeout.into()),
        }
    }

    /// Takes back what a lease held: for the next in the queue, else for the idle list, else to be closed.
    pub(super) fn release(self: Rc<Self>, connection: Option<Connection>, settings: Settings) {
        if self.open.get() > settings.connections_max {
            self.open.set(self.open.get() - 1);
            return;
        }
        let usable =
            connection.filter(|connection| connection.is_ready() && !connection.wear.is_worn(settings.wear));
        let HandOver::Nobody(usable) = self.hand_over(usable, settings) else { return };
        match usable {
            Some(connection) if settings.idle_max > 0 => {
                if self.idle.borrow().len() >= settings.idle_max {
                    self.close_oldest_idle();
                }
                let until = Instant::now() + settings.idle_timeout;
                self.idle.borrow_mut().push_back(Idle { connection, until });
                self.start_reaping(until);
            }
            _ => self.open.set(self.open.get() - 1),
        }
    }

    /// Gives the right to a connection, and the connection if there is one, to the first that still waits.
    fn hand_over(self: &Rc<Self>, mut connection: Option<Connection>, settings: Settings) -> HandOver {
        loop {
            // taken out in a statement of its own, so that the list is not borrowed while a lease is dropped
            let next = self.waiting.borrow_mut().pop_front();
            let Some(waiter) = next else { return HandOver::Nobody(connection) };
            match waiter.send(self.lease(connection, settings)) {
                Ok(()) => return HandOver::Taken,
                Err(mut refused) => {
                    refused.endpoint = None;
                    connection = refused.take_exclusive();
                }
            }
        }
    }

    /// Sees to it that idle connections are closed when their time has come, as long as there are any. One whose
    /// time is shorter than that of those before it is not used after it, but closed with them.
    pub(super) fn start_reaping(self: &Rc<Self>, mut next: Instant) {
        // A body may be dropped while its worker's runtime ends; nothing can be spawned then, and nothing need be.
        if tokio::runtime::Handle::try_current().is_err() || self.reaping.replace(true) {
            return;
        }
        let endpoint = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep_until(next).await;
                let Some(endpoint) = endpoint.upgrade() else { return };
                match endpoint.reap() {
                    Some(time) => next = time,
                    None => return,
                }
            }
        });
    }

    /// Closes what has been idle for too long; the time of the next one, or `None` if none is left.
    fn reap(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut idle = self.idle.borrow_mut();
        let before = idle.len();
        idle.retain(|idle| idle.until > now && !idle.connection.sender.is_closed());
        self.open.set(self.open.get() - (before - idle.len()));
        let next = idle.iter().map(|idle| idle.until).min();
        drop(idle);
        let (closed, next_shared) = self.shared.reap();
        self.closed(closed);
        let next = next.into_iter().chain(next_shared).min();
        self.reaping.set(next.is_some());
        next
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.open.get(), self.idle.borrow().len())
    }
}

enum HandOver {
    Taken,
    Nobody(Option<Connection>),
}

impl Wanted<'_> {
    fn is_exclusive(self) -> bool {
        self.exclusive || self.announced.is_some()
    }

    pub(super) fn admits(self, address: IpAddr) -> bool {
        self.admits.is_none_or(|admits| admits(address))
    }

    /// One more of what the upstream's circuit breakers bound.
    pub(super) fn bounded(self, bound: Bound) -> Result<Option<Admitted>, Fault> {
        self.bounds.map_or(Ok(None), |state| breaker::admit(state, bound))
    }

    fn takes(self, connection: &Connection) -> bool {
        connection.is_ready()
            && !connection.wear.is_worn(self.settings.wear)
            && connection.announced() == self.announced
            && self.admits(connection.peer().ip())
    }
}
