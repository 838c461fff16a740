//! Targets that refuse, stall, reset or talk nonsense.

use super::*;

async fn refused_port() -> u16 {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

async fn error_of(answer: &'static str) -> UpstreamError {
    let server = Server::start(async move |mut peer: Peer| {
        peer.request().await;
        peer.send(answer).await;
    })
    .await;
    let upstreams = Upstreams::new();
    let error = upstreams.send(&upstream(&[server.port]), get()).await.expect_err(answer);
    assert_eq!(upstreams.counts(server.port), (0, 0), "the connection is not kept after {answer:?}");
    assert_eq!(server.requests().len(), 1);
    error
}

#[tokio::test(flavor = "local")]
async fn a_target_that_refuses_is_passed_over() {
    let server = friendly().await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[refused_port().await, server.port]));
    for _ in 0..4 {
        let sent = upstreams.send(&upstream, post()).await.unwrap();
        assert_eq!(sent.attempts, 1, "a refused connection has taken nothing");
        text(sent).await;
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test(flavor = "local")]
async fn each_target_is_tried_before_giving_up() {
    let ports = [refused_port().await, refused_port().await, refused_port().await];
    let upstreams = Upstreams::new();
    // the second time all of them are passed over, and tried nevertheless
    for _ in 0..2 {
        let error = upstreams.send(&upstream(&ports), get()).await.unwrap_err();
        assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::Connect, 0));
        assert_eq!((error.status(), error.end_reason().code()), (StatusCode::BAD_GATEWAY, "connect"));
    }
    assert!(ports.iter().all(|&port| upstreams.counts(port) == (0, 0)));
}

#[tokio::test(flavor = "local")]
async fn an_upstream_without_targets_is_unavailable() {
    let error = Upstreams::new().send(&upstream(&[]), get()).await.unwrap_err();
    assert_eq!((error.kind, error.status()), (UpstreamErrorKind::NoTarget, StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test(flavor = "local")]
async fn a_name_is_resolved() {
    let server = friendly().await;
    let mut upstream = upstream(&[]);
    upstream.kind = UpstreamKind::Targets(vec![Target {
        host: "localhost".to_owned(),
        port: server.port,
        tls: false,
        weight: 1,
    }]);
    let sent = Upstreams::new().send(&upstream, get()).await.unwrap();
    assert_eq!(&*sent.address, format!("127.0.0.1:{}", server.port));
}

#[tokio::test(flavor = "local")]
async fn an_answer_cut_within_its_head_is_a_reset() {
    for cut in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let error = error_of(cut).await;
        assert_eq!(error.kind, UpstreamErrorKind::Reset, "{cut:?}");
        assert_eq!(error.end_reason().code(), "upstream_reset");
    }
}

#[tokio::test(flavor = "local")]
async fn an_answer_that_is_not_http_is_a_bad_response() {
    let bad = [
        "garbage\r\n\r\n",
        "HTTP/1.1 99999 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    ];
    for answer in bad {
        let error = error_of(answer).await;
        assert_eq!(error.kind, UpstreamErrorKind::BadResponse, "{answer:?}: {error}");
        assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
    }
}

#[tokio::test(flavor = "local")]
async fn a_body_that_breaks_off_is_an_error_and_not_a_short_body() {
    let cases = [
        ("content-length: 10\r\n\r\nhalf", BodyFault::Gone),
        ("transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", BodyFault::Gone),
        ("transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n", BodyFault::Malformed),
    ];
    for (rest, fault) in cases {
        let server = Server::start(async move |mut peer: Peer| {
            peer.request().await;
            peer.send(&format!("HTTP/1.1 200 OK\r\n{rest}")).await;
        })
        .await;
        let sent = Upstreams::new().send(&upstream(&[server.port]), get()).await.unwrap();
        let mut body = sent.response.into_body();
        let ends = record_end(&mut body);
        let error = body.collect(u64::MAX).await.expect_err(rest);
        assert_eq!((error.side, error.fault), (Side::Upstream, fault), "{rest:?}");
        assert_eq!(*ends.borrow(), [BodyEnd { bytes: 4, outcome: Outcome::Failed(error) }]);
    }
}

#[tokio::test(flavor = "local")]
async fn a_reset_within_the_body_is_an_error() {
    let server = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        peer.head().await;
        peer.reset();
    })
    .await;
    let upstreams = Upstreams::new();
    let mut sent = upstreams.send(&upstream(&[server.port]), get()).await.unwrap();
    assert_eq!(sent.response.body_mut().next_data().await.unwrap().unwrap(), "half");
    drop(server);
    let error = sent.response.body_mut().next_data().await.unwrap_err();
    assert_eq!((error.status(), error.end_reason().code()), (StatusCode::BAD_GATEWAY, "upstream_gone"));
    assert_eq!(sent.response.into_body().collect(u64::MAX).await, Err(error), "it stays failed");
}

#[tokio::test(flavor = "local")]
async fn an_early_answer_is_passed_on_and_its_connection_closed() {
    let server = Server::start(async |mut peer: Peer| {
        peer.head().await;
        peer.send("HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nearly").await;
        peer.closed().await;
    })
    .await;
    let upstreams = Upstreams::new();
    let (_source, upload) = unfinished_body(&upstreams, "first", 100).await;
    let sent = upstreams.send(&upstream(&[server.port]), request(Method::POST, upload)).await.unwrap();
    assert_eq!(sent.response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text(sent).await, "early");
    assert_eq!(upstreams.counts(server.port), (0, 0));
    server.closed(1).await;
}

#[tokio::test(flavor = "local")]
async fn a_request_body_that_breaks_off_is_not_the_upstreams_fault() {
    let server = friendly().await;
    let upstreams = Upstreams::new();
    let (source, upload) = unfinished_body(&upstreams, "first", 100).await;
    drop(source);
    let error = upstreams.send(&upstream(&[server.port]), request(Method::POST, upload)).await.unwrap_err();
    let UpstreamErrorKind::RequestBody(body) = error.kind else { panic!("{error}") };
    assert_eq!(body.fault, BodyFault::Gone);
    server.closed(1).await;
    assert!(server.requests().is_empty(), "the upstream never saw a complete request");
}

#[tokio::test(flavor = "local")]
async fn framing_follows_the_body_and_not_the_header_fields() {
    let server = friendly().await;
    let (upstreams, upstream) = (Upstreams::new(), upstream(&[server.port]));
    let mut lying = request(Method::POST, ProxyBody::empty());
    lying.headers_mut().insert("content-length", "100".parse().unwrap());
    upstreams.send(&upstream, lying).await.unwrap();
    assert!(server.last_request().contains("content-length: 0\r\n"), "{}", server.last_request());

    let mut lying = post();
    lying.headers_mut().insert("transfer-encoding", "chunked".parse().unwrap());
    lying.headers_mut().insert("content-length", "3".parse().unwrap());
    *lying.version_mut() = http::Version::HTTP_10;
    upstreams.send(&upstream, lying).await.unwrap();
    let seen = server.last_request();
    assert!(seen.contains("HTTP/1.1\r\n") && seen.contains("content-length: 7\r\n"), "{seen}");
    assert!(!seen.contains("transfer-encoding"), "{seen}");

    let source = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ndata\r\n0\r\n\r\n").await;
    })
    .await;
    let from = super::upstream(&[source.port]);
    let chunked = upstreams.send(&from, get()).await.unwrap().response.into_body();
    upstreams.send(&upstream, request(Method::GET, chunked)).await.unwrap();
    assert!(server.last_request().ends_with("\r\n\r\n4\r\ndata\r\n0\r\n\r\n"), "{}", server.last_request());
}
