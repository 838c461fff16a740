//! Copies of requests for a second upstream.

use std::sync::Arc;

use super::*;
use crate::config::Mirror;

/// An upstream at one port, with another one that gets copies.
fn mirrored(port: u16, to: u16, change: impl FnOnce(&mut Mirror)) -> Destination {
    let mut shadow = upstream(&[to]);
    shadow.name = "shadow".into();
    let mut upstream = upstream(&[port]);
    let mut mirror = Mirror { to: "shadow".into(), percent: 100, in_flight_max: 1, body_bytes_max: 10 };
    change(&mut mirror);
    upstream.policies.mirror = Some(mirror);
    Destination { mirror: Some(Arc::new(destination(&shadow))), ..destination(&upstream) }
}

async fn send(upstreams: &Upstreams, to: &Destination, request: Request<ProxyBody>) -> String {
    text(upstreams.deliver(to, request, CALLER).await.unwrap()).await
}

/// Counts of what was copied, and of what was not.
fn copied(to: &Destination) -> (u64, u64) {
    (to.state.counters.mirrored.get(), to.state.counters.mirror_skipped.get())
}

#[tokio::test(flavor = "local")]
async fn a_copy_is_sent_and_its_answer_thrown_away() {
    let (server, shadow) = (friendly().await, friendly().await);
    let to = mirrored(server.port, shadow.port, |mirror| mirror.in_flight_max = 10);
    let upstreams = Upstreams::new();
    let (source, body) = streamed("payload").await;
    assert_eq!(send(&upstreams, &to, request(Method::POST, body)).await, "ok");
    assert_eq!(send(&upstreams, &to, get()).await, "ok");
    shadow.received(2).await;
    assert_eq!(copied(&to), (2, 0));
    let heads = shadow.requests();
    assert!(heads.contains(&"POST /path?query HTTP/1.1".to_owned()), "{heads:?}");
    drop(source);
}

#[tokio::test(flavor = "local")]
async fn what_would_cost_too_much_is_not_copied() {
    let server = friendly().await;
    // Takes requests and never answers.
    let shadow = Server::start(async |mut peer: Peer| while peer.request().await.is_some() {}).await;
    let to = mirrored(server.port, shadow.port, |_| {});
    let upstreams = Upstreams::new();
    let (_source, large) = streamed("more than ten bytes").await;
    assert_eq!(send(&upstreams, &to, request(Method::POST, large)).await, "ok");
    assert_eq!(copied(&to), (0, 1), "the body is too large");
    assert_eq!(send(&upstreams, &to, get()).await, "ok");
    shadow.received(1).await;
    assert_eq!(send(&upstreams, &to, get()).await, "ok", "nobody waits for the mirror");
    assert_eq!(copied(&to), (1, 2), "one is under way already");
    let some = mirrored(server.port, shadow.port, |mirror| mirror.percent = 0);
    assert_eq!(send(&upstreams, &some, get()).await, "ok");
    assert_eq!(copied(&some), (0, 0), "not one of the share");
}

/// A body that comes in chunks from a server, which must live as long as it.
async fn streamed(data: &'static str) -> (Server, ProxyBody) {
    let source = Server::start(async move |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        peer.send(&format!("{:x}\r\n{data}\r\n0\r\n\r\n", data.len())).await;
        peer.closed().await;
    })
    .await;
    let mut from = upstream(&[source.port]);
    from.name = "source".into();
    let body = Upstreams::new().send(&from, get()).await.unwrap().response.into_body();
    (source, body)
}
