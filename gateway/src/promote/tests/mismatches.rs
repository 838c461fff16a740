//! Programs that are wrong, on purpose: each kind of difference is found, proved and contained.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::rc::Rc;

use rhai::{EvalAltResult, Position};
use serde_json::Value;

use super::support::*;
use crate::config::CompileMode;
use crate::promote::report::{Refusal, State};

const SOURCE: &str = "fn on_request(req) {
    req.headers[\"x-count\"] = kv::incr(\"n\");
    log::info(`secret ${secrets::get(\"key\").len}`);
    if req.path == \"/fail\" { throw \"no\"; }
    return;
}";

fn evidence_of(state: State) -> (String, PathBuf) {
    match state {
        State::Quarantined { message, evidence } => (message, evidence.expect("it was written")),
        other => panic!("not quarantined: {other:?}"),
    }
}

/// What a trial says of a program with this twist.
fn verdict_on(twist: Twist) -> String {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let watch = watch(&promotion, "demo", SOURCE, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&watch), &settings());
    serve(&watch, &Rc::default());
    doubles.then(Next::Twisted(twist));
    let (message, _) = evidence_of(promote(&promotion, "demo").state);
    assert!(watch.step().program().is_none(), "it never served");
    message
}

#[test]
fn a_trial_finds_each_kind_of_difference() {
    let missing = verdict_on(|_, _| Some(Ok(rhai::Dynamic::UNIT)));
    assert!(missing.contains("the program nothing more"), "{missing}");
    let position =
        verdict_on(|_, _| Some(Err(EvalAltResult::ErrorRuntime("no".into(), Position::NONE).into())));
    assert!(position.contains("host call 1"), "{position}");
    let panics = verdict_on(|_, _| panic!("broken code"));
    assert!(panics.contains("the program nothing more"), "{panics}");
}

#[test]
fn verdicts_errors_and_exchanges_are_compared_too() {
    let quiet = |source: &'static str, twist: Twist| {
        let folder = tempfile::tempdir().unwrap();
        let doubles = Doubles::default();
        let promotion = promotion(&doubles, folder.path());
        let watch = watch(&promotion, "demo", source, CompileMode::Auto);
        promotion.adopt(std::slice::from_ref(&watch), &settings());
        doubles.then(Next::Twisted(twist));
        evidence_of(promote(&promotion, "demo").state).0
    };
    let replies = quiet("fn on_request(req) { reply(204, \"\") }", |_, _| Some(Ok(rhai::Dynamic::UNIT)));
    assert!(replies.starts_with("verdict"), "{replies}");
    let place = quiet("fn on_request(req) { throw \"no\"; }", |_, _| {
        Some(Err(EvalAltResult::ErrorRuntime("no".into(), Position::new(1, 2)).into()))
    });
    assert!(place.starts_with("verdict.error.place: \"1:22\" interpreted, \"1:2\" compiled"), "{place}");
    let header = quiet("fn on_request(req) { req.headers[\"x-a\"] = 1; return; }", |_, _| {
        Some(Ok(rhai::Dynamic::UNIT))
    });
    assert!(header.starts_with("exchange.request.headers"), "{header}");
}

#[test]
fn a_shadowed_call_that_differs_demotes_quarantines_and_leaves_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let counter = watch(&promotion, "counter", SOURCE, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&counter), &settings());
    // Right in the trial, wrong from then on: what no trial can find.
    doubles.then(Next::Twisted(|_, _| {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        (RUNS.fetch_add(1, Ordering::Relaxed) >= 4).then(|| Ok(rhai::Dynamic::UNIT))
    }));
    assert_eq!(promote(&promotion, "counter").state, State::Installed);
    let host = Rc::new(Effects::default());
    assert_eq!(serve(&counter, &host), "1", "the first call is a shadow: the interpreter's result counts");
    work(&promotion);
    let (message, path) = evidence_of(state(&promotion, "counter"));
    assert!(message.contains("host call 1"), "{message}");
    assert_eq!(serve(&counter, &host), "2", "interpreted again");
    assert!(counter.step().program().is_none());
    assert_eq!(host.lines.borrow().len(), 2);

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hunter2"), "no secret in {text}");
    let evidence: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(evidence["script"], "counter");
    assert_eq!(evidence["digest"].as_str().unwrap(), &**counter.step().script().digest());
    assert_eq!(evidence["request"]["exchange"]["request"]["target"], "/orders");
    assert_eq!(evidence["interpreter"]["host_calls"].as_array().unwrap().len(), 3);
    assert_eq!(evidence["program"]["host_calls"].as_array().unwrap().len(), 0);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    assert!(matches!(promotion.promote("counter").unwrap_err(), Refusal::Quarantined(_)));
    tick(&promotion);
    assert!(!promotion.work(), "heat does not lift a quarantine");
    promotion.demote("counter").unwrap();
    doubles.then(Next::Twisted(|_, _| Some(Ok(rhai::Dynamic::UNIT))));
    let again = promote(&promotion, "counter").state;
    assert!(matches!(again, State::Quarantined { .. }), "the call that proved it is in the next trial");
}

#[test]
fn a_mode_jit_program_that_is_wrong_fails_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let watch = watch(&promotion, "demo", SOURCE, CompileMode::Jit);
    doubles.then(Next::Twisted(|_, _| Some(Ok(rhai::Dynamic::UNIT))));
    let rejection = promotion.prepare(&watch, &settings()).unwrap_err();
    assert_eq!(rejection.reason, crate::promote::compile::MISMATCH);
    assert!(watch.step().program().is_none());
    promotion.adopt(std::slice::from_ref(&watch), &settings());
    assert!(matches!(state(&promotion, "demo"), State::Quarantined { .. }));
    promotion.prepare(&watch, &settings()).expect("a quarantined script is served interpreted");
    assert_eq!(doubles.compilations(), 1);
}
