//! Requests that are sent again by the rules of the configuration.

use super::*;
use crate::config::Retries;

/// An upstream that retries at once, two times at most.
fn retrying(ports: &[u16], change: impl FnOnce(&mut Retries)) -> Upstream {
    let mut upstream = upstream(ports);
    let backoff_first = Duration::from_micros(1);
    let mut retries = Retries { backoff_first, backoff_max: backoff_first, ..Retries::default() };
    change(&mut retries);
    upstream.policies.retries = Some(retries);
    upstream
}

/// A server that treats its first `count` requests as `fail` says and answers 200 afterwards.
async fn failing(count: usize, fail: &'static str) -> Server {
    let seen = Rc::new(std::cell::Cell::new(0));
    Server::start(async move |mut peer: Peer| {
        while peer.request().await.is_some() {
            seen.set(seen.get() + 1);
            match fail {
                _ if seen.get() > count => peer.send(OK).await,
                "reset" => return peer.reset(),
                "stall" => return peer.closed().await,
                answer => peer.send(answer).await,
            }
        }
    })
    .await
}

const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy";

#[tokio::test(flavor = "local")]
async fn a_reset_and_a_configured_status_are_tried_again() {
    for fail in ["reset", BUSY] {
        let server = failing(2, fail).await;
        let (upstreams, upstream) = (Upstreams::new(), retrying(&[server.port], |_| {}));
        let sent = upstreams.send(&upstream, get()).await.unwrap();
        assert_eq!((sent.attempts, text(sent).await.as_str()), (3, "ok"), "{fail}");
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test(flavor = "local")]
async fn the_last_answer_is_passed_on_when_no_try_is_left() {
    let server = failing(9, BUSY).await;
    let upstreams = Upstreams::new();
    let sent = upstreams.send(&retrying(&[server.port], |_| {}), get()).await.unwrap();
    assert_eq!((sent.response.status().as_u16(), sent.attempts), (503, 3));
    assert_eq!(text(sent).await, "busy");
    let error = failing(9, "reset").await;
    let error = upstreams.send(&retrying(&[error.port], |_| {}), get()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::Reset, 3));
}

#[tokio::test(flavor = "local")]
async fn another_target_is_preferred() {
    let (bad, good) = (failing(9, BUSY).await, friendly().await);
    let upstreams = Upstreams::new();
    let upstream = retrying(&[bad.port, good.port], |_| {});
    for _ in 0..4 {
        assert_eq!(text(upstreams.send(&upstream, get()).await.unwrap()).await, "ok");
    }
    assert_eq!((bad.requests().len(), good.requests().len()), (2, 4));
}

#[tokio::test(flavor = "local")]
async fn what_is_not_idempotent_is_sent_once_unless_it_was_declared_safe() {
    let server = failing(2, "reset").await;
    let upstreams = Upstreams::new();
    let error = upstreams.send(&retrying(&[server.port], |_| {}), post()).await.unwrap_err();
    assert_eq!((error.kind, server.requests().len()), (UpstreamErrorKind::Reset, 1));
    let declared = retrying(&[server.port], |retries| retries.more_methods.push(Method::POST));
    let sent = upstreams.send(&declared, post()).await.unwrap();
    assert_eq!(sent.attempts, 2);
    assert!(server.last_request().ends_with("payload"), "the body is sent again too");
}

#[tokio::test(flavor = "local")]
async fn a_streamed_body_is_sent_again_if_it_is_small_enough() {
    for (bytes_max, attempts) in [(100, 2), (5, 1)] {
        let server = failing(1, "reset").await;
        let source = Server::start(async |mut peer: Peer| {
            peer.request().await;
            peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
            peer.send("6\r\nsecond\r\n0\r\n\r\n").await;
            peer.closed().await;
        })
        .await;
        let upstreams = Upstreams::new();
        let mut from = upstream(&[source.port]);
        from.name = "source".into();
        let body = upstreams.send(&from, get()).await.unwrap().response.into_body();
        let upstream = retrying(&[server.port], |retries| retries.body_bytes_max = bytes_max);
        let outcome = upstreams.send(&upstream, request(Method::PUT, body)).await;
        assert_eq!(server.requests().len(), attempts, "with room for {bytes_max} bytes");
        match outcome {
            Ok(sent) => {
                assert_eq!(sent.attempts, 2);
                let seen = server.last_request();
                assert!(seen.contains("transfer-encoding: chunked") && seen.contains("first"), "{seen}");
                assert!(seen.contains("second"), "{seen}");
            }
            Err(error) => assert_eq!((error.kind, attempts), (UpstreamErrorKind::Reset, 1)),
        }
    }
}

#[tokio::test(flavor = "local")]
async fn one_try_and_all_tries_have_their_time() {
    let server = failing(1, "stall").await;
    let upstreams = Upstreams::new();
    let quick = |retries: &mut Retries| {
        retries.on_timeout = true;
        retries.try_timeout = Some(Duration::from_millis(100));
    };
    let sent = upstreams.send(&retrying(&[server.port], quick), get()).await.unwrap();
    assert_eq!(sent.attempts, 2);
    let server = failing(9, "stall").await;
    let total = |retries: &mut Retries| {
        retries.on_timeout = true;
        retries.retries_max = 10;
        retries.try_timeout = Some(Duration::from_millis(50));
        retries.total_timeout = Some(Duration::from_millis(120));
    };
    let error = upstreams.send(&retrying(&[server.port], total), get()).await.unwrap_err();
    assert_eq!(error.kind, UpstreamErrorKind::ResponseTimeout);
    assert!((2..=3).contains(&error.attempts), "{}", error.attempts);
}

#[tokio::test(flavor = "local")]
async fn a_target_that_is_full_is_not_taken_for_one_that_is_away() {
    let server = failing(9, "stall").await;
    let upstreams = Upstreams::new();
    let mut upstream =
        retrying(&[server.port], |retries| retries.try_timeout = Some(Duration::from_millis(50)));
    upstream.connections_max = 1;
    let mut patient = upstream.clone();
    patient.policies.retries = None;
    let holds = upstreams.send(&patient, get());
    let waits = async {
        // polled once the other one has the connection
        server.received(1).await;
        let endpoint = upstreams.pool.endpoint("127.0.0.1", server.port, &Transport::default());
        let error = upstreams.send(&upstream, get()).await.unwrap_err();
        assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::QueueTimeout, 0));
        assert!(!endpoint.backoff.is_away());
    };
    tokio::select! {
        _ = holds => panic!("the server never answers"),
        () = waits => {}
    }
}

#[tokio::test(flavor = "local")]
async fn without_budget_nothing_is_sent_again() {
    let server = failing(9, "reset").await;
    let upstreams = Upstreams::new();
    let upstream = retrying(&[server.port], |retries| retries.budget_min = 0);
    let error = upstreams.send(&upstream, get()).await.unwrap_err();
    assert_eq!((error.attempts, server.requests().len()), (1, 1), "a fifth of one request is none");
    let groups = upstreams.groups.borrow();
    let counters = &groups.values().next().unwrap().group.state.counters;
    assert_eq!((counters.retries.get(), counters.budget_exhausted.get()), (0, 1));
}

#[tokio::test(flavor = "local")]
async fn targets_that_refuse_are_asked_again_after_all_others() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let upstreams = Upstreams::new();
    let upstream = retrying(&[port], |_| {});
    let error = upstreams.send(&upstream, post()).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (UpstreamErrorKind::Connect, 0));
    let groups = upstreams.groups.borrow();
    let counters = &groups.values().next().unwrap().group.state.counters;
    assert_eq!(counters.retries.get(), 2, "nothing was sent, so a POST may be tried again");
}
