//! The upstream side of the data plane: a request goes to a target and comes back as a response.
//!
//! ```text
//! deliver -> group (balance) -> endpoint (idle connection, new one, or queue) -> transmit -> response head
//!           ^ next target if it cannot be connected to      ^ once more if the connection was dead
//! ```
//!
//! Everything belongs to one worker, and is neither shared nor locked. What is safe to do again is done again:
//! - a target that cannot be connected to is passed over, since nothing was sent;
//! - a request that hyper hands back unsent, because its idle connection had been closed, is sent once more;
//! - a request that may have been seen is sent once more only if its idle connection died under it, its method
//!   is idempotent, and its body is empty or in memory. A POST never is; before one goes over an idle
//!   connection, the kernel is asked whether the connection is still open.
//!
//! Header fields other than the framing are the caller's business, and so are hop-by-hop rules.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};

use crate::body::ProxyBody;
use crate::component::Balancer;
use crate::config::{self, Target, UpstreamKind, UpstreamProtocol};
use crate::proxy_protocol::{Announcement, Ends};
use crate::tls::Client;

mod allow;
mod backoff;
mod balance;
mod client;
mod connection;
mod delivery;
mod echo;
mod endpoint;
mod error;
mod http2_form;
mod lease;
mod multiplexed;
mod peer;
mod pool;
mod replay;
mod resolve;
mod shared;
mod sharing;
mod socket;
mod transmit;
mod transport;
mod upgraded;

pub use allow::{Allow, AllowError};
pub use balance::round_robin;
pub use client::{HttpAnswer, HttpCall, HttpClient, HttpError, HttpErrorKind};
pub use error::{UpstreamError, UpstreamErrorKind};
pub use upgraded::{Duplex, Raw, Upgraded};

use balance::{Group, Tried};
use delivery::Delivery;
use endpoint::Settings;
use pool::Pool;
use transport::Transport;

/// Name the access log shows for the built-in echo upstream.
const ECHO_ADDRESS: &str = "echo";

/// What one worker keeps between requests: connections, addresses and turns.
#[derive(Default)]
pub struct Upstreams {
    pool: Rc<Pool>,
    groups: RefCell<HashMap<Arc<str>, Known>>,
}

/// The targets of an upstream, and what their connections are opened with.
struct Known {
    group: Rc<Group>,
    protocol: UpstreamProtocol,
    identity: Option<Arc<str>>,
}

/// A response head with the body on its way.
#[derive(Debug)]
pub struct Sent {
    /// What the upstream answered. Its connection is in use until the body is over or dropped.
    pub response: Response<ProxyBody>,
    /// The address connected to, `address:port`, or `echo`.
    pub address: Arc<str>,
    /// Number of times the request was given to a connection, at least 1.
    pub attempts: u32,
    /// Whether the connection had served a request before.
    pub reused: bool,
    /// The connection, if the response is a 101 to the protocol that the request's `Upgrade` asked for.
    pub upgraded: Option<Box<Upgraded>>,
}

impl Upstreams {
    /// A worker's upstreams, without connections yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends `request` to a target of `upstream`, which `balancer` chooses, and waits for the head of the response.
    /// `tls` is what `https` targets are spoken to with, `client` what they are told of the client's connection.
    ///
    /// The URI must be in origin form and is sent as it is; `Host` must be set. `Content-Length` and
    /// `Transfer-Encoding` are set here from the body. Dropping the future ends the exchange and closes its
    /// connection. With `Upgrade` among its fields a request goes over a connection of HTTP/1.1. Must be called within a
    /// `LocalRuntime`.
    pub async fn deliver(
        &self,
        upstream: &config::Upstream,
        balancer: &Arc<dyn Balancer>,
        tls: Option<&Arc<Client>>,
        client: Option<Ends>,
        request: Request<ProxyBody>,
    ) -> Result<Sent, UpstreamError> {
        let targets = match &upstream.kind {
            UpstreamKind::Echo => return Self::echo(request).await,
            UpstreamKind::Targets(targets) => targets,
        };
        let settings = Settings::from(upstream);
        let group = self.group(upstream, targets, balancer, tls);
        let delivery = Delivery::new(request, settings, upstream.into(), &self.pool.recorder);
        let ends = upstream.proxy_protocol.zip(client);
        let mut delivery = delivery.announcing(ends.map(|(version, ends)| Announcement { version, ends }));
        let mut tried = Tried::default();
        let mut last = None;
        while let Some(endpoint) = group.pick(&mut tried, settings, (&upstream.name, delivery.headers())) {
            match delivery.attempt(endpoint).await {
                Ok(sent) => return Ok(sent),
                Err(error) if delivery.may_go_elsewhere() => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or(UpstreamError {
            kind: UpstreamErrorKind::NoTarget,
            address: None,
            attempts: 0,
            detail: String::new(),
        }))
    }

    /// A client for scripts' own calls, over the same connections, to the destinations `allow` names.
    pub fn client(&self, allow: Rc<Allow>, tls: Option<Arc<Client>>) -> HttpClient {
        HttpClient::new(Rc::clone(&self.pool), allow, tls)
    }

    /// Forgets the turns of upstreams that `configured` does not name. To be called after a reload.
    pub fn retain(&self, configured: &BTreeMap<Arc<str>, config::Upstream>) {
        self.groups.borrow_mut().retain(|name, _| configured.contains_key(name));
    }

    fn group(
        &self,
        upstream: &config::Upstream,
        targets: &[Target],
        balancer: &Arc<dyn Balancer>,
        tls: Option<&Arc<Client>>,
    ) -> Rc<Group> {
        let identity = tls.map(|tls| tls.identity());
        if let Some(known) = self.groups.borrow().get(&upstream.name)
            && known.group.is_for(targets, balancer)
            && known.protocol == upstream.protocol
            && known.identity.as_ref() == identity
        {
            return Rc::clone(&known.group);
        }
        let endpoint = |target: &Target| {
            let tls = tls.filter(|_| target.tls).cloned();
            let transport = Transport { protocol: upstream.protocol, tls };
            self.pool.endpoint(&target.host, target.port, &transport)
        };
        let group = Rc::new(Group::new(targets, balancer, endpoint));
        let (identity, protocol) = (identity.cloned(), upstream.protocol);
        let known = Known { group: Rc::clone(&group), protocol, identity };
        self.groups.borrow_mut().insert(Arc::clone(&upstream.name), known);
        group
    }

    async fn echo(request: Request<ProxyBody>) -> Result<Sent, UpstreamError> {
        let address: Arc<str> = ECHO_ADDRESS.into();
        match echo::answer(request).await {
            Ok(response) => Ok(Sent { response, address, attempts: 1, reused: false, upgraded: None }),
            Err(error) => Err(UpstreamError {
                kind: UpstreamErrorKind::RequestBody(error),
                address: Some(address),
                attempts: 1,
                detail: String::new(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
