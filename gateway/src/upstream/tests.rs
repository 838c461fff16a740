//! The upstream side against small real servers on loopback.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};

use super::transport::Transport;
use super::{Caller, Destination, Sent, UpstreamError, UpstreamErrorKind, UpstreamState, Upstreams};
use crate::body::{BodyEnd, BodyFault, Outcome, ProxyBody, Side};
use crate::config::{Policies, Target, Upstream, UpstreamKind, UpstreamProtocol, UpstreamTls};

mod bounds;
mod dns;
mod ending;
mod failures;
mod limits;
mod mirrors;
mod retries;
mod reuse;
mod scripts;
mod server;

use server::{Peer, Server};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Whoever asks.
const CALLER: Caller = Caller { address: IpAddr::V4(Ipv4Addr::LOCALHOST), ends: None };

impl Upstreams {
    /// Sends a request by the built-in balancer.
    async fn send(&self, upstream: &Upstream, request: Request<ProxyBody>) -> Result<Sent, UpstreamError> {
        let known = self.groups.borrow().get(&upstream.name).map(|known| known.group.state.clone());
        let mut destination = destination(upstream);
        destination.state = UpstreamState::of(upstream, known.as_ref());
        self.deliver(&destination, request, CALLER).await
    }
}

/// An upstream as a generation has it.
pub(super) fn destination(upstream: &Upstream) -> Destination {
    let registry = crate::component::Registry::builtin();
    let balancer = registry.balancer(&upstream.balance).unwrap().create(&upstream.name).unwrap();
    Destination {
        upstream: upstream.clone(),
        balancer,
        tls: None,
        state: UpstreamState::of(upstream, None),
        mirror: None,
    }
}

/// An upstream with limits that no healthy test meets.
pub(super) fn upstream(ports: &[u16]) -> Upstream {
    let target = |&port: &u16| Target { host: "127.0.0.1".to_owned(), port, tls: false, weight: 1 };
    Upstream {
        name: "test".into(),
        kind: UpstreamKind::Targets(ports.iter().map(target).collect()),
        connect_timeout: Duration::from_secs(30),
        response_timeout: Duration::from_secs(30),
        body_timeout: Duration::from_secs(30),
        connections_max: 100,
        idle_max: 100,
        idle_timeout: Duration::from_secs(30),
        queue_timeout: Duration::from_secs(30),
        preserve_host: true,
        protocol: UpstreamProtocol::Auto,
        tls: UpstreamTls::default(),
        proxy_protocol: None,
        upgrades: Vec::new(),
        upgrade_idle_timeout: Duration::from_secs(30),
        balance: "round_robin".into(),
        policies: Policies::default(),
        location: None,
    }
}

fn request(method: Method, body: ProxyBody) -> Request<ProxyBody> {
    Request::builder().method(method).uri("/path?query").header("host", "test").body(body).unwrap()
}

fn get() -> Request<ProxyBody> {
    request(Method::GET, ProxyBody::empty())
}

fn post() -> Request<ProxyBody> {
    request(Method::POST, ProxyBody::full(Bytes::from_static(b"payload")))
}

async fn text(sent: Sent) -> String {
    String::from_utf8(sent.response.into_body().collect(u64::MAX).await.unwrap().to_vec()).unwrap()
}

/// The next server that answers 200 to whatever comes.
async fn friendly() -> Server {
    Server::start(async |mut peer: Peer| {
        while peer.request().await.is_some() {
            peer.send(OK).await;
        }
    })
    .await
}

/// A body that streams from a server: `first` comes at once, the rest of the declared `length` never.
/// The server must live as long as the body is to stay open.
async fn unfinished_body(upstreams: &Upstreams, first: &'static str, length: usize) -> (Server, ProxyBody) {
    let source = Server::start(async move |mut peer: Peer| {
        peer.request().await;
        peer.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{first}")).await;
        peer.closed().await;
    })
    .await;
    let mut from = upstream(&[source.port]);
    from.name = "source".into();
    let body = upstreams.send(&from, get()).await.unwrap().response.into_body();
    (source, body)
}

/// Records how a body ends.
fn record_end(body: &mut ProxyBody) -> Rc<RefCell<Vec<BodyEnd>>> {
    let ends: Rc<RefCell<Vec<BodyEnd>>> = Rc::default();
    let seen = Rc::clone(&ends);
    body.on_end(move |end| seen.borrow_mut().push(end));
    ends
}

impl Upstreams {
    /// Connections to a port of loopback: all of them, and idle ones.
    fn counts(&self, port: u16) -> (usize, usize) {
        self.pool.endpoint("127.0.0.1", port, &Transport::default()).counts()
    }
}
