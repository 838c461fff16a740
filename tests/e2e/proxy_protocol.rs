//! The PROXY protocol: what trusted proxies say of their clients, and what origins are told of them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::support::{Client, Gateway, Origin, answer, get};

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 203.0.113.9 56324 443\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x01\xcb\0\x71\x09\xdc\x04\x01\xbb\x04\0\0";
const GET: &[u8] = b"GET /a HTTP/1.1\r\nhost: shop.test\r\n\r\n";

/// A gateway whose listener takes headers from these addresses.
fn gateway(origin: &Origin, from: &str) -> Gateway {
    let listen = format!("listen: {{ address: \"127.0.0.1:0\", proxy_protocol_from: [\"{from}\"] }}\n");
    let more = "client: { handshake_timeout: 300ms }\nstatus: { listen: \"127.0.0.1:0\" }\n";
    Gateway::start(&format!("{listen}{more}{}", origin.config("")), &[])
}

fn failures(gateway: &Gateway) -> bool {
    gateway.status_page("/metrics").contains("forebay_proxy_protocol_failures_total 1\n")
}

#[test]
fn a_trusted_proxy_says_who_its_client_is() {
    let origin = Origin::ok();
    let gateway = gateway(&origin, "127.0.0.0/8");
    for header in [V1, V2] {
        let mut client = Client::connect(gateway.address);
        client.send([header, GET].concat());
        assert_eq!(client.response().status, 200);
        assert_eq!(client.get("/b").status, 200, "the header comes once");
        let seen = origin.last();
        assert!(seen.contains("\r\nx-forwarded-for: 192.0.2.1\r\n"), "{seen}");
        assert!(
            seen.contains("\r\nx-real-ip: 192.0.2.1\r\n") && seen.contains("\r\nx-forwarded-port: 443\r\n"),
            "{seen}"
        );
    }
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for header in [&b"PROXY UNKNOWN\r\n"[..], local] {
        let mut client = Client::connect(gateway.address);
        client.send([header, GET].concat());
        assert_eq!(client.response().status, 200);
        assert!(origin.last().contains("\r\nx-forwarded-for: 127.0.0.1\r\n"), "{}", origin.last());
    }
}

#[test]
fn a_header_may_come_in_pieces() {
    let origin = Origin::ok();
    let gateway = gateway(&origin, "127.0.0.1");
    for header in [V1, V2] {
        let mut socket = TcpStream::connect(gateway.address).unwrap();
        socket.set_nodelay(true).unwrap();
        for byte in [header, GET].concat() {
            socket.write_all(&[byte]).unwrap();
        }
        assert_eq!(Client::over(socket).response().status, 200);
        assert!(origin.last().contains("\r\nx-forwarded-for: 192.0.2.1\r\n"), "{}", origin.last());
    }
}

#[test]
fn a_trusted_proxy_without_a_header_gets_nothing() {
    let origin = Origin::ok();
    for bad in [GET, b"PROXY TCP4 somebody 203.0.113.9 56324 443\r\n", b"PROXY TCP4 192.0.2.1"] {
        let gateway = gateway(&origin, "127.0.0.1");
        let mut client = Client::connect(gateway.address);
        client.send(bad);
        assert!(client.is_closed());
        crate::support::wait_until("it is counted", || failures(&gateway));
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn nobody_else_may_say_anything() {
    let origin = Origin::ok();
    let gateway = gateway(&origin, "10.0.0.0/8");
    assert_eq!(get(gateway.address, "/").status, 200);
    let mut client = Client::connect(gateway.address);
    client.send([V1, GET].concat());
    assert_eq!(client.response().status, 400);
    assert_eq!(origin.requests().len(), 1);
}

/// A configuration that tells the origin of clients.
fn telling(origin: &Origin, version: &str) -> String {
    let targets = format!("targets: [\"http://{}\"]", origin.address);
    origin.config("").replace(&targets, &format!("{targets}, proxy_protocol: {version}"))
}

#[test]
fn origins_are_told_of_the_client_by_each_connection() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&telling(&origin, "v1"), &[]);
    let sockets: Vec<_> = (0..2).map(|_| TcpStream::connect(gateway.address).unwrap()).collect();
    for round in 0..2 {
        for socket in &sockets {
            assert_eq!(Client::over(socket.try_clone().unwrap()).get("/").status, 200);
            let port = socket.local_addr().unwrap().port();
            let line = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {port} {}\r\n", gateway.address.port());
            let expected = if round == 0 { format!("{line}GET / ") } else { "GET / ".to_owned() };
            assert!(origin.last().starts_with(&expected), "{}", origin.last());
        }
    }
    assert_eq!(origin.connections(), 2, "one for each client");
}

#[test]
fn origins_are_told_in_binary_as_well() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = telling(&Origin::ok(), "v2");
    let start = config.find("http://").unwrap();
    let end = start + config[start..].find('"').unwrap();
    let gateway = Gateway::start(&config.replace(&config[start..end], &format!("http://{address}")), &[]);
    let mut client = Client::connect(gateway.address);
    client.send_get("/");
    let (mut stream, _) = listener.accept().unwrap();
    let mut header = [0; 28];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[..24], *b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01");
    let mut method = [0; 6];
    stream.read_exact(&mut method).unwrap();
    assert_eq!(method, *b"GET / ");
    stream.write_all(&answer(200, "ok")).unwrap();
    assert_eq!(client.response().status, 200);
}

#[test]
fn a_request_to_send_it_back_needs_a_route_that_says_so() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    client.send("TRACE / HTTP/1.1\r\nhost: shop.test\r\n\r\n");
    assert_eq!(client.response().status, 405);
    let config = origin.config("").replace("steps: []", "steps: [], methods: [TRACE]");
    let gateway = Gateway::start(&config, &[]);
    let mut client = Client::connect(gateway.address);
    client.send("TRACE / HTTP/1.1\r\nhost: shop.test\r\n\r\n");
    assert_eq!(client.response().status, 200);
}

#[test]
fn a_client_that_waits_is_told_to_go_on_before_its_body_is_read() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    client.send("POST / HTTP/1.1\r\nhost: shop.test\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    assert!(client.head().unwrap().starts_with("HTTP/1.1 100 "));
    client.send("hello");
    assert_eq!(client.response().status, 200);
    let seen = origin.last();
    assert!(seen.ends_with("hello") && !seen.to_lowercase().contains("\r\nexpect:"), "{seen}");
    client.send("POST / HTTP/1.1\r\nhost: shop.test\r\nexpect: a-miracle\r\ncontent-length: 5\r\n\r\n");
    assert_eq!(client.response().status, 417);
}
