//! Tests of `errors`: each compares with the interpreter.

#![expect(unsafe_code, reason = "calls helpers as machine code does")]

use rhai::{Dynamic, Engine, EvalAltResult, Position};

use super::*;
use crate::position::pack;
use crate::rt::testing::{context, show};

type RhaiResult = Result<Dynamic, Box<EvalAltResult>>;

/// Scripts that fail, each with another kind of error that scripts can catch.
const FAILING: &[&str] = &[
    "throw 42",
    "throw #{a: 1, b: [2]}",
    "throw",
    "no_such_function(1, \"x\")",
    "let a = [1, 2]; a[7]",
    "let s = \"abc\"; s[10]",
    "let n = 5; n[99]",
    "let m = 3; m.nothing",
    "1 / 0",
    "missing",
    "let c = 1; if c { 2 }",
    "fn f(x) { x / 0 } f(3)",
    "fn g(x) { throw x } g(#{deep: true})",
    "let n = 5; for x in n { }",
    "a::b(1)",
    "import \"nowhere\" as n;",
    "const C = [1]; C.push(2)",
    "fn h() { this } h()",
    "\n\n   \"x\" - 1",
    "parse_int(\"no number\")",
    "[1, 2].extract(\"x\")",
    "const A = [1]; fn f(a) { a } A.push(2)",
    "let x = 3; x[0][1]",
    "let n = 1; call(n)",
];

fn engine() -> Engine {
    let mut engine = Engine::new();
    engine.set_optimization_level(rhai::OptimizationLevel::None);
    engine
}

#[test]
fn caught_errors_look_as_in_the_interpreter() {
    let engine = engine();
    for source in ["", "the/source"] {
        for script in FAILING {
            let mut failing = engine.compile(script).expect(script);
            failing.set_source(source);
            check_caught(&engine, script, &failing, source);
        }
    }
}

fn check_caught(engine: &Engine, script: &str, failing: &rhai::AST, source: &str) {
    let error = engine.eval_ast::<Dynamic>(failing).expect_err(script);
    let shown = format!("{error:?}");
    // The interpreter's own answer: its `try` around a call of a host function that fails in this very way.
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(error)));
    let theirs = {
        let slot = slot.clone();
        let mut throwing = Engine::new();
        throwing.register_fn("fail", move || -> RhaiResult {
            Err(slot.lock().expect("not poisoned").take().expect("called once"))
        });
        let mut ast = throwing.compile("try { fail(); } catch (e) { return e; }").expect("compiles");
        ast.set_source(source);
        throwing.eval_ast::<Dynamic>(&ast)
    };
    let error = engine.eval_ast::<Dynamic>(failing).expect_err(script);
    assert_eq!(format!("{error:?}"), shown);
    let mut context = context(engine);
    if !source.is_empty() {
        context.global.source = Some(source.into());
    }
    // The host function's error passes the place of its call, which fills the position in.
    context.error = Some(fill(error, Position::new(1, 7)));
    let mut out = Dynamic::UNIT;
    // SAFETY: pointers to live values.
    let caught = unsafe { catch_begin(&raw mut context, 1, &raw mut out) };
    let ours = if caught == 1 { Ok(out) } else { Err(context.error.take().expect("still parked")) };
    assert_eq!(show(&ours), show(&theirs), "{script}");
}

#[test]
fn system_errors_and_exits_are_not_caught() {
    let engine = engine();
    let errors: [EvalAltResult; 5] = [
        EvalAltResult::ErrorTooManyOperations(Position::NONE),
        EvalAltResult::ErrorDataTooLarge("x".into(), Position::NONE),
        EvalAltResult::ErrorStackOverflow(Position::NONE),
        EvalAltResult::Exit(1.into(), Position::NONE),
        EvalAltResult::ErrorTerminated(1.into(), Position::NONE),
    ];
    for error in errors {
        let mut context = context(&engine);
        let shown = format!("{error:?}");
        context.error = Some(error.into());
        let mut out = Dynamic::UNIT;
        // SAFETY: pointers to live values.
        assert_eq!(unsafe { catch_begin(&raw mut context, 1, &raw mut out) }, 0);
        assert_eq!(format!("{:?}", context.error.expect("still parked")), shown);
        assert!(context.caught.is_empty());
    }
}

#[test]
fn a_bare_throw_raises_the_caught_error_at_its_own_place() {
    let engine = engine();
    let mut context = context(&engine);
    let at = &raw mut context;
    let mut out = Dynamic::UNIT;
    // SAFETY: pointers to live values, here and below.
    unsafe { raise(at, RaiseKind::Arithmetic as u32, &RuntimeName::new("bad"), pack(Position::new(1, 1))) };
    // SAFETY: as above.
    assert_eq!(unsafe { catch_begin(at, 0, &raw mut out) }, 1);
    // SAFETY: as above.
    unsafe { raise(at, RaiseKind::Throw as u32, std::ptr::null(), pack(Position::new(2, 3))) };
    // SAFETY: as above.
    unsafe { catch_end_error(at) };
    assert!(context.caught.is_empty());
    let error = context.error.take().expect("parked");
    assert!(matches!(&*error, EvalAltResult::ErrorArithmetic(text, at)
        if text == "bad" && *at == Position::new(2, 3)));
}

#[test]
fn another_error_in_a_catch_block_wins() {
    let engine = engine();
    let mut context = context(&engine);
    let at = &raw mut context;
    let mut out = Dynamic::UNIT;
    let mut thrown: Dynamic = 1.into();
    // SAFETY: pointers to live values, here and below.
    assert_eq!(unsafe { throw(at, &raw mut thrown, pack(Position::new(1, 1))) }, Status::Error);
    assert!(thrown.is_unit());
    // SAFETY: as above.
    assert_eq!(unsafe { catch_begin(at, 1, &raw mut out) }, 1);
    assert_eq!(out.as_int(), Ok(1));
    // SAFETY: as above.
    unsafe { throw(at, &raw mut out, pack(Position::new(2, 3))) };
    // SAFETY: as above.
    unsafe { catch_end_error(at) };
    assert!(context.caught.is_empty());
    let error = context.error.take().expect("parked");
    assert_eq!(format!("{error:?}"), "ErrorRuntime(1, 2:3)");
}

#[test]
fn errors_leave_functions_as_in_the_interpreter() {
    let engine = engine();
    let mut context = context(&engine);
    context.global.source = Some("here".into());
    let name = RuntimeName::new("f");
    let source = RuntimeName::new("there");
    let at = pack(Position::new(4, 5));
    let inner = Position::new(1, 2);
    let cases = [
        (RaiseKind::UnboundThis, "ErrorInFunctionCall(\"f\", \"here\", ErrorUnboundThis(1:2), 4:5)"),
        (RaiseKind::StackOverflow, "ErrorStackOverflow(4:5)"),
        (RaiseKind::TooManyOperations, "ErrorTooManyOperations(4:5)"),
    ];
    for (kind, expected) in cases {
        context.error = Some(kind.error("", inner).into());
        // SAFETY: pointers to live values.
        unsafe { wrap_call_error(&raw mut context, &raw const name, std::ptr::null(), at) };
        assert_eq!(format!("{:?}", context.error.take().expect("parked")), expected);
    }
    context.error = Some(RaiseKind::Throw.error("", inner).into());
    // SAFETY: pointers to live values.
    unsafe { wrap_call_error(&raw mut context, &raw const name, &raw const source, at) };
    let wrapped = format!("{:?}", context.error.take().expect("parked"));
    assert_eq!(wrapped, "ErrorInFunctionCall(\"f\", \"there\", ErrorRuntime((), 1:2), 4:5)");
    context.error = Some(EvalAltResult::Exit(1.into(), inner).into());
    // SAFETY: pointers to live values.
    unsafe { wrap_call_error(&raw mut context, &raw const name, std::ptr::null(), at) };
    assert_eq!(format!("{:?}", context.error.take().expect("parked")), "Exit(1, 4:5)");
}

#[test]
fn conditions_complain_as_the_interpreter_does() {
    let engine = engine();
    let samples = ["1", "\"x\"", "()", "[1]", "#{}", "'c'", "1.5", "1..2", "|x| x"];
    for sample in samples {
        let theirs = engine.eval::<Dynamic>(&format!("let c = {sample}; if c {{ }}")).expect_err(sample);
        let mut context = context(&engine);
        let value = engine.eval::<Dynamic>(sample).expect(sample);
        let at = pack(theirs.position());
        // SAFETY: pointers to live values.
        assert_eq!(unsafe { crate::rt::values::expect_bool(&raw mut context, &raw const value, at) }, 2);
        assert_eq!(format!("{:?}", context.error.expect("parked")), format!("{theirs:?}"));
    }
}
