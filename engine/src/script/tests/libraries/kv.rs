//! `kv`: what a script asks of the store, and what it makes of the answers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::refused;
use crate::host::{KvOperation, KvValue};
use crate::script::tests::support::{TestHost, drive, expect_failure, step};
use crate::{Answer, Hook, Verdict, Wait};

/// Runs an expression whose operation gets this answer; gives its value as text and the operation.
#[track_caller]
fn ask(expression: &str, answer: KvValue) -> (String, KvOperation) {
    let step = step(&format!("fn on_request(req) {{ req.headers[\"x-out\"] = {expression} }}"));
    let asked = RefCell::new(None);
    let (exchange, verdict) = drive(&step, Hook::Request, &Rc::new(TestHost::default()), |wait| match wait {
        Wait::Kv(operation) => {
            assert_eq!(asked.replace(Some(operation.clone())), None, "one call is one operation");
            Answer::Kv(Ok(answer.clone()))
        }
        _ => Answer::Go,
    });
    assert!(matches!(verdict, Verdict::Continue), "{expression}: {verdict:?}");
    let value = exchange.request.headers["x-out"].to_str().unwrap().to_owned();
    (value, asked.into_inner().expect("the store was asked"))
}

fn bytes(data: &'static [u8]) -> KvValue {
    KvValue::Bytes(data.into())
}

#[test]
fn values_come_back_as_text_or_bytes() {
    let get = KvOperation::Get { key: "a".into() };
    assert_eq!(ask("kv::get(\"a\")", bytes(b"x")), ("x".into(), get.clone()));
    assert_eq!(ask("type_of(kv::get(\"a\"))", bytes(b"\xff")), ("blob".into(), get.clone()));
    assert_eq!(ask("kv::get(\"a\") == ()", KvValue::Nothing), ("true".into(), get.clone()));
    assert_eq!(ask("kv::get(\"a\") + 1", KvValue::Int(7)), ("71".into(), get));
}

#[test]
fn values_are_stored_as_their_text() {
    let set = |value: &'static [u8], ttl: Option<u64>, only_if_absent: bool| KvOperation::Set {
        key: "a".into(),
        value: value.into(),
        ttl: ttl.map(Duration::from_secs),
        only_if_absent,
    };
    for (call, expected) in [
        ("kv::set(\"a\", \"x\")", set(b"x", None, false)),
        ("kv::set(\"a\", 12)", set(b"12", None, false)),
        ("kv::set(\"a\", 1.5)", set(b"1.5", None, false)),
        ("kv::set(\"a\", true, 60)", set(b"true", Some(60), false)),
        ("kv::set(\"a\", hex::decode(\"00ff\"), 1)", set(b"\x00\xff", Some(1), false)),
        ("kv::set_nx(\"a\", \"x\", 30)", set(b"x", Some(30), true)),
    ] {
        assert_eq!(ask(call, KvValue::Bool(false)), ("false".into(), expected), "{call}");
    }
}

#[test]
fn counters_keys_and_times() {
    let increment = |by: i64, ttl: Option<u64>| KvOperation::Increment {
        key: "a".into(),
        by,
        ttl: ttl.map(Duration::from_secs),
    };
    assert_eq!(ask("kv::incr(\"a\")", KvValue::Int(1)), ("1".into(), increment(1, None)));
    assert_eq!(ask("kv::incr(\"a\", -2)", KvValue::Int(-1)), ("-1".into(), increment(-2, None)));
    assert_eq!(ask("kv::incr(\"a\", 3, 60)", KvValue::Int(3)), ("3".into(), increment(3, Some(60))));
    let delete = KvOperation::Delete { key: "a".into() };
    assert_eq!(ask("kv::delete(\"a\")", KvValue::Bool(true)), ("true".into(), delete));
    for (milliseconds, seconds) in [(-2, "-2"), (-1, "-1"), (0, "0"), (1, "1"), (1_000, "1"), (1_001, "2")] {
        let ttl = KvOperation::Ttl { key: "a".into() };
        assert_eq!(ask("kv::ttl(\"a\")", KvValue::Int(milliseconds)), (seconds.into(), ttl));
    }
}

#[test]
fn what_cannot_be_stored_is_refused_before_the_store_is_asked() {
    refused("kv::set(\"a\", #{})", "use json::stringify");
    refused("kv::set(\"a\", [])", "use json::stringify");
    refused("kv::set(\"a\", ())", "use json::stringify");
    refused("kv::set(\"a\", 1, 0)", "1 to 3153600000 seconds, not 0");
    refused("kv::incr(\"a\", 1, -1)", "1 to 3153600000 seconds, not -1");
    refused("kv::get(\"\")", "1 to 512 bytes, not 0");
    refused(&format!("kv::delete(\"{}\")", "k".repeat(513)), "1 to 512 bytes, not 513");
}

#[test]
fn a_store_that_cannot_answer_is_an_error_to_catch() {
    let step_of = |body: &str| step(&format!("fn on_request(req) {{ {body} }}"));
    let down = |wait: &Wait| match wait {
        Wait::Kv(_) => Answer::Kv(Err("the store is down".into())),
        _ => Answer::Go,
    };
    let host = Rc::new(TestHost::default());
    let (_, verdict) = drive(&step_of("kv::get(\"a\")"), Hook::Request, &host, down);
    let error = expect_failure(verdict);
    assert_eq!(error.message, "kv: the store is down");
    assert!(error.place.is_some(), "{error}");
    let caught = step_of("try { kv::get(\"a\") } catch (e) { req.headers[\"x-out\"] = e }");
    let (exchange, _) = drive(&caught, Hook::Request, &host, down);
    assert_eq!(exchange.request.headers["x-out"], "kv: the store is down");
}
