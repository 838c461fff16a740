//! What the gateway does when upstreams fail, by their policies.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Client, Gateway, Origin, answer, get};

/// A configuration with one upstream of these targets and keys behind one route, with metrics.
fn config(origins: &[&Origin], keys: &str) -> String {
    let targets: Vec<String> = origins.iter().map(|origin| format!("\"http://{}\"", origin.address)).collect();
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
