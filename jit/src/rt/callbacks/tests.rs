//! Tests of `callbacks`: each compares with the interpreter.

use rhai::{Dynamic, Engine, NativeCallContext, OptimizationLevel};

use crate::rt::testing::{Log, disagreement};

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
    engine
}

fn check(prepare: impl Fn(&mut Engine), scripts: &[&str]) {
    let log = Log::default();
    let mut engine = engine(&log);
    prepare(&mut engine);
    let different: Vec<_> = scripts.iter().filter_map(|script| disagreement(&engine, &log, script)).collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

const ARRAYS: &[&str] = &[
    "let a = [3, 1, 2]; let r = a.map(|x| see(x) * 10); [r, a]",
    "let a = [3, 1, 2]; a.map(|x| { x += 1; x })",
    "let a = [[1], [2]]; let r = a.map(|x| { x.push(9); x }); [r, a]",
    "let a = [[1], [2]]; let r = a.map(|x| x); r[0].push(5); [r, a]",
    "let a = [[1], [2]]; let r = a.map(|| { this.push(7); this.len }); [r, a]",
    "let a = [1, 2]; a.map(|| { this += 1; this })",
    "let a = [1, 2]; a.map(|x, i| see([x, i]))",
    "let a = [1, 2]; a.map(|x, i, j| x)",
    "let a = [1, 2]; a.map(|x| {})",
    "let a = [1, \"x\", [2], #{a: 1}, 'c', 1.5, (), true]; a.map(|x| type_of(x))",
    "const A = [1, 2, 3]; A.map(|x| { x += 1; x })",
    "const A = [[1], [2]]; A.map(|x| { x.push(1); x })",
    "const A = [1, 2]; A.for_each(|| this += 1); A",
    "const A = [1, 2]; A.map(|| { this += 1; this })",
    "const A = [3, 1]; A.sort(|a, b| a - b)",
    "let n = 1; let a = [1, 2]; let r = a.map(|x| { n += x; n }); [r, n]",
    "let n = [1]; let a = [1, 2]; let r = a.map(|x| { n.push(x); n.len }); [r, n]",
    "let a = [1, 2, 3]; let r = a.map(|x| a.len + x); [r, a]",
    "let a = [1, 2, 3]; a.for_each(|x| a.push(x)); a",
    "let a = [1, 2, 3]; let r = map(a, |x| { a.push(x); a.len }); [r, a]",
    "let a = [1, 2, 3]; let b = filter(a, |x| { a.clear(); x > 1 }); [a, b]",
    "let f = |p, x| p + x; [1, 2].map(f.curry(10))",
    "let f = |p, q, x, i| [p, q, x, i]; [1, 2].map(f.curry([1], \"x\"))",
    "let f = |p, x| { p.push(x); p }; [1, 2].map(f.curry([]))",
    "let f = |p| { p += this; p }; [1, 2].map(f.curry(5))",
    "let a = []; a.map(|x| see(x))",
    "let a = []; a.reduce(|s, x| see(x), 7)",
    "let a = [1, 2, 3]; a.reduce(|s, x| { s = (s ?? 0) + x; see(s) })",
    "let a = [1, 2, 3]; a.reduce(|s, x, i| { s.push([x, i]); s }, [])",
    "let a = [1, 2, 3]; a.reduce(|s| { s.push(this); this = 0; s }, [])",
    "let a = [1, 2, 3]; a.reduce_rev(|s, x, i| { s.push([x, i]); s }, [])",
    "let a = [1, 2, 3]; let r = a.reduce(|s| { this += s; this }, 10); [r, a]",
    "let a = [1, 2, 3, 4]; [a.filter(|x| see(x) > 2), a.filter(|x, i| i == 0), a.filter(|x| x), a.filter(|x| ())]",
    "let a = [1, 2, 3]; let r = a.filter(|| { this *= 2; this > 2 }); [r, a]",
    "let a = [1, 2, 3, 4]; [a.some(|x| see(x) == 2), a.all(|x| see(x) < 2), a.some(|x| 5), a.all(|x| 5)]",
    "let a = [1, 2, 3, 4]; [a.find(|x| x > 1), a.find(|x| x > 9), a.find(|x| see(x) > 1, -2), a.find(|x| x > 0, -99)]",
    "let a = [1, 2, 3, 4]; [a.index_of(|x| x > 1), a.index_of(|x| x > 9), a.index_of(|x| x > 1, 2), a.index_of(|x| see(x) > 0, 4)]",
    "let a = [1, 2, 3, 4]; [a.find_map(|x| if x > 1 { see(x) }), a.find_map(|x| ()), a.find_map(|x, i| i, 2), a.find_map(|x| x, 9)]",
    "let a = [[1], [2]]; let b = a.find(|x| x[0] == 2); b.push(1); [a, b]",
    "let a = [1, 2, 3, 4, 5]; [a.drain(|x| see(x) % 2 == 0), a]",
    "let a = [1, 2, 3, 4, 5]; [a.retain(|x, i| see(i) > 2), a]",
    "let a = [1, 2, 3, 4]; [a.drain(|| { this += 10; this > 12 }), a]",
    "let a = [1, 2, 3, 4]; let r = (); try { r = a.drain(|x| if x == 3 { throw x } else { x == 1 }); } catch (e) { r = e; } [r, a]",
    "let a = [1, 2, 3, 4]; let r = (); try { r = a.retain(|x| if x == 3 { throw x } else { x == 1 }); } catch (e) { r = e; } [r, a]",
    "let a = [1, 2]; a.zip([3, 4, 5], |x, y| see(x * y))",
    "let a = [1, 2, 3]; a.zip([[3], [4]], |x, y, i| { y.push(x); [y, i] })",
    "let a = [1, 2]; a.zip([3, 4], |x| x)",
    "let a = [1, 2]; a.zip([3, 0], |x, y| x / y)",
    "let a = [1, 2]; a.for_each(|x| see(x))",
    "let a = [1, 2]; a.for_each(|i| { this += see(i); })",
    "let a = [1, 2]; a.for_each(|i, j| 0)",
    "let f = |a| a.map(|x| see(x)); [[1], [2, 3]].map(f)",
    "let o = #{items: [1, 2, 3]}; o.items.for_each(|| this *= 2); [o.items.map(|x| x + 1), o]",
    "let o = [[3, 1], [2, 0]]; o[1].sort(|a, b| a - b); o",
    "fn f(a) { a.map(|x| this_is_missing) } f([1])",
    "fn grow() { this.for_each(|| this += 1); this } let a = [1, 2]; a.grow()",
];

const SORTS: &[&str] = &[
    "let a = [5, 2, 9, 1]; a.sort(|x, y| x - y); a",
    "let a = [5, 2, 9, 1]; a.sort(|x, y| see(x) - see(y)); a",
    "let a = [5, 2, 9, 1]; a.sort_by(|x, y| y - x); a",
    "let a = [5, 2, 9, 1]; a.sort(|x, y| x < y); a",
    "let a = [5, 2, 9, 1]; a.sort(|x, y| x > y); a",
    "let a = [5, 2, 9, 1]; a.sort(|x, y| 1.5); a",
    "let a = [5, \"b\", 2, 'c', \"a\", 1.5, 3]; a.sort(|x, y| ()); a",
    "let a = [5, \"b\", 2, \"a\", 3]; a.sort(|x, y| x - y); a",
    "let a = [5, 2, 9]; a.sort(|x, y| throw see(x)); a",
    "let a = [5, 2, 9]; a.sort(|x, y| exit(x)); a",
    "let a = [5, 2, 9]; a.sort(|x, y| { x += 1; y -= 1; x - y }); a",
    "let a = [[2, 1], [1, 1], [2, 2], [1, 2], [2, 3]]; a.sort(|x, y| x[0] - y[0]); a",
    "let a = [[2, 1], [1, 1], [2, 2], [1, 2], [2, 3]]; a.sort(|x, y| { x.push(0); y[0] - x[0] }); a",
    "let a = [1]; a.sort(|x, y| see(x)); a",
    "let a = []; a.sort(|x, y| see(x)); a",
    "let a = [3, 1, 2]; a.sort(|x| 1); a",
    "let n = 0; let a = [3, 1, 2]; a.sort(|x, y| { n += 1; x - y }); [a, n]",
    "let a = [3, 1, 2]; let f = |k, x, y| k * (x - y); a.sort(f.curry(-1)); a",
    "let a = []; let x = 7; for i in 0..300 { x = (x * 16807) % 2147483647; a.push(x % 50); } a.sort(|p, q| p - q); a",
    "let a = []; let x = 7; for i in 0..300 { x = (x * 16807) % 2147483647; a.push([x % 5, i]); } a.sort(|p, q| p[0] > q[0]); a",
    "let a = [3, 1, 2]; let b = a.order(|x, y| x - y); [a, b, a.order_by(|x, y| y - x)]",
    "let a = [1, 1, 2, 3, 3, 1]; a.dedup(|x, y| see(x) == see(y)); a",
    "let a = [1, 1, 2]; a.dedup(|x, y| throw 1); a",
    "let a = [1, 1, 2]; a.dedup(|x, y| 1); a",
    "let a = [1, 1, 2]; a.dedup(|x, y| { x += 1; x == y }); a",
    "sort([3, 1, 2], |x, y| x - y)",
];

const MAPS: &[&str] = &[
    "let m = #{a: 1, b: 2}; let r = m.map(|k, v| see([k, v])); [r, m]",
    "let m = #{a: 1, b: 2}; let r = m.map(|k| { this += 1; k }); [r, m]",
    "let m = #{a: [1], b: [2]}; let r = m.map(|k, v| { v.push(k); v }); [r, m]",
    "let m = #{a: 1, b: 2}; m.map(|k| this / 0)",
    "let m = #{a: 1, b: 2}; m.filter(|k, v| see(v) > 1)",
    "let m = #{a: 1, b: 2}; m.filter(|k, v| v)",
    "let m = #{a: 1, b: 2, c: 3, d: 4}; [m.drain(|k, v| see(v) % 2 == 0), m]",
    "let m = #{a: 1, b: 2, c: 3, d: 4}; [m.retain(|k| { this += 1; this > 3 }), m]",
    "let m = #{a: 1, b: 2, c: 3, d: 4}; let r = (); try { r = m.drain(|k, v| if v == 2 { throw k } else { v == 1 }); } catch (e) { r = e; } [r, m]",
    "let m = #{a: 1, b: 2, c: 3, d: 4}; let r = (); try { r = m.retain(|k, v| if v == 3 { throw k } else { v == 1 }); } catch (e) { r = e; } [r, m]",
    "let m = #{}; [m.map(|k, v| see(k)), m.filter(|k, v| see(k)), m.drain(|k, v| see(k)), m]",
    "let m = #{map: |x| see(x)}; m.map(5)",
    "let m = #{a: 1}; let n = 5; let r = m.map(|k, v| { n += v; n }); [r, n]",
];

const ERRORS: &[&str] = &[
    "[1, 2].map(|x| x / 0)",
    "let a = [1, 2]; a.filter(|x| x.no_such)",
    "[1, 2].reduce(|s, x| throw #{s: s, x: x}, 1)",
    "[1, 2].reduce_rev(|s, x| throw #{s: s, x: x})",
    "[1, 2].find(|x| throw x)",
    "[1, 2].find_map(|x| throw x)",
    "[1, 2].index_of(|x| throw x)",
    "[1, 2].some(|x| throw x)",
    "[1, 2].all(|x| throw x)",
    "[1, 2].for_each(|x| throw x)",
    "[1, 2].drain(|x| throw x)",
    "[1, 2].retain(|x| throw x)",
    "[1, 2].map(|x| exit(x))",
    "[1, 2].map(|x| [x].map(|y| y / 0))",
    "fn f(a) {\n  a.map(|x|\n    x / 0)\n}\nf([1])",
    "fn deep(n) { [n].map(|m| deep(m + 1)) } deep(0)",
    "fn deep(n) { let r = []; [n].sort(|a, b| deep(a)); [n, n].sort(|a, b| deep(a + 1)); r } deep(0)",
    "fn deep(n) { if n == 0 { see(0) } else { [n].map(|m| deep(m - 1)) } } deep(5)",
    "try { [1].map(|x| x / 0) } catch (e) { e }",
    "try { [1].map(|x| throw \"a\") } catch (e) { e }",
];

#[test]
fn arrays_call_closures_as_the_library_does() {
    check(|_| {}, ARRAYS);
}

#[test]
fn sorting_is_the_librarys() {
    check(|_| {}, SORTS);
}

#[test]
fn maps_call_closures_as_the_library_does() {
    check(|_| {}, MAPS);
}

#[test]
fn errors_are_wrapped_as_the_library_does_it() {
    check(|_| {}, ERRORS);
}

#[test]
fn limits_hold() {
    check(|engine| _ = engine.set_max_array_size(4), &[ARRAYS, SORTS].concat());
    check(|engine| _ = engine.set_max_map_size(2), MAPS);
    check(|engine| _ = engine.set_max_string_size(4), ERRORS);
    check(|engine| _ = engine.set_max_call_levels(1), &[MAPS, ERRORS].concat());
    check(|engine| _ = engine.set_max_call_levels(2), &ERRORS[14..]);
    check(
        |engine| _ = engine.set_max_variables(1),
        &["[1].map(|x| x)", "[1].map(|x, i| x)", "[1].sort(|x, y| 1)"],
    );
}

#[test]
fn names_that_the_host_has_taken_are_the_hosts() {
    let own = |engine: &mut Engine| {
        engine.register_fn("map", |_: &mut rhai::Array, pointer: rhai::FnPtr| pointer.is_anonymous());
        engine.register_fn("filter", |_: &mut rhai::Array, x: i64| x);
    };
    check(own, &["[1].map(|x| see(x))", "[1, 2].filter(|x| see(x) > 1)", "[2, 1].sort(|a, b| see(a) - b)"]);
}

#[test]
fn without_the_library_there_are_no_such_functions() {
    let log = Log::default();
    let engine = Engine::new_raw();
    for script in ["[1].map(|x| x)", "let a = [2, 1]; a.sort(|a, b| a - b); a", "#{a: 1}.map(|k, v| v)"] {
        assert_eq!(disagreement(&engine, &log, script), None);
    }
}
