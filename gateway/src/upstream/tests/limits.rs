//! Time limits, caps on connections, and the queue.

use super::*;

const SHORT: Duration = Duration::from_millis(20);

/// Takes requests and never answers.
async fn silent() -> Server {
    Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.closed().await;
    })
    .await
}

#[tokio::test(flavor = "local")]
async fn an_upstream_that_does_not_answer_times_out() {
    let server = silent().await;
    let mut upstream = upstream(&[server.port]);
    upstream.response_timeout = SHORT;
    let upstreams = Upstreams::new();
    let error = upstreams.send(&upstream, get()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::ResponseTimeout, 1));
    assert_eq!(
        (error.status(), error.end_reason().code()),
        (StatusCode::GATEWAY_TIMEOUT, "response_timeout")
    );
    server.closed(1).await;
    assert_eq!(upstreams.counts(server.port), (0, 0));
}

#[tokio::test(flavor = "local")]
async fn a_used_connection_times_out_like_a_new_one() {
    let server = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send(OK).await;
        peer.request().await;
        peer.send("HTTP/1.1 103 Early Hints\r\n\r\n").await;
        peer.closed().await;
    })
    .await;
    let mut upstream = upstream(&[server.port]);
    upstream.response_timeout = SHORT;
    let upstreams = Upstreams::new();
    text(upstreams.send(&upstream, get()).await.unwrap()).await;
    let error = upstreams.send(&upstream, get()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::ResponseTimeout, 1), "not sent again");
}

#[tokio::test(flavor = "local")]
async fn the_wait_for_an_answer_starts_after_the_upload() {
    let upstreams = Upstreams::new();
    let server = silent().await;
    let mut upstream = upstream(&[server.port]);
    upstream.response_timeout = SHORT;
    let (_source, mut upload) = unfinished_body(&upstreams, "first", 100).await;
    let progress = upload.watch().unwrap();
    let sending = upstreams.send(&upstream, request(Method::POST, upload));
    let waited = tokio::time::timeout(SHORT * 4, sending).await;
    assert!(waited.is_err(), "the client is the slow one: {waited:?}");
    assert_eq!(progress.bytes(), 5, "readable after the body has gone");
}

#[tokio::test(flavor = "local")]
async fn an_upstream_that_stops_reading_the_request_times_out() {
    let endless = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await;
        let piece = "x".repeat(1 << 20);
        for _ in 0..900 {
            peer.send(&piece).await;
        }
    })
    .await;
    let server = Server::start(async |mut peer: Peer| {
        peer.head().await;
        std::future::pending::<()>().await;
    })
    .await;
    let upstreams = Upstreams::new();
    let mut stuck = upstream(&[server.port]);
    stuck.body_timeout = SHORT;
    let upload = upstreams.send(&upstream(&[endless.port]), get()).await.unwrap().response.into_body();
    let error = upstreams.send(&stuck, request(Method::POST, upload)).await.unwrap_err();
    assert_eq!((error.kind, error.status()), (UpstreamErrorKind::Unread, StatusCode::GATEWAY_TIMEOUT));
}

#[tokio::test(flavor = "local")]
async fn a_response_that_stalls_within_its_body_fails() {
    let server = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        peer.closed().await;
    })
    .await;
    let mut upstream = upstream(&[server.port]);
    upstream.body_timeout = SHORT;
    let upstreams = Upstreams::new();
    let mut body = upstreams.send(&upstream, get()).await.unwrap().response.into_body();
    assert_eq!(body.next_data().await.unwrap().unwrap(), "half");
    let error = body.next_data().await.unwrap_err();
    assert_eq!((error.fault, error.status()), (BodyFault::Stalled, StatusCode::GATEWAY_TIMEOUT));
    server.closed(1).await;
    assert_eq!(upstreams.counts(server.port), (0, 0), "failing is enough; the body need not be dropped");
}

#[tokio::test(flavor = "local")]
async fn idle_connections_are_closed_when_their_time_has_come() {
    let server = friendly().await;
    let mut upstream = upstream(&[server.port]);
    upstream.idle_timeout = SHORT;
    let upstreams = Upstreams::new();
    for count in 1..=2 {
        text(upstreams.send(&upstream, get()).await.unwrap()).await;
        server.closed(count).await;
        assert_eq!(upstreams.counts(server.port), (0, 0));
    }
}

#[tokio::test(flavor = "local")]
async fn no_more_idle_connections_are_kept_than_allowed() {
    let server = friendly().await;
    let mut upstream = upstream(&[server.port]);
    upstream.idle_max = 1;
    let upstreams = Upstreams::new();
    let (first, second) = tokio::join!(upstreams.send(&upstream, get()), upstreams.send(&upstream, get()));
    text(first.unwrap()).await;
    text(second.unwrap()).await;
    assert_eq!((server.connections(), upstreams.counts(server.port)), (2, (1, 1)));
    server.closed(1).await;
}

#[tokio::test(flavor = "local")]
async fn a_request_waits_for_a_busy_connection_and_gets_it() {
    let server = Server::start(async |mut peer: Peer| {
        while peer.request().await.is_some() {
            peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
        }
    })
    .await;
    let mut upstream = upstream(&[server.port]);
    upstream.connections_max = 1;
    let upstreams = Upstreams::new();
    let first = upstreams.send(&upstream, get()).await.unwrap();
    let finish_first = async {
        tokio::task::yield_now().await;
        text(first).await
    };
    let (second, _) = tokio::join!(upstreams.send(&upstream, get()), finish_first);
    assert!(second.unwrap().reused, "the connection is handed over");
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "local")]
async fn a_connection_that_closes_makes_room_for_a_new_one() {
    let server = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
    })
    .await;
    let mut upstream = upstream(&[server.port]);
    upstream.connections_max = 1;
    let upstreams = Upstreams::new();
    let first = upstreams.send(&upstream, get()).await.unwrap();
    let finish_first = async {
        tokio::task::yield_now().await;
        text(first).await
    };
    let (second, first) = tokio::join!(upstreams.send(&upstream, get()), finish_first);
    assert_eq!((first.as_str(), text(second.unwrap()).await.as_str()), ("until the end", "until the end"));
    assert_eq!((server.connections(), upstreams.counts(server.port)), (2, (0, 0)));
}

#[tokio::test(flavor = "local")]
async fn the_queue_is_bounded_in_length_and_time() {
    let upstreams = Upstreams::new();
    let (source, _busy) = unfinished_body(&upstreams, "first", 100).await;
    let mut upstream = upstream(&[source.port]);
    upstream.connections_max = 1;
    upstream.queue_timeout = SHORT;
    let send = || upstreams.send(&upstream, get());
    let (a, b, c, d, fifth) = tokio::join!(send(), send(), send(), send(), send());
    let fifth = fifth.unwrap_err();
    assert_eq!((fifth.kind, fifth.status()), (UpstreamErrorKind::QueueFull, StatusCode::SERVICE_UNAVAILABLE));
    for waited in [a, b, c, d] {
        let error = waited.unwrap_err();
        assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::QueueTimeout, 0));
        assert_eq!(
            (error.status(), error.end_reason().code()),
            (StatusCode::SERVICE_UNAVAILABLE, "queue_timeout")
        );
    }
    let again = send().await.unwrap_err();
    assert_eq!(again.kind, UpstreamErrorKind::QueueTimeout, "those that gave up hold no place");
    assert_eq!(source.connections(), 1);
}

#[tokio::test(flavor = "local")]
async fn a_saturated_target_is_passed_over_while_another_is_free() {
    let upstreams = Upstreams::new();
    let (source, _busy) = unfinished_body(&upstreams, "first", 100).await;
    let server = friendly().await;
    let mut upstream = upstream(&[source.port, server.port]);
    upstream.connections_max = 1;
    for _ in 0..4 {
        text(upstreams.send(&upstream, get()).await.unwrap()).await;
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test(flavor = "local")]
async fn a_request_given_up_by_its_caller_leaves_nothing_behind() {
    let server = silent().await;
    let upstream = upstream(&[server.port]);
    let upstreams = Upstreams::new();
    assert!(tokio::time::timeout(SHORT, upstreams.send(&upstream, get())).await.is_err());
    server.closed(1).await;
    assert_eq!(upstreams.counts(server.port), (0, 0));
}

#[tokio::test(flavor = "local")]
async fn a_target_out_of_use_is_forgotten_when_its_connections_have_closed() {
    let (old, new, newest) = (friendly().await, friendly().await, friendly().await);
    let upstreams = Upstreams::new();
    let send = async |server: &Server| {
        let mut upstream = upstream(&[server.port]);
        upstream.idle_timeout = SHORT;
        text(upstreams.send(&upstream, get()).await.unwrap()).await;
    };
    send(&old).await;
    send(&new).await;
    assert!(upstreams.pool.knows(&format!("127.0.0.1:{}", old.port)));
    old.closed(1).await;
    send(&newest).await;
    assert!(!upstreams.pool.knows(&format!("127.0.0.1:{}", old.port)));
}
