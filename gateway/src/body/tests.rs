//! Bodies in memory, and bodies that come over a real connection.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

mod filtered;

const LIMITS: StreamLimits = StreamLimits { side: Side::Client, bytes_max: u64::MAX, idle: None };

/// A body whose bytes come from the other end of a pipe, which has sent the head of a message and `text`.
async fn incoming(framing: &str, text: &str) -> (Incoming, DuplexStream) {
    let (mut far, near) = tokio::io::duplex(1 << 16);
    let (mut sender, driver) = http1::handshake(TokioIo::new(near)).await.unwrap();
    tokio::task::spawn_local(driver);
    let (response, ()) =
        tokio::join!(sender.send_request(http::Request::new(Empty::<Bytes>::new())), async {
            // an answer that comes before its question is none
            far.read_u8().await.unwrap();
            far.write_all(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{text}").as_bytes()).await.unwrap();
        });
    (response.unwrap().into_body(), far)
}

fn record_end(body: &mut ProxyBody) -> Rc<RefCell<Vec<BodyEnd>>> {
    let ends: Rc<RefCell<Vec<BodyEnd>>> = Rc::default();
    let seen = Rc::clone(&ends);
    body.on_end(move |end| seen.borrow_mut().push(end));
    ends
}

fn too_large(side: Side, limit: u64) -> BodyError {
    BodyError { side, fault: BodyFault::TooLarge { limit } }
}

#[tokio::test]
async fn bodies_in_memory_are_exact_and_end_when_taken() {
    assert!(ProxyBody::empty().is_end_stream() && ProxyBody::full(Bytes::new()).is_end_stream());
    let mut body = ProxyBody::full(Bytes::from_static(b"data"));
    let ends = record_end(&mut body);
    assert_eq!((body.is_end_stream(), body.size_hint().exact()), (false, Some(4)));
    assert_eq!(body.replay().unwrap().size_hint().exact(), Some(4));
    assert_eq!(body.next_data().await.unwrap().unwrap(), "data");
    assert_eq!(*ends.borrow(), [BodyEnd { bytes: 4, outcome: Outcome::Complete }]);
    assert!(body.is_end_stream() && body.replay().is_none(), "what has gone out cannot go out again");
    drop(body);
    assert_eq!(ends.borrow().len(), 1);
}

#[tokio::test]
async fn the_end_is_told_once_even_if_nobody_reads() {
    let mut unread = ProxyBody::full(Bytes::from_static(b"data"));
    let ends = record_end(&mut unread);
    drop(unread);
    assert_eq!(*ends.borrow(), [BodyEnd { bytes: 0, outcome: Outcome::Dropped }]);
    let mut empty = ProxyBody::empty();
    let ends = record_end(&mut empty);
    drop(empty);
    assert_eq!(*ends.borrow(), [BodyEnd { bytes: 0, outcome: Outcome::Complete }]);
}

#[tokio::test]
async fn what_is_held_goes_before_the_end_is_told() {
    let mut body = ProxyBody::full(Bytes::from_static(b"data"));
    let held = Rc::new(());
    let weak = Rc::downgrade(&held);
    body.hold(Box::new(held));
    let gone = Rc::new(RefCell::new(None));
    let seen = Rc::clone(&gone);
    body.on_end(move |_| *seen.borrow_mut() = Some(weak.upgrade().is_none()));
    body.next_data().await.unwrap();
    assert_eq!(*gone.borrow(), Some(true));
}

#[tokio::test(flavor = "local")]
async fn a_stream_keeps_its_length_and_is_counted() {
    let (incoming, _far) = incoming("content-length: 4", "data").await;
    let mut body = ProxyBody::stream(incoming, LIMITS);
    let (ends, progress) = (record_end(&mut body), body.watch().unwrap());
    assert_eq!((body.size_hint().exact(), body.bytes_passed()), (Some(4), 0));
    assert_eq!(body.next_data().await.unwrap().unwrap(), "data");
    assert_eq!(*ends.borrow(), [BodyEnd { bytes: 4, outcome: Outcome::Complete }], "known from the length");
    assert!(body.is_end_stream() && body.replay().is_none());
    drop(body);
    assert_eq!(progress.bytes(), 4);
    assert!(matches!(progress.phase(), Phase::Ended(_)));
}

#[tokio::test(flavor = "local")]
async fn trailers_pass_as_a_frame() {
    let (incoming, _far) =
        incoming("transfer-encoding: chunked", "2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n").await;
    let mut body = ProxyBody::stream(incoming, LIMITS);
    let mut frame = async || std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
    assert_eq!(frame().await.unwrap().unwrap().into_data().unwrap(), "ok");
    assert_eq!(frame().await.unwrap().unwrap().into_trailers().unwrap()["grpc-status"], "0");
    assert!(frame().await.is_none());
}

#[tokio::test(flavor = "local")]
async fn a_stream_without_bytes_is_an_empty_body() {
    let (incoming, _far) = incoming("content-length: 0", "").await;
    assert!(ProxyBody::stream(incoming, LIMITS).replay().is_some());
}

#[tokio::test(flavor = "local")]
async fn a_pause_beyond_the_limit_is_the_senders_fault() {
    let (incoming, mut far) = incoming("content-length: 8", "da").await;
    let idle = Some(Duration::from_millis(20));
    let mut body = ProxyBody::stream(incoming, StreamLimits { idle, ..LIMITS });
    let ends = record_end(&mut body);
    assert_eq!(body.next_data().await.unwrap().unwrap(), "da");
    let (data, ()) = tokio::join!(body.next_data(), async {
        tokio::task::yield_now().await;
        far.write_all(b"ta").await.unwrap();
    });
    assert_eq!(data.unwrap().unwrap(), "ta");
    let error = body.next_data().await.unwrap_err();
    assert_eq!((error.side, error.fault), (Side::Client, BodyFault::Stalled));
    assert_eq!(*ends.borrow(), [BodyEnd { bytes: 4, outcome: Outcome::Failed(error) }]);
    assert_eq!(body.next_data().await, Err(error), "it does not come back to life");
}

#[tokio::test(flavor = "local")]
async fn a_stream_beyond_its_byte_limit_fails() {
    let (incoming, _far) = incoming("transfer-encoding: chunked", "4\r\ndata\r\n1\r\n!\r\n0\r\n\r\n").await;
    let mut body = ProxyBody::stream(incoming, StreamLimits { bytes_max: 4, ..LIMITS });
    assert_eq!(body.next_data().await.unwrap().unwrap(), "data");
    let error = body.next_data().await.unwrap_err();
    assert_eq!((error, error.status().as_u16()), (too_large(Side::Client, 4), 413));
}

#[tokio::test(flavor = "local")]
async fn collecting_joins_the_pieces_and_does_not_copy_a_single_one() {
    let data = Bytes::from_static(b"data");
    let same = ProxyBody::full(data.clone()).collect(4).await.unwrap();
    assert_eq!((same.as_ptr(), same.len()), (data.as_ptr(), 4));
    assert_eq!(ProxyBody::empty().collect(0).await.unwrap(), "");
    let (incoming, _far) =
        incoming("transfer-encoding: chunked", "2\r\nin\r\n7\r\n three \r\n6\r\npieces\r\n0\r\n\r\n").await;
    assert_eq!(ProxyBody::stream(incoming, LIMITS).collect(15).await.unwrap(), "in three pieces");
}

#[tokio::test(flavor = "local")]
async fn collecting_stops_at_its_limit() {
    let full = ProxyBody::full(Bytes::from_static(b"data"));
    assert_eq!(full.collect(3).await, Err(too_large(Side::Client, 3)));
    let side = Side::Upstream;
    let (declared, _far) = incoming("content-length: 1000000000000", "").await;
    let body = ProxyBody::stream(declared, StreamLimits { side, ..LIMITS });
    assert_eq!(body.collect(3).await, Err(too_large(side, 3)), "without waiting for a byte");
    for chunks in ["4\r\ndata\r\n", "2\r\nda\r\n2\r\nta\r\n"] {
        let (chunked, _far) = incoming("transfer-encoding: chunked", chunks).await;
        let mut body = ProxyBody::stream(chunked, StreamLimits { side, ..LIMITS });
        let ends = record_end(&mut body);
        let error = too_large(side, 3);
        assert_eq!(body.collect(3).await, Err(error));
        assert_eq!(ends.borrow()[0].outcome, Outcome::Failed(error));
    }
}
