//! Programs whose containers change while they are walked, and walks that begin before anything is known to be there.

use std::fmt::Write as _;

use rhai::Engine;

use crate::testing::agree_in;

/// Without limits, and with small ones.
fn agree_all(scripts: &[&str]) {
    let mut limited = Engine::new();
    limited.set_max_array_size(60).set_max_map_size(20).set_max_string_size(60);
    for script in scripts {
        for engine in [&Engine::new(), &limited] {
            agree_in(
                engine,
                &format!("fn f() {{ {script} }} let r = (); try {{ r = f(); }} catch (e) {{ r = e; }} r"),
            );
            agree_in(engine, script);
        }
    }
}

#[test]
fn arrays_that_grow_shrink_and_change_in_loops() {
    agree_all(&[
        "let a = [1, 2, 3]; let t = 0; let i = 0; while i < 3 { t += a[i]; a.push(i); i += 1; } [a, t]",
        "let a = [1, 2, 3]; let t = 0; for i in 0..3 { t += a[i]; a = [i, 5, 6, 7]; } [a, t]",
        "let a = [1, 2, 3]; let t = 0; for i in 0..3 { t += a[0]; a.shift(); } [a, t]",
        "let a = [1, 2]; for i in 0..9 { a[i] = 4; }",
        "let a = [1, 2]; let t = 0; for i in -2..2 { t += a[i] * 10; } t",
        "let a = [1, 2]; let t = 0; for i in -3..2 { t += a[i]; } t",
        "let a = [1, 2, 3]; let n = 0; while n < a.len { a[n] += 1; if n == 1 { a.pop(); } n += 1; } a",
        "let a = [5, 6]; let i = 0; let t = a[i]; i = 1; t += a[i] * 100; [t, a[0], a[i]]",
        "let a = [[1], [2]]; let b = a; for i in 0..2 { b[i].push(3); a[i][0] += 1; } [a, b]",
        "let a = [1, 2, 3]; for x in a { a.push(x); } a",
        "let a = [3, 1, 2]; for i in 0..2 { a.sort(); a[0] += 5; } a",
        "let a = [1, 2, 3]; let s = 0; for i in 0..3 { if i == 1 { a = [7, 8, 9]; } s += a[i]; } s",
        "let a = [1, 2, 3]; let s = 0; do { s += a[s]; a.push(s); } while s < 5; [s, a]",
    ]);
}

#[test]
fn rows_that_are_looked_for_before_they_are_needed() {
    agree_all(&[
        "let a = [[1, 2], [3, 4]]; let i = 1; let t = 0; for k in 0..2 { t += a[i][k]; } t",
        "let a = [[1, 2], [3, 4]]; let i = -1; let t = 0; for k in -2..2 { t += a[i][k]; } t",
        "let a = [[1, 2], [3, 4]]; let i = 5; for k in 0..0 { a[i][k]; } \"no error\"",
        "let a = [[1, 2], [3, 4]]; let i = 5; let t = 0; for k in 0..2 { t += a[i][k]; } t",
        "let a = [[1, 2], [3, 4]]; let i = 0; let t = 0; for k in 0..3 { t += a[i][k]; } t",
        "let a = [[1, 2], [3, 4]]; let i = 0; for k in 0..2 { a[i][k] = 7; i = 1; } a",
        "let a = [[1, 2], [3, 4]]; let i = 0; for k in 0..2 { a[i] = [k, k, k]; a[i][2] += a[i][0]; } a",
        "let a = [[1, 2], [3, 4]]; for k in 0..2 { a[0][k] += 1; a[-1][k] *= 2; } a",
        "let a = [[1, 2], [3]]; let i = 1; let t = 0; for k in 0..2 { t += a[i].len; a[i].push(k); } [t, a]",
        "let a = [[1]]; let i = 0; let t = 0; while t < 9 { t += a[i][0] + a[i].len; a[i] += 4; } [t, a]",
        "let a = [\"ab\", \"cd\"]; let i = 1; let t = ``; for k in 0..2 { t += a[i][k]; } t",
        "let a = [[[1, 2]], [[3, 4]]]; let i = 1; let t = 0; for k in 0..2 { t += a[i][0][k]; a[i][0][k] = 9; } [t, a]",
        "let a = []; let i = 0; let t = 0; for k in 0..2 { if a.len > 0 { t += a[i][k]; } a.push([k, 2]); } [t, a]",
    ]);
}

#[test]
fn maps_that_change_shape() {
    agree_all(&[
        "let m = #{x: 1, y: 2}; for i in 0..3 { m.x += m.y; m.y += 1; } m",
        "let m = #{x: 1}; let t = 0; for i in 0..3 { t += m.x; m.z = i; } [t, m]",
        "let m = #{x: 1}; let t = 0; for i in 0..3 { t += m.x; m = #{x: i, w: 3}; } [t, m]",
        "let a = [#{x: 1, y: 2.5}, #{x: 3, y: 4.5}]; for i in 0..2 { a[i].x += 1; a[i].y *= 2.0; a[i].x *= 3; } a",
        "let a = [#{x: 1}, #{x: 2}]; for i in 0..2 { let old = a[i].x; a[i] = #{x: old + 10}; a[i].x += 1; } a",
        "let a = [#{x: 1}, #{x: 2}]; let i = 0; let t = a[i].x; i = 1; t += a[i].x * 10; a[i].x = t; a",
        "let a = [#{x: 1}]; a[0].y = 5; let t = a[0].x; a.push(#{x: 7}); t + a[0].x + a[1].x",
        "let a = [#{x: 1}]; let i = 0; let b = a[i]; b.x = 9; [a[i].x, b.x]",
        "let a = [#{p: #{q: 1}}]; let i = 0; for k in 0..3 { a[i].p.q += k; a[i].p = #{q: a[i].p.q}; } a",
        "let m = #{x: 1, y: 2}; m.remove(\"x\"); m.y += 1; m",
        "let m = #{x: 1, y: 2}; let n = m; n.x = 5; m.x + n.x",
        "let a = [#{x: 1}]; for i in 0..2 { a[i].x += 1; }",
    ]);
}

#[test]
fn entries_that_were_asked_for() {
    agree_all(&[
        "let c = #{}; for w in [\"a\", \"b\", \"a\"] { if w in c { c[w] += 1; } else { c[w] = 1; } } c",
        "let c = #{a: 1}; let w = \"a\"; if w in c { w = \"b\"; c[w] = 5; } c",
        "let c = #{a: 1}; let w = \"a\"; if w in c { c.remove(w); c[w] = 7; } c",
        "let c = #{a: 1}; let w = \"b\"; if w in c { 1 } else { c.b = 2; let t = c[w]; c[w] = 3; [t, c] }",
        "let c = #{a: 1}; let w = \"b\"; let there = w in c; c[w] = 1; [there, w in c, c[w], c]",
        "let c = #{a: 1}; let w = \"b\"; [w in c, c[w], c[w] == ()]",
        "let c = #{a: 1}; let w = \"a\"; let n = 0; while w in c && n < 3 { c[w] += n; n += 1; } c",
        "let c = #{a: 1}; let w = \"a\"; let n = 0; while w in c { c = #{}; n += 1; } n",
        "let c = #{a: 1}; let w = \"a\"; if w in c { c = #{b: 2}; c[w] } else { 0 }",
    ]);
}

#[test]
fn what_is_known_ends_with_the_construct() {
    agree_all(&[
        "let a = [[1], [2]]; let i = 0; let t = 0; if t == 1 { t = a[i][0]; } t + a[i][0]",
        "let a = [#{x: 1}]; let i = 0; let t = if a.len == 2 { a[i].x } else { 3 }; t + a[i].x",
        "let a = [#{x: 1}]; let i = 0; let b = false && a[i].x == 1 || a[i].x == 1; [b, a[i].x]",
        "let a = [#{x: 1}]; let i = 0; let t = 0; try { t = a[i].x; throw 1; } catch { a = [#{x: 5}]; } t + a[i].x",
        "let a = [#{x: 1}]; let i = 0; switch a.len { 1 => a[i].x, 2 => a[i].x + 1, _ => 0 } + a[i].x",
        "let a = [1, 2]; let i = 0; loop { if i > 1 { break; } a[i] += a[1]; i += 1; } a",
        "let a = [1, 2]; let i = 0; while i < 2 { if a[i] == 1 { i += 1; continue; } a[i] = 8; i += 1; } a",
        "let a = [1, 2]; let f = || a.push(3); let t = 0; for i in 0..2 { f.call(); t += a[i] + a.len; } t",
    ]);
}

#[test]
fn functions_that_change_what_they_are_given() {
    agree_in(
        &Engine::new(),
        "fn g(b) { b.push(9); b[0] } let a = [1, 2]; let t = 0; for i in 0..2 { t += g(a) + a[i]; } [t, a]",
    );
}

#[test]
fn comparisons_of_floats_around_constants() {
    let mut script = String::from("let r = [];");
    let values = [
        "0.0",
        "-0.0",
        "1e-16",
        "1e-15",
        "1.7e-15",
        "1.8e-15",
        "4.0",
        "3.999999999999999",
        "4.000000000000001",
        "4.000000000000009",
        "3.999999999999990",
        "1e300",
        "-1e300",
        "1.7976931348623157e308",
        "(1.0 / 0.0)",
        "(-1.0 / 0.0)",
        "(0.0 / 0.0)",
        "5e-324",
    ];
    for constant in ["0.0", "4.0", "-1e-15", "1e290", "1e289", "-4.0"] {
        for value in values {
            for op in ["<", "<=", ">", ">=", "==", "!="] {
                let _ = write!(
                    script,
                    "let x = {value}; r.push(x {op} {constant}); r.push({constant} {op} x); \
                    if x {op} {constant} {{ r.push(1); }} let y = [x, {constant}]; r.push(y[0] {op} y[1]);"
                );
            }
        }
    }
    let mut engine = Engine::new();
    engine.set_optimization_level(rhai::OptimizationLevel::None);
    agree_in(&engine, &format!("fn f() {{ {script} r }} f()"));
}

#[test]
fn comparisons_of_what_is_not_known() {
    let values = ["()", "1", "2.5", "\"a\"", "\"b\"", "'a'", "true", "[1]", "#{a: 1}", "0..3", "blob(2)"];
    let mut script = String::from("fn same(x, y) { if x == y { 1 } else { 0 } } fn less(x, y) { if x < y { 1 } else { 0 } }
        fn nothing(x) { if x != () { 1 } else { 0 } } fn text(x) { if \"a\" == x || x != \"b\" { 1 } else { 0 } }
        fn five(x) { if x == 1 { 1 } else { 0 } } fn add(x, y) { x += y; x }
        let all = []; let calls = [");
    for name in ["same", "less", "add"] {
        let _ = write!(script, "|x, y| {name}(x, y), ");
    }
    script += "]; let ones = [|x| nothing(x), |x| text(x), |x| five(x)]; let values = [";
    script += &values.join(", ");
    script += "]; for x in values { for f in ones { try { all.push(f.call(x)); } catch (e) { all.push(e); } }
        for y in values { for f in calls { try { all.push(f.call(x, y)); } catch (e) { all.push(e); } } } } all";
    agree_in(&Engine::new(), &script);
}

#[test]
fn arithmetic_with_constants_at_the_ends_of_integers() {
    let mut script = String::from("let r = [];");
    for value in ["9223372036854775807", "-9223372036854775807 - 1", "9223372036854775806", "0", "-1"] {
        for step in [
            "x + 1",
            "x - 1",
            "1 + x",
            "1 - x",
            "x + -1",
            "x - -1",
            "x + 0",
            "x - 0",
            "x - (-9223372036854775807 - 1)",
        ] {
            let _ = write!(script, "try {{ let x = {value}; r.push({step}); }} catch (e) {{ r.push(e); }}");
        }
    }
    let mut engine = Engine::new();
    engine.set_optimization_level(rhai::OptimizationLevel::None);
    agree_in(&engine, &format!("{script} r"));
}

#[test]
fn arrays_filled_with_scalars() {
    agree_all(&[
        "let a = [1]; a.pad(5, 7); a",
        "let a = []; a.pad(3, true); a.pad(2, false); a.pad(-1, true); a",
        "let a = [1.5]; a.pad(4, 2.5); a[3] += 1.0; a",
        "let a = ['x']; a.pad(4, 'y'); a",
        "let a = []; a.pad(61, 1); a.len",
        "let a = [[1, 2]]; a.pad(59, 3); a.len",
        "let a = []; a.pad(3, ()); a",
        "let a = [1]; let b = a; b.pad(4, 2); [a, b]",
    ]);
}
