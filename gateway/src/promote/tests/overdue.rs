//! A compilation that does not end: nobody waits for it longer than `compile.time_max`.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::support::*;
use crate::config::{CompileMode, CompileSettings};
use crate::promote::compile::TIME;
use crate::promote::report::State;

fn hasty() -> CompileSettings {
    CompileSettings { time_max: Duration::from_millis(20), ..settings() }
}

/// What the compiler does next lasts until the other end is dropped.
fn endless(doubles: &Doubles) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    doubles.then(Next::Meanwhile(Box::new(move || {
        let _ = held.recv();
    })));
    release
}

#[test]
fn a_promotion_gives_up_in_time_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let slow = watch(&promotion, "slow", COUNTER, CompileMode::Auto);
    let quick = watch(&promotion, "quick", COUNTER, CompileMode::Auto);
    promotion.adopt(&[slow.clone(), quick], &hasty());
    let release = endless(&doubles);
    let report = promote(&promotion, "slow");
    assert!(matches!(&report.state, State::Rejected(why) if why.reason == TIME), "{:?}", report.state);
    assert_eq!(promotion.status()["overdue"], 1);
    promotion.adopt(&[slow.clone(), watch(&promotion, "quick", COUNTER, CompileMode::Auto)], &settings());
    assert_eq!(promote(&promotion, "quick").state, State::Installed);
    drop(release);
    let deadline = Instant::now() + Duration::from_secs(20);
    while promotion.status()["overdue"] != 0 {
        assert!(Instant::now() < deadline, "the compiler's thread has not ended");
        std::thread::yield_now();
    }
    assert!(slow.step().program().is_none(), "what came too late is thrown away");
}

#[test]
fn a_reload_does_not_wait_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let doubles = Doubles::default();
    let promotion = promotion(&doubles, folder.path());
    let (first, second) = (endless(&doubles), endless(&doubles));
    for _ in 0..2 {
        let step = watch(&promotion, "counter", COUNTER, CompileMode::Jit);
        assert_eq!(promotion.prepare(&step, &hasty()).unwrap_err().reason, TIME);
    }
    // Both processors of a small machine are taken now; a third is not even begun.
    let step = watch(&promotion, "counter", COUNTER, CompileMode::Jit);
    let rejection = promotion.prepare(&step, &hasty()).unwrap_err();
    assert!(rejection.reason == TIME && rejection.message.contains("still at work"), "{rejection:?}");
    assert_eq!(doubles.compilations(), 2);
    drop((first, second));
}
