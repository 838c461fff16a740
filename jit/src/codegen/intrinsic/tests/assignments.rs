//! Assignments to variables and to parts of containers.

use super::{agree, agree_each};

const VALUES: [&str; 9] =
    ["7", "-1.5", "\"text\"", "'c'", "true", "()", "[1, 2]", "#{p: 1}", "\"012345678901234567890123456\""];

#[test]
fn parts_of_containers() {
    for value in VALUES {
        agree_each(
            &format!(
                "let v = {value}; let a = [1, \"x\", [2]]; let n = [1, 2]; let m = #{{i: 1, s: \"x\", a: [1]}}; let k = \"s\";"
            ),
            &[
                "{ a[0] = v; a[-1] = v; [a, v] }",
                "{ n[1] = v; [n, v] }",
                "{ a[5] = v; a }",
                "{ m.i = v; m.s = v; m.fresh = v; [m, v] }",
                "{ m[\"i\"] = v; m[k] = v; m[\"new\" + k] = v; [m, v] }",
                "{ m.a[0] = v; m.a = v; m }",
                "{ a[0] += v; a }",
                "{ a[1] += v; a }",
                "{ a[2] += v; a }",
                "{ n[0] += v; n[-1] -= v; n }",
                "{ m.i += v; m }",
                "{ m.s += v; m }",
                "{ m.a += v; m }",
                "{ m.none += v; m }",
                "{ m[\"none\"] += v; m }",
                "{ m[k] += v; m[\"i\"] *= v; m }",
                "{ let e = #{}; e[k] = 1; e[k] += v; e[\"t\"] = v; e }",
                "{ a[0] = a; a[0][0] = v; a }",
                "{ a[0] = a[1]; a[1] = a[2]; a[2] = a[0]; m.i = m.a; m.a = m.s; [a, m] }",
                "{ v = a[2]; a[2] = v; v = m; m.self = v; v = v.s; [v, a, m] }",
                "{ let f = || v; a[1] = v; v = 5; [f.call(), a] }",
            ],
        );
    }
}

#[test]
fn arithmetic_in_place() {
    agree("let m = #{n: 9223372036854775807}; m[\"n\"] += 1; m");
    agree("let m = #{n: 1}; let k = \"n\"; m[k] /= 0; m");
    agree("let m = #{n: 1}; let k = \"n\"; m[k] %= 0; m");
    agree(
        "let m = #{n: 7, x: 2.5}; for k in [\"n\", \"x\"] { m[k] *= 3; m[k] -= 1; m[k] /= 2; m[k] %= 4; m[k] **= 2; } m",
    );
    agree(
        "let m = #{n: 7}; for k in [\"n\"] { m[k] <<= 2; m[k] |= 1; m[k] &= 13; m[k] ^= 2; m[k] >>= 1; } m",
    );
    agree("let m = #{n: 7}; for k in [\"n\"] { m[k] += 0.5; m[k] += 1; } m");
    agree("let c = #{}; for w in [\"a\", \"b\", \"a\"] { if w in c { c[w] += 1; } else { c[w] = 1; } } c");
    agree("let c = #{}; for i in 0..6 { c[\"k\" + i] = i; } try { c.x = 1; } catch (e) { print(e); } c");
    agree("let c = #{}; for i in 0..6 { c[\"k\" + i] = \"text\" + i; } c");
    agree("let c = #{}; for i in 0..6 { c[\"k\" + i] = [i]; } c.k1[0] = \"0123456789012345678901234567\"; c");
    agree("let c = #{a: 1}; try { c[\"b\" + 1] += 1; } catch { } let v = c.values(); [v, v[0], v[1], c.b1]");
    agree(
        "fn f(k) { let c = #{a: 1}; c[k] += 1; c[k] = 2; let s = 0; for v in c.values() { s += v; } s } f(\"a\")",
    );
    agree(
        "fn f(k) { let c = #{a: 1}; c[k] += 1; c.values() } try { f(\"b\") } catch (e) { print(e); } f(\"b\")",
    );
    agree(
        "let c = #{}; let k = \"k\"; c[k] += \"x\"; c[k] += 1; c.z += \"y\"; let v = c.values(); [c, v[0] + v[1], c.len()]",
    );
    agree("let a = [[1.5], [2.5]]; a[0][0] += a[1][0]; a[1][0] = a[0][0] * 2; a");
    agree("let x = [1]; x = x[0]; x = [x, x]; x = x[1] + 1; x");
    agree("let x = \"a\"; let y = x; x = y + x; y = x; x += 1; [x, y]");
    agree("fn f(x) { x = \"new\"; x } let a = \"old\"; [f(a), a, f([1]), f(1)]");
    agree("let x = 1; let f = || { x = \"s\"; }; f.call(); x = x + \"t\"; x += \"u\"; x");
    agree("let a = [0, 0]; let i = 0; a[{ i += 1; i }] = i; a[i - 1] += { i = 0; 5 }; [a, i]");
    agree(
        "let b = \"q\"; let a = [\"x\", \"y\"]; a[{ b = \"changed\"; 1 }] = b; a[{ b = \"again\"; 0 }] += b; a",
    );
}
