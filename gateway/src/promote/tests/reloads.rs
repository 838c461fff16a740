//! Generations that come while a script is promoted, and restarts.

use std::sync::Arc;

use super::support::*;
use crate::config::{CompileMode, CompileSettings};
use crate::promote::compile::SUPERSEDED;
use crate::promote::report::State;

#[test]
fn a_reload_that_changes_the_script_discards_what_is_being_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let old = watch(&promotion, "demo", COUNTER, CompileMode::Auto);
    let new = watch(&promotion, "demo", &COUNTER.replace("at", "around"), CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&old), &settings());
    let (reloading, reloaded) = (Arc::downgrade(&promotion), new.clone());
    doubles.then(Next::Meanwhile(Box::new(move || {
        reloading.upgrade().unwrap().adopt(&[reloaded], &settings());
    })));
    let report = promote(&promotion, "demo");
    assert!(matches!(&report.state, State::Rejected(why) if why.reason == SUPERSEDED), "{report:?}");
    assert!(old.step().program().is_none() && new.step().program().is_none());
    assert_eq!(state(&promotion, "demo"), State::Interpreted);
}

#[test]
fn a_reload_that_changes_only_the_settings_is_compiled_again_for_the_same_asker() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let old = watch(&promotion, "demo", COUNTER, CompileMode::Auto);
    let new = watch(&promotion, "demo", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&old), &settings());
    let (reloading, reloaded) = (Arc::downgrade(&promotion), new.clone());
    doubles.then(Next::Meanwhile(Box::new(move || {
        reloading.upgrade().unwrap().adopt(&[reloaded], &settings());
    })));
    assert_eq!(promote(&promotion, "demo").state, State::Installed);
    assert!(old.step().program().is_none() && new.step().program().is_some());
    assert_eq!(doubles.compilations(), 2);
}

#[test]
fn a_reload_that_changes_nothing_leaves_the_work_under_way_and_the_program_alone() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let demo = watch(&promotion, "demo", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&demo), &settings());
    let (reloading, same) = (Arc::downgrade(&promotion), demo.clone());
    doubles.then(Next::Meanwhile(Box::new(move || {
        reloading.upgrade().unwrap().adopt(&[same], &settings());
    })));
    assert_eq!(promote(&promotion, "demo").state, State::Installed);
    let program = demo.step().program().unwrap();
    promotion.adopt(std::slice::from_ref(&demo), &settings());
    work(&promotion);
    assert!(Arc::ptr_eq(&program, &demo.step().program().unwrap()));
    assert_eq!(doubles.compilations(), 1);
}

#[test]
fn a_demotion_discards_what_is_being_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let demo = watch(&promotion, "demo", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&demo), &settings());
    let demoting = Arc::downgrade(&promotion);
    doubles.then(Next::Meanwhile(Box::new(move || {
        demoting.upgrade().unwrap().demote("demo").unwrap();
    })));
    assert_eq!(promote(&promotion, "demo").state, State::Interpreted);
    assert!(demo.step().program().is_none());
}

#[test]
fn the_promoted_set_survives_a_restart_for_the_same_source() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let before = promotion(&doubles, folder.path());
    let watches: Vec<_> =
        ["a", "b", "c"].iter().map(|name| watch(&before, name, COUNTER, CompileMode::Auto)).collect();
    before.adopt(&watches, &settings());
    promote(&before, "a");
    promote(&before, "b");
    before.demote("c").unwrap();

    let after = promotion(&doubles, folder.path());
    let watches = [
        watch(&after, "a", COUNTER, CompileMode::Auto),
        watch(&after, "b", &COUNTER.replace("at", "around"), CompileMode::Auto),
        watch(&after, "c", COUNTER, CompileMode::Jit),
    ];
    after.prepare(&watches[2], &settings()).unwrap();
    after.adopt(&watches, &settings());
    work(&after);
    let states = ["a", "b", "c"].map(|name| state(&after, name));
    assert_eq!(states, [State::Installed, State::Interpreted, State::Interpreted]);
}

#[test]
fn a_quarantine_survives_a_restart_with_its_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let before = promotion(&doubles, folder.path());
    before.adopt(&[watch(&before, "a", COUNTER, CompileMode::Auto)], &settings());
    doubles.then(Next::Twisted(|_, _| Some(Ok(rhai::Dynamic::UNIT))));
    let quarantined = promote(&before, "a").state;
    let after = promotion(&doubles, folder.path());
    after.adopt(&[watch(&after, "a", COUNTER, CompileMode::Auto)], &settings());
    assert_eq!(state(&after, "a"), quarantined);
}

#[test]
fn switching_the_compiler_off_takes_every_program_away_and_on_brings_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let demo = watch(&promotion, "demo", COUNTER, CompileMode::Auto);
    promotion.adopt(std::slice::from_ref(&demo), &settings());
    promote(&promotion, "demo");
    promotion.adopt(std::slice::from_ref(&demo), &CompileSettings { enabled: false, ..settings() });
    assert!(demo.step().program().is_none());
    assert_eq!(state(&promotion, "demo"), State::Interpreted);
    promotion.adopt(std::slice::from_ref(&demo), &settings());
    work(&promotion);
    assert_eq!(state(&promotion, "demo"), State::Installed);
}

#[test]
fn a_script_that_left_and_came_back_is_promoted_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    promotion.adopt(&[watch(&promotion, "demo", COUNTER, CompileMode::Auto)], &settings());
    promote(&promotion, "demo");
    promotion.adopt(&[], &settings());
    assert!(promotion.reports().is_empty());
    promotion.adopt(&[watch(&promotion, "demo", COUNTER, CompileMode::Auto)], &settings());
    work(&promotion);
    assert_eq!(state(&promotion, "demo"), State::Installed);
}
