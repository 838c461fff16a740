//! `http`: the requests a script describes, and what it makes of the answers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{check, refused};
use crate::exchange::Exchange;
use crate::host::{HttpAnswer, HttpCall};
use crate::script::tests::support::{TestHost, drive, step};
use crate::{Answer, Hook, Verdict, Wait};

/// Runs a hook body; requests to `down.example` fail, others are answered 404 with their own URL.
fn serve(body: &str) -> (Box<Exchange>, Verdict, Vec<Vec<HttpCall>>) {
    let sent = RefCell::new(Vec::new());
    let step = step(&format!("fn on_request(req) {{ {body} }}"));
    let (exchange, verdict) = drive(&step, Hook::Request, &Rc::new(TestHost::default()), |wait| match wait {
        Wait::Http(calls) => {
            sent.borrow_mut().push(calls.clone());
            Answer::Http(calls.iter().map(answer).collect())
        }
        _ => Answer::Go,
    });
    (exchange, verdict, sent.into_inner())
}

fn answer(call: &HttpCall) -> Result<HttpAnswer, String> {
    if call.url.contains("down.example") {
        return Err("connection refused".into());
    }
    let body = Bytes::from(call.url.clone());
    Ok(HttpAnswer { status: StatusCode::NOT_FOUND, headers: HeaderMap::new(), body })
}

/// The one request of an expression.
#[track_caller]
fn sent(expression: &str) -> HttpCall {
    let (_, verdict, mut sent) = serve(&format!("let answer = {expression};"));
    assert!(matches!(verdict, Verdict::Continue), "{expression}: {verdict:?}");
    assert_eq!((sent.len(), sent[0].len()), (1, 1), "{expression}");
    sent.remove(0).remove(0)
}

#[test]
fn short_forms_say_method_url_and_body() {
    for (expression, method, body, media_type) in [
        ("http::get(\"http://a/x\")", "GET", "", None),
        ("http::delete(\"http://a/x\")", "DELETE", "", None),
        ("http::post(\"http://a/x\", \"hi\")", "POST", "hi", Some("text/plain; charset=utf-8")),
        ("http::put(\"http://a/x\", #{ a: 1 })", "PUT", "{\"a\":1}", Some("application/json")),
        (
            "http::post(\"http://a/x\", hex::decode(\"41\"), #{})",
            "POST",
            "A",
            Some("application/octet-stream"),
        ),
        ("http::put(\"http://a/x\", (), #{})", "PUT", "", None),
    ] {
        let call = sent(expression);
        assert_eq!((call.method.as_str(), &*call.url, &*call.body), (method, "http://a/x", body.as_bytes()));
        let found = call.headers.get("content-type").map(|value| value.to_str().unwrap());
        assert_eq!((found, call.timeout), (media_type, None), "{expression}");
    }
}

#[test]
fn options_describe_the_rest() {
    let call = sent(
        "http::request(#{ method: \"PATCH\", url: \"https://a:8443/x?b=1#top\", query: #{ c: [2, \"d e\"] }, \
         headers: #{ \"content-type\": \"text/x\", \"x-a\": [1, 2] }, form: #{ f: \"&\" }, timeout_ms: 250 })",
    );
    assert_eq!((call.method.as_str(), &*call.url), ("PATCH", "https://a:8443/x?b=1&c=2&c=d%20e"));
    assert_eq!((call.headers["content-type"].as_bytes(), &*call.body), (&b"text/x"[..], &b"f=%26"[..]));
    assert_eq!(call.headers.get_all("x-a").iter().count(), 2);
    assert_eq!(call.timeout, Some(Duration::from_millis(250)));
    assert_eq!(sent("http::get(\"http://a\", #{ query: #{ c: 2 } })").url, "http://a?c=2");
    assert_eq!(sent("http::get(\"http://a?\", #{ query: #{ c: 2 } })").url, "http://a?c=2");
    let form = sent("http::delete(\"http://a\", #{ form: #{ a: 1 } })");
    assert_eq!(form.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(sent("http::request(#{ url: \"http://a\" })").method, "GET");
}

#[test]
fn any_status_is_an_answer_and_no_answer_is_an_error_to_catch() {
    let (exchange, _, _) = serve(
        "let a = http::get(\"http://a/x\"); req.headers[\"x-out\"] = `${a.status} ${a.ok} ${a.text()}`; \
         try { http::get(\"http://down.example\") } catch (e) { req.headers[\"x-error\"] = e } return;",
    );
    assert_eq!(exchange.request.headers["x-out"], "404 false http://a/x");
    assert_eq!(exchange.request.headers["x-error"], "connection refused");
}

#[test]
fn all_sends_at_once_and_keeps_the_order() {
    let (exchange, verdict, sent) = serve(
        "let all = http::all([#{ url: \"http://a\" }, #{ url: \"http://down.example\" }, #{ url: \"http://b\" }]); \
         req.headers[\"x-out\"] = `${all[0].text()} ${all[1].error} ${all[2].text()} ${all.len}`;",
    );
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    assert_eq!(exchange.request.headers["x-out"], "http://a connection refused http://b 3");
    assert_eq!((sent.len(), sent[0].len()), (1, 3));
    check("http::all([]).len", "0");
}

#[test]
fn bad_requests_are_refused_before_anything_is_sent() {
    for (expression, reason) in [
        ("http::get(\"/x\")", "begins with a scheme"),
        ("http::get(\"ftp://a\")", "its scheme is http or https"),
        ("http::get(\"http://ann:pw@a\")", "the header authorization"),
        (
            "http::get(\"http://a\", #{ timeout: 5 })",
            "http::get: no option \"timeout\" here; there are headers",
        ),
        ("http::get(\"http://a\", #{ url: \"http://b\" })", "no option \"url\" here"),
        ("http::post(\"http://a\", 1)", "a body is a string, a blob"),
        ("http::post(\"http://a\", \"\", #{ body: \"x\" })", "no option \"body\" here"),
        ("http::get(\"http://a\", #{ timeout_ms: 0 })", "timeout_ms is 1 to 3600000, not 0"),
        ("http::get(\"http://a\", #{ timeout_ms: \"5\" })", "timeout_ms is an integer, not string"),
        ("http::get(\"http://a\", #{ headers: 1 })", "headers is a map, not i64"),
        (
            "http::get(\"http://a\", #{ headers: #{ \"content-length\": 1 } })",
            "content-length cannot be changed",
        ),
        ("http::get(\"http://a\", #{ body: \"x\", form: #{} })", "either body or form"),
        ("http::request(#{})", "the option url is missing"),
        ("http::request(#{ url: \"http://a\", method: \"CONNECT\" })", "no method that can be sent"),
        ("http::request(#{ url: \"http://a\", method: \"a b\" })", "no method that can be sent"),
        ("http::all([1])", "a map of options, not i64"),
        ("http::all([#{}])", "http::all: the option url is missing"),
        (
            "let a = []; a.pad(65, #{ url: \"http://a\" }); http::all(a)",
            "at most 64 requests at once, not 65",
        ),
    ] {
        refused(expression, reason);
    }
}
