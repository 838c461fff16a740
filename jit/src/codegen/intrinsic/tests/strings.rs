//! Functions on strings.

use super::{agree, agree_each};

const TEXTS: [&str; 9] = [
    "\"\"",
    "\"a\"",
    "\"hello, world\"",
    "\"  both  \"",
    "\"äöü ß\"",
    "\"ABC\"",
    "\"a,b,,c\"",
    "\"日本語\"",
    "\"12\" + \"34\"",
];

#[test]
fn reading() {
    for text in TEXTS {
        agree_each(
            &format!("let s = {text};"),
            &[
                "[s.len, s.len(), len(s), s.bytes, s.bytes(), s.is_empty, s.is_empty(), is_empty(s)]",
                "[s.contains(\"b\"), contains(s, \"lo\"), s.contains('ö'), s.contains(\"\"), \"b\" in s, 'b' in s]",
                "[s.starts_with(\"a\"), s.starts_with('a'), s.starts_with(\"\"), s.starts_with(\"hello\")]",
                "[s.ends_with(\"c\"), s.ends_with('c'), s.ends_with(\"\"), ends_with(s, \"語\")]",
                "[s.index_of(\"b\"), s.index_of('o'), s.index_of(\"\"), s.index_of(\"語\"), s.index_of('ß')]",
                "s.to_upper()",
                "s.to_lower() + to_upper(s)",
                "s.to_string()",
                "s.to_chars()",
                "s.split(\",\")",
                "s.split(',')",
                "s.split(\"\")",
                "s.split()",
                "split(s, \"o\")",
                "s.parse_int()",
                "parse_float(s)",
                "s.to_int()",
                "s.to_float()",
                "s.tag",
            ],
        );
    }
}

#[test]
fn parts() {
    for text in ["\"\"", "\"abcdef\"", "\"äbcdéf\""] {
        for start in ["0", "2", "5", "6", "99", "-1", "-6", "-7", "-99", "-9223372036854775807 - 1"] {
            agree_each(
                &format!("let s = {text}; let i = {start};"),
                &[
                    "s.sub_string(i)",
                    "s.sub_string(i, 2)",
                    "sub_string(s, i, 0)",
                    "s.sub_string(i, -1)",
                    "s.sub_string(i, 9223372036854775807)",
                ],
            );
        }
    }
}

#[test]
fn changing() {
    for text in TEXTS {
        agree_each(
            &format!("let s = {text}; let t = s;"),
            &[
                "{ s.trim(); [s, t] }",
                "{ trim(s); [s, t] }",
                "{ s.make_upper(); [s, t] }",
                "{ s.make_lower(); [s, t] }",
                "{ s.clear(); [s, t] }",
                "[s.pop(), s, t]",
                "{ s.append(\"xyz\"); [s, t] }",
                "{ s.append('y'); s.append(s); [s, t] }",
                "{ s.append(5); s }",
                "{ s.replace(\"b\", \"xx\"); [s, t] }",
                "{ s.replace('l', 'r'); s.replace(\"o\", 'ö'); s.replace(',', \"\"); [s, t] }",
                "{ s.replace(\"\", \"-\"); [s, t] }",
                "{ s.replace(s, t); s }",
                "{ s.remove('a'); s.remove(\"b\"); s.truncate(2); s.crop(1); s }",
                "{ let u = s.take(); [s, u] }",
            ],
        );
    }
    agree("const S = \" a \"; S.trim(); S");
    agree("const S = \" a \"; trim(S); S");
    agree("const S = \"a,b\"; [S.len, S.split(','), S.to_upper(), S.contains('b'), S.sub_string(1)]");
    agree("let m = #{name: \" x \"}; m.name.trim(); m.name.append(\"y\"); [m, m.name.len]");
    agree("let a = [\" x \", \"y\"]; a[0].trim(); a[-1].append('z'); [a, a[0].len()]");
    agree("let a = [\"x\"]; a[1].trim(); a");
    agree("fn f(s) { s.trim(); s } let t = \" x \"; [f(t), t]");
    agree("let s = \"x\"; for i in 0..3 { s.append(s); } s");
    agree("let s = \"x\"; let t = s.append(\"y\").len(); t");
    agree("\" x \".trim()");
    agree("(\"a\" + \"b\").len()");
}

#[test]
fn numbers_in_text() {
    for text in [
        "\"42\"",
        "\" -7 \"",
        "\"9223372036854775808\"",
        "\"x1\"",
        "\"1.5\"",
        "\"1e3\"",
        "\"inf\"",
        "\"NaN\"",
        "\"+5\"",
    ] {
        agree_each(
            &format!("let s = {text};"),
            &["s.parse_int()", "parse_int(s) + 1", "s.parse_float()", "parse_float(s)", "parse_int(s, 16)"],
        );
    }
}
