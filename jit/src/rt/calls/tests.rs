//! Tests of `calls`: each compares with the interpreter.

#![expect(unsafe_code, reason = "calls helpers as machine code does")]

use std::sync::{Arc, Mutex};

use rhai::{Engine, EvalAltResult, NativeCallContext, OptimizationLevel, Scope};

use super::*;
use crate::position::pack;
use crate::program::{Options, compile};
use crate::rt::testing::show;

type Log = Arc<Mutex<Vec<String>>>;

fn engine(log: &Log) -> Engine {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_call_levels(20);
    let seen = log.clone();
    engine.register_fn("see", move |context: NativeCallContext, value: Dynamic| {
        let line = format!("{value:?} at level {} {:?}", context.call_level(), context.call_position());
        seen.lock().expect("fine").push(line);
        value
    });
    #[expect(deprecated, reason = "marked so because it may change")]
    let host = FnPtr::from_fn("host", |context, values| {
        let shown: Vec<_> = values.iter().map(|value| format!("{value:?}")).collect();
        Ok(format!("{} {} {:?}", shown.join(", "), context.call_level(), context.call_position()).into())
    });
    let host = host.expect("a good name");
    engine.register_fn("host", move || host.clone());
    engine.register_fn(
        "twice",
        |context: NativeCallContext, pointer: FnPtr, value: i64| -> Result<Dynamic, Box<EvalAltResult>> {
            let once = pointer.call_raw(&context, None, [value.into()])?;
            pointer.call_raw(&context, None, [once])
        },
    );
    engine
}

/// What all scripts can use.
const FUNCTIONS: &str = "fn add(a, b) { see(a + b) } fn none() {} fn me() { this } fn int.grow(n) { this += n; see(this) } \
    fn bad(x) { see(x); x / 0 } fn deep(n) { if n == 0 { see(0) } else { call(|m| deep(m), n - 1) } } fn set(x) { x = 99; x }";

/// Calls of pointers and of functions that call back.
const SCRIPTS: &[&str] = &[
    "call(|x| x + 1, 2)",
    "let f = |x| see(x * 2); call(f, 4)",
    "let f = |x, y| x - y; let g = curry(f, 10); call(g, 3)",
    "call(Fn(\"add\"), 1, 2)",
    "call(Fn(\"none\"))",
    "call(Fn(\"add\"), 1)",
    "call(Fn(\"len\"), \"hello\")",
    "call(Fn(\"see\"), 5)",
    "let a = [1]; call(Fn(\"push\"), [1, 2], 3); a",
    "call(curry(Fn(\"add\"), 40), 2)",
    "call(host(), 1, \"x\")",
    "call(curry(host(), 7), 1)",
    "call(host())",
    "call(5)",
    "call(\"add\", 1, 2)",
    "call(|x| x / 0, 1)",
    "call(|x| throw x, #{a: 1})",
    "call(Fn(\"bad\"), 1)",
    "try { call(Fn(\"bad\"), 1) } catch (e) { e }",
    "call(|| 1, 2)",
    "let n = 1; let f = |x| { n += x; n }; call(f, 5); call(f, 6); n",
    "let n = 1; let f = |x| { x += 5; x }; let g = || n; call(f, n); n",
    "let n = 1; let f = || n += 1; call(f); f.call(); n",
    "let f = |x| see(x); f.call(3)",
    "let f = add; f.call(1, 2)",
    "let x = 5; x.call(|n| { this += n; this }, 3); x",
    "let x = 5; x.grow(4); x",
    "let x = 5; x.call(Fn(\"grow\"), 4); x",
    "let x = 5; x.call(host(), 4)",
    "let x = 5; x.call(curry(host(), 9), 4)",
    "call(Fn(\"deep\"), 3)",
    "call(Fn(\"deep\"), 30)",
    "Fn(\"print\")",
    "Fn(\"no name\")",
    "Fn(5)",
    "Fn(\"let\")",
    "Fn(\"x\").curry(1, 2)",
    "curry(5, 1)",
    "let v = 3; let f = curry(Fn(\"set\"), v); call(f); v",
    "twice(|x| see(x + 1), 1)",
    "twice(add, 1)",
    "[1, 2, 3].map(|x| see(x * 2))",
    "[1, 2, 3].map(|x, i| [x, i])",
    "[1, 2, 3].map(|| this * 2)",
    "[1, 2, 3].map(|a, b, c| a)",
    "[1, 2].map(Fn(\"to_string\"))",
    "[1, 2].map(add)",
    "[1, 2].map(\"none\")",
    "[1, 2, 3, 4].filter(|x| x % 2 == 0)",
    "[1, 2, 3, 4].filter(|x, i| i > 1)",
    "[1, 2, 3, 4].filter(|| this > 2)",
    "[1, 2, 3, 4].filter(|x| 5)",
    "[1, 2, 3].reduce(|sum, x| (sum ?? 0) + x)",
    "[1, 2, 3].reduce(|sum, x| sum + see(x), 10)",
    "[1, 2, 3].reduce(|sum, x, i| sum + x * i, 10)",
    "[1, 2, 3].reduce(|sum| sum + this, 10)",
    "[1, 2, 3].reduce(|| 1, 10)",
    "[1, 2, 3].reduce_rev(|sum, x| `${sum}${x}`, \"\")",
    "[1, 2, 3].reduce_rev(|sum, x, i| `${sum}${x}${i}`, \"\")",
    "let a = [1, 2, 3]; a.for_each(|| this += 1); a",
    "let a = [1, 2, 3]; a.for_each(|i| this += i); a",
    "let a = [1, 2, 3]; a.for_each(|i, j| this += i); a",
    "[3, 1, 2].sort(|a, b| a - b)",
    "let a = [3, 1, 2]; a.sort(|a, b| b - a); a",
    "let a = [3, 1, 2]; a.sort(|a| 1); a",
    "let a = [3, 1, 2]; a.sort(|a, b| throw 1); a",
    "let a = [3, 1, 2]; a.sort_by(|a, b| see(a) - see(b)); a",
    "let a = [1, 1, 2, 3, 3]; a.dedup(|a, b| a == b); a",
    "[1, 2, 3].find(|x| x > 1)",
    "[1, 2, 3].find(|x| x > 1, 2)",
    "[1, 2, 3].find_map(|x| if x > 1 { x * 2 })",
    "[1, 2, 3].some(|x| x > 1)",
    "[1, 2, 3].all(|x, i| x > i)",
    "[1, 2, 3].index_of(|x| see(x) > 1)",
    "[1, 2, 3].index_of(|x| x > 1, 2)",
    "[1, 2, 3].zip([4, 5, 6], |x, y| x * y)",
    "[1, 2, 3].zip([4, 5, 6], |x, y, i| x * y * i)",
    "let a = [1, 2, 3, 4]; [a.drain(|x| x < 3), a]",
    "let a = [1, 2, 3, 4]; [a.retain(|x, i| i < 2), a]",
    "#{a: 1, b: 2}.map(|k, v| `${k}${v}`)",
    "#{a: 1, b: 2}.map(|k| `${k}${this}`)",
    "#{a: 1, b: 2}.map(|k, v, x| 1)",
    "#{a: 1, b: 2}.filter(|k, v| v > 1)",
    "let m = #{a: 1, b: 2}; [m.drain(|k, v| v > 1), m]",
    "let m = #{a: 1, b: 2}; [m.retain(|k| this > 1), m]",
    "[1, 2].map(|x| x / 0)",
    "[1, 2].map(|x| throw #{v: x})",
    "try { [1, 2].map(|x| x / 0) } catch (e) { e }",
    "try { [1].filter(|x| throw [x]) } catch (e) { e }",
    "[1, 2].map(|x| exit(x))",
    "[1, 2].map(|x| no_such(x))",
    "[1, 2].map(|x| [x].map(|y| see(y + x)))",
    "let n = 10; [1, 2].map(|x| { n += x; n }) + [n]",
    "let n = 10; let f = |x| x + n; [1, 2].map(f)",
    "fn apply(a, f) { a.map(f) } apply([1, 2], |x| see(x + 1))",
    "let a = [1, 2, 3]; let f = |x| x; a.push(f); a",
    "let f = |x| x * 2; map([1, 2], f)",
    "filter([1, 2, 3], |x| x > 1)",
    "let a = [1, 2]; let b = a; for_each(a, || this += 1); [a, b]",
    "let s = 0; [1, 2, 3].for_each(|| s += this); s",
    "[[3, 1], [2]].map(|a| { a.sort(|x, y| x - y); a })",
    "let x = [1, 2]; x.map(|v| { x; v })",
];

/// What differs, if anything does.
fn difference(script: &str, specialise: bool, limits: bool) -> Option<String> {
    let log = Log::default();
    let mut engine = engine(&log);
    if limits {
        engine.set_max_array_size(3).set_max_string_size(10);
    }
    let script = format!("{FUNCTIONS}\n{script}");
    let mut ast = engine.compile(&script).ok()?;
    ast.set_source("the source");
    let taken = || std::mem::take(&mut *log.lock().expect("fine"));
    let theirs = engine.eval_ast_with_scope::<Dynamic>(&mut Scope::new(), &ast);
    let theirs = (show(&theirs), taken());
    let options = Options { specialise, ..Options::default() };
    let program = compile(&engine, &ast, &options).expect("compiles");
    assert!(program.report().fallbacks.is_empty(), "{script}: {:?}", program.report().fallbacks);
    let ours = program.run(&engine, &mut Scope::new());
    let ours = (show(&ours), taken());
    (ours != theirs).then(|| format!("{script}\n  ours {ours:?}\ntheirs {theirs:?}"))
}

fn check(limits: bool) {
    let cases = SCRIPTS.iter().flat_map(|script| [(script, false), (script, true)]);
    let different: Vec<_> =
        cases.filter_map(|(script, specialise)| difference(script, specialise, limits)).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn pointers_are_called_as_in_the_interpreter() {
    check(false);
}

#[test]
fn pointers_are_called_as_in_the_interpreter_within_limits() {
    check(true);
}

/// A program whose every closure gives 77 and fails for 3.
struct Stand(crate::rt::natives::RuntimeSites);

unsafe extern "C" fn seventy_seven(
    context: *mut Context<'_>,
    level: u64,
    _: *mut Dynamic,
    result: *mut Dynamic,
    arguments: *mut Dynamic,
) -> Status {
    // SAFETY: a call of [`call_compiled`] with one argument, here and below.
    let context = unsafe { raw::context(context) };
    assert_eq!((level, context.level), (2, 2));
    // SAFETY: as above.
    if unsafe { raw::value(arguments) }.as_int() == Ok(3) {
        return park(context, EvalAltResult::ErrorRuntime(3.into(), Position::new(9, 9)).into());
    }
    // SAFETY: as above.
    unsafe { raw::put(result, 77.into()) };
    Status::Ok
}

impl crate::rt::context::FunctionTable for Stand {
    fn find(&self, name: &str, parameters: usize) -> Option<CompiledFunction> {
        let is_mine = name.starts_with("anon$") && parameters == 1;
        is_mine.then(|| CompiledFunction {
            entry: seventy_seven,
            name: "mine".into(),
            is_empty: false,
            lent: [].into(),
        })
    }

    fn find_method(&self, _: &str, _: &str, _: usize) -> Option<CompiledFunction> {
        None
    }

    fn sites(&self) -> Option<&crate::rt::natives::RuntimeSites> {
        Some(&self.0)
    }
}

#[test]
fn the_library_calls_back_into_compiled_code() {
    use crate::rt::natives::{CallSite, Subject, native};
    let engine = Engine::new();
    let table = Stand(crate::rt::natives::RuntimeSites::default());
    let mut context = crate::rt::testing::context_with(&engine, &table);
    let site = CallSite::new("map", 2);
    let closure = engine.eval::<Dynamic>("|x| x").expect("a closure");
    let at = Position::new(4, 5);
    for _ in 0..2 {
        let (mut items, mut pointer) = (Dynamic::from_array(vec![1.into(), 2.into()]), closure.clone());
        let result = native(&mut context, &site, &mut [&mut items, &mut pointer], Subject::Value, at);
        assert_eq!(show(&result), "array [77, 77] tag 0");
        let (mut items, mut pointer) = (Dynamic::from_array(vec![3.into()]), closure.clone());
        let result = native(&mut context, &site, &mut [&mut items, &mut pointer], Subject::Value, at);
        let expected = "ErrorInFunctionCall(\"map\", \"\", ErrorInFunctionCall(\"mine\", \"\", ErrorRuntime(3, 9:9), 4:5), 4:5)";
        assert_eq!(show(&result), expected);
        assert_eq!(context.level, 0);
    }
}

#[test]
fn a_host_that_has_its_own_functions_gets_the_closure_itself() {
    use crate::rt::natives::{CallSite, Subject, native};
    let mut engine = Engine::new();
    engine.register_fn("map", |_: rhai::Array, pointer: FnPtr| format!("{pointer:?}"));
    let table = Stand(crate::rt::natives::RuntimeSites::default());
    let mut context = crate::rt::testing::context_with(&engine, &table);
    let site = CallSite::new("map", 2);
    let closure = engine.eval::<Dynamic>("|x| x").expect("a closure");
    let (mut items, mut pointer) = (Dynamic::from_array(Vec::new()), closure.clone());
    let arguments = &mut [&mut items, &mut pointer];
    let result = native(&mut context, &site, arguments, Subject::Value, Position::NONE).expect("works");
    assert!(result.to_string().starts_with("Fn*(\"anon$"), "{result}");
}

#[test]
fn calls_are_nested_only_so_deep() {
    let engine = Engine::new();
    let table = Stand(crate::rt::natives::RuntimeSites::default());
    let mut context = crate::rt::testing::context_with(&engine, &table);
    context.level = context.level_max;
    let function =
        CompiledFunction { entry: seventy_seven, name: "mine".into(), is_empty: false, lent: [].into() };
    let mut out = Dynamic::UNIT;
    let at = pack(Position::new(4, 5));
    let mut arguments = [Dynamic::UNIT];
    let at_context = &raw mut context;
    // SAFETY: pointers to live values.
    let status =
        unsafe { call_compiled(at_context, &function, ptr::null_mut(), &mut arguments, &raw mut out, at) };
    assert_eq!(status, Status::Error);
    assert_eq!(format!("{:?}", context.error.expect("parked")), "ErrorStackOverflow(4:5)");
    assert_eq!(context.level, context.level_max);
}
