//! Which connections are used again, and what becomes of those that died meanwhile.

use super::*;

async fn one_connection_serves(answer: &'static str, method: Method) {
    let server = Server::start(async move |mut peer: Peer| {
        while peer.request().await.is_some() {
            peer.send(answer).await;
        }
    })
    .await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[server.port]));
    for turn in 0..3 {
        let sent = upstreams.send(&upstream, request(method.clone(), ProxyBody::empty())).await.unwrap();
        assert_eq!((sent.reused, sent.attempts), (turn > 0, 1));
        assert_eq!(&*sent.address, format!("127.0.0.1:{}", server.port));
        text(sent).await;
    }
    assert_eq!((server.connections(), upstreams.counts(server.port)), (1, (1, 1)), "{method} {answer}");
}

#[tokio::test(flavor = "local")]
async fn a_connection_is_used_again_whatever_the_framing() {
    one_connection_serves(OK, Method::GET).await;
    one_connection_serves(OK, Method::POST).await;
    one_connection_serves("HTTP/1.1 204 No Content\r\n\r\n", Method::GET).await;
    one_connection_serves("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", Method::GET).await;
    one_connection_serves("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", Method::HEAD).await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nok!\r\n0\r\n\r\n";
    one_connection_serves(chunked, Method::GET).await;
    one_connection_serves(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        Method::PUT,
    )
    .await;
}

#[tokio::test(flavor = "local")]
async fn a_large_response_gives_its_connection_back_when_it_has_been_read() {
    let server = Server::start(async |mut peer: Peer| {
        while peer.request().await.is_some() {
            peer.send(&format!(
                "HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n{}",
                "x".repeat(3_000_000)
            ))
            .await;
        }
    })
    .await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[server.port]));
    for _ in 0..3 {
        let sent = upstreams.send(&upstream, get()).await.unwrap();
        assert_eq!(upstreams.counts(server.port), (1, 0), "in use while the body is unread");
        assert_eq!(text(sent).await.len(), 3_000_000);
        assert_eq!(upstreams.counts(server.port), (1, 1));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "local")]
async fn a_response_dropped_half_read_closes_its_connection() {
    let upstreams = Upstreams::new();
    let (source, mut body) = unfinished_body(&upstreams, "first", 100).await;
    let ends = record_end(&mut body);
    assert_eq!(body.next_data().await.unwrap().unwrap(), "first");
    drop(body);
    assert_eq!(*ends.borrow(), [BodyEnd { bytes: 5, outcome: Outcome::Dropped }]);
    source.closed(1).await;
    assert_eq!(upstreams.counts(source.port), (0, 0));
}

#[tokio::test(flavor = "local")]
async fn a_response_that_says_close_is_the_last_of_its_connection() {
    let server = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
        peer.closed().await;
    })
    .await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[server.port]));
    for count in 1..=3 {
        assert_eq!(text(upstreams.send(&upstream, get()).await.unwrap()).await, "ok");
        server.closed(count).await;
    }
    assert_eq!((server.connections(), upstreams.counts(server.port)), (3, (0, 0)));
}

#[tokio::test(flavor = "local")]
async fn no_request_is_lost_or_doubled_when_the_peer_closes_idle_connections() {
    // closes after each answer without announcing it
    let server = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send(OK).await;
    })
    .await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[server.port]));
    for count in 1..=200 {
        let request = if count % 2 == 0 { get() } else { post() };
        assert_eq!(text(upstreams.send(&upstream, request).await.unwrap()).await, "ok");
        server.closed(count).await;
    }
    assert_eq!((server.requests().len(), server.connections()), (200, 200));
}

/// Answers the first request of its life, and closes at every later one without an answer.
async fn answers_once() -> Server {
    Server::start(async |mut peer: Peer| {
        peer.request().await;
        if peer.index == 0 {
            peer.send(OK).await;
            peer.request().await;
        }
    })
    .await
}

/// Answers on every connection once, then closes at the second request without an answer.
async fn answers_once_per_connection() -> Server {
    Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send(OK).await;
        peer.request().await;
    })
    .await
}

#[tokio::test(flavor = "local")]
async fn an_idempotent_request_is_sent_again_when_its_idle_connection_dies_under_it() {
    let server = answers_once_per_connection().await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[server.port]));
    text(upstreams.send(&upstream, get()).await.unwrap()).await;
    let body = ProxyBody::full(Bytes::from_static(b"put this"));
    let sent = upstreams.send(&upstream, request(Method::PUT, body)).await.unwrap();
    assert_eq!((sent.attempts, sent.reused), (2, false));
    assert_eq!(text(sent).await, "ok");
    assert_eq!(server.requests().len(), 3, "first request, lost try, repeated try");
    assert!(server.last_request().ends_with("\r\n\r\nput this"), "{}", server.last_request());
    assert!(server.last_request().contains("host: test\r\n"), "{}", server.last_request());
}

#[tokio::test(flavor = "local")]
async fn the_target_gets_its_own_host_unless_the_clients_is_to_be_kept() {
    let server = answers_once_per_connection().await;
    let (upstreams, mut upstream) = (Upstreams::new(), upstream(&[server.port]));
    text(upstreams.send(&upstream, get()).await.unwrap()).await;
    assert!(server.last_request().contains("host: test\r\n"), "{}", server.last_request());
    upstream.preserve_host = false;
    text(upstreams.send(&upstream, get()).await.unwrap()).await;
    let own = format!("host: 127.0.0.1:{}\r\n", server.port);
    assert!(server.last_request().contains(&own), "{}", server.last_request());
}

#[tokio::test(flavor = "local")]
async fn it_is_repeated_once_only() {
    let server = answers_once().await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[server.port]));
    text(upstreams.send(&upstream, get()).await.unwrap()).await;
    let error = upstreams.send(&upstream, get()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::Reset, 2));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test(flavor = "local")]
async fn a_request_over_a_new_connection_is_not_repeated() {
    let server = Server::start(async |mut peer: Peer| drop(peer.request().await)).await;
    let error = Upstreams::new().send(&upstream(&[server.port]), get()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::Reset, 1));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(flavor = "local")]
async fn a_post_is_never_sent_twice() {
    let server = answers_once_per_connection().await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[server.port]));
    text(upstreams.send(&upstream, get()).await.unwrap()).await;
    let error = upstreams.send(&upstream, post()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::Reset, 1));
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(server.requests(), ["GET /path?query HTTP/1.1", "POST /path?query HTTP/1.1"]);
}

#[tokio::test(flavor = "local")]
async fn connections_survive_a_changed_configuration() {
    let (first, second) = (friendly().await, friendly().await);
    let upstreams = Upstreams::new();
    let (old, new) = (upstream(&[first.port]), upstream(&[second.port]));
    for configured in [&old, &new, &old, &new] {
        text(upstreams.send(configured, get()).await.unwrap()).await;
    }
    assert_eq!((first.requests().len(), second.requests().len()), (2, 2));
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

#[tokio::test(flavor = "local")]
async fn dropping_the_pool_closes_its_connections() {
    let server = friendly().await;
    let upstreams = Upstreams::new();
    text(upstreams.send(&upstream(&[server.port]), get()).await.unwrap()).await;
    drop(upstreams);
    server.closed(1).await;
}
