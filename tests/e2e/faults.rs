//! Upstreams and clients that fail at every stage: what the other side sees of it, and that nothing is left behind.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier};

use crate::support::{Client, Folder, Gateway, Origin, answer, get, wait_until};

/// Whether nothing is under way any more.
fn is_idle(gateway: &Gateway) -> bool {
    let status = gateway.status();
    status["active_requests"] == 0 && status["connections"] == 0
}

/// A configuration with one worker and one upstream at this address, with more keys.
fn config(address: SocketAddr, keys: &str) -> String {
    format!(
        "workers: 1\nupstreams: {{ o: {{ targets: [\"http://{address}\"], {keys} }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n"
    )
}

/// The path that a request asks for.
fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn a_fault_of_the_upstream_costs_its_request_and_no_other() {
    let origin = Origin::start_raw(|stream, request| {
        let mut say = |text: &str| stream.write_all(text.as_bytes()).is_ok();
        match path(request) {
            "/cut-head" => {
                say("HTTP/1.1 200 OK\r\ncontent-le");
                false
            }
            "/half-closed-head" => {
                say("HTTP/1.1 200 OK\r\n");
                let _ = stream.shutdown(Shutdown::Write);
                true
            }
            "/half-closed-body" => {
                say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
                let _ = stream.shutdown(Shutdown::Write);
                true
            }
            "/half-closed-after" => {
                say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                let _ = stream.shutdown(Shutdown::Write);
                true
            }
            "/bad-chunk" => say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"),
            "/stall-body" => say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
            "/two-lengths" => say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!"),
            "/endless-head" => {
                say("HTTP/1.1 200 OK\r\n")
                    && (0..4_000).all(|_| say("x-padding: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"))
            }
            _ => say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        }
    });
    let gateway = Gateway::start(&config(origin.address, "body_timeout: 500ms"), &[]);
    for (fault, status) in [
        ("/cut-head", 502),
        ("/half-closed-head", 502),
        ("/two-lengths", 502),
        ("/endless-head", 502),
        ("/half-closed-after", 200),
    ] {
        assert_eq!(get(gateway.address, fault).status, status, "{fault}");
        assert_eq!(get(gateway.address, "/").status, 200, "after {fault}");
    }
    for fault in ["/half-closed-body", "/bad-chunk", "/stall-body"] {
        let mut client = Client::connect(gateway.address);
        client.send_get(fault);
        assert_eq!(client.try_response(), None, "{fault}: a cut body is not passed off as a whole one");
        assert_eq!(get(gateway.address, "/").status, 200, "after {fault}");
    }
    wait_until("nothing is left", || is_idle(&gateway));
}

/// Reads a head and leaves what follows.
fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
}

#[test]
fn a_reset_is_no_end_of_an_answer() {
    let gate = Arc::new(Barrier::new(2));
    let opened = gate.clone();
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in ["HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\n\r\nuntil the end"] {
            let (mut stream, _) = origin.accept().unwrap();
            read_head(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            // A socket that is closed with something unread in it is reset.
            stream.peek(&mut [0]).unwrap();
            opened.wait();
        }
    });
    let gateway = Gateway::start(&config(address, "preserve_host: true"), &[]);
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    let mut client = Client::connect(gateway.address);
    client.send(post);
    gate.wait();
    assert_eq!(client.response().status, 502);
    client.send(post);
    assert!(client.head().unwrap().contains("transfer-encoding: chunked"));
    assert_eq!(client.read_exact(18), b"D\r\nuntil the end\r\n");
    gate.wait();
    assert!(client.is_closed(), "without the last chunk, so that the client knows that it has not all");
    wait_until("nothing is left", || is_idle(&gateway));
}

#[test]
fn an_early_answer_reaches_a_client_that_still_sends() {
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = origin.accept().unwrap();
        read_head(&mut stream);
        stream.write_all(&answer(413, "too much")).unwrap();
        // Until the gateway closes.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let gateway = Gateway::start(&config(address, "preserve_host: true"), &[]);
    let mut client = Client::connect(gateway.address);
    client.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nbegin");
    let response = client.response();
    assert_eq!((response.status, response.body.as_str()), (413, "too much"));
    drop(client);
    wait_until("nothing is left", || is_idle(&gateway));
}

#[test]
fn a_client_may_leave_at_every_stage() {
    let gate = Arc::new(Barrier::new(2));
    let opened = gate.clone();
    let origin = Origin::start_raw(move |stream, request| match path(request) {
        "/wait" => {
            opened.wait();
            // Until the gateway has given the request up, which it does when its client has gone.
            matches!(stream.read(&mut [0]), Ok(count) if count > 0)
        }
        "/long" => {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
            let block = vec![b'x'; 1 << 16];
            while stream.write_all(&block).is_ok() {}
            opened.wait();
            false
        }
        _ => stream.write_all(&answer(200, "ok")).is_ok(),
    });
    let gateway = Gateway::start(&origin.config(""), &[]);
    let stages = [
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nhost: a\r\n",
        "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf",
    ];
    for stage in stages {
        let mut client = TcpStream::connect(gateway.address).unwrap();
        client.write_all(stage.as_bytes()).unwrap();
        if stage.is_empty() || stage.starts_with("PUT") {
            wait_until("it is noticed", || gateway.status()["connections"] == 1);
        }
        drop(client);
        wait_until(stage, || is_idle(&gateway));
    }
    let mut waiting = Client::connect(gateway.address);
    waiting.send_get("/wait");
    gate.wait();
    drop(waiting);
    wait_until("the request that waited is given up", || is_idle(&gateway));
    let mut reading = Client::connect(gateway.address);
    reading.send_get("/long");
    reading.head().unwrap();
    reading.read_exact(1_000);
    drop(reading);
    // The origin is told: it cannot write any more.
    gate.wait();
    wait_until("the answer is given up", || is_idle(&gateway));
    // A request that was sent whole and whose client reads no more is an end like any other.
    let half = TcpStream::connect(gateway.address).unwrap();
    let mut writer = half.try_clone().unwrap();
    writer.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    half.shutdown(Shutdown::Both).unwrap();
    drop((half, writer));
    wait_until("nothing is left", || is_idle(&gateway));
    assert_eq!(get(gateway.address, "/").body, "ok");
}

#[test]
fn running_out_of_descriptors_is_survived_and_blames_no_target() {
    let origin = Origin::ok();
    let config = config(origin.address, "outliers: { failures_max: 1 }");
    let gateway = Gateway::start_with_descriptors(Folder::new(&config, &[]), 64);
    let mut served = Client::connect(gateway.address);
    assert_eq!(served.get("/").status, 200);
    let crowd: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(gateway.address).unwrap()).collect();
    gateway.wait_for_log("cannot accept connections; trying again until it works");
    // One that is connected already is served over the connection that is there.
    assert_eq!(served.get("/").status, 200);
    // Two at a time need a second connection to the origin, for which there is none left.
    let mut refused = Client::over(crowd[0].try_clone().unwrap());
    let mut held = Client::over(crowd[1].try_clone().unwrap());
    held.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf");
    let response = loop {
        // Until the other one has the only connection.
        let response = refused.get("/");
        if response.status != 200 {
            break response;
        }
    };
    assert_eq!(response.status, 503);
    assert!(response.body.contains("\"kind\":\"exhausted\""), "{}", response.body);
    drop((refused, held, crowd));
    wait_until("new clients are served", || get(gateway.address, "/").status == 200);
    let targets = &gateway.status()["upstreams"][0]["targets"];
    assert_eq!(targets[0]["condition"], "up", "the target is not to blame: {targets}");
}

#[test]
fn a_name_is_looked_up_and_the_status_says_what_it_stands_for() {
    let origin = Origin::ok();
    let port = origin.address.port();
    let config = origin.config("").replace(&origin.address.to_string(), &format!("localhost:{port}"));
    let gateway = Gateway::start(&config, &[]);
    assert_eq!(get(gateway.address, "/").body, "ok");
    let status = gateway.status();
    let target = &status["upstreams"][0]["targets"][0];
    assert_eq!(target["address"], format!("localhost:{port}"));
    assert!(target["addresses"].as_array().unwrap().contains(&"127.0.0.1".into()), "{target}");
    assert_eq!(target["address_changes"], 0);
}
