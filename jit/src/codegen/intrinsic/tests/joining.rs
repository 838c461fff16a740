//! Operators on strings, interpolation, and walks over characters.

use super::{agree, agree_each};

const OPERANDS: [&str; 12] = [
    "\"\"",
    "\"text\"",
    "\"äß\"",
    "\"0123456789012345678901234\"",
    "'c'",
    "'日'",
    "-42",
    "1.5",
    "1e20",
    "true",
    "()",
    "[1, \"x\"]",
];

#[test]
fn joining_and_comparing() {
    for left in OPERANDS {
        for right in ["\"text\"", "'日'", "-42", "()", "\"0123456789012345678901234\""] {
            agree_each(
                &format!("let a = {left}; let b = {right}; let c = \"s\";"),
                &[
                    "a + b",
                    "c + a + b + c",
                    "a + (b + c) + 'x' + 1 + 2.5 + true",
                    "{ let d = c; d += a; d += b; d += d; [d, c, a, b] }",
                    "{ a += b; [a, b] }",
                    "[a == b, a != b, a < b, a <= b, a > b, a >= b]",
                    "{ a -= b; a }",
                ],
            );
        }
    }
}

#[test]
fn interpolation() {
    for value in OPERANDS {
        agree_each(
            &format!("let a = {value}; let s = \"mid\";"),
            &[
                "`${a}`",
                "`<${a}>${s}${a}`",
                "`${s}${1}${2.0}${true}${'c'}`",
                "`${s}` + s",
                "`${{ s += \"x\"; s }}${s}`",
            ],
        );
    }
    agree("let s = \"\"; for i in 0..4 { s = `${s}${i},`; } s");
    agree("let t = `a`; let u = t; u += 1; [t, u]");
}

#[test]
fn growing() {
    agree("let s = \"\"; for i in 0..20 { s += \"ab\"; } s");
    agree("let s = \"\"; for i in 0..20 { s += i; } s");
    agree("let s = \"\"; try { for i in 0..40 { s += 'c'; } } catch (e) { s += \"!\"; } s");
    agree("let s = \"\"; try { for i in 0..40 { s += \"cd\"; } } catch (e) { print(e); } s");
    agree("let s = \"\"; try { for i in 0..40 { s += i; } } catch (e) { print(e); } s");
    agree("let s = \"abc\"; let t = s; s += \"d\"; t += s; [s, t]");
    agree("let a = []; try { for i in 0..20 { a += i; } } catch (e) { print(e); } a");
    agree("let a = [1]; a += \"x\"; a += [2, 3]; a += a; a += a[0]; a += #{k: 1}; a");
    agree("let m = #{s: \"x\", a: [1]}; m.s += \"y\"; m.s += 5; m.s += m.s; m.a += 2; m.a += m.s; m");
    agree("fn f(s) { s += \"!\"; s } let t = \"hi\"; [f(t), t]");
    agree("let s = \"x\"; let f = || s += \"y\"; f.call(); s += 1; s");
    agree("let x = 1; x += \"s\"; x");
    agree("let c = 'a'; c += \"bc\"; c += 'd'; c");
}

#[test]
fn walking() {
    for text in ["\"\"", "\"abc\"", "\"aä日\\U0001F600\""] {
        agree_each(
            &format!("let s = {text}; let out = \"\";"),
            &[
                "{ for c in s { out += c; out += \"-\"; } out }",
                "{ for (c, i) in s { out += i; out += c; s += \"more\"; } [s, out] }",
                "{ for c in s { if c == 'b' { break; } for d in s { if d == c { continue; } out += d; } } out }",
                "{ for c in s { throw c; } }",
                "{ let f = (); for c in s { f = || c; } [f.call(), s] }",
                "{ for c in s + \"x\" { if c == 'x' { out += c.to_int(); break; } } out }",
            ],
        );
    }
}
