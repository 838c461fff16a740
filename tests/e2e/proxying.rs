//! What a proxy owes both sides: connections, bodies, header fields, errors.

use std::io::Write;
use std::sync::{Arc, Barrier};

use crate::support::{Client, Gateway, Origin, get};

#[test]
fn connections_are_kept_on_both_sides() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    for _ in 0..5 {
        assert_eq!(client.get("/a").body, "ok");
    }
    assert_eq!((origin.requests().len(), origin.connections()), (5, 1));
}

#[test]
fn the_origin_gets_clean_fields() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    client.send(
        "GET /a//b/../c?q=1 HTTP/1.1\r\nhost: Shop.Test\r\nconnection: keep-alive, x-drop\r\nx-drop: 1\r\n\
         x-forwarded-for: 6.6.6.6\r\nte: trailers\r\nx-keep: 1\r\n\r\n",
    );
    assert_eq!(client.response().status, 200);
    let request = origin.last();
    assert!(request.starts_with("GET /a/c?q=1 HTTP/1.1\r\n"), "{request}");
    for wanted in [
        &format!("host: {}\r\n", origin.address),
        "x-keep: 1\r\n",
        "x-forwarded-for: 127.0.0.1\r\n",
        "x-forwarded-host: Shop.Test\r\n",
        "x-forwarded-proto: http\r\n",
        "via: 1.1 forebay\r\n",
        "x-request-id: ",
    ] {
        assert!(request.contains(wanted), "{wanted} in {request}");
    }
    for unwanted in ["x-drop", "6.6.6.6", "te: ", "connection: "] {
        assert!(!request.contains(unwanted), "{unwanted} in {request}");
    }
}

#[test]
fn steps_and_clients_see_clean_fields_of_the_answer() {
    let origin = Origin::start(|_| {
        b"HTTP/1.1 200 OK\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n\
          via: 1.0 cache\r\ncontent-length: 2\r\n\r\nok"
            .to_vec()
    });
    let script = "fn on_response(req, res) { res.headers[\"x-names\"] = json::stringify(res.headers.names()); res.headers[\"x-hop\"] = 2; }";
    let gateway = Gateway::start(&origin.config("look"), &[("look", script)]);
    let response = get(gateway.address, "/");
    assert_eq!(response.header("x-names"), Some("[\"via\"]"));
    assert_eq!(response.header("x-hop"), Some("2"), "the step's own field is not the origin's");
    assert!(response.header("keep-alive").is_none());
    // The version in `Via` is that of the message received, which is the origin's answer (RFC 9110, section 7.6.3).
    let mut old = Client::connect(gateway.address);
    old.send("GET / HTTP/1.0\r\n\r\n");
    let head = old.head().unwrap();
    assert!(head.contains("via: 1.0 cache\r\nvia: 1.1 forebay\r\n"), "{head}");
}

#[test]
fn a_response_streams_before_it_is_complete() {
    let gate = Arc::new(Barrier::new(2));
    let opened = gate.clone();
    let origin = Origin::start_raw(move |stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").unwrap();
        opened.wait();
        stream.write_all(b"-last").is_ok()
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    client.send_get("/");
    assert!(client.head().unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(client.read_exact(5), b"first");
    gate.wait();
    assert_eq!(client.read_exact(5), b"-last");
}

#[test]
fn a_large_answer_does_not_pile_up_in_the_gateway() {
    let origin = Origin::start_raw(|stream, _| {
        let size = 64 << 20;
        stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n").as_bytes()).unwrap();
        let block = vec![b'x'; 1 << 20];
        (0..64).all(|_| stream.write_all(&block).is_ok())
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    get(gateway.address, "/nothing").body.truncate(0);
    let before = gateway.resident_kib();
    let mut client = Client::connect(gateway.address);
    client.send_get("/");
    client.head().unwrap();
    // The client stops after one MiB: what has come so far must wait at the origin.
    client.read_exact(1 << 20);
    let held = gateway.resident_kib().saturating_sub(before);
    assert!(held < 16 << 10, "{held} KiB held for a client that does not read");
    client.read_exact(63 << 20);
}

#[test]
fn bodies_go_up_with_their_length_or_in_chunks() {
    let origin = Origin::ok();
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    client.post("/a", "hello");
    assert!(
        origin.last().contains("content-length: 5\r\n") && origin.last().ends_with("hello"),
        "{}",
        origin.last()
    );
    client.send("POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    assert_eq!(client.response().status, 200);
    assert!(origin.last().contains("transfer-encoding: chunked"), "{}", origin.last());
}

#[test]
fn head_and_empty_answers_keep_the_connection() {
    let origin = Origin::start(|request| match request.split(' ').nth(1) {
        Some("/empty") => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        _ if request.starts_with("HEAD") => b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n".to_vec(),
        _ => b"HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n".to_vec(),
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    client.send("HEAD /x HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(client.head().unwrap().contains("content-length: 1234"));
    client.send_get("/empty");
    assert!(client.head().unwrap().starts_with("HTTP/1.1 204"));
    client.send_get("/x");
    assert!(client.head().unwrap().starts_with("HTTP/1.1 304"));
    assert_eq!(origin.connections(), 1);
}

#[test]
fn routes_choose_by_host_path_method_header_and_query() {
    let one = Origin::start(|_| crate::support::answer(200, "one"));
    let two = Origin::start(|_| crate::support::answer(200, "two"));
    let config = format!(
        "upstreams:\n  one: {{ targets: [\"http://{}\"] }}\n  two: {{ targets: [\"http://{}\"] }}\n\
         routes:\n  - {{ name: item, path: \"/api/{{id}}\", methods: [GET], upstream: one }}\n\
         \x20 - {{ name: rest, path: \"/api/{{*rest}}\", upstream: two }}\n\
         \x20 - {{ name: beta, path: /x, headers: {{ x-beta: present }}, upstream: two }}\n\
         \x20 - {{ name: page, path: /x, query: {{ page: \"2\" }}, upstream: one, strip_prefix: /x }}\n",
        one.address, two.address
    );
    let gateway = Gateway::start(&config, &[]);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.get("/api/7").body, "one");
    assert_eq!(client.get("/api/7/8").body, "two");
    assert_eq!(client.post("/api/7", "").body, "two");
    client.send("GET /x HTTP/1.1\r\nhost: a\r\nx-beta: 1\r\n\r\n");
    assert_eq!(client.response().body, "two");
    assert_eq!(client.get("/x?page=2").body, "one");
    assert!(one.last().starts_with("GET /?page=2 "), "{}", one.last());
    assert_eq!(client.get("/x").status, 404);
    let problem: serde_json::Value = serde_json::from_str(&client.get("/nowhere").body).unwrap();
    assert_eq!(problem["kind"], "no_route");
}

#[test]
fn several_targets_take_turns_and_dead_ones_are_passed_over() {
    let one = Origin::ok();
    let two = Origin::ok();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!(
        "workers: 1\nupstreams: {{ o: {{ targets: [\"http://{}\", \"http://{}\", \"http://{dead}\"] }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n",
        one.address, two.address
    );
    let gateway = Gateway::start(&config, &[]);
    let mut client = Client::connect(gateway.address);
    for _ in 0..12 {
        assert_eq!(client.get("/").status, 200);
    }
    assert!(one.requests().len() >= 4 && two.requests().len() >= 4);
}

#[test]
fn faults_of_the_origin_are_told_apart() {
    let origin = Origin::start_raw(|stream, request| match request.split(' ').nth(1) {
        Some("/cut") => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").unwrap();
            false
        }
        Some("/garbage") => stream.write_all(b"what is this\r\n\r\n").is_ok(),
        Some("/hang") => true,
        _ => false,
    });
    // Only what hangs has little time: on a busy machine the others may need more.
    let targets = format!("targets: [\"http://{}\"]", origin.address);
    let config = format!(
        "workers: 1\nupstreams: {{ o: {{ {targets} }}, impatient: {{ {targets}, response_timeout: 200ms }} }}\n\
         routes:\n  - {{ name: hang, path: /hang, upstream: impatient }}\n  \
         - {{ name: all, path: \"/{{*rest}}\", upstream: o }}\n"
    );
    let gateway = Gateway::start(&config, &[]);
    assert_eq!(get(gateway.address, "/close").status, 502);
    assert_eq!(get(gateway.address, "/garbage").status, 502);
    assert_eq!(get(gateway.address, "/hang").status, 504);
    let mut client = Client::connect(gateway.address);
    client.send_get("/cut");
    assert_eq!(client.try_response(), None, "a cut body is not passed off as a whole one");
    assert_eq!(get(gateway.address, "/").status, 502);
}

#[test]
fn a_post_is_never_sent_twice() {
    let origin =
        Origin::start(
            |request| if request.contains("POST") { Vec::new() } else { crate::support::answer(200, "ok") },
        );
    let gateway = Gateway::start(&origin.config(""), &[]);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.post("/", "x").status, 502);
    let posts = origin.requests().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!(posts, 1);
}
