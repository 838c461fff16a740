//! Where maps are: nested, in arrays, shared, constant, `this`; and what is not there or of another type.

use rhai::{Dynamic, Engine, Map};

use super::{agree_all, agree_in};

#[test]
fn nested_records() {
    agree_all(&[
        "let a = #{b: #{c: #{d: 1, e: 2.0}, f: \"x\"}};
         a.b.c.d += 4; a.b.c.e -= 0.5; a.b.f += \"y\"; [a, a.b.c.d, a.b.f]",
        "let rows = [#{x: 1, y: [1.0, 2.0]}, #{x: 2, y: [3.0]}];
         rows[1].y[0] += 1.5; rows[-1].x *= 9; rows[0].y.push(7.0);
         let t = 0.0; for row in rows { for y in row.y { t += y * row.x; } } [t, rows]",
        "let grid = [[#{n: 1}, #{n: 2}], [#{n: 3}, #{n: 4}]];
         for i in 0..2 { for j in 0..2 { grid[i][j].n += i * 10 + j; } } grid",
        "let m = #{a: #{b: 1}}; m.a = #{b: 2.5, c: 3}; m.a.b += 1; [m, m.a.c, m.a.d]",
        "let m = #{a: #{b: 1}}; m.a = 7; m.a.b",
        "let m = #{a: #{b: 1}}; m.x.b",
        "let m = #{a: #{b: 1}}; m.x.b = 3; m",
        "let m = #{a: 1}; m?.a + (m?.b ?? 5)",
        "let m = #{a: 1}; let n = (); [m?.a?.b, n?.a]",
    ]);
}

#[test]
fn missing_and_other_types() {
    agree_all(&[
        "let m = #{a: 1}; m.b",
        "let m = #{a: 1}; m.b += 1",
        "let m = #{a: 1}; m.b = 1; m.b += 1; m",
        "let m = #{a: 1};\n  m.a += \"x\"; m",
        "let m = #{a: 1}; m.a = \"x\"; m.a += 1; m",
        "let m = #{a: 9223372036854775807};\n m.a += 1; m",
        "let m = #{a: 1};\n m.a /= 0; m",
        "let m = #{a: 1}; m.a += 0.5; m.a += 1; m",
        "let m = #{a: 1.0}; m.a += 1; m.a -= 3; m",
        "let m = #{a: true, c: 'x', u: ()}; m.a = false; m.c = 'y'; m.u = (); m.a |= true; m",
        "let m = #{a: 'x'}; m.a += 'y'; m",
        "let m = #{a: 1}; m[\"a\"] += 1; m[\"b\"] = m[\"a\"]; m[\"c\"] ?? 7",
        "let m = #{a: 1}; m[0]",
        "let m = #{a: 1}; m['a']",
    ]);
}

#[test]
fn unknown_values() {
    agree_all(&[
        "fn f(m) { m.a } f(5)",
        "fn f(m) { m.a } f([1])",
        "fn f(m) { m.len } [f([1]), f(\"abc\"), f(#{len: 8}), f(#{})]",
        "fn f(m) { m.a = 1; m } f(5)",
        "fn f(m) { m.a += 1; m } f(\"x\")",
        "fn f(m) {\n m.a += 1;\n m } f(#{})",
        "fn f(m) { m.a += 1; m } [f(#{a: 1}), f(#{a: 1.5}), f(#{a: \"s\"}), f(#{a: [1]})]",
        "fn f(m) { m.a += 1.5; m } [f(#{a: 1}), f(#{a: 1.5}), f(#{a: \"s\"}), f(#{a: [1]})]",
        "fn f(m) { m.a -= 1; m } f(#{a: \"s\"})",
        "fn f(m) { m.a *= 2;\n m } f(#{a: 9223372036854775807})",
        "fn f(m) { m.a <<= 2; m.a %= 7; m } [f(#{a: 5}), f(#{a: 5.5})]",
        "fn f(m) { m.a &= true; m } [f(#{a: true}), f(#{a: 1})]",
        "fn f(m, v) { m.a = v; m.a = v; m }
         [f(#{a: 1}, 2), f(#{a: \"heap\"}, 2.5), f(#{}, 'c'), f(#{a: [1]}, \"s\"), f(#{a: 1}, [2])]",
        "fn f(m) { m.a = 7; m } [f(#{a: 1}), f(#{a: \"heap\"}), f(#{}), f(#{a: [1]}), f(#{a: #{b: 1}})]",
        "fn f(m) { m.a = (); m.b = 'x'; m.c = true; m } [f(#{a: 1, b: 2, c: 3}), f(#{a: \"h\", b: [1], c: ()})]",
        "fn f(m, v) { m.a += v; m } f(#{a: 1}, true)",
        "fn f(m) { m[\"a\"] } [f(#{a: 1}), f(#{b: 1})]",
        "fn f(m) { m[\"a\"] } f([1])",
        "fn f(m) { m[\"a\"] } f(\"text\")",
        "fn f(m) { m[\"a\"] = 4; m } [f(#{a: 1}), f(#{b: 1}), f(#{})]",
        "fn f(a) { a[1] = 4; a[0] += 1; a } [f([1, 2]), f([1.5, \"x\"])]",
        "fn f(a) {\n a[1] = 4; a } f([1])",
        "fn f(a) {\n a[1].x.y[0] += 4; a } [f([1, #{x: #{y: [1]}}]), f([1, #{x: #{y: 2}}])]",
        "fn f(a) { a[1] = 'x'; a } f(\"abc\")",
        "fn f(a) { a[1] = true; a } f(5)",
    ]);
}

#[test]
fn captured_and_bound() {
    agree_all(&[
        "let m = #{n: 0, f: 1.5}; let add = |x| { m.n += x; m.f *= 2.0; m.n };
         for i in 0..5 { add.call(i); m.n += 100; } [m.n, m.f]",
        "let m = #{n: 1}; let f = || m.remove(\"n\"); m.n += 1; f.call(); m.n",
        "let x = 5; let m = #{n: 1}; let f = || x += 1; m.n = x; f.call(); m.n = m.n + x; m",
        "fn bump() { this.n += 1; this.f = this.n * 0.5; this.n } let m = #{n: 1, f: 0.0}; [m.bump(), m.bump(), m]",
        "fn bump() { this.n += 1; } let m = #{n: #{n: 1}}; m.n.bump(); m",
        "fn bump() { this.n += 1; } let m = #{n: #{n: 1}}; m.n.bump(); m.n.bump(); m.bump(); m",
        "fn bump() { this.n += 1; } let m = #{}; m.bump(); m",
        "fn bump() {\n this.n += 1; } bump()",
        "fn bump() { this.n = 1; } const M = #{n: 5}; M.bump(); M",
        "fn bump() {\n this.n += 1; } const M = #{n: 5}; M.bump(); M",
        "fn bump() {\n this.n.o += 1; } const M = #{n: #{o: 5}}; M.bump(); M",
        "fn bump() {\n this[0] += 1; } const M = [5]; M.bump(); M",
        "fn read() { this.n + this.m } const M = #{n: 5, m: 6}; M.read()",
        "let m = #{n: 3, get: || this.n * 2, set: |v| this.n = v}; m.set(8); [m.get(), m.n]",
        "fn own(m) { m.n += 1; m } const M = #{n: 1}; let c = own(M); [M, c]",
        "const M = #{n: 1}; let c = M; c.n += 1; [M.n, c.n]",
        "fn make() { #{n: 1} } const M = make(); M.n = 2; M",
        "fn make() { #{n: 1} } const M = make();\n M.n += 2; M",
        "fn make() { #{n: #{o: 1}} } const M = make();\n M.n.o += 2; M",
        "fn make() { #{n: 1} } const M = make();\n M.o += 2; M",
        "let a = [#{n: 1}]; for m in a { m.n += 1; } a",
        "let m = #{n: 1}; let o = m; o.n += 1; [m, o]",
        "let m = #{n: 1}; fn f(x) { x.n = 5; x.n } [f(m), m.n]",
    ]);
}

#[test]
fn missing_properties_are_errors_when_the_engine_says_so() {
    let mut engine = Engine::new();
    engine.set_fail_on_invalid_map_property(true);
    for script in [
        "let m = #{a: 1}; m.a + m.a",
        "let m = #{a: 1};\n m.b",
        "let m = #{a: 1};\n  m[\"b\"]",
        "let m = #{a: 1}; let k = \"b\";\n  m[k]",
        "let m = #{a: 1};\n m.b = 5; m",
        "let m = #{a: 1};\n m.b += 5; m",
        "fn f(m) {\n m.b } f(#{a: 1})",
        "fn f(m) {\n m.b.c } f(#{a: 1, b: #{}})",
        "fn f(m) {\n m.b = 3; m } f(#{a: 1})",
        "fn f(m) {\n m[\"b\"] } f(#{a: 1})",
        "fn f(m, k) {\n m[k] } f(#{a: 1}, \"b\")",
        "let m = #{a: #{b: 1}};\n m.a.b + m.c.b",
    ] {
        agree_in(&engine, script);
    }
}

#[test]
fn maps_of_the_host() {
    for shared in [false, true] {
        let mut engine = Engine::new();
        engine.register_fn("host", move || {
            let mut tagged = Dynamic::from(41_i64);
            tagged.set_tag(7);
            let other = Dynamic::from(1_i64);
            let mut entries = Map::new();
            entries.insert("n".into(), tagged);
            entries.insert("s".into(), if shared { other.into_shared() } else { other });
            Dynamic::from(entries)
        });
        engine.register_fn("tags", |map: Map| -> Dynamic {
            map.values().map(|value| Dynamic::from(i64::from(value.tag()))).collect::<Vec<_>>().into()
        });
        for script in [
            "fn f(m) { m.n += 1; m.s = m.n * 2; m.s += 1; m.t = 1; [m, tags(m), m.n, m.s] } let m = host(); f(m)",
            "fn f() { this.n += 1; this.s += 4; this.s = 1; [this, tags(this), this.n] } let m = host(); m.f()",
            "fn f() { this.n += 1; this.s += 4; this.n = 1; [this, tags(this), this.n] } host().f()",
            "const M = host(); let m = M; m.n += 1; m.s += 1; tags(m)",
            "let a = [host()];\n a[0].s += 1; a[0].n += 1; a[0].n *= 2; [a, tags(a[0])]",
        ] {
            agree_in(&engine, script);
        }
    }
}

#[test]
fn values_that_were_borrowed_are_the_old_ones() {
    agree_all(&[
        "let m = #{a: \"old\", b: 1}; fn f(x, m) { m.a = \"new\"; x + m.a } f(m.a, m) + m.a",
        "let m = #{a: 1, b: 2}; m.a = m.b + { m.b = 10; m.a }; m",
        "let m = #{a: 1}; m.a += { m.a = 5; 1 }; m",
        "let m = #{a: 1}; m.a += { m.remove(\"a\"); 1 }; m",
        "let a = [#{n: 1}, #{n: 2}]; a[0].n += { a.reverse(); 10 }; a",
        "let a = [#{n: 1}, #{n: 2}]; let i = 0; a[{ i += 1; i }].n = a[i].n + 5; [a, i]",
    ]);
}
