//! Connections that switch protocols: WebSocket and its like, from the client's request to the last byte.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use crate::support::{
    Authority, Client, Folder, Gateway, Origin, Server, Speaks, TlsClient, answer, get, wait_until,
};

const REQUEST: &str = "GET /chat?room=1 HTTP/1.1\r\nhost: shop.test\r\nconnection: keep-alive, Upgrade\r\n\
     upgrade: WebSocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
     sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// An origin that switches, says `hello` in the same breath, sends everything back, and says `bye` when the client has
/// closed its half.
fn chat() -> Origin {
    Origin::start_raw(|stream, request| {
        if !request.to_lowercase().contains("\r\nupgrade: websocket") {
            return stream.write_all(&answer(200, "plain")).is_ok();
        }
        stream.write_all(format!("{SWITCHING}hello").as_bytes()).unwrap();
        let mut reader = stream.try_clone().unwrap();
        std::io::copy(&mut reader, stream).unwrap();
        stream.write_all(b"bye").unwrap();
        false
    })
}

/// A configuration with an access log, a status listener and more settings of the upstream.
fn config(target: &str, settings: &str) -> String {
    format!(
        "workers: 1\nstatus: {{ listen: \"127.0.0.1:0\" }}\naccess_log: {{ file: access.log }}\n\
         upstreams: {{ o: {{ targets: [\"{target}\"], {settings} }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n"
    )
}

fn opened(gateway: &Gateway) -> (Client, TcpStream) {
    let socket = TcpStream::connect(gateway.address).unwrap();
    let mut client = Client::over(socket.try_clone().unwrap());
    client.send(REQUEST);
    let head = client.head().unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(
        head.contains("\r\nconnection: upgrade\r\n") && head.contains("\r\nupgrade: websocket\r\n"),
        "{head}"
    );
    assert!(!head.contains("content-length") && !head.contains("transfer-encoding"), "{head}");
    assert_eq!(client.read_exact(5), b"hello");
    (client, socket)
}

fn logged(gateway: &Gateway, what: &str) -> String {
    let log = || std::fs::read_to_string(gateway.file("access.log")).unwrap_or_default();
    wait_until("the access log has the line", || log().contains(what));
    log()
}

#[test]
fn bytes_pass_both_ways_until_both_sides_have_closed() {
    let origin = chat();
    let config =
        origin.config("tag").replace("workers: 1\n", "workers: 1\naccess_log: { file: access.log }\n");
    let script = "fn on_request(req) { req.headers[\"x-in\"] = \"1\"; }\n\
                  fn on_response(req, res) { res.headers[\"x-status\"] = res.status.to_string(); }";
    let gateway = Gateway::start(&config, &[("tag", script)]);
    let socket = TcpStream::connect(gateway.address).unwrap();
    let mut client = Client::over(socket.try_clone().unwrap());
    client.send(format!("{REQUEST}early "));
    let head = client.head().unwrap().to_lowercase();
    assert!(head.contains("\r\nx-status: 101\r\n"), "steps see the answer: {head}");
    assert!(head.contains("\r\nsec-websocket-accept: s3ppl"), "{head}");
    assert_eq!(client.read_exact(11), b"helloearly ");
    let large = vec![b'x'; 1 << 20];
    let mut sender = socket.try_clone().unwrap();
    let sent = large.clone();
    let sending = std::thread::spawn(move || sender.write_all(&sent).unwrap());
    assert_eq!(client.read_exact(large.len()), large);
    sending.join().unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read_exact(3), b"bye", "the other half goes on");
    assert!(client.is_closed());
    let seen = origin.last();
    let seen = seen.to_lowercase();
    assert!(seen.contains("\r\nupgrade: websocket\r\n") && seen.contains("\r\nx-in: 1\r\n"), "{seen}");
    assert!(seen.contains("\r\nconnection: upgrade\r\n"), "{seen}");
    let line = logged(&gateway, "\"end_reason\":\"complete\"");
    let bytes = large.len();
    assert!(line.contains("\"status\":101"), "{line}");
    assert!(line.contains(&format!("\"request_bytes\":{},", bytes + 6)), "{line}");
    assert!(line.contains(&format!("\"response_bytes\":{},", bytes + 14)), "{line}");
}

#[test]
fn tunnels_are_counted() {
    let origin = chat();
    let gateway = Gateway::start(&config(&format!("http://{}", origin.address), ""), &[]);
    let (mut client, socket) = opened(&gateway);
    let metrics = || {
        let page = gateway.status_page("/metrics");
        let lines = page.lines().filter(|line| line.starts_with("forebay_tunnel"));
        lines.map(str::to_owned).collect::<Vec<_>>().join("; ")
    };
    let open = metrics();
    assert!(open.contains("forebay_tunnels 1;") && open.contains("forebay_tunnels_total 1;"), "{open}");
    client.send("12345");
    assert_eq!(client.read_exact(5), b"12345");
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read_exact(3), b"bye");
    wait_until("the tunnel is closed", || metrics().contains("forebay_tunnels 0;"));
    let closed = metrics();
    assert!(closed.contains("forebay_tunnel_client_bytes_total 5;"), "{closed}");
    assert!(closed.contains("forebay_tunnel_upstream_bytes_total 13"), "{closed}");
}

#[test]
fn what_is_not_allowed_is_not_asked_for() {
    let origin = chat();
    let target = format!("http://{}", origin.address);
    let gateway = Gateway::start(&config(&target, "upgrades: []"), &[]);
    let mut client = Client::connect(gateway.address);
    for _ in 0..2 {
        client.send(REQUEST);
        assert_eq!(client.response().body, "plain", "an ordinary answer, over a connection that goes on");
    }
    let gateway = Gateway::start(&config(&target, ""), &[]);
    let mut client = Client::connect(gateway.address);
    for odd in ["h2c", "websocket, h2c", "TLS/1.3"] {
        client.send(REQUEST.replace("WebSocket", odd));
        assert_eq!(client.response().body, "plain", "{odd}");
    }
    let with_body = REQUEST.replace("GET", "POST").replace("\r\n\r\n", "\r\ncontent-length: 2\r\n\r\nhi");
    client.send(with_body);
    assert_eq!(client.response().body, "plain", "with a body");
    assert!(origin.requests().iter().all(|request| !request.to_lowercase().contains("\r\nupgrade")));
}

#[test]
fn an_origin_that_does_not_switch_answers_as_ever() {
    let origin = Origin::start(|_| answer(403, "no"));
    let gateway = Gateway::start(&config(&format!("http://{}", origin.address), ""), &[]);
    let mut client = Client::connect(gateway.address);
    for _ in 0..2 {
        client.send(REQUEST);
        let refused = client.response();
        assert_eq!((refused.status, &*refused.body), (403, "no"));
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn an_origin_that_switches_to_something_else_is_at_fault() {
    let origin = Origin::start(|_| SWITCHING.replace("websocket\r\n", "other\r\n").into_bytes());
    let gateway = Gateway::start(&config(&format!("http://{}", origin.address), ""), &[]);
    let mut client = Client::connect(gateway.address);
    client.send(REQUEST);
    assert_eq!(client.response().status, 502);
    assert_eq!(client.get("/").status, 502, "a 101 that nobody asked for");
}

#[test]
fn a_step_that_answers_instead_closes_the_tunnel() {
    let origin = chat();
    let script = "fn on_response(req, res) { return reply(403, \"not you\"); }";
    let gateway = Gateway::start(&origin.config("refuse"), &[("refuse", script)]);
    let mut client = Client::connect(gateway.address);
    client.send(REQUEST);
    let refused = client.response();
    assert_eq!((refused.status, &*refused.body), (403, "not you"));
    assert_eq!(client.get("/").status, 403, "the client's connection goes on");
}

#[test]
fn a_tunnel_in_which_nothing_passes_is_closed() {
    let origin = chat();
    let gateway =
        Gateway::start(&config(&format!("http://{}", origin.address), "upgrade_idle_timeout: 200ms"), &[]);
    let (mut client, _socket) = opened(&gateway);
    assert!(client.is_closed());
    logged(&gateway, "\"end_reason\":\"tunnel_idle\"");
}

#[test]
fn the_side_that_goes_takes_the_tunnel_with_it() {
    let origin = Origin::start_raw(|stream, _| {
        stream.write_all(format!("{SWITCHING}hello").as_bytes()).unwrap();
        false
    });
    let gateway = Gateway::start(&config(&format!("http://{}", origin.address), ""), &[]);
    let (mut client, _socket) = opened(&gateway);
    assert!(client.is_closed(), "the origin has closed");
}

#[test]
fn tunnels_are_waited_for_in_a_drain_within_its_time() {
    let origin = chat();
    let target = format!("http://{}", origin.address);
    let gateway = Gateway::start(&config(&target, ""), &[]);
    let (mut client, socket) = opened(&gateway);
    gateway.signal("TERM");
    gateway.wait_for_log("draining");
    client.send("still");
    assert_eq!(client.read_exact(5), b"still");
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read_exact(3), b"bye");
    assert!(gateway.wait().success());
    let gateway = Gateway::start(&format!("drain_timeout: 300ms\n{}", config(&target, "")), &[]);
    let (mut client, _socket) = opened(&gateway);
    gateway.signal("TERM");
    assert!(client.is_closed(), "the time is over");
    gateway.wait();
}

#[test]
fn a_reload_leaves_tunnels_alone() {
    let origin = chat();
    let gateway = Gateway::start(&config(&format!("http://{}", origin.address), ""), &[]);
    let (mut client, _socket) = opened(&gateway);
    gateway.write_config(&config("http://127.0.0.1:1", ""));
    assert!(gateway.reload().0);
    client.send("still");
    assert_eq!(client.read_exact(5), b"still");
    assert_eq!(get(gateway.address, "/").status, 502);
}

#[test]
fn both_sides_may_be_tls_even_where_http2_is_preferred() {
    let authority = Authority::new("all");
    let server =
        Server::start(Speaks::tls(&authority.sign("o", &["orders.test"]), &["h2", "http/1.1"], None));
    let target = format!("https://{}", server.address);
    let listen = "listen: { address: \"127.0.0.1:0\", tls: { certificates: [{ certificate: own.pem, key: own.key }] } }";
    let config = config(&target, "tls: { ca: ca.pem, server_name: orders.test }");
    let config = format!("{listen}\n{config}");
    let folder = Folder::new(&config, &[]);
    let own = authority.sign("gateway", &["shop.test"]);
    folder.write("own.pem", &own.pem);
    folder.write("own.key", &own.key);
    folder.write("ca.pem", &authority.pem());
    let gateway = Gateway::start_with(folder, &[]);
    let plain = TlsClient::trusting(&authority);
    let mut client = plain.connect(gateway.address, "shop.test");
    assert!(client.get("/").body.starts_with("HTTP/2.0 GET"), "requests go over HTTP/2");
    client.send(REQUEST.replace("/chat?room=1", "/upgrade"));
    assert!(client.head().unwrap().starts_with("HTTP/1.1 101 "));
    let large = "x".repeat(100_000);
    client.send(&large);
    assert_eq!(client.read_exact(large.len()), large.as_bytes());
    let line = server.seen().last().unwrap().clone();
    assert!(line.starts_with("HTTP/1.1 GET") && line.contains("/upgrade sni=orders.test"), "{line}");
    let mut other = plain.connect(gateway.address, "shop.test");
    assert!(other.get("/").body.starts_with("HTTP/2.0 GET"), "and still do");
}
