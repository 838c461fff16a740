//! HTTP/2 towards clients: both ways in, streams, trailers, hygiene, drain, and what keeps abuse within bounds.

use std::io::Write;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use hyper::body::Frame;

use crate::support::http2::{
    self, CONTINUATION, Frames, GET, GOAWAY, HEADERS, Http2, PING, RST_STREAM, SETTINGS, Upload,
};
use crate::support::{Authority, Client, Folder, Gateway, Origin, TlsClient, answer, get, wait_until};

const ECHO: &str = "workers: 1\nupstreams: { o: { builtin: echo } }\n\
    routes: [{ name: all, path: \"/{*rest}\", upstream: o }]\n";

fn secured(protocols: &str) -> (Gateway, Authority) {
    let authority = Authority::new("test authority");
    let config = format!(
        "listen: {{ address: \"127.0.0.1:0\", {protocols} tls: {{ certificates: [{{ certificate: a.pem, key: a.key }}] }} }}\n{ECHO}"
    );
    let folder = Folder::new(&config, &[]);
    let certificate = authority.sign("a", &["shop.test"]);
    folder.write("a.pem", &certificate.pem);
    folder.write("a.key", &certificate.key);
    (Gateway::start_with(folder, &[]), authority)
}

fn offering(authority: &Authority, protocols: &[&str]) -> TlsClient {
    TlsClient::build(authority, None, rustls::ALL_VERSIONS, protocols)
}

#[test]
fn clients_come_in_by_handshake_and_by_prior_knowledge() {
    let (gateway, authority) = secured("");
    let mut client = Http2::secured(&offering(&authority, &["h2", "http/1.1"]), gateway.address, "shop.test");
    assert_eq!(client.get("/").status, 200);
    let old = offering(&authority, &["http/1.1"]).handshake(gateway.address, "shop.test").unwrap();
    assert_eq!(old.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let none = TlsClient::trusting(&authority).connect(gateway.address, "shop.test").get("/");
    assert_eq!(none.status, 200, "without ALPN it is HTTP/1.1");
    let origin = Origin::ok();
    let plain = Gateway::start(&origin.config(""), &[]);
    let mut client = Http2::connect(plain.address);
    let request =
        Request::post("http://Shop.test/a//b?q=1").header("x-keep", "1").body(Upload::of("hello")).unwrap();
    let answer = client.send(request).unwrap();
    assert_eq!(
        (answer.status, &*answer.body, &answer.headers["via"]),
        (200, "ok", &"1.1 forebay".parse().unwrap())
    );
    let request = origin.last();
    assert!(request.starts_with("POST /a/b?q=1 HTTP/1.1\r\n"), "{request}");
    for wanted in ["x-forwarded-host: shop.test\r\n", "via: 2.0 forebay\r\n", "x-keep: 1\r\n", "hello"] {
        assert!(request.to_lowercase().contains(wanted), "{wanted} in {request}");
    }
    assert_eq!(get(plain.address, "/").status, 200, "the same port takes HTTP/1.1");
}

#[test]
fn a_listener_speaks_what_it_is_told_to() {
    let (gateway, authority) = secured("protocols: [http/1.1],");
    assert!(offering(&authority, &["h2"]).handshake(gateway.address, "shop.test").is_err());
    let config = format!("listen: {{ address: \"127.0.0.1:0\", protocols: [h2] }}\n{ECHO}");
    let gateway = Gateway::start(&config, &[]);
    let mut old = Client::connect(gateway.address);
    old.send_get("/");
    assert!(!old.head().is_some_and(|head| head.starts_with("HTTP/1.1 200")));
    assert_eq!(Http2::connect(gateway.address).get("/").status, 200);
}

#[test]
fn a_preface_may_come_in_pieces_and_what_only_begins_like_one_is_http1() {
    let gateway = Gateway::start(ECHO, &[]);
    let mut client = Client::connect(gateway.address);
    for piece in ["PRI", " * HTTP/2.0\r\n\r\nSM", "\r\n\r\n\0\0\0\x04\0\0\0\0\0"] {
        client.send(piece);
    }
    assert_eq!(client.read_exact(9)[3], SETTINGS);
    let mut client = Client::connect(gateway.address);
    client.send("P");
    client.send("OST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi");
    assert_eq!(client.response().status, 200);
}

#[test]
fn streams_do_not_wait_for_each_other() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let origin = Origin::start_raw(move |stream, request| {
        if request.starts_with("GET /held") {
            released.lock().unwrap().recv().unwrap();
        }
        stream.write_all(&answer(200, request.split(' ').nth(1).unwrap())).is_ok()
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Http2::connect(gateway.address);
    let held = client.start(http2::get("/held"));
    let others: Vec<_> = (0..40).map(|number| client.start(http2::get(&format!("/{number}")))).collect();
    for (number, other) in others.into_iter().enumerate() {
        assert_eq!(client.finish(other).unwrap().body, format!("/{number}"));
    }
    release.send(()).unwrap();
    assert_eq!(client.finish(held).unwrap().body, "/held");
}

#[test]
fn each_stream_keeps_the_generation_it_began_with() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let (asked, is_asked) = mpsc::channel();
    let origin = Origin::start_raw(move |stream, request| {
        if request.starts_with("GET /held") {
            asked.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        }
        stream.write_all(&answer(200, "ok")).is_ok()
    });
    let stamp =
        |number: u32| format!("fn on_response(req, res) {{ res.headers[\"x-version\"] = {number}; }}");
    let gateway = Gateway::start(&origin.config("stamp"), &[("stamp", &stamp(1))]);
    let mut client = Http2::connect(gateway.address);
    let held = client.start(http2::get("/held"));
    is_asked.recv().unwrap();
    gateway.write_script("stamp", &stamp(2));
    assert!(gateway.reload().0);
    assert_eq!(client.get("/").headers["x-version"], "2", "the same connection");
    release.send(()).unwrap();
    assert_eq!(client.finish(held).unwrap().headers["x-version"], "1");
}

#[test]
fn trailers_and_cookies_arrive_as_they_should() {
    let origin = Origin::start(|_| {
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n".to_vec()
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Http2::connect(gateway.address);
    let request = Request::get("http://shop.test/").header("cookie", "a=1").header("cookie", "b=2");
    let answer = client.send(request.body(Upload::of("")).unwrap()).unwrap();
    assert_eq!((&*answer.body, &answer.trailers["x-sum"]), ("ok", &"7".parse().unwrap()));
    assert!(origin.last().contains("cookie: a=1; b=2\r\n"), "{}", origin.last());
}

#[test]
fn ambiguous_requests_are_refused_and_the_connection_goes_on() {
    let gateway = Gateway::start(&format!("client: {{ headers_max: 20, body_bytes_max: 10 }}\n{ECHO}"), &[]);
    let mut client = Http2::connect(gateway.address);
    let with = |name: &str, value: &str| {
        Request::get("http://shop.test/").header(name, value).body(Upload::of("")).unwrap()
    };
    assert_eq!(client.send(with("host", "other.test")).unwrap().status, 400);
    assert_eq!(client.send(with("x_request_id", "1")).unwrap().status, 400);
    let mut many = with("x", "1");
    for number in 0..30 {
        many.headers_mut()
            .insert(http::HeaderName::try_from(format!("x-{number}")).unwrap(), "1".parse().unwrap());
    }
    assert_eq!(client.send(many).unwrap().status, 431);
    let large = Request::post("http://shop.test/").body(Upload::of("0123456789a")).unwrap();
    assert_eq!(client.send(large).unwrap().status, 413);
    assert_eq!(client.get("/../etc").status, 400);
    assert_eq!(client.get("/").status, 200);
}

#[test]
fn malformed_requests_never_reach_an_origin() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(""), &[]);
    let replaced = |name: &str, value: &'static str| {
        let mut fields = GET.to_vec();
        fields.iter_mut().find(|field| field.0 == name).unwrap().1 = value;
        fields
    };
    let added = |name: &'static str, value: &'static str| [&GET[..], &[(name, value)]].concat();
    for fields in [
        added("connection", "close"),
        added("transfer-encoding", "chunked"),
        added("te", "gzip"),
        added("upgrade", "websocket"),
        added("Upper", "case"),
        added("bad name", "1"),
        added("x", "line\r\nbreak"),
        added(":path", "/twice"),
        added(":status", "200"),
        added("content-length", "5"),
        replaced(":path", ""),
        replaced(":authority", "u@shop.test"),
        GET[..3].to_vec(),
        GET[1..].to_vec(),
    ] {
        let mut client = Frames::connect(gateway.address, &[]);
        client.request(1, &fields).unwrap();
        // Refused by an answer, by ending the stream or by ending the connection.
        let end = std::iter::from_fn(|| client.read())
            .find(|frame| matches!(frame.0, HEADERS | RST_STREAM | GOAWAY));
        assert!(end.is_some(), "{fields:?}");
    }
    assert_eq!(origin.requests().len(), 0, "{:?}", origin.requests());
}

#[test]
fn a_drain_says_so_and_finishes_the_streams() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let (asked, is_asked) = mpsc::channel();
    let origin = Origin::start_raw(move |stream, _| {
        asked.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        stream.write_all(&answer(200, "done")).is_ok()
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Http2::connect(gateway.address);
    let mut idle = Frames::connect(gateway.address, &[]);
    let under_way = client.start(http2::get("/"));
    is_asked.recv().unwrap();
    gateway.signal("TERM");
    let (_, _, _, payload) = idle.wait_for(GOAWAY).expect("an idle client is told");
    assert_eq!(payload[4..8], [0; 4], "and nothing is wrong");
    release.send(()).unwrap();
    assert_eq!(client.finish(under_way).unwrap().body, "done");
    client.ended();
    drop(idle);
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn a_request_that_is_taken_back_ends_upstream_too() {
    let (gone, is_gone) = mpsc::channel();
    let (asked, is_asked) = mpsc::channel();
    let origin = Origin::start_raw(move |stream, _| {
        asked.send(()).unwrap();
        // The end of the connection, since the gateway sends nothing more.
        gone.send(std::io::Read::read(stream, &mut [0; 1]).unwrap_or(0)).unwrap();
        false
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Frames::connect(gateway.address, &[]);
    client.request(1, &GET).unwrap();
    is_asked.recv().unwrap();
    client.send(RST_STREAM, 0, 1, &8_u32.to_be_bytes());
    assert_eq!(is_gone.recv().unwrap(), 0);
    client.send(PING, 0, 0, b"12345678");
    assert!(client.wait_for(PING).is_some(), "the connection goes on");
}

#[test]
fn an_answer_streams_before_it_is_complete() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let origin = Origin::start_raw(move |stream, _| {
        let head =
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head).unwrap();
        stream.write_all(b"5\r\nfirst\r\n").unwrap();
        released.lock().unwrap().recv().unwrap();
        stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").is_ok()
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Http2::connect(gateway.address);
    let mut response = client.head(http2::get("/")).unwrap();
    assert_eq!(client.frame(&mut response).unwrap().unwrap().into_data().unwrap(), "first");
    release.send(()).unwrap();
    assert_eq!(client.frame(&mut response).unwrap().unwrap().into_data().unwrap(), "last");
    // The end may come as a frame of its own, with nothing in it.
    let rest = client.frame(&mut response);
    assert!(rest.is_none_or(|frame| frame.unwrap().into_data().unwrap().is_empty()));
}

#[test]
fn bodies_of_unknown_length_go_up_in_chunks() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Http2::connect(gateway.address);
    let (upload, body) = Upload::channel();
    let under_way = client.start(Request::post("http://shop.test/").body(body).unwrap());
    for piece in ["first", "second"] {
        upload.blocking_send(Frame::data(Bytes::copy_from_slice(piece.as_bytes()))).unwrap();
    }
    drop(upload);
    assert_eq!(client.finish(under_way).unwrap().body, "ok");
    let request = origin.last();
    assert!(request.contains("transfer-encoding: chunked\r\n") && request.contains("second"), "{request}");
}

/// Sends frames until the gateway ends the connection; it must, long before there are this many.
fn flood(client: &mut Frames, mut send: impl FnMut(&mut Frames, u32) -> std::io::Result<()>) {
    let ended = (0..200_000).any(|number| send(client, number).is_err());
    assert!(ended || client.is_closed(), "the flood goes on");
}

#[test]
fn floods_end_their_own_connection() {
    let config = format!("status: {{ listen: \"127.0.0.1:0\" }}\n{ECHO}");
    let gateway = Gateway::start(&config, &[]);
    let mut good = Http2::connect(gateway.address);
    let begin = || Frames::connect(gateway.address, &[]);
    flood(&mut begin(), |client, _| client.try_send(PING, 0, 0, b"12345678"));
    flood(&mut begin(), |client, _| client.try_send(SETTINGS, 0, 0, &[]));
    flood(&mut begin(), |client, _| client.try_send(8, 0, 0, &1_u32.to_be_bytes()));
    flood(&mut begin(), |client, _| client.try_send(0xbb, 0, 0, &[]));
    flood(&mut begin(), |client, _| client.try_send(2, 0, 1, &[0, 0, 0, 3, 1]));
    let mut reset = begin();
    flood(&mut reset, |client, number| {
        client.request(1 + 2 * number, &GET)?;
        client.try_send(RST_STREAM, 0, 1 + 2 * number, &8_u32.to_be_bytes())
    });
    let mut continued = begin();
    continued.send(HEADERS, 0, 1, &http2::block(&GET));
    flood(&mut continued, |client, _| {
        client.try_send(CONTINUATION, 0, 1, &http2::block(&[("x", &"y".repeat(1000))]))
    });
    let mut empty = begin();
    empty.send(HEADERS, 0, 1, &http2::block(&GET));
    flood(&mut empty, |client, _| client.try_send(CONTINUATION, 0, 1, &[]));
    assert_eq!(good.get("/").status, 200);
    let metrics = gateway.status_page("/metrics");
    let floods = metrics.lines().find_map(|line| line.strip_prefix("forebay_http2_floods_total ")).unwrap();
    assert!(floods.parse::<u32>().unwrap() >= 5, "{floods}");
}

#[test]
fn slow_and_silent_clients_are_dropped() {
    let big = Arc::new("x".repeat(1 << 20));
    let origin = Origin::start(move |_| answer(200, &big));
    let config = format!(
        "client: {{ header_timeout: 300ms, idle_timeout: 300ms, write_timeout: 300ms, http2: {{ ping_interval: 200ms, ping_timeout: 200ms }} }}\n{}",
        origin.config("")
    );
    let gateway = Gateway::start(&config, &[]);
    let mut half = Client::connect(gateway.address);
    half.send("PRI * HTTP/2.0\r\n\r\nS");
    assert!(half.is_closed(), "half a preface");
    let mut idle = Frames::connect(gateway.address, &[]);
    assert!(idle.wait_for(GOAWAY).is_some(), "an idle client is told first");
    assert!(idle.is_closed());
    // A window of nothing: the answer can never be sent.
    let mut unread = Frames::connect(gateway.address, &[(4, 0)]);
    unread.request(1, &GET).unwrap();
    assert!(unread.wait_for(HEADERS).is_some());
    assert!(unread.is_closed());
    wait_until("all connections are gone", || gateway.status()["connections"] == 0);
}
