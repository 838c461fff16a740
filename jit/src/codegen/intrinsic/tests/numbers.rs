//! Functions on scalars.

use super::{agree, agree_each};

const INTS: [&str; 8] =
    ["0", "1", "-1", "7", "-8", "9223372036854775807", "-9223372036854775807 - 1", "4503599627370497"];
const FLOATS: [&str; 22] = [
    "0.0",
    "-0.0",
    "1.0",
    "-1.0",
    "0.5",
    "1.5",
    "2.5",
    "-0.5",
    "-1.5",
    "-2.5",
    "0.49999999999999994",
    "1e300",
    "-1e300",
    "9223372036854774784.0",
    "9223372036854775808.0",
    "-9223372036854775808.0",
    "9223372036854777856.0",
    "4503599627370495.5",
    "1.0 / 0.0",
    "-1.0 / 0.0",
    "0.0 / 0.0",
    "1e-310",
];

#[test]
fn integers() {
    for int in INTS {
        agree_each(
            &format!("let x = {int};"),
            &[
                "x.to_float()",
                "to_float(x)",
                "x.to_int()",
                "x.abs()",
                "abs(x)",
                "x.sign()",
                "sign(x)",
                "[x.is_odd, x.is_even, x.is_zero]",
                "[x.is_odd(), is_even(x), x.is_zero()]",
                "[min(x, 3), max(x, 3), x.min(-5), x.max(-5)]",
                "[min(x, 2.5), max(x, 2.5), min(2.5, x), max(2.5, x), max(x, 0.0 / 0.0), min(0.0 / 0.0, x)]",
                "x.to_string() + to_string(x)",
                "x.to_hex() + x.to_binary() + x.to_octal()",
                "x.sqrt()",
                "x.to_float",
                "x.floor()",
            ],
        );
    }
}

#[test]
fn floats() {
    for float in FLOATS {
        agree_each(
            &format!("let x = {float};"),
            &[
                "[x.floor(), x.ceiling(), x.round(), x.int(), x.fraction()]",
                "[x.floor, x.ceiling, x.round, x.int, x.fraction]",
                "[floor(x), ceiling(x), round(x), int(x), fraction(x)]",
                "[x.sqrt(), sqrt(x), x.abs(), abs(x)]",
                "x.sign()",
                "x.to_int()",
                "to_int(x)",
                "[x.is_nan, x.is_finite, x.is_infinite, x.is_zero]",
                "[x.is_nan(), is_finite(x), x.is_infinite(), is_zero(x)]",
                "[x.sin(), x.cos(), x.tan(), x.sinh(), x.cosh(), x.tanh()]",
                "[x.asin(), x.acos(), x.atan(), atan(x), x.atan(2.0), atan(x, 0.5), x.hypot(1.5)]",
                "[x.exp(), x.ln(), x.log(), log(x, 2.0), x.to_degrees(), x.to_radians()]",
                "[min(x, 1.0), max(x, 1.0), min(1.0, x), max(1.0, x), x.min(2), x.max(2), min(2, x)]",
                "[min(x, 0.0), max(x, 0.0), min(0.0, x), max(0.0, x), max(-0.0, x), min(x, -0.0)]",
                "x.to_string() + to_string(x) + x.to_float()",
                "x.sqrt",
                "x.atan(1)",
            ],
        );
    }
}

#[test]
fn characters_and_truth_values() {
    for char in ["'a'", "'Z'", "'ß'", "'é'", "'\\u0130'", "'ﬁ'", "'0'", "'\\U0001F600'"] {
        agree_each(
            &format!("let x = {char};"),
            &[
                "[x.to_int(), to_int(x)]",
                "[x.to_upper(), x.to_lower(), to_upper(x), to_lower(x)]",
                "x.to_string() + to_string(x)",
                "[min(x, 'b'), max(x, 'b'), x.min('A')]",
                "{ x.make_upper(); x }",
            ],
        );
    }
    agree_each("let x = true; let y = !x;", &["x.to_string() + to_string(y)", "x.len()"]);
}

#[test]
fn errors_in_functions_and_parts_of_containers() {
    agree("fn f(x) { x.to_int() } f(1e30)");
    agree("fn f(x) { abs(x) } f(-9223372036854775807 - 1)");
    agree("let m = #{a: [1.5, 2.5], b: 7}; m.a[1].floor() + m.b.to_float() + m.a[0].int");
    agree(
        "let a = [[1.0], [4.0]]; let sum = 0.0; for row in a { sum += row[0].sqrt(); } sum + a[1][0].sqrt()",
    );
    agree("let a = [1.0]; a[3].sqrt()");
    agree("const N = -7; [N.abs(), abs(N), N.is_odd, N.to_string()]");
    agree("let x = 3; let f = || x.abs(); x = -5; f.call() + x.abs()");
    agree("let x = 0; while x.to_float().sqrt() < 10.0 { x += 1; } x");
}
