//! Bounds on what clients send, on how long they take, and on what scripts may use.

use std::time::Duration;

use crate::support::{Client, Gateway, Origin, get};

const ECHO: &str = "workers: 1\nupstreams: { o: { builtin: echo } }\n";

fn echo_routes(routes: &str) -> String {
    format!("{ECHO}routes:\n{routes}  - {{ name: all, path: \"/{{*rest}}\", upstream: o }}\n")
}

#[test]
fn too_much_is_refused() {
    let config = format!("client: {{ body_bytes_max: 10, headers_max: 8 }}\n{}", echo_routes(""));
    let gateway = Gateway::start(&config, &[]);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.post("/", "0123456789").status, 200);
    assert_eq!(client.post("/", "0123456789a").status, 413);
    assert!(client.is_closed());
    let mut client = Client::connect(gateway.address);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n");
    assert_eq!(client.response().status, 413);
    let mut client = Client::connect(gateway.address);
    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x-a: 1\r\n".repeat(9)));
    assert_eq!(client.response().status, 431);
    let mut client = Client::connect(gateway.address);
    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(100_000)));
    assert_eq!(client.response().status, 431);
}

#[test]
fn ambiguous_requests_are_refused() {
    let gateway = Gateway::start(&echo_routes(""), &[]);
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 2\r\n\r\nab",
        "GET /a%2fb HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET http://other/ HTTP/1.1\r\nhost: a\r\n\r\n",
    ] {
        let mut client = Client::connect(gateway.address);
        client.send(request);
        let status = client.response().status;
        assert!(matches!(status, 400 | 501), "{status} for {request:?}");
    }
}

#[test]
fn slow_clients_are_dropped() {
    let config = format!(
        "client: {{ header_timeout: 300ms, idle_timeout: 300ms, body_timeout: 300ms }}\n{}",
        echo_routes("")
    );
    let gateway = Gateway::start(&config, &[]);
    let mut silent = Client::connect(gateway.address);
    let mut slow_head = Client::connect(gateway.address);
    slow_head.send("GET / HTTP/1.1\r\nhost");
    let mut idle = Client::connect(gateway.address);
    assert_eq!(idle.get("/").status, 200);
    let mut slow_body = Client::connect(gateway.address);
    slow_body.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n01");
    assert!(silent.is_closed() && slow_head.is_closed() && idle.is_closed());
    assert_eq!(slow_body.response().status, 408);
}

#[test]
fn hostile_scripts_end_alone_and_the_next_request_is_served() {
    let scripts = [
        ("spin", "fn on_request(req) { loop {} }"),
        ("recurse", "fn f(n) { f(n + 1) }\nfn on_request(req) { f(0); }"),
        (
            "bomb",
            "fn on_request(req) {\n  let a = []; let s = \"\"; s.pad(2000, 'x');\n  for i in 0..400 { a.push(s + i); }\n  loop { }\n}",
        ),
        ("sleep", "fn on_request(req) { sleep(60); }"),
        ("late", "fn on_request(req) { try { loop { } } catch { } loop { } }"),
    ];
    let routes: String = scripts
        .iter()
        .map(|(name, _)| format!("  - {{ name: {name}, path: /{name}, steps: [{name}], upstream: o }}\n"))
        .collect();
    let limits =
        "scripts: { limits: { wall_time_max: 500ms, operations_max: 200000, memory_bytes_max: 512KiB } }\n";
    let gateway = Gateway::start(&format!("{limits}{}", echo_routes(&routes)), &scripts);
    for (name, kind) in [
        ("spin", "operations"),
        ("recurse", "call_depth"),
        ("bomb", "memory"),
        ("sleep", "wall_time"),
        ("late", "operations"),
    ] {
        assert_eq!(get(gateway.address, &format!("/{name}")).status, 500, "{name}");
        gateway.wait_for_log(&format!("step={name} hook=\"on_request\" kind=\"{kind}\""));
        assert_eq!(get(gateway.address, "/fine").status, 200);
    }
}

#[test]
fn a_body_larger_than_scripts_may_read_is_413() {
    let config = format!(
        "scripts: {{ body_bytes_max: 4 }}\n{}",
        echo_routes("  - { name: r, path: /read, steps: [read], upstream: o }\n")
    );
    let gateway =
        Gateway::start(&config, &[("read", "fn on_request(req) { req.headers[\"x-n\"] = req.body.len; }")]);
    assert_eq!(Client::connect(gateway.address).post("/read", "abcd").status, 200);
    assert_eq!(Client::connect(gateway.address).post("/read", "abcde").status, 413);
    assert_eq!(Client::connect(gateway.address).post("/other", "abcde").status, 200);
}

#[test]
fn a_whole_request_can_be_bounded() {
    let origin = Origin::start_raw(|_, _| true);
    let config = format!("client: {{ request_timeout: 200ms }}\n{}", origin.config(""));
    let gateway = Gateway::start(&config, &[]);
    let began = std::time::Instant::now();
    assert_eq!(get(gateway.address, "/").status, 504);
    assert!(began.elapsed() < Duration::from_secs(10));
}
