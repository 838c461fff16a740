//! Patches that wait for the host's input and output: the worker serves others meanwhile.

use std::io::Write;

use super::artefact::of_kind;
use super::folder;
use crate::support::{Client, Gateway, Origin, answer, wait_until};

/// A gateway with one worker, so that a call that kept it would keep everybody.
fn gateway(origin: &Origin) -> Gateway {
    let gateway = Gateway::start_with(one_worker(), &[]);
    of_kind("waits").put(&gateway.path("patches"), "waits.so");
    let address = origin.address;
    let step = format!("{{ middleware: wait, config: {{ url: \"http://{address}/asked\" }} }}");
    gateway.write_config(&format!(
        "patches: {{ signatures: off }}\nscripts: {{ http: {{ allow: [\"{address}\"] }} }}\n{}",
        origin.config(&step)
    ));
    let (accepted, report) = gateway.reload();
    assert!(accepted, "{report}");
    gateway
}

fn one_worker() -> crate::support::Folder {
    let folder = folder("signatures: off");
    let config = super::config("signatures: off").replace("workers: 2", "workers: 1");
    folder.write(
        "forebay.yaml",
        &format!("listen: \"127.0.0.1:0\"\nadmin: {{ socket: admin.sock }}\n{config}"),
    );
    folder
}

/// Asks the patch for something on a connection of its own.
fn ask(gateway: &Gateway, fields: &str) -> String {
    let mut client = Client::connect(gateway.address);
    client.send(format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n"));
    let response = client.response();
    assert_eq!(response.status, 200, "{response:?}");
    response.body
}

/// Begins a request that is answered when somebody sets this key.
fn begin_to_wait(gateway: &Gateway, key: &str) -> Client {
    let mut client = Client::connect(gateway.address);
    let length = key.len();
    client.send(format!("POST / HTTP/1.1\r\nhost: a\r\nx-do: wait\r\ncontent-length: {length}\r\n\r\n{key}"));
    client
}

#[test]
fn outbound_requests_go_out_at_once_and_only_where_they_may() {
    let origin = Origin::start(|_| answer(201, "told"));
    let gateway = gateway(&origin);
    let said = ask(&gateway, "x-do: http");
    assert!(said.starts_with("201 told; 0 ") && said.contains("192.0.2.1"), "{said}");
    let asked = origin.last().to_lowercase();
    assert!(asked.starts_with("post /asked http/1.1\r\n") && asked.contains("x-from: patch\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\nasked"), "{asked}");
}

#[test]
fn the_store_keeps_counts_and_forgets() {
    let origin = Origin::ok();
    let gateway = gateway(&origin);
    assert_eq!(ask(&gateway, "x-do: kv"), "2 kept");
    assert_eq!(ask(&gateway, "x-do: kv"), "4 kept");
    // What a patch has stored outlives what serves.
    assert!(gateway.reload().0);
    assert_eq!(ask(&gateway, "x-do: kv"), "6 kept");
}

#[test]
fn the_worker_serves_others_while_a_patch_waits() {
    let origin = Origin::ok();
    let gateway = gateway(&origin);
    let mut waiting: Vec<_> = (0..20).map(|_| begin_to_wait(&gateway, "go")).collect();
    wait_until("all of them wait", || ask(&gateway, "x-do: tell") == "waiting 20, cancelled 0");
    assert_eq!(ask(&gateway, "x-do: set\r\nx-key: go"), "set");
    for client in &mut waiting {
        assert_eq!(client.response().body, "it was set");
    }
    assert_eq!(ask(&gateway, "x-do: tell"), "waiting 0, cancelled 0");
}

#[test]
fn a_request_that_waits_finishes_under_the_patch_it_began_with() {
    let origin = Origin::ok();
    let gateway = gateway(&origin);
    let mut waiting = begin_to_wait(&gateway, "go");
    wait_until("it waits", || ask(&gateway, "x-do: tell") == "waiting 1, cancelled 0");
    let set = begin_to_wait(&gateway, "never");
    wait_until("both wait", || ask(&gateway, "x-do: tell") == "waiting 2, cancelled 0");
    gateway.write_config(&format!("patches: {{ signatures: off }}\n{}", origin.config("")));
    super::succeed(&gateway, &["patch", "disable", "waits"]);
    assert_eq!(ask(&gateway, "x-do: tell"), "ok", "the upstream answers, and no patch");
    super::succeed(&gateway, &["patch", "enable", "waits"]);
    gateway.write_config(&format!(
        "patches: {{ signatures: off }}\n{}",
        origin.config("{ middleware: wait, config: { url: \"http://127.0.0.1/\" } }")
    ));
    assert!(gateway.reload().0);
    assert_eq!(ask(&gateway, "x-do: tell"), "waiting 2, cancelled 0", "one library, however often it serves");
    ask(&gateway, "x-do: set\r\nx-key: go");
    assert_eq!(waiting.response().body, "it was set");
    drop(set);
    wait_until("the old generations are freed", || {
        gateway.status()["generation"]["retiring"] == serde_json::json!([])
    });
}

#[test]
fn a_patch_that_nobody_waits_for_any_more_is_told_so() {
    let origin = Origin::ok();
    let gateway = gateway(&origin);
    let gone = begin_to_wait(&gateway, "never");
    wait_until("it waits", || ask(&gateway, "x-do: tell") == "waiting 1, cancelled 0");
    drop(gone);
    wait_until("it is told", || ask(&gateway, "x-do: tell") == "waiting 0, cancelled 1");
}

#[test]
fn the_way_back_waits_as_well() {
    let origin = Origin::start(|_| answer(200, "seven b"));
    let gateway = gateway(&origin);
    let response = Client::connect(gateway.address).get("/");
    assert_eq!((response.header("x-length"), response.body.as_str()), (Some("7"), "seven b"));
}

/// A gateway that reads at most eight bytes for the patch that needs bodies.
fn reading(origin: &Origin) -> Gateway {
    let gateway = Gateway::start_with(one_worker(), &[]);
    of_kind("reads").put(&gateway.path("patches"), "reads.so");
    let open = "{ name: open, path: /open, upstream: o, steps: [{ middleware: read, on_error: open }] }";
    gateway.write_config(&format!(
        "patches: {{ signatures: off }}\nscripts: {{ body_bytes_max: 8 }}\n{}  - {open}\n",
        origin.config("{ middleware: read }")
    ));
    let (accepted, report) = gateway.reload();
    assert!(accepted, "{report}");
    gateway
}

#[test]
fn a_body_that_a_hook_needs_is_read_before_it_is_called() {
    let origin = Origin::start(|_| answer(200, "three"));
    let gateway = reading(&origin);
    let mut client = Client::connect(gateway.address);
    let response = client.post("/", "four");
    assert_eq!((response.header("x-request"), response.header("x-response")), (Some("4"), Some("5")));
    assert_eq!(response.body, "three");
    assert!(origin.last().ends_with("\r\n\r\nfour"), "{}", origin.last());
    assert_eq!(client.get("/").header("x-request"), Some("0"), "there is nothing to be read");
    // While a body is on its way, the only worker serves others.
    let mut slow = Client::connect(gateway.address);
    slow.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n");
    assert_eq!(client.post("/", "1").header("x-request"), Some("1"));
    slow.send("1\r\nc\r\n0\r\n\r\n");
    assert_eq!(slow.response().header("x-request"), Some("3"));
}

#[test]
fn a_body_that_cannot_be_read_fails_the_step_that_needs_it() {
    let origin = Origin::start_raw(|stream, request| {
        if request.contains("GET /broken") {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab");
            false
        } else {
            stream.write_all(&answer(200, "ok")).is_ok()
        }
    });
    let gateway = reading(&origin);
    let post = |path: &str| Client::connect(gateway.address).post(path, "nine bytes");
    assert_eq!(post("/").status, 413);
    gateway.wait_for_log("step=read");
    // Passed over, and the body streams past.
    let response = post("/open");
    assert_eq!((response.status, response.header("x-request"), response.body.as_str()), (200, None, "ok"));
    assert!(origin.last().ends_with("nine bytes"), "{}", origin.last());
    assert_eq!(Client::connect(gateway.address).get("/broken").status, 502);
}
