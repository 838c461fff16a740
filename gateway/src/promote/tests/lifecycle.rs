//! Promote, demote, hot scripts, rejections, limits.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::support::*;
use crate::config::CompileMode;
use crate::promote::compile::{self, NO_EXECUTABLE_MEMORY};
use crate::promote::report::{Refusal, State};

fn rejected_as(state: &State) -> &'static str {
    match state {
        State::Rejected(rejection) => rejection.reason,
        other => panic!("not rejected: {other:?}"),
    }
}

#[test]
fn a_promoted_script_changes_its_tier_and_back_and_its_effects_happen_once() {
    let folder = tempfile::tempdir().unwrap();
    let promotion = promotion(&Doubles::default(), folder.path());
    let counter = watch(&promotion, "counter", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&counter), &settings());
    let host = Rc::new(Effects::default());
    assert_eq!([serve(&counter, &host), serve(&counter, &host)], ["1", "2"]);

    let report = promote(&promotion, "counter");
    assert_eq!((report.state, report.code_bytes), (State::Installed, 1_000));
    assert!(report.trial_runs >= 2 + 4, "real and synthetic calls: {}", report.trial_runs);
    assert_eq!((host.counter.get(), host.lines.borrow().len()), (2, 2), "a trial has no effect");

    let counts: Vec<String> = (0..8).map(|_| serve(&counter, &host)).collect();
    assert_eq!(counts, ["3", "4", "5", "6", "7", "8", "9", "10"]);
    work(&promotion);
    assert_eq!((host.counter.get(), host.lines.borrow().len()), (10, 10), "nor has a shadow");
    let seen = counter.counts();
    assert_eq!((seen.interpreted, seen.compiled, seen.shadowed), (2, 6, 2));
    assert_eq!(state(&promotion, "counter"), State::Installed);

    assert_eq!(promotion.demote("counter").unwrap().state, State::Interpreted);
    assert_eq!(serve(&counter, &host), "11");
    assert_eq!(counter.counts().interpreted, 3);
}

#[test]
fn what_cannot_be_promoted_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let fixed = watch(&promotion, "fixed", COUNTER, CompileMode::Interpret);
    promotion.adopt(&[fixed], &settings());
    assert_eq!(promotion.promote("nothing").unwrap_err(), Refusal::Unknown);
    assert_eq!(promotion.demote("nothing").unwrap_err(), Refusal::Unknown);
    assert_eq!(promotion.promote("fixed").unwrap_err(), Refusal::Interpreted);
    let off = crate::config::CompileSettings { enabled: false, ..settings() };
    promotion.adopt(&[watch(&promotion, "a", COUNTER, CompileMode::Auto)], &off);
    assert_eq!(promotion.promote("a").unwrap_err(), Refusal::Disabled);
    assert_eq!(doubles.compilations(), 0);
}

#[test]
fn rejections_name_their_reason_and_only_passing_ones_are_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let counter = watch(&promotion, "counter", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&counter), &settings());
    let host = Rc::new(Effects::default());
    for _ in 0..20 {
        serve(&counter, &host);
    }
    for (next, reason) in [
        (Next::Rejected("unsupported"), "unsupported"),
        (Next::Panics, compile::PANIC),
        (Next::Bytes(10_001), compile::CODE_SPACE),
    ] {
        doubles.then(next);
        assert_eq!(rejected_as(&promote(&promotion, "counter").state), reason);
    }
    tick(&promotion);
    assert!(!promotion.work(), "a pause comes before the next attempt");
    promotion.tick(Instant::now() + Duration::from_hours(2));
    work(&promotion);
    assert_eq!(state(&promotion, "counter"), State::Installed, "the last reason may have passed");
}

#[test]
fn a_compiler_that_takes_too_long_gives_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let brief = crate::config::CompileSettings { time_max: Duration::from_millis(1), ..settings() };
    promotion.adopt(&[watch(&promotion, "a", COUNTER, CompileMode::Auto)], &brief);
    doubles.then(Next::Takes(Duration::from_millis(5)));
    assert_eq!(rejected_as(&promote(&promotion, "a").state), compile::TIME);
}

#[test]
fn hot_scripts_are_promoted_without_being_asked_unless_somebody_demoted_them() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let counter = watch(&promotion, "counter", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&counter), &settings());
    let host = Rc::new(Effects::default());
    for _ in 0..9 {
        serve(&counter, &host);
    }
    tick(&promotion);
    assert!(!promotion.work(), "nine calls are not ten");
    serve(&counter, &host);
    tick(&promotion);
    assert_eq!(state(&promotion, "counter"), State::Queued);
    work(&promotion);
    assert_eq!(state(&promotion, "counter"), State::Installed);
    promotion.demote("counter").unwrap();
    tick(&promotion);
    assert!(!promotion.work());
    assert_eq!(state(&promotion, "counter"), State::Interpreted);
}

#[test]
fn without_executable_memory_everything_is_interpreted_and_nothing_is_tried_twice() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let one = watch(&promotion, "one", COUNTER, CompileMode::Auto);
    let two = watch(&promotion, "two", COUNTER, CompileMode::Jit);
    doubles.then(Next::Rejected(NO_EXECUTABLE_MEMORY));
    promotion.prepare(&two, &settings()).expect("no load fails for the machine it runs on");
    promotion.prepare(&two, &settings()).unwrap();
    promotion.adopt(&[one, two], &settings());
    assert!(matches!(promotion.promote("one").unwrap_err(), Refusal::Unavailable(_)));
    work(&promotion);
    assert_eq!(doubles.compilations(), 1);
    let mut metrics = String::new();
    promotion.metrics(&mut metrics);
    assert!(metrics.contains("\nforebay_jit_enabled 0\n"), "{metrics}");
    assert!(metrics.contains("forebay_jit_bailouts_total{reason=\"no_executable_memory\"} 1"), "{metrics}");
}

#[test]
fn the_queue_is_bounded_and_whoever_asks_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let promotion = promotion(&Doubles::default(), folder.path());
    let watches: Vec<_> =
        ["a", "b", "c"].iter().map(|name| watch(&promotion, name, COUNTER, CompileMode::Auto)).collect();
    promotion.adopt(&watches, &settings());
    let host = Rc::new(Effects::default());
    for _ in 0..20 {
        serve(&watches[0], &host);
    }
    tick(&promotion);
    let asked = promotion.promote("b").unwrap();
    assert_eq!(promotion.promote("c").unwrap_err(), Refusal::QueueFull);
    assert!(promotion.work());
    assert_eq!(state(&promotion, "b"), State::Installed);
    assert_eq!(state(&promotion, "a"), State::Queued);
    drop(asked);
}

#[test]
fn machine_code_is_freed_by_the_tick_once_no_call_runs_it() {
    let folder = tempfile::tempdir().unwrap();
    let promotion = promotion(&Doubles::default(), folder.path());
    let counter = watch(&promotion, "counter", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&counter), &settings());
    promote(&promotion, "counter");
    let in_flight = counter.step().program().unwrap();
    promotion.demote("counter").unwrap();
    tick(&promotion);
    assert_eq!(promotion.status()["code_bytes"], 1_000, "a call still runs it");
    let alive = Arc::downgrade(&in_flight);
    drop(in_flight);
    assert!(alive.upgrade().is_some(), "the call that ends frees nothing");
    tick(&promotion);
    assert!(alive.upgrade().is_none());
    assert_eq!(promotion.status()["code_bytes"], 0);
}

#[test]
fn shadowing_ends_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let promotion = promotion(&Doubles::default(), folder.path());
    let counter = watch(&promotion, "counter", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&counter), &settings());
    promote(&promotion, "counter");
    promotion.tick(Instant::now() + Duration::from_hours(1));
    let host = Rc::new(Effects::default());
    for _ in 0..20 {
        serve(&counter, &host);
    }
    assert_eq!((counter.counts().compiled, counter.counts().shadowed), (20, 0));
}
