//! Tests of `pointer`: each compares with the interpreter.

use rhai::{Dynamic, Engine, EvalAltResult, FnPtr, NativeCallContext, OptimizationLevel};

use crate::rt::testing::{Log, disagreement};

const FUNCTIONS: &str = "fn inc(x) { x + 1 } fn none() {} fn me() { this } fn set(x) { x = 99; x } fn many(f, n) { let r = []; for i in 0..n { r.push(f.call(i)); } r } \
    fn by_pointer(x) { call(Fn(\"push\"), x, 5); x } fn keep(x) { call(Fn(\"twice\"), x); x } \
    fn deep(f, n) { if n == 0 { see(0) } else { f.call(f, n - 1) } } fn bad(x) { x / 0 } ";

const SCRIPTS: &[&str] = &[
    "let f = |x| see(x + 1); [f.call(1), f.call(2), call(f, 3), call(f, 4)]",
    "many(|x| x * 2, 5)",
    "let k = 3; many(|x| { k += x; k }, 5)",
    "let k = 3; let r = many(|x| { k += x; k }, 5); [r, k]",
    "let r = []; for f in [|x| x + 1, |x| x + 2, inc, Fn(\"inc\"), |x| x + 1] { r.push(f.call(10)); } r",
    "let r = []; for f in [|x| x + 1, |x, y| x + y, |x| x + 3] { try { r.push(f.call(10)); } catch (e) { r.push(e); } } r",
    "let r = []; for f in [|x| x + 1, 5, inc, \"inc\"] { try { r.push(f.call(10)); } catch (e) { r.push(e); } } r",
    "let r = []; for f in [|x| x + 1, 5, inc, \"inc\"] { try { r.push(call(f, 10)); } catch (e) { r.push(e); } } r",
    "let f = |a, x| { a += x; a }; let g = f.curry(1); [g.call(2), g.call(3), call(g, 4)]",
    "let f = |a, x| { a.push(x); a }; let g = f.curry([]); [g.call(2), g.call(3)]",
    "let o = #{f: |x| x + 1, a: [|x| x - 1]}; [o.f.call(1), o.a[0].call(1), o.a[see(0)].call(see(2)), o.f(5)]",
    "let o = #{\"call\": |x| see(x), v: 1}; o.call(5)",
    "let o = #{v: 1}; o.call(|x| { this.v += x; this.v }, 5)",
    "let o = 5; o.call(|x| { this += x; this }, 5)",
    "let o = [5]; [o[0].call(|x| { this += x; this }, 5), o]",
    "let o = [5]; o[0].call()",
    "let o = [5]; o[3].call(1)",
    "let o = #{}; o.f.call(1)",
    "let f = |x| x / 0; f.call(1)",
    "let f = |x| x / 0; call(f, 1)",
    "let f = |x|\n  bad(x);\ntry { f.call(1) } catch (e) { e }",
    "let f = |x| throw #{v: x};\n  f.call(1)",
    "let f = |x| exit(x); f.call(1); 5",
    "let f = || see(1); f.call()",
    "let f = || {}; [f.call(), call(f)]",
    "let f = |x| {}; f.call()",
    "let f = |x| x; f.call(1, 2)",
    "let f = |x| { x.push(1); x }; let a = []; [f.call(a), call(f, a), a]",
    "let f = |x| { x = 5; x }; let a = 1; [f.call(a), call(f, a), a]",
    "let f = |x| { x += 5; x }; let n = 1; let g = || n; call(f, n); f.call(n); n",
    "let f = |x| is_shared(x); let n = 1; let g = || n; [call(f, n), f.call(n)]",
    "let f = |g, n| if n == 0 { see(0) } else { g.call(g, n - 1) }; f.call(f, 5)",
    "let f = |g, n| if n == 0 { see(0) } else { g.call(g, n - 1) }; f.call(f, 50)",
    "deep(|f, n| deep(f, n), 3)",
    "deep(|f, n| deep(f, n), 30)",
    "let f = |x| x + 1; let g = || { f = |x| x + 100; 1 }; [f.call(g.call()), f.call(1)]",
    "let f = |x| x + 1; let r = call(f, { f = |x| x + 100; 1 }); [r, f.call(1)]",
    "let f = |x| { f; x }; f.call(1)",
    "let f = 1; f = |x| x; f.call(f.call(f.call(3)))",
    "let x = 5; call(Fn(\"twice\"), x); x",
    "let x = [1]; call(Fn(\"push\"), x, 2); x",
    "let x = 5; let f = Fn(\"twice\"); call(f, x); f.call(x); x",
    "const X = 5; call(Fn(\"twice\"), X); X",
    "let x = 5; call(host(), x); x",
    "let x = 5; for i in 0..3 { call(host(), x); } x",
    "let a = [1]; [by_pointer(a), a]",
    "let a = 7; [keep(a), a]",
    "let a = [1]; a.map(|x| { call(Fn(\"twice\"), x); x })",
    "let a = [1, 2]; a.sort(|x, y| { call(Fn(\"twice\"), x); y - x }); a",
    "let f = Fn(\"none\"); [f.call(), call(f)]",
    "let f = set; let v = 1; [f.call(v), call(f, v), v]",
    "let f = |x| this; f.call(1)",
    "let f = |x| me(); f.call(1)",
    "fn g(f) { f.call(this) } let x = 5; x.g(|t| t + 1)",
    "fn g() { this.f.call(2) } let x = #{f: |t| t + 1}; x.g()",
    "let a = []; for i in 0..3 { a.push(|x| x + i); } [a[0].call(1), a[1].call(1), a[2].call(1)]",
    "let a = []; for i in 0..3 { let j = i; a.push(|x| { j += 1; x + j }); } [a[0].call(1), a[0].call(1), a[2].call(1)]",
    "call(|x| x + 1, 2)",
    "let k = 1; call(|x| { k += x; k }, 2) + k",
    "let f = |x| x; f?.call(1)",
];

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
    engine.register_fn("twice", |value: &mut i64| *value *= 2);
    #[expect(deprecated, reason = "marked so because it may change")]
    let host = FnPtr::from_fn("inc", |_, values| -> Result<Dynamic, Box<EvalAltResult>> {
        *values[0] = format!("{}!", values[0]).into();
        Ok(values.len().to_string().into())
    });
    let host = host.expect("a good name");
    engine.register_fn("host", move || host.clone());
    engine
}

fn check(engine: &Engine, log: &Log) {
    let whole = |script: &&str| format!("{FUNCTIONS}\n{script}");
    let different: Vec<_> =
        SCRIPTS.iter().filter_map(|script| disagreement(engine, log, &whole(script))).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn pointers_are_called_as_in_the_interpreter() {
    let log = Log::default();
    check(&engine(&log), &log);
}

#[test]
fn levels_of_calls_are_the_interpreters() {
    for levels in [1, 2, 3] {
        let log = Log::default();
        let mut engine = engine(&log);
        engine.set_max_call_levels(levels);
        check(&engine, &log);
    }
}
