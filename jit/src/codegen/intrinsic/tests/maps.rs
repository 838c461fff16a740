//! Functions on maps.

use super::{agree, agree_each};

#[test]
fn reading_and_changing() {
    for map in ["#{}", "#{a: 1}", "#{a: 1, b: \"x\", len: 5}", "#{a: [1], \"ä\": #{}}"] {
        agree_each(
            &format!("let m = {map}; let n = m; let k = \"a\";"),
            &[
                "[m.len(), len(m), m.len, m.is_empty(), is_empty(m)]",
                "[m.contains(\"a\"), contains(m, k), k in m, \"zz\" in m]",
                "[m.get(\"a\"), m.get(k), get(m, \"zz\")]",
                "[m.keys(), m.values(), keys(m), values(m)]",
                "[m.remove(\"a\"), m.remove(k), remove(m, \"zz\"), m, n]",
                "{ m.set(\"a\", 5); m.set(k, [6]); set(m, \"new\", \"x\"); [m, n] }",
                "{ m.clear(); [m, n] }",
                "{ m.set(\"self\", m); m }",
                "m.tag",
                "m.foo()",
            ],
        );
    }
    agree("const M = #{a: 1}; [M.len(), M.contains(\"a\"), M.keys(), M.get(\"a\")]");
    agree("const M = #{a: 1}; M.clear(); M");
    agree("let a = [#{x: 1}]; a[0].set(\"y\", 2); a[0].remove(\"x\"); [a, a[0].len(), a[0].keys()]");
}

#[test]
fn functions_in_maps_go_first() {
    agree("let m = #{len: || 42, x: 1}; [m.len(), len(m)]");
    agree("let m = #{x: 1}; m[\"len\"] = || 43; [m.len(), len(m)]");
    agree("let m = #{x: 1}; m.keys = |a| a; m.keys()");
    agree("fn f(m) { m.contains(\"a\") } [f(#{a: 1}), f(#{contains: |k| k + \"!\"})]");
}
