//! TLS and HTTP/2 towards origins: whom the gateway believes, what it shows, and what it speaks.

use bytes::Bytes;
use http::Request;
use hyper::body::Frame;

use crate::support::http2::{self, Http2, Upload};
use crate::support::{Authority, Client, Folder, Gateway, Server, Speaks, get};

/// A configuration with one upstream and everything routed to it.
fn config(target: &str, settings: &str) -> String {
    format!(
        "workers: 1\naccess_log: {{ file: access.log }}\nupstreams: {{ o: {{ targets: [\"{target}\"], {settings} }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n"
    )
}

/// A gateway before a server with a certificate of this authority, which it trusts.
fn before(server: &Server, authority: &Authority, settings: &str) -> Gateway {
    let target = format!("https://{}", server.address);
    let folder = Folder::new(&config(&target, settings), &[]);
    folder.write("ca.pem", &authority.pem());
    Gateway::start_with(folder, &[])
}

const TRUSTED: &str = "tls: { ca: ca.pem, server_name: orders.test }";

#[test]
fn origins_are_verified_and_told_the_name() {
    let authority = Authority::new("origins");
    let server = Server::start(Speaks::tls(&authority.sign("o", &["orders.test"]), &["http/1.1"], None));
    let gateway = before(&server, &authority, TRUSTED);
    let mut client = Client::connect(gateway.address);
    for _ in 0..5 {
        let answer = client.post("/a", "hello");
        assert!(
            answer.body.starts_with("HTTP/1.1 POST ") && answer.body.ends_with("body=hello"),
            "{}",
            answer.body
        );
        assert!(answer.body.contains("sni=orders.test"), "{}", answer.body);
    }
    assert_eq!(server.connections(), 1, "connections are kept");
}

#[test]
fn an_origin_that_cannot_be_verified_gets_nothing() {
    let authority = Authority::new("origins");
    let stranger = Authority::new("stranger");
    let server = Server::start(Speaks::tls(&stranger.sign("o", &["orders.test"]), &["http/1.1"], None));
    let gateway = before(&server, &authority, TRUSTED);
    assert_eq!(get(gateway.address, "/").status, 502);
    gateway.wait_for_log("UnknownIssuer");
    let server = Server::start(Speaks::tls(&authority.sign("o", &["other.test"]), &["http/1.1"], None));
    let gateway = before(&server, &authority, TRUSTED);
    assert_eq!(get(gateway.address, "/").status, 502);
    gateway.wait_for_log("not valid for name");
    let log = gateway.file("access.log");
    crate::support::wait_until("the log has the line", || {
        std::fs::read_to_string(&log).unwrap().contains("\"end_reason\":\"tls\"")
    });
    assert!(server.seen().is_empty());
    let plain = Server::start(Speaks::Http2);
    let folder = Folder::new(&config(&format!("https://{}", plain.address), TRUSTED), &[]);
    folder.write("ca.pem", &authority.pem());
    let gateway = Gateway::start_with(folder, &[]);
    assert_eq!(get(gateway.address, "/").status, 502, "an origin without TLS");
}

#[test]
fn the_gateway_shows_its_own_certificate() {
    let authority = Authority::new("origins");
    let clients = Authority::new("clients");
    let server = Server::start(Speaks::tls(&authority.sign("o", &["orders.test"]), &["h2"], Some(&clients)));
    let gateway = before(&server, &authority, TRUSTED);
    assert_eq!(get(gateway.address, "/").status, 502);
    let own = clients.sign("gateway", &["gateway.test"]);
    std::fs::write(gateway.file("own.pem"), &own.pem).unwrap();
    std::fs::write(gateway.file("own.key"), &own.key).unwrap();
    let settings = TRUSTED.replace("tls: {", "tls: { certificate: own.pem, key: own.key,");
    gateway.write_config(&config(&format!("https://{}", server.address), &settings));
    let (accepted, report) = gateway.reload();
    assert!(accepted, "{report}");
    assert_eq!(get(gateway.address, "/").status, 200);
    std::fs::write(gateway.file("own.key"), "nothing").unwrap();
    let (accepted, report) = gateway.reload();
    assert!(!accepted && report.contains("key file own.key: holds no private key"), "{report}");
    assert_eq!(get(gateway.address, "/").status, 200, "the old one serves on");
}

#[test]
fn connections_of_another_trust_are_not_used_after_a_reload() {
    let authority = Authority::new("origins");
    let server = Server::start(Speaks::tls(&authority.sign("o", &["orders.test"]), &["http/1.1"], None));
    let gateway = before(&server, &authority, TRUSTED);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.get("/").status, 200);
    assert!(gateway.reload().0);
    assert_eq!(client.get("/").status, 200);
    assert_eq!(server.connections(), 1, "nothing has changed");
    std::fs::write(gateway.file("ca.pem"), Authority::new("another").pem()).unwrap();
    assert!(gateway.reload().0);
    assert_eq!(client.get("/").status, 502, "the origin is not trusted any more");
}

#[test]
fn many_requests_share_one_connection_of_http2() {
    let authority = Authority::new("origins");
    let server =
        Server::start(Speaks::tls(&authority.sign("o", &["orders.test"]), &["h2", "http/1.1"], None));
    let gateway = before(&server, &authority, TRUSTED);
    let mut client = Http2::connect(gateway.address);
    let under_way: Vec<_> = (0..50).map(|number| client.start(http2::get(&format!("/{number}")))).collect();
    for (number, one) in under_way.into_iter().enumerate() {
        let answer = client.finish(one).unwrap();
        let wanted =
            format!("HTTP/2.0 GET {} /{number} sni=orders.test te=trailers scheme=https", server.address);
        assert!(answer.body.starts_with(&wanted), "{}", answer.body);
        assert_eq!(answer.headers["via"], "2.0 forebay");
    }
    assert_eq!(get(gateway.address, "/old").status, 200, "from HTTP/1.1 too");
    assert_eq!(server.connections(), 1);
    let answer = Client::connect(gateway.address).post("/up", "hello");
    assert!(answer.body.ends_with("body=hello"), "{}", answer.body);
}

#[test]
fn the_protocol_can_be_chosen() {
    let authority = Authority::new("origins");
    let server =
        Server::start(Speaks::tls(&authority.sign("o", &["orders.test"]), &["h2", "http/1.1"], None));
    let gateway = before(&server, &authority, &format!("protocol: http1, {TRUSTED}"));
    assert!(get(gateway.address, "/").body.starts_with("HTTP/1.1 "));
    let old = Server::start(Speaks::tls(&authority.sign("o", &["orders.test"]), &["http/1.1"], None));
    let gateway = before(&old, &authority, &format!("protocol: http2, {TRUSTED}"));
    assert_eq!(get(gateway.address, "/").status, 502, "nothing in common");
    let known = Server::start(Speaks::Http2);
    let gateway = Gateway::start(&config(&format!("http://{}", known.address), "protocol: http2"), &[]);
    for _ in 0..3 {
        let body = get(gateway.address, "/").body;
        assert!(body.starts_with("HTTP/2.0 ") && body.contains("scheme=http "), "{body}");
    }
    assert_eq!(known.connections(), 1);
}

#[test]
fn grpc_streams_both_ways_with_trailers() {
    let server = Server::start(Speaks::Http2);
    let gateway = Gateway::start(&config(&format!("http://{}", server.address), "protocol: http2"), &[]);
    let mut client = Http2::connect(gateway.address);
    let (upload, body) = Upload::channel();
    let request = Request::post("http://shop.test/grpc").header("content-type", "application/grpc");
    let request = request.header("te", "trailers").body(body).unwrap();
    let mut response = client.head(request).unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc");
    for piece in ["one", "two", "three"] {
        upload.blocking_send(Frame::data(Bytes::from_static(piece.as_bytes()))).unwrap();
        let frame = client.frame(&mut response).unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece, "each piece comes back before the next is sent");
    }
    drop(upload);
    let frame = client.frame(&mut response).unwrap().unwrap();
    assert_eq!(frame.into_trailers().unwrap()["grpc-status"], "0");
    let refused = client.get("/refused");
    assert_eq!((refused.status, &refused.headers["grpc-status"]), (200, &"7".parse().unwrap()));
    assert!(client.get("/reset").status == 502, "a stream that the origin ends is a failure of its own");
    assert_eq!(client.get("/").status, 200);
    assert_eq!(server.connections(), 1, "and no other's");
}

#[test]
fn scripts_call_over_tls() {
    let authority = Authority::new("origins");
    let server = Server::start(Speaks::tls(&authority.sign("o", &["127.0.0.1"]), &["h2", "http/1.1"], None));
    let script = format!(
        "fn on_request(req) {{ let r = http::get(\"https://{}/x\"); return reply(200, r.text()); }}",
        server.address
    );
    let rest = "upstreams: { o: { builtin: echo } }\nroutes: [{ name: all, path: \"/{*rest}\", steps: [call], upstream: o }]\n";
    let scripts =
        |ca: &str| format!("workers: 1\nscripts: {{ http: {{ allow: [\"127.0.0.1\"], {ca} }} }}\n{rest}");
    let folder = Folder::new(&scripts("ca: ca.pem"), &[("call", &script)]);
    folder.write("ca.pem", &authority.pem());
    let gateway = Gateway::start_with(folder, &[]);
    let answer = get(gateway.address, "/");
    assert!(answer.status == 200 && answer.body.starts_with("HTTP/1.1 GET "), "{}", answer.body);
    std::fs::write(gateway.file("ca.pem"), Authority::new("another").pem()).unwrap();
    assert!(gateway.reload().0);
    assert_eq!(get(gateway.address, "/").status, 500, "a server that cannot be verified");
    gateway.wait_for_log("UnknownIssuer");
}

#[test]
fn no_request_is_lost_when_origins_leave_in_order() {
    let server = Server::start(Speaks::Http2);
    let gateway = Gateway::start(&config(&format!("http://{}", server.address), "protocol: http2"), &[]);
    let mut client = Http2::connect(gateway.address);
    for round in 0..10 {
        let under_way: Vec<_> = (0..20)
            .map(|number| client.start(http2::get(if number == 10 { "/leave" } else { "/" })))
            .collect();
        for one in under_way {
            assert_eq!(client.finish(one).unwrap().status, 200, "round {round}");
        }
    }
    assert!(server.connections() > 1, "{}", server.connections());
}

#[test]
fn checks_of_health_speak_as_requests_do() {
    let authority = Authority::new("origins");
    let server = Server::start(Speaks::tls(&authority.sign("o", &["orders.test"]), &["http/1.1"], None));
    let check = "health: { path: /healthz, interval: 1s, timeout: 1s, healthy_after: 1, unhealthy_after: 1 }";
    let gateway = before(&server, &authority, &format!("{TRUSTED}, {check}"));
    crate::support::wait_until("the target is asked", || {
        server.seen().iter().any(|seen| seen.contains("/healthz") && seen.contains("sni=orders.test"))
    });
    assert_eq!(get(gateway.address, "/").status, 200);
    let stranger = Authority::new("stranger");
    let gateway = before(&server, &stranger, &format!("{TRUSTED}, {check}"));
    gateway.wait_for_log("target is unhealthy: no TLS: ");
}
