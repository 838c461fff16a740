//! What scripts read and change, and how they wait.

use std::rc::Rc;

use serde_json::json;

use super::support::{TestHost, drive, exchange, failure, output, run, step, step_with};
use crate::exchange::Body;
use crate::{Answer, Hook, Limits, Progress, Verdict, Wait};

fn check(body: &str, expected: &str) {
    assert_eq!(output(body), expected, "{body}");
}

#[test]
fn a_hook_reads_the_request() {
    check(
        "req.headers[\"x-out\"] = `${req.method} ${req.path} ${req.host} ${req.id}`",
        "GET /items/7 shop.example req-1",
    );
    check("req.headers[\"X-Out\"] = req.headers.get_all(\"x-many\").len", "2");
    check("req.headers[\"x-out\"] = req.query[\"tag\"] + req.query.get_all(\"tag\")[1]", "ab c");
    check("req.headers[\"x-out\"] = req.query.page", "2");
    check("req.headers[\"x-out\"] = req.cookies.b", "two");
    check("req.headers[\"x-out\"] = req.route.params.id + req.route.name", "7items");
    check("req.headers[\"x-out\"] = req.client.ip", "127.0.0.1");
    check("if \"x-many\" in req.headers { req.headers[\"x-out\"] = \"yes\" }", "yes");
    check("let n = 0; for h in req.headers { n += h.value.len }; req.headers[\"x-out\"] = n", "28");
    check("req.headers[\"x-out\"] = req.raw_path", "/items/./7?page=2&tag=a&tag=b%20c");
}

#[test]
fn a_hook_changes_the_request() {
    let source = r#"fn on_request(req) {
        req.method = "POST"; req.path = "/v2" + req.path; req.query["page"] = 3; req.query.remove("tag");
        req.headers.append("x-many", 3); req.cookies.remove("a"); req.upstream = "blue";
        req.vars["seen"] = true; req.vars.count = 2; req.identity = #{ id: "ann" };
        req.body = #{ a: [1, 2.5, ()] };
    }"#;
    let (exchange, verdict) = run(&step(source));
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    let request = &exchange.request;
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri, "/v2/items/7?page=3");
    assert_eq!(request.headers.get_all("x-many").iter().count(), 3);
    assert_eq!(request.headers["cookie"], "b=two");
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(matches!(&request.body, Body::Replaced(bytes) if bytes == "{\"a\":[1,2.5,null]}"));
    assert_eq!(exchange.upstream_override.as_deref(), Some("blue"));
    assert_eq!(exchange.vars.len(), 2);
}

#[test]
fn a_path_is_set_in_normal_form_only() {
    for path in ["/a/../b", "/a/%2E%2e/b", "/.", "/a/.%2e", "/a%2", "/a%zz", "a", "/a?b", "/a b"] {
        let error = failure(&format!("fn on_request(req) {{ req.path = \"{path}\" }}"));
        assert!(error.message.contains(path), "{error}");
    }
    for path in ["/a/...", "/a..b/.c", "/a%2Fb/%7e"] {
        check(&format!("req.path = \"{path}\"; req.headers[\"x-out\"] = req.path"), path);
    }
}

#[test]
fn several_values_are_assigned_as_an_array() {
    check(
        "req.headers[\"x-out\"] = [1, \"b\"]; req.headers[\"x-out\"] = req.headers.get_all(\"x-out\").len",
        "2",
    );
    check("req.headers[\"x-many\"] = []; req.headers[\"x-out\"] = \"x-many\" in req.headers", "false");
    check(
        "req.query[\"tag\"] = [1, \"c d\"]; req.headers[\"x-out\"] = req.query.to_string()",
        "page=2&tag=1&tag=c%20d",
    );
    let error = failure("fn on_request(req) { req.headers[\"x-a\"] = [1, [2]] }");
    assert!(error.message.contains("header x-a"), "{error}");
}

#[test]
fn changing_one_query_parameter_leaves_the_others_as_they_were_written() {
    let source = "fn on_request(req) {
        req.query = \"x=%FF+a&flag&&page=1\"; req.query.append(\"n\", \"1\"); req.query[\"page\"] = 2;
    }";
    let (exchange, _) = run(&step(source));
    assert_eq!(exchange.request.uri.query(), Some("x=%FF+a&flag&n=1&page=2"));
}

#[test]
fn framing_and_hop_by_hop_fields_cannot_be_set() {
    for name in ["content-length", "transfer-encoding", "connection", "upgrade", "te"] {
        let error = failure(&format!("fn on_request(req) {{ req.headers[\"{name}\"] = \"1\" }}"));
        assert!(error.message.contains(name), "{error}");
    }
    let error = failure("fn on_request(req) { req.headers[\"x-a\"] = \"a\\r\\nb: c\" }");
    assert!(error.message.contains("control character"), "{error}");
}

#[test]
fn reply_ends_the_exchange() {
    let source = r#"fn on_request(req) {
        reply(#{ status: 403, headers: #{ "x-why": ["a", "b"] }, body: #{ error: "no" } })
    }"#;
    let (_, verdict) = run(&step(source));
    let Verdict::Reply(reply) = verdict else { panic!("{verdict:?}") };
    assert_eq!(reply.status, 403);
    assert_eq!(reply.headers.get_all("x-why").iter().count(), 2);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.body, "{\"error\":\"no\"}");
}

#[test]
fn a_body_that_is_not_touched_is_not_read() {
    let step = step("fn on_request(req) { req.body; req.headers[\"x-out\"] = 1 }");
    let (exchange, _) = drive(&step, Hook::Request, &Rc::new(TestHost::default()), |wait| {
        panic!("nothing was read, yet the script waits for {wait:?}")
    });
    assert!(matches!(exchange.request.body, Body::Unread));
}

#[test]
fn a_body_is_read_once() {
    let step = step("fn on_request(req) { req.headers[\"x-out\"] = req.body.json().n + req.body.len }");
    let reads = std::cell::Cell::new(0);
    let (exchange, _) = drive(&step, Hook::Request, &Rc::new(TestHost::default()), |wait| {
        assert!(matches!(wait, Wait::RequestBody));
        reads.set(reads.get() + 1);
        Answer::Body(Ok("{\"n\": 1}".into()))
    });
    assert_eq!((reads.get(), &exchange.request.headers["x-out"]), (1, &"9".parse().unwrap()));
}

#[test]
fn the_response_hook_sees_both_messages() {
    let source = r#"fn on_response(req, res) {
        res.headers["x-out"] = `${res.status} ${res.body.text()} ${res.upstream.address} ${res.upstream.origin}`;
        res.status = 201; res.set_cookie("lane", "b", #{ max_age: 60, http_only: true });
    }"#;
    let (exchange, verdict) =
        drive(&step(source), Hook::Response, &Rc::new(TestHost::default()), |_| Answer::Go);
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    let response = exchange.response.unwrap();
    assert_eq!(response.status, 201);
    assert_eq!(response.headers["x-out"], "200 hello 127.0.0.1:9000 upstream");
    assert_eq!(response.headers["set-cookie"], "lane=b; Path=/; HttpOnly; Max-Age=60");
}

#[test]
fn constants_and_settings_are_seen_in_every_function() {
    let source = r#"
        const PATTERN = regex::compile(config.pattern);
        const LIMITS = #{ low: 1, high: config.high };
        fn helper(text) { PATTERN.is_match(text) && LIMITS.high == 9 && global::LIMITS.low == 1 }
        fn on_request(req) { req.headers["x-out"] = helper("abc") && [1].all(|x| LIMITS.low == x); }
    "#;
    let step = step_with(source, &json!({ "pattern": "^a", "high": 9 }), &Limits::default());
    let (exchange, verdict) = run(&step);
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    assert_eq!(exchange.request.headers["x-out"], "true");
}

#[test]
fn dropping_a_waiting_call_ends_the_script() {
    let host = Rc::new(TestHost::default());
    let step = step(
        "fn on_request(req) { try { time::sleep_ms(5); } catch { log::info(\"caught\") } log::info(\"on\") }",
    );
    let dynamic: Rc<dyn crate::Host> = host.clone();
    let mut call = step.begin(Hook::Request, exchange(), &dynamic);
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(Wait::Sleep(_))));
    drop(call);
    assert!(host.lines.borrow().is_empty(), "{:?}", host.lines.borrow());
}

#[test]
fn calls_that_wait_do_not_see_each_other() {
    let host: Rc<dyn crate::Host> = Rc::new(TestHost::default());
    let step = step(
        "fn on_request(req) { let mine = req.query.page; time::sleep_ms(1); req.headers[\"x-out\"] = mine + req.path }",
    );
    let mut calls: Vec<_> = (0..10)
        .map(|n| {
            let mut exchange = exchange();
            exchange.request.uri = format!("/{n}?page={n}").parse().unwrap();
            step.begin(Hook::Request, exchange, &host)
        })
        .collect();
    for call in &mut calls {
        assert!(matches!(call.resume(Answer::Go), Progress::Waiting(_)));
    }
    for (n, call) in calls.iter_mut().enumerate().rev() {
        let Progress::Done(exchange, _) = call.resume(Answer::Go) else { panic!("done after one wait") };
        assert_eq!(exchange.request.headers["x-out"], format!("{n}/{n}").as_str());
    }
}
