//! What scripts can do to an exchange, and what their waiting and failing do to others.

use std::io::Write;
use std::sync::mpsc;

use crate::support::{Client, Gateway, Origin, answer, get};

#[test]
fn both_messages_can_be_changed() {
    let origin = Origin::start(|_| answer(200, "{\"n\": 1}"));
    let script = r#"
        fn on_request(req) {
            req.path = "/v2" + req.path;
            req.headers["x-in"] = req.body.json().a;
            req.body = #{ b: 2 };
            req.vars["start"] = req.method;
        }
        fn on_response(req, res) {
            let document = res.body.json();
            document.method = req.vars["start"];
            res.status = 201;
            res.headers["x-from"] = res.upstream.origin;
            res.body = document;
        }
    "#;
    let gateway = Gateway::start(&origin.config("change"), &[("change", script)]);
    let response = Client::connect(gateway.address).post("/orders", "{\"a\": 7}");
    assert_eq!((response.status, response.body.as_str()), (201, "{\"method\":\"POST\",\"n\":1}"));
    assert_eq!(response.header("x-from"), Some("upstream"));
    let request = origin.last();
    assert!(request.starts_with("POST /v2/orders ") && request.contains("x-in: 7\r\n"), "{request}");
    assert!(request.ends_with("{\"b\":2}"), "{request}");
}

#[test]
fn steps_run_in_order_and_back_again() {
    let origin = Origin::ok();
    let step = |name: &str| {
        format!(
            "fn on_request(req) {{ req.headers.append(\"x-order\", \"{name}\"); }}\n\
             fn on_response(req, res) {{ res.headers.append(\"x-order\", \"{name}\"); }}"
        )
    };
    let (a, b) = (step("a"), step("b"));
    let gateway = Gateway::start(&origin.config("a, b"), &[("a", &a), ("b", &b)]);
    let response = get(gateway.address, "/");
    let back = response.head.find("x-order: b").unwrap() < response.head.find("x-order: a").unwrap();
    let request = origin.last();
    let forth = request.find("x-order: a").unwrap() < request.find("x-order: b").unwrap();
    assert!(back && forth, "{request}\n{}", response.head);
}

#[test]
fn a_failing_script_tells_the_operator_everything_and_the_client_nothing() {
    let origin = Origin::ok();
    let script =
        "fn check(x) {\n    throw \"secret detail \" + x;\n}\nfn on_request(req) {\n    check(5);\n}\n";
    let gateway = Gateway::start(&origin.config("fails"), &[("fails", script)]);
    let response = get(gateway.address, "/");
    assert_eq!(response.status, 500);
    assert!(!response.body.contains("secret"), "{}", response.body);
    let problem: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    let id = problem["request_id"].as_str().unwrap();
    let line = gateway.wait_for_log("secret detail 5");
    for part in ["fails.rhai:2:5", "in check called at 5:5", id, "route=all"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(origin.requests().is_empty(), "a failed step lets nothing through");
}

#[test]
fn a_step_can_be_told_to_fail_open() {
    let origin = Origin::ok();
    let steps = "{ script: fails, on_error: open }";
    let gateway = Gateway::start(&origin.config(steps), &[("fails", "fn on_request(req) { throw \"no\"; }")]);
    assert_eq!(get(gateway.address, "/").status, 200);
    assert!(gateway.wait_for_log("fails.rhai:1:").contains("on_error=\"open\""));
}

#[test]
fn errors_of_the_gateway_can_be_shaped() {
    let script = r##"fn on_error(req, err) { reply(err.status, `<${err.kind}>`) }"##;
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!(
        "upstreams: {{ o: {{ targets: [\"http://{dead}\"] }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", steps: [shape], upstream: o }}]\n"
    );
    let gateway = Gateway::start(&config, &[("shape", script)]);
    let response = get(gateway.address, "/");
    assert_eq!((response.status, response.body.as_str()), (502, "<connect>"));
}

#[test]
fn a_slow_call_of_one_script_holds_up_nobody() {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let (asked, is_asked) = mpsc::channel();
    let service = Origin::start_raw(move |stream, _| {
        asked.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        stream.write_all(&answer(200, "slow")).is_ok()
    });
    let config = format!(
        "workers: 1\nscripts: {{ http: {{ allow: [\"{}\"] }} }}\nupstreams: {{ o: {{ builtin: echo }} }}\n\
         routes:\n  - {{ name: slow, path: /slow, steps: [slow], upstream: o }}\n\
         \x20 - {{ name: all, path: \"/{{*rest}}\", steps: [quick], upstream: o }}\n",
        service.address
    );
    let slow = format!(
        "fn on_request(req) {{ let r = http::get(\"http://{}/\"); return reply(200, r.text()); }}",
        service.address
    );
    let gateway = Gateway::start(
        &config,
        &[("slow", &slow), ("quick", "fn on_request(req) { req.headers[\"x\"] = 1; }")],
    );
    let mut waiting = Client::connect(gateway.address);
    waiting.send_get("/slow");
    is_asked.recv().unwrap();
    for _ in 0..20 {
        assert_eq!(get(gateway.address, "/other").status, 200);
    }
    release.send(()).unwrap();
    assert_eq!(waiting.response().body, "slow");
}

#[test]
fn a_busy_script_shares_its_worker() {
    let limits = "scripts: { limits: { operations_max: 2000000000, wall_time_max: 60s } }\n";
    let config = format!(
        "workers: 1\n{limits}upstreams: {{ o: {{ builtin: echo }} }}\n\
         routes:\n  - {{ name: busy, path: /busy, steps: [busy], upstream: o }}\n\
         \x20 - {{ name: all, path: \"/{{*rest}}\", upstream: o }}\n"
    );
    let busy = "fn on_request(req) { log::info(\"busy begins\"); let n = 0; while true { n += 1; if kv::get(\"stop\") != () { break; } } return reply(200, \"stopped\"); }";
    let stop = "fn on_request(req) { kv::set(\"stop\", 1); return reply(200); }";
    let config =
        config.replace("routes:\n", "routes:\n  - { name: stop, path: /stop, steps: [stop], upstream: o }\n");
    let gateway = Gateway::start(&config, &[("busy", busy), ("stop", stop)]);
    let mut spinning = Client::connect(gateway.address);
    spinning.send_get("/busy");
    gateway.wait_for_log("busy begins");
    // The worker answers others although the script never waits for anything that takes time.
    assert_eq!(get(gateway.address, "/other").status, 200);
    assert_eq!(get(gateway.address, "/stop").status, 200);
    assert_eq!(spinning.response().body, "stopped");
}

#[test]
fn a_client_that_leaves_cancels_its_script() {
    let config = "workers: 1\nupstreams: { o: { builtin: echo } }\n\
         routes:\n  - { name: wait, path: /wait, steps: [wait], upstream: o }\n\
         \x20 - { name: all, path: \"/{*rest}\", upstream: o }\n";
    let script = "fn on_request(req) { log::info(\"waits\"); time::sleep_ms(4000); log::info(\"went on\"); }";
    let gateway = Gateway::start(config, &[("wait", script)]);
    let mut client = Client::connect(gateway.address);
    client.send_get("/wait");
    gateway.wait_for_log("waits");
    drop(client);
    while gateway.status()["active_requests"] != 0 {
        std::thread::yield_now();
    }
    assert!(!gateway.log().contains("went on"));
}

#[test]
fn an_untouched_body_streams_past_a_script() {
    let (seen, is_seen) = mpsc::channel();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::Read;
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        let mut buffer = [0; 1024];
        while !all.ends_with(b"end") {
            let count = stream.read(&mut buffer).unwrap();
            all.extend_from_slice(&buffer[..count]);
            if all.ends_with(b"begin") {
                seen.send(()).unwrap();
            }
        }
        stream.write_all(&answer(200, "ok")).unwrap();
    });
    let config = format!(
        "upstreams: {{ o: {{ targets: [\"http://{address}\"] }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", steps: [touch], upstream: o }}]\n"
    );
    let gateway =
        Gateway::start(&config, &[("touch", "fn on_request(req) { req.headers[\"x\"] = req.path; }")]);
    let mut client = Client::connect(gateway.address);
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\nbegin");
    is_seen.recv().unwrap();
    client.send("end");
    assert_eq!(client.response().body, "ok");
}
