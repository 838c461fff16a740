//! Bodies that a step reads: one that cannot be read to its end is never passed on as if it were whole.

use std::io::Write;

use crate::support::{Client, Gateway, Origin, answer, get};

const READ_REQUEST: &str = "fn on_request(req) { req.headers[\"x-n\"] = req.body.len; }";
const TRY_REQUEST: &str =
    "fn on_request(req) { try { let n = req.body.len; } catch { req.headers[\"x-caught\"] = 1; } }";
const READ_RESPONSE: &str = "fn on_response(req, res) { res.headers[\"x-n\"] = res.body.len; }";
const TRY_RESPONSE: &str =
    "fn on_response(req, res) { try { let n = res.body.len; } catch { res.headers[\"x-caught\"] = 1; } }";
const REPLACE_RESPONSE: &str =
    "fn on_response(req, res) { try { let n = res.body.len; } catch { res.body = \"replaced\"; } }";

/// One route for each way in which a script takes the failure of a read, named after it.
fn start(origin: &Origin, scripts_section: &str) -> Gateway {
    let routes = [
        ("closed", "read"),
        ("open", "{ script: read, on_error: open }"),
        ("caught", "attempt"),
        ("second", "{ script: read, on_error: open }, read"),
        ("res_closed", "read_response"),
        ("res_open", "{ script: read_response, on_error: open }"),
        ("res_caught", "attempt_response"),
        ("res_replaced", "replace_response"),
    ];
    let route = |(name, steps): (&str, &str)| {
        format!("  - {{ name: {name}, path: /{name}, steps: [{steps}], upstream: o }}\n")
    };
    let config = format!(
        "workers: 1\nscripts: {{ body_bytes_max: 4, {scripts_section} }}\n\
         upstreams: {{ o: {{ targets: [\"http://{}\"] }} }}\nroutes:\n{}",
        origin.address,
        routes.map(route).concat()
    );
    let scripts = [
        ("read", READ_REQUEST),
        ("attempt", TRY_REQUEST),
        ("read_response", READ_RESPONSE),
        ("attempt_response", TRY_RESPONSE),
        ("replace_response", REPLACE_RESPONSE),
    ];
    Gateway::start(&config, &scripts)
}

#[test]
fn a_request_body_lost_half_way_is_not_sent_upstream_as_an_empty_one() {
    let origin = Origin::ok();
    let gateway = start(&origin, "");
    for path in ["/closed", "/open", "/caught", "/second"] {
        let mut client = Client::connect(gateway.address);
        client.send(format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\n012\r\n3\r\n345\r\n0\r\n\r\n"
        ));
        assert_eq!(client.response().status, 413, "{path}");
    }
    assert!(origin.requests().is_empty(), "{:?}", origin.requests());
}

#[test]
fn a_request_body_that_comes_too_slowly_for_a_step_is_lost_too() {
    let origin = Origin::ok();
    let gateway = start(&origin, "limits: { wall_time_max: 300ms }");
    for path in ["/closed", "/open", "/second"] {
        let mut client = Client::connect(gateway.address);
        client.send(format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n01"));
        assert_eq!(client.response().status, 408, "{path}");
    }
    assert!(origin.requests().is_empty(), "{:?}", origin.requests());
}

#[test]
fn a_request_body_too_large_to_be_read_streams_past_a_step_that_lets_it() {
    let origin = Origin::ok();
    let gateway = start(&origin, "");
    assert_eq!(Client::connect(gateway.address).post("/closed", "012345").status, 413);
    assert_eq!(Client::connect(gateway.address).post("/second", "012345").status, 413);
    for path in ["/open", "/caught"] {
        assert_eq!(Client::connect(gateway.address).post(path, "012345").status, 200, "{path}");
        assert!(origin.last().ends_with("\r\n\r\n012345"), "{}", origin.last());
    }
}

#[test]
fn a_response_body_lost_half_way_is_not_passed_on_as_an_empty_one() {
    let origin = Origin::start_raw(|stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n01");
        false
    });
    let gateway = start(&origin, "");
    for path in ["/res_closed", "/res_open", "/res_caught"] {
        let response = get(gateway.address, path);
        assert_eq!(response.status, 502, "{path}");
        assert!(response.body.contains("upstream_gone"), "{}", response.body);
    }
    assert_eq!(get(gateway.address, "/res_replaced").body, "replaced");
}

#[test]
fn a_response_body_too_large_to_be_read_streams_past_a_step_that_lets_it() {
    let origin = Origin::start(|_| answer(200, "012345"));
    let gateway = start(&origin, "");
    let refused = get(gateway.address, "/res_closed");
    assert_eq!(refused.status, 502);
    assert!(refused.body.contains("upstream_too_large"), "{}", refused.body);
    assert_eq!(get(gateway.address, "/res_open").body, "012345");
    let caught = get(gateway.address, "/res_caught");
    assert_eq!((caught.body.as_str(), caught.header("x-caught")), ("012345", Some("1")));
}

#[test]
fn a_body_that_was_passed_on_unread_is_an_error_and_not_an_empty_one() {
    let origin = Origin::ok();
    let late = "fn on_response(req, res) { try { res.headers[\"x\"] = req.body.text(); } catch (e) { res.headers[\"x\"] = e; } }\n\
                fn on_log(req, res, log) { try { log[\"size\"] = res.body.len; } catch (e) { log::info(e); } }";
    let gateway = Gateway::start(&origin.config("late"), &[("late", late)]);
    let response = Client::connect(gateway.address).post("/", "abc");
    assert_eq!(response.header("x"), Some("the request body was passed on unread; read it in on_request"));
    assert!(origin.last().ends_with("abc"));
    gateway.wait_for_log("the response body was passed on; read it in on_response");
}
