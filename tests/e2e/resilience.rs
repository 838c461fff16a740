//! What the gateway does when upstreams fail, by their policies.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use crate::support::{Client, Gateway, Origin, answer, get, wait_until};

/// A configuration with one upstream of these targets and keys behind one route, with metrics.
fn config(origins: &[&Origin], keys: &str) -> String {
    let targets: Vec<String> =
        origins.iter().map(|origin| format!("\"http://{}\"", origin.address)).collect();
    format!(
        "workers: 1\nstatus: {{ listen: \"127.0.0.1:0\" }}\nupstreams: {{ o: {{ targets: [{}], {keys} }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n",
        targets.join(", ")
    )
}

/// The value of a metric.
fn metric(gateway: &Gateway, name: &str) -> u64 {
    let page = gateway.status_page("/metrics");
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
}

#[test]
fn what_failed_is_sent_again_with_its_body() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let origin = Origin::start_raw(move |stream, request| match count.fetch_add(1, Ordering::SeqCst) {
        0 => false,
        1 => stream.write_all(&answer(503, "busy")).is_ok(),
        _ => stream.write_all(&answer(200, request.split("\r\n\r\n").nth(1).unwrap())).is_ok(),
    });
    let keys = "retries: { on: [reset, 503], backoff: { first: 1ms, max: 2ms } }";
    let gateway = Gateway::start(&config(&[&origin], keys), &[]);
    let mut client = Client::connect(gateway.address);
    client.send("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello");
    let response = client.response();
    assert_eq!((response.status, response.body.as_str()), (200, "hello"));
    assert_eq!(seen.load(Ordering::SeqCst), 3);
    assert_eq!(metric(&gateway, "forebay_upstream_retries_total{upstream=\"o\"}"), 2);
    seen.store(0, Ordering::SeqCst);
    assert_eq!(client.post("/", "once").status, 502, "a POST is not sent again");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    assert_eq!(get(gateway.address, "/").status, 200, "the 503 that follows is tried again");
}

/// How the target of this origin stands.
fn condition(gateway: &Gateway, origin: &Origin) -> String {
    let status = gateway.status();
    let targets = status["upstreams"][0]["targets"].as_array().unwrap().clone();
    let target = targets.iter().find(|target| target["address"] == origin.address.to_string());
    target.expect("the status names the target")["condition"].as_str().unwrap().to_owned()
}

#[test]
fn a_target_that_fails_is_put_out_for_all_workers_and_comes_back() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = is_broken.clone();
    let bad =
        Origin::start(move |_| if broken.load(Ordering::SeqCst) { Vec::new() } else { answer(200, "bad") });
    let good = Origin::start(|_| answer(200, "good"));
    let keys = "outliers: { failures_max: 3, time: 2s, time_max: 2s }";
    let config = config(&[&bad, &good], keys).replace("workers: 1", "workers: 2");
    let gateway = Gateway::start(&config, &[]);
    let post = || Client::connect(gateway.address).post("/", "x");
    wait_until("the target is out", || {
        post();
        condition(&gateway, &bad) == "ejected"
    });
    let before = bad.requests().len();
    assert!(gateway.reload().0);
    for _ in 0..10 {
        assert_eq!(post().body, "good", "no worker asks it, also after a reload");
    }
    assert_eq!(bad.requests().len(), before);
    let text = String::from_utf8(gateway.command(&["status"]).stdout).unwrap();
    assert!(text.contains("upstream     o: 1 of 2 targets up, round_robin"), "{text}");
    assert!(
        text.contains(&format!("{} ejected: 3 requests without an answer in a row", bad.address)),
        "{text}"
    );
    assert_eq!(metric(&gateway, "forebay_upstream_ejections_total{upstream=\"o\"}"), 1);
    is_broken.store(false, Ordering::SeqCst);
    wait_until("the target is back", || post().body == "bad");
    assert_eq!(condition(&gateway, &bad), "up");
}

#[test]
fn a_target_that_fails_its_checks_is_not_used_until_it_passes() {
    let is_ill = Arc::new(AtomicBool::new(false));
    let ill = is_ill.clone();
    let checked = Origin::start(move |request| {
        let is_check = request.starts_with("GET /healthz?deep HTTP/1.1");
        if is_check && ill.load(Ordering::SeqCst) { answer(500, "ill") } else { answer(200, "checked") }
    });
    let other = Origin::start(|_| answer(200, "other"));
    // The other target is checked too, and must not be out on a busy machine: so the time is long.
    let keys = "health: { path: \"/healthz?deep\", host: shop.test, interval: 1s, timeout: 1s, \
                healthy_after: 1, unhealthy_after: 1 }";
    let gateway = Gateway::start(&config(&[&checked, &other], keys), &[]);
    wait_until("it is checked", || {
        checked.requests().iter().any(|request| request.contains("host: shop.test\r\n"))
    });
    is_ill.store(true, Ordering::SeqCst);
    wait_until("the target is out", || condition(&gateway, &checked) == "unhealthy");
    for _ in 0..6 {
        assert_eq!(get(gateway.address, "/").body, "other");
    }
    let line = gateway.wait_for_log("target is unhealthy: answered 500");
    assert!(line.contains(&checked.address.to_string()), "{line}");
    let name = format!("forebay_upstream_target_up{{upstream=\"o\",target=\"{}\"}}", checked.address);
    assert_eq!(metric(&gateway, &name), 0);
    assert!(gateway.reload().0);
    assert_eq!(condition(&gateway, &checked), "unhealthy", "a reload forgets nothing");
    is_ill.store(false, Ordering::SeqCst);
    wait_until("the target is back", || get(gateway.address, "/").body == "checked");
    // Without checks nothing speaks against a target.
    is_ill.store(true, Ordering::SeqCst);
    wait_until("the target is out again", || condition(&gateway, &checked) == "unhealthy");
    gateway.write_config(&config(&[&checked, &other], "preserve_host: true"));
    assert!(gateway.reload().0);
    wait_until("it is used", || condition(&gateway, &checked) == "up");
}

#[test]
fn requests_beyond_the_circuit_breaker_are_answered_503_at_once() {
    let gate = Arc::new(Barrier::new(2));
    let opened = gate.clone();
    let origin = Origin::start_raw(move |stream, request| {
        if request.starts_with("GET /slow ") {
            opened.wait();
            opened.wait();
        }
        stream.write_all(&answer(200, "ok")).is_ok()
    });
    let config = config(&[&origin], "breakers: { requests_max: 1 }").replace("workers: 1", "workers: 2");
    let gateway = Gateway::start(&config, &[]);
    let mut slow = Client::connect(gateway.address);
    slow.send_get("/slow");
    gate.wait();
    // Whichever worker takes them: the bound is common to all.
    for _ in 0..8 {
        let refused = get(gateway.address, "/");
        assert_eq!(refused.status, 503);
        assert!(refused.body.contains("\"kind\":\"breaker_requests\""), "{}", refused.body);
    }
    let status = gateway.status();
    let bound = &status["upstreams"][0]["breakers"]["requests"];
    assert_eq!(bound.to_string(), r#"{"most":1,"refused":8,"under_way":1}"#);
    gate.wait();
    assert_eq!(slow.response().status, 200);
    wait_until("the answer is over", || get(gateway.address, "/").status == 200);
    let name = "forebay_upstream_breaker_refusals_total{upstream=\"o\",bound=\"requests\"}";
    assert!(metric(&gateway, name) >= 8);
}

#[test]
fn a_share_of_the_requests_is_copied_to_another_upstream() {
    let origin = Origin::ok();
    // Answers nothing: nobody may wait for it.
    let shadow = Origin::start_raw(|_, _| true);
    let config = format!(
        "workers: 1\nstatus: {{ listen: \"127.0.0.1:0\" }}\nupstreams:\n  o: {{ targets: [\"http://{}\"], mirror: {{ to: shadow }} }}\n  \
         shadow: {{ targets: [\"http://{}\"] }}\nroutes: [{{ name: all, path: \"/{{*rest}}\", upstream: o }}]\n",
        origin.address, shadow.address
    );
    let gateway = Gateway::start(&config, &[]);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.post("/order", "one").body, "ok");
    assert_eq!(client.get("/list").body, "ok");
    wait_until("the copies are there", || shadow.requests().len() == 2);
    let copies = shadow.requests();
    let order =
        copies.iter().find(|copy| copy.starts_with("POST /order HTTP/1.1")).expect("a copy of the order");
    assert!(
        order.ends_with("\r\n\r\none") && order.contains(&format!("host: {}", shadow.address)),
        "{order}"
    );
    assert_eq!(metric(&gateway, "forebay_upstream_mirrored_total{upstream=\"o\"}"), 2);
}
