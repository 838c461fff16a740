//! Scripts' own calls.

use http::HeaderMap;

use super::*;
use crate::upstream::{Allow, HttpCall, HttpClient, HttpErrorKind};

fn client(upstreams: &Upstreams, allow: &[&str]) -> HttpClient {
    let list: Vec<String> = allow.iter().map(|&text| text.to_owned()).collect();
    upstreams.client(Rc::new(Allow::parse(&list).unwrap()), None)
}

fn call(url: &str) -> HttpCall {
    HttpCall {
        method: Method::GET,
        url: url.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(30),
        response_bytes_max: 1000,
    }
}

#[tokio::test(flavor = "local")]
async fn a_call_sends_what_it_was_given_and_reuses_connections() {
    let server = friendly().await;
    let client = client(&Upstreams::new(), &["localhost"]);
    for _ in 0..2 {
        let mut call = call(&format!("http://LocalHost:{}/a?b=c", server.port));
        call.method = Method::POST;
        call.headers.insert("x-own", "1".parse().unwrap());
        call.headers.insert("host", "elsewhere".parse().unwrap());
        call.headers.insert("transfer-encoding", "chunked".parse().unwrap());
        call.body = Bytes::from_static(b"data");
        let answer = client.call(call).await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"ok"[..]));
        assert_eq!(answer.headers["content-length"], "2");
    }
    let seen = server.last_request();
    assert!(seen.starts_with("POST /a?b=c HTTP/1.1\r\n") && seen.ends_with("\r\n\r\ndata"), "{seen}");
    assert!(seen.contains(&format!("host: LocalHost:{}\r\n", server.port)), "{seen}");
    assert!(seen.contains("x-own: 1\r\n") && seen.contains("content-length: 4\r\n"), "{seen}");
    assert!(!seen.contains("elsewhere") && !seen.contains("chunked"), "{seen}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test(flavor = "local")]
async fn a_redirect_is_an_answer_like_any_other() {
    let server = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n").await;
    })
    .await;
    let client = client(&Upstreams::new(), &["127.0.0.1"]);
    let answer = client.call(call(&format!("http://127.0.0.1:{}/a", server.port))).await.unwrap();
    assert_eq!((answer.status, server.requests().len()), (StatusCode::FOUND, 1));
}

#[tokio::test(flavor = "local")]
async fn destinations_that_are_not_listed_are_refused_without_connecting() {
    let server = friendly().await;
    let upstreams = Upstreams::new();
    // a connection that the data plane opened is no way around the list
    text(upstreams.send(&upstream(&[server.port]), get()).await.unwrap()).await;
    let cases = [(vec![], "127.0.0.1"), (vec!["0.0.0.0/0"], "127.0.0.1"), (vec!["0.0.0.0/0"], "localhost")];
    for (allow, host) in cases {
        let client = client(&upstreams, &allow);
        let error = client.call(call(&format!("http://{host}:{}/", server.port))).await.unwrap_err();
        assert_eq!(error.kind, HttpErrorKind::NotAllowed, "{error}");
        assert!(error.message.contains("scripts.http.allow"), "{error}");
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 1));
}

#[tokio::test(flavor = "local")]
async fn answers_are_limited_in_size_and_time() {
    let server = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n").await;
        peer.closed().await;
    })
    .await;
    let client = client(&Upstreams::new(), &["127.0.0.1"]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    let mut small = call(&url);
    small.response_bytes_max = 1;
    assert_eq!(client.call(small).await.unwrap_err().kind, HttpErrorKind::TooLarge);
    let mut short = call(&url);
    short.timeout = Duration::from_millis(20);
    let error = client.call(short).await.unwrap_err();
    assert_eq!(error.kind, HttpErrorKind::Timeout);
    server.closed(2).await;
}

#[tokio::test(flavor = "local")]
async fn urls_that_cannot_be_called_are_named_with_the_reason() {
    let client = client(&Upstreams::new(), &["a.test"]);
    let cases = [
        ("/path", "not absolute"),
        ("ftp://a.test/", "not absolute"),
        ("http://user@a.test/", "user"),
        ("http://a.test/#f", "fragment"),
        ("http://a.test:0/", "port 0"),
        ("http://a.test:/", "empty port"),
        ("http://a b/", "not a URL"),
    ];
    for (url, reason) in cases {
        let error = client.call(call(url)).await.expect_err(url);
        assert_eq!(error.kind, HttpErrorKind::Invalid, "{url}");
        assert!(error.message.contains(reason), "{url}: {error}");
    }
}

#[tokio::test(flavor = "local")]
async fn failures_are_told_apart() {
    let closed = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
    let garbage = Server::start(async |mut peer: Peer| {
        peer.request().await;
        peer.send("what?\r\n\r\n").await;
    })
    .await;
    let client = client(&Upstreams::new(), &["127.0.0.1"]);
    for (port, kind) in [(closed, HttpErrorKind::Connect), (garbage.port, HttpErrorKind::Broken)] {
        let error = client.call(call(&format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
}
