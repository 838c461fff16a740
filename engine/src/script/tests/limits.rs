//! Hostile scripts end within their limits, alone, with the right error.

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::support::{TestHost, drive, exchange, expect_failure, failure, run, step, step_with};
use crate::{Answer, ErrorKind, Hook, Limits, Progress, Verdict, Wait};

fn kind(body: &str) -> ErrorKind {
    failure(&format!("fn f(n) {{ f(n + 1) }}\nfn on_request(req) {{ {body} }}")).kind
}

#[test]
fn endless_work_runs_out_of_fuel() {
    assert_eq!(kind("loop {}"), ErrorKind::Operations);
    assert_eq!(kind("let n = 0; while true { n += 1 }"), ErrorKind::Operations);
    assert_eq!(kind("try { loop {} } catch { loop {} }"), ErrorKind::Operations);
    assert_eq!(kind("let a = [3, 1, 2]; loop { a.sort(|x, y| { loop {} }); }"), ErrorKind::Operations);
    // `sort` swallows the error, and the hook ends before anything is checked again.
    assert_eq!(kind("let a = [3, 1, 2]; a.sort(|x, y| { loop {} });"), ErrorKind::Operations);
}

#[test]
fn deep_recursion_ends_at_the_depth_limit() {
    assert_eq!(kind("f(0)"), ErrorKind::CallDepth);
    let nested = "fn f(n) { ".to_owned() + &"if n > -1 { ".repeat(5) + "f(n + 1)" + &" } ".repeat(5) + "}";
    let error = failure(&format!("{nested} fn on_request(req) {{ f(0) }}"));
    assert_eq!(error.kind, ErrorKind::CallDepth);
}

#[test]
fn calls_and_nested_expressions_together_do_not_overflow_the_stack() {
    let deep = |open: &str, close: &str, count| {
        let source = format!(
            "fn f(n) {{ {}f(n + 1){} }} fn on_request(req) {{ f(0); }}",
            open.repeat(count),
            close.repeat(count)
        );
        assert_eq!(failure(&source).kind, ErrorKind::CallDepth, "{source}");
    };
    deep("switch n { _ => { ", " } }", 14);
    deep("[", "]", 15);
    deep("if n > -1 { ", " }", 5);
    let constant = format!(
        "fn f(n) {{ {}f(n + 1){} }} const X = f(0);",
        "switch n { _ => { ".repeat(14),
        " } }".repeat(14)
    );
    let limits = Limits::default();
    let script = crate::Script::load("demo", &constant, &limits, &()).unwrap();
    let refused =
        crate::ScriptStep::new(std::sync::Arc::new(script), &json!({}), &limits, crate::OnError::Closed);
    assert_eq!(refused.unwrap_err()[0].kind, ErrorKind::CallDepth);
}

#[test]
fn values_cannot_outgrow_their_limits() {
    assert_eq!(kind("let s = \"x\"; loop { s += s; }"), ErrorKind::Size);
    assert_eq!(kind("let a = []; loop { a.push(1); }"), ErrorKind::Size);
    assert_eq!(kind("let a = []; a.pad(1_000_000_000, 0)"), ErrorKind::Size);
    assert_eq!(kind("let x = [42]; loop { x[0] = x; }"), ErrorKind::Size);
    // Assignment through an index is not measured by Rhai; memory or fuel ends it.
    assert!(kind("let m = #{}; let i = 0; loop { m[`${i}`] = i; i += 1; }").is_limit());
}

#[test]
fn held_memory_is_bounded() {
    let host = Rc::new(TestHost::default());
    host.heap_per_look.set(1 << 20);
    let step = step("fn on_request(req) { let n = 0; try { loop { n += 1 } } catch { } }");
    let (_, verdict) = drive(&step, Hook::Request, &host, |_| Answer::Go);
    assert_eq!(expect_failure(verdict).kind, ErrorKind::Memory);
}

#[test]
fn wall_time_is_bounded_and_cannot_be_caught() {
    let host = Rc::new(TestHost::default());
    host.tick_ns.set(50_000_000);
    let step = step("fn on_request(req) { loop { try { loop {} } catch { } } }");
    let (_, verdict) = drive(&step, Hook::Request, &host, |_| Answer::Go);
    assert_eq!(expect_failure(verdict).kind, ErrorKind::WallTime);
}

#[test]
fn a_wait_that_outlives_the_call_ends_it() {
    let step = step("fn on_request(req) { try { time::sleep_ms(9000) } catch { } reply(200) }");
    let (_, verdict) = drive(&step, Hook::Request, &Rc::new(TestHost::default()), |_| Answer::Expired);
    assert_eq!(expect_failure(verdict).kind, ErrorKind::WallTime);
}

#[test]
fn busy_scripts_give_up_the_worker_between_slices() {
    let limits = Limits { time_slice: Duration::from_micros(100), ..Limits::default() };
    let host = Rc::new(TestHost::default());
    host.tick_ns.set(60_000);
    let step = step_with("fn on_request(req) { for i in 0..1000 { } }", &json!({}), &limits);
    let slices = std::cell::Cell::new(0);
    let (_, verdict) = drive(&step, Hook::Request, &host, |wait| {
        assert!(matches!(wait, Wait::TimeSlice));
        slices.set(slices.get() + 1);
        Answer::Go
    });
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    assert!(slices.get() > 5, "{} slices", slices.get());
}

#[test]
fn a_panic_in_a_host_function_is_an_error_of_the_call() {
    let error = failure("fn on_request(req) { log::info(\"panic\") }");
    assert_eq!(error.kind, ErrorKind::Panic);
    let (_, verdict) = run(&step("fn on_request(req) { reply(204) }"));
    assert!(matches!(verdict, Verdict::Reply(_)), "the next call works");
}

#[test]
fn a_call_that_was_never_started_can_be_dropped() {
    let host: Rc<dyn crate::Host> = Rc::new(TestHost::default());
    drop(step("fn on_request(req) { loop {} }").begin(Hook::Request, exchange(), &host));
    let mut call = step("fn on_request(req) { }").begin(Hook::Request, exchange(), &host);
    assert!(matches!(call.resume(Answer::Go), Progress::Done(..)));
}
