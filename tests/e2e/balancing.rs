//! Which of several origins a request goes to.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Barrier};

use crate::support::{Client, Gateway, Origin, answer, get};

/// Origins that answer their number.
fn origins(count: usize) -> Vec<Origin> {
    (0..count).map(|number| Origin::start(move |_| answer(200, &number.to_string()))).collect()
}

/// A configuration with these origins behind one route, and more keys of the upstream.
fn config(origins: &[Origin], keys: &str) -> String {
    let targets: Vec<String> =
        origins.iter().map(|origin| format!("\"http://{}\"", origin.address)).collect();
    format!(
        "workers: 1\ntrusted_proxies: [127.0.0.1]\nupstreams: {{ o: {{ targets: [{}], {keys} }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n",
        targets.join(", ")
    )
}

/// Who answers a request with this field.
fn asked(client: &mut Client, field: &str) -> String {
    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{field}\r\n\r\n"));
    client.response().body
}

#[test]
fn a_key_goes_to_the_same_target_also_after_a_reload() {
    let origins = origins(3);
    for (hash, field) in [
        ("{ header: X-User }", "x-user: "),
        ("{ cookie: sid }", "cookie: a=b; sid="),
        ("client_ip", "x-forwarded-for: 10.0.0."),
    ] {
        let keys = format!("balance: consistent_hash, hash: {hash}");
        let gateway = Gateway::start(&config(&origins, &keys), &[]);
        let mut client = Client::connect(gateway.address);
        let mut owners =
            || -> Vec<String> { (1..41).map(|key| asked(&mut client, &format!("{field}{key}"))).collect() };
        let first = owners();
        assert_eq!(owners(), first, "{hash}");
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for owner in &first {
            *counts.entry(owner).or_default() += 1;
        }
        assert!(counts.len() == 3 && counts.values().all(|&count| count > 3), "{hash}: {counts:?}");
        assert!(gateway.reload().0);
        assert_eq!(owners(), first, "{hash}");
    }
}

#[test]
fn a_client_with_the_cookie_comes_back_to_its_target() {
    let mut origins = origins(3);
    let gateway = Gateway::start(&config(&origins, "affinity: { max_age: 1h }"), &[]);
    let mut client = Client::connect(gateway.address);
    let first = client.get("/");
    let field = first.header("set-cookie").unwrap().to_owned();
    assert!(field.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"), "{field}");
    let cookie = field.split(';').next().unwrap().to_owned();
    for _ in 0..6 {
        client.send(format!("GET / HTTP/1.1\r\nhost: a\r\ncookie: x=y; {cookie}\r\n\r\n"));
        let response = client.response();
        assert_eq!((&response.body, response.header("set-cookie")), (&first.body, None));
    }
    // Its target is taken out: the client gets another one, and a cookie for it.
    origins.remove(first.body.parse().unwrap());
    gateway.write_config(&config(&origins, "affinity: { max_age: 1h }"));
    assert!(gateway.reload().0);
    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\ncookie: {cookie}\r\n\r\n"));
    let moved = client.response();
    assert_ne!(moved.body, first.body);
    assert!(moved.header("set-cookie").is_some_and(|field| !field.starts_with(&cookie)));
}

#[test]
fn the_busy_target_is_passed_over() {
    let gate = Arc::new(Barrier::new(2));
    let opened = gate.clone();
    let busy = Origin::start_raw(move |stream, request| {
        if request.starts_with("GET /wait ") {
            opened.wait();
            opened.wait();
        }
        stream.write_all(&answer(200, "busy")).is_ok()
    });
    let origins = [busy, Origin::start(|_| answer(200, "idle"))];
    for balance in ["least_request", "power_of_two"] {
        let gateway = Gateway::start(&config(&origins, &format!("balance: {balance}")), &[]);
        // Until it is the first one that has it.
        let mut waiting = Client::connect(gateway.address);
        let served = origins[0].requests().len();
        loop {
            waiting.send_get("/wait");
            let asked =
                || origins[0].requests()[served..].iter().any(|request| request.starts_with("GET /wait "));
            // The idle one answers at once, the busy one only after the gate.
            let idle_before = origins[1].requests().len();
            crate::support::wait_until("an origin was asked", || {
                asked() || origins[1].requests().len() > idle_before
            });
            if asked() {
                break;
            }
            assert_eq!(waiting.response().body, "idle");
        }
        gate.wait();
        for _ in 0..8 {
            assert_eq!(get(gateway.address, "/").body, "idle", "{balance}");
        }
        gate.wait();
        assert_eq!(waiting.response().body, "busy");
    }
}
