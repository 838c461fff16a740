//! Functions on arrays.

use super::{agree, agree_each};

const ARRAYS: [&str; 7] = [
    "[]",
    "[1]",
    "[1, 2, 3, 2]",
    "[1.0, 0.0 / 0.0, -0.0]",
    "[\"a\", \"b\"]",
    "['x', 'y']",
    "[1, \"a\", [2], #{k: 3}]",
];

#[test]
fn reading() {
    for array in ARRAYS {
        agree_each(
            &format!("let a = {array};"),
            &[
                "[a.len, a.len(), len(a), a.is_empty, a.is_empty(), is_empty(a)]",
                "[a.contains(2), contains(a, 2), 2 in a, 5 in a]",
                "[a.contains(1.0), 1.0000000000000002 in a, 0.0 in a, (0.0 / 0.0) in a]",
                "[\"b\" in a, 'y' in a, a.contains(\"a\")]",
                "[a.index_of(2), a.index_of(3), a.index_of(\"b\"), a.index_of('y'), a.index_of(0.0)]",
                "[a.get(0), a.get(-1), a.get(9), a.get(-9), get(a, 1)]",
                "[a.extract(1), a.extract(-2), a.extract(9), a.extract(-9)]",
                "[a.extract(1, 2), a.extract(0, 9), a.extract(0, 0), a.extract(-2, 1), extract(a, 1, -1)]",
                "a.to_string()",
                "a.foo",
                "a.foo()",
            ],
        );
    }
    agree("const A = [1, 2]; [A.len, len(A), A.contains(2), A.index_of(2), 1 in A]");
    agree("const A = [1, 2]; A.extract(1)");
    agree("const A = [1, 2]; extract(A, 1)");
    agree("const A = [1, 2]; A.get(1)");
    agree("const M = #{a: [1, 2]}; M.a.get(1)");
    agree("const M = #{a: [1, 2]}; M.a.len() + M.a.index_of(2)");
    agree("fn f() { let b = global::A; b.push(4); b } const A = [1, 2]; f()");
}

#[test]
fn changing() {
    for array in ARRAYS {
        agree_each(
            &format!("let a = {array}; let b = a;"),
            &[
                "{ a.push(7); [a, b] }",
                "{ push(a, 7); [a, b] }",
                "{ a.push(\"text\"); a.push('c'); a.push(1.5); a.push(()); a.push([1]); a }",
                "{ a.push(a); [a, b] }",
                "{ a.push(a.len); a.push(a.len()); [a, b] }",
                "[a.pop(), a.pop(), pop(a), a, b]",
                "[a.shift(), shift(a), a, b]",
                "[a.remove(1), a.remove(-1), a.remove(9), a.remove(-9), remove(a, 0), a, b]",
                "{ a.insert(1, 9); a.insert(-1, 8); a.insert(99, 7); a.insert(-99, 6); [a, b] }",
                "{ a.set(0, 9); a.set(-1, \"x\"); a.set(99, 7); a.set(-99, 6); [a, b] }",
                "{ a.append([5, 6]); a.append([]); append(a, b); [a, b] }",
                "{ a.append(a); a }",
                "{ a.clear(); [a, b] }",
                "{ a.reverse(); [a, b] }",
                "{ a.truncate(2); [a, b] }",
                "{ a.truncate(-1); [a, b] }",
                "{ a.truncate(9223372036854775807); [a, b] }",
                "{ a.chop(2); [a, b] }",
                "{ a.chop(0); [a, b] }",
                "{ a.chop(9223372036854775807); [a, b] }",
                "{ let c = a.take(); [a, c] }",
                "{ let c = take(a); [a, c] }",
            ],
        );
    }
    agree("const A = [1]; A.push(2); A");
    agree("const A = [1]; push(A, 2); A");
    agree("const A = [[1]]; A[0].push(2); A");
    agree("let a = [[1], [2, 3]]; a[0].push(9); a[-1].pop(); a[1].push(a[0][1]); a");
    agree("let a = [[1]]; a[1].push(9); a");
    agree("let m = #{items: []}; for i in 0..5 { m.items.push(i * 2); } [m, m.items.len()]");
    agree("let m = #{a: #{b: [[]]}}; m.a.b[0].push(\"x\"); m.a.b.push([1]); m");
    agree("let a = []; for i in 0..6 { a.push(i.to_string()); } a");
    agree("let a = []; for i in 0..12 { a.push(i); } a");
    agree("let a = []; for i in 0..12 { a.push([i]); } a");
    agree("let a = []; for i in 0..12 { a.push(\"abcdefg\"); } a");
    agree("let a = [1]; let f = || a.push(2); f.call(); a.push(3); a");
    agree("fn f(a) { a.push(2); a } let b = [1]; [f(b), b]");
    agree("[1, 2].push(3)");
    agree("let a = [3, 1]; let b = a.push(2); b");
    agree("let a = [\"x\"]; a.push(a[0]); a.push(a[-1]); a.insert(0, a[1]); a");
    agree("fn g() { [4] } let a = [1]; a.append(g()); a.push(g().len()); a");
    agree("let a = [1, 2]; a.push({ a.clear(); 5 }); a");
    agree("let a = [[1, 2], [3]]; let i = 0; a[i].push({ i = 1; 7 }); a");
}
