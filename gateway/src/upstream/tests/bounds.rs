//! Circuit breakers, and the wear of connections.

use super::*;
use crate::config::Breakers;
use crate::upstream::Bound;

fn bounded(port: u16, breakers: Breakers) -> Upstream {
    let mut upstream = upstream(&[port]);
    upstream.policies.breakers = breakers;
    upstream
}

/// A server that begins its answers and leaves them open until the connection is closed.
async fn endless() -> Server {
    Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegin").await;
        peer.closed().await;
    })
    .await
}

impl Upstreams {
    fn under_way(&self, bound: Bound) -> u32 {
        self.groups.borrow().values().next().unwrap().group.state.under_way(bound)
    }
}

#[tokio::test(flavor = "local")]
async fn requests_beyond_the_bound_are_refused_at_once_until_an_answer_is_over() {
    let server = endless().await;
    let upstream = bounded(server.port, Breakers { requests_max: Some(1), ..Breakers::default() });
    let upstreams = Upstreams::new();
    let first = upstreams.send(&upstream, get()).await.unwrap();
    let error = upstreams.send(&upstream, get()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::Breaker(Bound::Requests), 0));
    assert_eq!((error.status().as_u16(), error.end_reason().code()), (503, "breaker_requests"));
    assert_eq!(error.to_string(), "too many requests at the upstream: at most 1 requests");
    drop(first);
    assert_eq!(upstreams.under_way(Bound::Requests), 0);
    assert!(upstreams.send(&upstream, get()).await.is_ok());
}

#[tokio::test(flavor = "local")]
async fn connections_are_counted_until_they_are_closed() {
    let server = endless().await;
    let upstream = bounded(server.port, Breakers { connections_max: Some(1), ..Breakers::default() });
    let upstreams = Upstreams::new();
    let first = upstreams.send(&upstream, get()).await.unwrap();
    let error = upstreams.send(&upstream, get()).await.unwrap_err();
    assert_eq!(
        (error.kind, error.end_reason().code()),
        (UpstreamErrorKind::Breaker(Bound::Connections), "breaker_connections")
    );
    assert_eq!(upstreams.counts(server.port), (1, 0), "the refused one holds no place");
    drop(first);
    assert_eq!(upstreams.under_way(Bound::Connections), 0);
    assert!(upstreams.send(&upstream, get()).await.is_ok());
}

#[tokio::test(flavor = "local")]
async fn no_more_requests_wait_than_may() {
    let server = endless().await;
    let mut upstream = bounded(server.port, Breakers { pending_max: Some(1), ..Breakers::default() });
    upstream.connections_max = 1;
    let upstreams = Upstreams::new();
    let first = upstreams.send(&upstream, get()).await.unwrap();
    let waits = upstreams.send(&upstream, get());
    let refused = async {
        // polled after the one that waits
        let error = upstreams.send(&upstream, get()).await.unwrap_err();
        assert_eq!(error.kind, UpstreamErrorKind::Breaker(Bound::Pending));
        drop(first);
    };
    let (waited, ()) = tokio::join!(biased; waits, refused);
    assert!(waited.is_ok());
    assert_eq!(upstreams.under_way(Bound::Pending), 0);
}

#[tokio::test(flavor = "local")]
async fn worn_connections_are_closed_instead_of_kept() {
    let server = friendly().await;
    let upstreams = Upstreams::new();
    let mut few = upstream(&[server.port]);
    few.policies.connection_requests_max = Some(2);
    for _ in 0..4 {
        text(upstreams.send(&few, get()).await.unwrap()).await;
    }
    assert_eq!(server.connections(), 2);
    let mut young = upstream(&[server.port]);
    young.policies.connection_age_max = Some(Duration::from_nanos(1));
    for _ in 0..2 {
        text(upstreams.send(&young, post()).await.unwrap()).await;
    }
    assert_eq!(server.connections(), 4, "none is young enough to be used again");
}
