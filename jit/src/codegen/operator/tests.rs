//! Tests of `operator`: each compares with the interpreter.

use rhai::{Engine, OptimizationLevel};

use crate::rt::testing::{Log, disagreement};

/// Assignments to variables whose type is not known: `any` gives a value that inference knows nothing of.
const SCRIPTS: &[&str] = &[
    "let x = any(1); x += 2; x -= any(5); x *= 3; x /= 2; x %= 2; x",
    "let x = any(1.5); x += 2.5; x -= any(5.0); x *= 3.0; x /= 2.0; x",
    "let x = any(1); x += 2.5; x += 1; x",
    "let x = any(1); x += \"s\"; x",
    "let x = any(\"s\"); x += 1; x += any(\"t\"); x += 'c'; x",
    "let x = any([1]); x += 2; x += any([3]); x",
    "let x = any(1); x <<= 3; x |= 1; x &= 5; x ^= any(2); x >>= 1; x",
    "let x = any(2); x **= 3; x",
    "let x = any(9223372036854775807);\n  x += 1",
    "let x = any(-9223372036854775807);\n  x -= any(2)",
    "let x = any(9223372036854775807); x *= any(2)",
    "let x = any(1); x /= 0",
    "let x = any(1); x %= any(0)",
    "let x = any(1.0); x /= 0.0; x",
    "let x = any(1); x <<= 70; x",
    "let x = any(true); x &= false; x |= any(true); x",
    "let x = any(1); x = \"s\"; x = 2.5; x = any([1]); x = any(3); x = x; x",
    "let x = any(1); let y = any(2); x = y; y += 1; [x, y]",
    "let x = any(1); x += x; x *= x; x = x + x; x",
    "let x = any([1, 2]); x = x[1]; x",
    "let x = any(1); x = [x, x]; x",
    "let x = any(1); let f = || x += 1; f.call(); x += 10; f.call(); x = 5; f.call(); x",
    "let x = any(1); let f = |y| { y += 1; y }; [f.call(x), call(f, x), x]",
    "let x = any(1); let g = || x; let f = |y| { y += 1; y = y * 2; y }; [call(f, x), x]",
    "fn add(n) { this += n; this } let x = any(1); [x.add(2), x.add(1.5), x]",
    "fn set(n) { this = n; this } let x = any(1); [x.set(2), x.set(\"s\"), x.set([x]), x]",
    "fn add(n) { this += n } const X = 1; X.add(2)",
    "fn set(n) { this = n } const X = 1.5; X.set(2)",
    "fn up(x) { x += 1; x } let a = any(1); [up(a), up(1.5), up(\"s\"), a]",
    "const X = 5; let f = |y| { y += 1; y }; [f.call(X), call(f, X), X]",
    "const A = [1, 2]; A.map(|x| { x += 1; x })",
    "const A = [1, 2]; A.for_each(|| this += 1)",
    "const A = [1, 2]; A.map(|| { this = 1; this })",
    "let a = [1, 2.5, \"s\"]; a.for_each(|| this += 1); a",
    "let a = [1, 2]; for x in a { x += 1; x = x * 2; a.push(x); } a",
    "let t = any(0); for i in 0..10 { t += i; } t",
    "let t = any(0); for i in 0..10 { t = t + any(i); if i == 5 { t = \"s\"; } } t",
    "let t = any(0); while t < 5 { t += any(1); } t",
    "let x = any('a'); x += 'b'; x",
    "let x = any(()); x = 1; x += 1; x",
    "let x = any(()); x += 1; x",
];

#[test]
fn assignments_in_place_are_the_interpreters() {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.register_fn("any", |value: rhai::Dynamic| value);
    let log = Log::default();
    let different: Vec<_> = SCRIPTS.iter().filter_map(|script| disagreement(&engine, &log, script)).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}
