//! What inference knows of records stays true, whatever is done to them.

use super::agree_all;

#[test]
fn records_keep_their_types_through_functions() {
    agree_all(&[
        "fn make(x) { #{x: x, y: 0.5} } fn step(p) { p.x += p.y; p }
         let p = make(1.0); for i in 0..5 { p = step(p); } p",
        "fn make(n) { #{id: n, next: if n > 0 { make(n - 1) } else { () }} }
         fn sum(m) { if m == () { 0 } else { m.id + sum(m.next) } }
         sum(make(9))",
        "fn pick(a, i) { a[i] } let a = [#{v: 1}, #{v: 2}]; let p = pick(a, 1); p.v += 5; [p, a]",
        "let a = []; for i in 0..5 { a.push(#{i: i, f: i.to_float()}); }
         let t = 0.0; for m in a { m.i += 1; t += m.i * m.f; } t",
        "let m = #{a: 1}; let n = if m.a == 1 { #{a: 2.5, b: 1} } else { m }; n.a += 1; [n, n.b]",
    ]);
}

/// Each change before each use, once and in the middle of a loop.
fn changes_before_uses(changes: &[&str], uses: &[&str]) {
    let before = "fn put(v) { this.a = v; } fn wipe() { this.clear(); }
                  let k = \"a\"; let m = #{a: 1, b: #{a: 2}, w: || this.clear()}; let log = [];";
    for change in changes {
        for after in uses {
            agree_all(&[
                &format!("{before} m.a += 1; {change};\n{after}"),
                &format!(
                    "{before}
                     for i in 0..3 {{ m.a += 1; log.push(m.a); if i == 1 {{ {change}; }} log.push(m.b); }}
                     log.push({{ {after} }}); log"
                ),
            ]);
        }
    }
}

#[test]
fn records_lose_fields() {
    let changes = [
        "m.remove(\"a\")",
        "m.clear()",
        "m.retain(|k, v| k != \"a\")",
        "m.drain(|k, v| k == \"a\")",
        "remove(m, \"a\")",
        "clear(m)",
        "m = #{b: 2}",
        "m -= #{a: 1}",
        "m = m.filter(|k, v| k != \"a\")",
        "let f = || m.clear(); f.call()",
        "m.b.remove(\"a\")",
        "m.wipe()",
        "m.w.call()",
        "m.w()",
    ];
    let uses = ["m.a", "m.a += 1; m", "m.a = 4; m", "m.a.b", "m[\"a\"]", "m[\"a\"] += 1; m", "[m.a, m.b]"];
    changes_before_uses(&changes, &uses);
}

#[test]
fn records_change_types() {
    let changes = [
        "m.a = \"text\"",
        "m[\"a\"] = \"text\"",
        "m[k] = \"text\"",
        "m[k + \"\"] = [1]",
        "m.set(\"a\", 'c')",
        "m += #{a: \"text\"}",
        "m.mixin(#{a: 1.5, c: 4})",
        "m.fill_with(#{a: 1.5, c: \"c\"})",
        "m = m + #{a: true}",
        "m.a += 0.25",
        "let f = |v| m.a = v; f.call(\"closure\")",
        "m.put(\"x\")",
        "m.b.a = \"x\"",
        "m.b[k] = ()",
        "m.b = m",
        "for i in 0..15 { m[\"n\" + i] = \"s\" + i; }",
        "for (v, i) in m.keys() { m[v] = i; }",
        "m.b.put(\"y\")",
        "m?.a = 'x'",
    ];
    let uses = ["m.a", "m.a += 1; m", "m.a = 4; m.a + 1", "m[k]", "m.b.a", "m.b.a += 1; m", "m.c"];
    changes_before_uses(&changes, &uses);
}
