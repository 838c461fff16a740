//! Bodies that pass through a patch chunk by chunk, in both directions.

use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use super::artefact::of_kind;
use super::folder;
use crate::support::{Client, Gateway, Origin, answer, wait_until};

/// A gateway with two steps of the patch, each with a mark of its own, before this origin.
fn gateway(origin: &Origin) -> Gateway {
    let gateway = Gateway::start_with(folder("signatures: off"), &[]);
    of_kind("streams").put(&gateway.path("patches"), "streams.so");
    let step = |mark: &str| format!("{{ middleware: stream, config: {{ mark: \"{mark}\" }} }}");
    let routes = origin.config("STEPS").replace("workers: 1\n", "");
    let one = routes.replace("STEPS", &step("<1>"));
    let two =
        format!("  - {{ name: two, path: /two, steps: [{}, {}], upstream: o }}\n", step("<1>"), step("<2>"));
    gateway.write_config(&format!("workers: 2\npatches: {{ signatures: off }}\n{one}{two}"));
    let (accepted, report) = gateway.reload();
    assert!(accepted, "{report}");
    gateway
}

/// Sends a request with a body in these chunks.
fn send_chunks(client: &mut Client, path: &str, fields: &str, chunks: &[&str]) {
    client.send(format!("POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n{fields}\r\n"));
    for chunk in chunks {
        client.send(format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    client.send("0\r\n\r\n");
}

/// The data of a chunked body.
fn unchunked(message: &str) -> String {
    let (_, mut rest) = message.split_once("\r\n\r\n").unwrap();
    let mut data = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        data += &after[..size];
        rest = after.get(size + 2..).unwrap_or_default();
    }
    data
}

/// How many bodies the patch has under way.
fn under_way(gateway: &Gateway) -> String {
    let response = Client::connect(gateway.address).get("/");
    response.header("x-streams").unwrap_or_default().to_owned()
}

/// An origin that sends one chunk, and another when it is told to; without one it breaks the body off.
fn in_two_parts(go: Receiver<bool>) -> Origin {
    let go = Mutex::new(go);
    Origin::start_raw(move |stream, request| {
        if !request.contains("x-stream") {
            return stream.write_all(&answer(200, "ok")).is_ok();
        }
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let whole = go.lock().unwrap().recv().unwrap_or(false);
        whole && stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").is_ok()
    })
}

#[test]
fn each_chunk_of_a_response_passes_as_it_comes() {
    let (go, wait) = channel();
    let origin = in_two_parts(wait);
    let gateway = gateway(&origin);
    let mut client = Client::connect(gateway.address);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx-stream: up\r\n\r\n");
    let head = client.head().unwrap();
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    // The origin has sent no more than this, and the client has it.
    assert_eq!(client.read_exact(8), b"3\r\nONE\r\n");
    assert_eq!(under_way(&gateway), "1");
    go.send(true).unwrap();
    let rest = String::from_utf8(client.read_exact(8)).unwrap();
    assert_eq!(rest, "3\r\nTWO\r\n");
    let rest = String::from_utf8(client.read_exact(13)).unwrap();
    assert_eq!(rest, "3\r\n<1>\r\n0\r\n\r\n");
    wait_until("the state is freed", || under_way(&gateway) == "0");
}

#[test]
fn each_chunk_of_a_request_passes_and_its_length_is_given_up() {
    let origin = Origin::ok();
    let gateway = gateway(&origin);
    let mut client = Client::connect(gateway.address);
    send_chunks(&mut client, "/", "x-stream: up\r\nx-side: request\r\n", &["abc", "defg", "h"]);
    assert_eq!(client.response().body, "ok");
    assert_eq!(unchunked(&origin.last()), "ABCDEFGH<1>");
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nx-stream: up\r\n\r\nxyz");
    assert_eq!(client.response().body, "OK<1>");
    assert!(!origin.last().contains("content-length"), "{}", origin.last());
    assert_eq!(unchunked(&origin.last()), "XYZ<1>");
    // Through both steps, in the order written towards the upstream and in reverse on the way back.
    send_chunks(&mut client, "/two", "x-stream: up\r\n", &["ab"]);
    assert_eq!(
        (client.response().body.as_str(), unchunked(&origin.last()).as_str()),
        ("OK<2><1>", "AB<1><2>")
    );
    assert_eq!(under_way(&gateway), "0");
}

#[test]
fn what_only_looks_keeps_the_length_and_cannot_change_a_byte() {
    let origin = Origin::ok();
    let gateway = gateway(&origin);
    let mut client = Client::connect(gateway.address);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\nx-stream: look\r\n\r\nxyz");
    let response = client.response();
    assert_eq!((response.header("content-length"), response.body.as_str()), (Some("2"), "ok"));
    assert!(origin.last().contains("content-length: 3\r\n") && origin.last().ends_with("\r\n\r\nxyz"));
    let chunks = client.get("/").header("x-chunks").unwrap_or_default().to_owned();
    assert!(chunks.parse::<u32>().unwrap() >= 2, "{chunks} chunks");
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx-stream: cheat\r\nx-side: response\r\n\r\n");
    assert!(client.try_response().is_none(), "a changed body went out under the old length");
    let line = gateway.wait_for_log("a body was broken off by its filter");
    assert!(line.contains("that it said to inspect only"), "{line}");
}

#[test]
fn a_chunk_of_which_nothing_is_left_ends_nothing() {
    let origin = Origin::ok();
    let gateway = gateway(&origin);
    let mut client = Client::connect(gateway.address);
    send_chunks(&mut client, "/", "x-stream: swallow\r\nx-side: request\r\n", &["abc", "defg"]);
    assert_eq!(client.response().body, "ok");
    assert_eq!(unchunked(&origin.last()), "<1>");
    // The second step sees what the first has left, and no chunk that is empty without being the last.
    send_chunks(&mut client, "/two", "x-stream: swallow\r\nx-side: request\r\n", &["abc", "defg"]);
    assert_eq!(client.response().body, "ok");
    assert_eq!(unchunked(&origin.last()), "<2>");
}

#[test]
fn a_filter_that_fails_breaks_the_message_off() {
    let origin = Origin::start(|_| answer(200, "ok!"));
    let gateway = gateway(&origin);
    let mut client = Client::connect(gateway.address);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx-stream: break\r\n\r\n");
    assert!(client.try_response().is_none(), "half a message was passed on as a whole one");
    gateway.wait_for_log("an exclamation mark");
    let before = origin.requests().len();
    let mut client = Client::connect(gateway.address);
    send_chunks(&mut client, "/", "x-stream: break\r\nx-side: request\r\n", &["fine", "not!"]);
    let response = client.response();
    assert_eq!(response.status, 500, "{response:?}");
    assert!(!response.body.contains("exclamation"), "the reason is for the operator: {}", response.body);
    assert_eq!(origin.requests().len(), before, "half a request was taken for a whole one");
    wait_until("the states are freed", || under_way(&gateway) == "0");
}

#[test]
fn a_state_is_freed_when_either_side_goes_away() {
    let (go, wait) = channel();
    let origin = in_two_parts(wait);
    let gateway = gateway(&origin);
    let mut client = Client::connect(gateway.address);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx-stream: up\r\nx-side: response\r\n\r\n");
    client.head().unwrap();
    assert_eq!(client.read_exact(8), b"3\r\nONE\r\n");
    // The origin goes first: the client sees that the message is not complete.
    go.send(false).unwrap();
    assert!(client.is_closed());
    wait_until("the state is freed", || under_way(&gateway) == "0");
    let mut client = Client::connect(gateway.address);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nx-stream: up\r\nx-side: response\r\n\r\n");
    client.head().unwrap();
    assert_eq!(client.read_exact(8), b"3\r\nONE\r\n");
    drop(client);
    wait_until("the state is freed", || under_way(&gateway) == "0");
    go.send(false).unwrap();
}
