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
//! - where the configuration has `retries`, more is done again, by the rules of `retry`;
//! - otherwise a request that may have been seen is sent once more only if its idle connection died under it, its method
//!   is idempotent, and its body is empty or in memory. A POST never is; before one goes over an idle
//!   connection, the kernel is asked whether the connection is still open.
//!
//! Header fields other than the framing are the caller's business, and so are hop-by-hop rules.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::header::SET_COOKIE;
use http::{Request, Response};

use crate::body::ProxyBody;
use crate::component::Balancer;
use crate::config::{self, Affinity, Target, UpstreamKind, UpstreamProtocol};
use crate::proxy_protocol::{Announcement, Ends};
use crate::tls::Client;

mod affinity;
mod allow;
mod backoff;
mod balance;
mod breaker;
mod client;
mod connection;
mod delivery;
mod echo;
mod endpoint;
mod error;
mod hash;
pub mod health;
mod http2_form;
mod lease;
mod mirror;
mod multiplexed;
mod peer;
mod pool;
mod replay;
mod resolve;
mod retry;
mod shared;
mod sharing;
mod socket;
mod state;
mod transmit;
mod transport;
mod upgraded;
mod wear;

pub use allow::{Allow, AllowError};
pub use balance::balancers;
pub use breaker::Bound;
pub use client::{HttpAnswer, HttpCall, HttpClient, HttpError, HttpErrorKind};
pub use error::{UpstreamError, UpstreamErrorKind};
pub use state::{Condition, Counter, Counters, TargetState, UpstreamState};
pub use upgraded::{Duplex, Raw, Upgraded};

use affinity::Wish;
use balance::{Group, Picked, Tried};
use delivery::Delivery;
use endpoint::Settings;
use mirror::Mirroring;
use pool::Pool;
use transport::Transport;

/// Name the access log shows for the built-in echo upstream.
const ECHO_ADDRESS: &str = "echo";

/// What one worker keeps between requests: connections, addresses and turns.
#[derive(Clone, Default)]
pub struct Upstreams {
    pool: Rc<Pool>,
    groups: Rc<RefCell<HashMap<Arc<str>, Known>>>,
    mirroring: Rc<Mirroring>,
}

/// The targets of an upstream, and what their connections are opened with.
struct Known {
    group: Rc<Group>,
    protocol: UpstreamProtocol,
    identity: Option<Arc<str>>,
}

/// An upstream with what chooses its targets, and what is known of them. Part of a generation.
#[derive(Debug)]
pub struct Destination {
    /// Its settings.
    pub upstream: config::Upstream,
    /// What chooses the target of a request.
    pub balancer: Arc<dyn Balancer>,
    /// TLS to the targets, if one of them is `https`.
    pub tls: Option<Arc<Client>>,
    /// What all workers know of it.
    pub state: Arc<UpstreamState>,
    /// Where copies of its requests go; that one mirrors nothing itself.
    pub mirror: Option<Arc<Destination>>,
}

/// Whose request is sent.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// The client's address.
    pub address: IpAddr,
    /// Both ends of its connection, as far as targets are told of them.
    pub ends: Option<Ends>,
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

    /// Sends the request of `caller` to a target of the upstream and waits for the head of the response.
    ///
    /// The URI must be in origin form and is sent as it is; `Host` must be set. `Content-Length` and
    /// `Transfer-Encoding` are set here from the body. Dropping the future ends the exchange and closes its
    /// connection. With `Upgrade` among its fields a request goes over a connection of HTTP/1.1. Must be called
    /// within a `LocalRuntime`.
    pub async fn deliver(
        &self,
        destination: &Destination,
        request: Request<ProxyBody>,
        caller: Caller,
    ) -> Result<Sent, UpstreamError> {
        let upstream = &destination.upstream;
        if matches!(upstream.kind, UpstreamKind::Echo) {
            return Self::echo(request).await;
        }
        let admitted = breaker::admit(&destination.state, Bound::Requests);
        let admitted =
            admitted.map_err(|fault| UpstreamError { detail: fault.detail, ..fault.kind.unsent() })?;
        let mirror = upstream.policies.mirror.as_ref().zip(destination.mirror.as_ref());
        let (request, copy) = match mirror {
            None => (request, None),
            Some((settings, _)) => self.copy_for_mirror(request, settings),
        };
        let outcome = self.deliver_to_targets(destination, request, caller).await;
        if let (Some(mirror), Some(copy)) = (mirror, copy) {
            self.mirror(copy, mirror, &destination.state.counters, caller);
        }
        let mut sent = outcome?;
        if let Some(admitted) = admitted {
            sent.response.body_mut().hold(Box::new(admitted));
        }
        Ok(sent)
    }

    async fn deliver_to_targets(
        &self,
        destination: &Destination,
        request: Request<ProxyBody>,
        caller: Caller,
    ) -> Result<Sent, UpstreamError> {
        let upstream = &destination.upstream;
        let settings = Settings::from(upstream);
        let group = self.group(destination);
        let affinity = upstream.policies.affinity.as_ref();
        let wish = Wish::of(&request, caller.address, (upstream.policies.hash.as_ref(), affinity));
        let delivery = Delivery::new(request, settings, upstream.into(), &self.pool.recorder);
        let ends = upstream.proxy_protocol.zip(caller.ends);
        let announced = ends.map(|(version, ends)| Announcement { version, ends });
        let mut delivery = delivery.within(&destination.state).announcing(announced);
        if let Some(retries) = &upstream.policies.retries {
            delivery.keep_body(retries);
            let rules = (&*group, retries, &destination.state);
            // In a box, like all that only some requests need: it would make the future of every request larger.
            let run = Box::pin(retry::Run::new(rules, settings, wish, delivery).finish());
            let (sent, picked) = run.await?;
            return Ok(sent.at_home(affinity, wish, &picked));
        }
        let mut tried = Tried::default();
        let mut last = UpstreamError::no_target();
        while let Some(picked) = group.pick(&mut tried, settings, (delivery.headers(), wish)) {
            let outcome = delivery.attempt(picked.endpoint).await;
            group.judge(&picked, &outcome);
            match outcome {
                Ok(sent) => return Ok(sent.at_home(affinity, wish, &picked)),
                Err(error) if delivery.may_go_elsewhere() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// A client for scripts' own calls, over the same connections, to the destinations `allow` names.
    pub fn client(&self, allow: Rc<Allow>, tls: Option<Arc<Client>>) -> HttpClient {
        HttpClient::new(Rc::clone(&self.pool), allow, tls)
    }

    /// Forgets the turns of upstreams that `configured` does not name. To be called after a reload.
    pub fn retain(&self, configured: &BTreeMap<Arc<str>, config::Upstream>) {
        self.groups.borrow_mut().retain(|name, _| configured.contains_key(name));
    }

    fn group(&self, destination: &Destination) -> Rc<Group> {
        let Destination { upstream, tls, .. } = destination;
        let identity = tls.as_ref().map(|tls| tls.identity());
        if let Some(known) = self.groups.borrow().get(&upstream.name)
            && known.group.is_for(destination)
            && known.protocol == upstream.protocol
            && known.identity.as_ref() == identity
        {
            return Rc::clone(&known.group);
        }
        let endpoint = |target: &Target| {
            let tls = tls.clone().filter(|_| target.tls);
            let transport = Transport { protocol: upstream.protocol, tls };
            self.pool.endpoint(&target.host, target.port, &transport)
        };
        let group = Rc::new(Group::new(destination, endpoint));
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

impl Sent {
    /// With the cookie that makes the client come back, unless it has come by it.
    fn at_home(mut self, affinity: Option<&Affinity>, wish: Wish, picked: &Picked<'_>) -> Self {
        if let Some(affinity) = affinity
            && wish.home != Some(picked.id)
            && let Some(cookie) = affinity::set_cookie(affinity, picked.id)
        {
            self.response.headers_mut().append(SET_COOKIE, cookie);
        }
        self
    }
}

#[cfg(test)]
mod tests;
