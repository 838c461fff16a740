//! Compiled programs against the interpreter: values and errors, in all modes, with and without limits.

use std::fmt::Write as _;

use rhai::{AST, Dynamic, Engine, Scope};

use crate::{Options, compile};

mod arrays;
mod assignments;
mod joining;
mod maps;
mod numbers;
mod strings;

/// All modes: types and layout, layout alone, types alone.
const MODES: [(bool, bool); 3] = [(true, true), (false, true), (true, false)];

fn unlimited() -> Engine {
    let mut engine = Engine::new();
    engine.set_max_expr_depths(0, 0);
    engine
}

/// An engine with small limits.
fn limited() -> Engine {
    let mut engine = Engine::new();
    engine.set_max_array_size(9).set_max_map_size(4).set_max_string_size(24);
    engine
}

fn show(result: Result<Dynamic, Box<rhai::EvalAltResult>>, scope: &Scope<'_>) -> String {
    match result {
        Ok(value) => format!("{} {value:?} {scope:?}", value.type_name()),
        Err(error) => format!("{error:?} {scope:?}"),
    }
}

/// Runs a script in the interpreter and compiled in some modes, and compares.
fn agree_in(engine: &Engine, script: &str, modes: &[(bool, bool)]) {
    compare(engine, &engine.compile(script).expect(script), script, modes);
}

fn compare(engine: &Engine, ast: &AST, script: &str, modes: &[(bool, bool)]) {
    let mut scope = Scope::new();
    let expected = show(engine.eval_ast_with_scope(&mut scope, ast), &scope);
    for (specialise, inline_layout) in modes {
        let options =
            Options { specialise: *specialise, inline_layout: *inline_layout, ..Options::default() };
        let program = compile(engine, ast, &options).expect(script);
        assert!(program.report().fallbacks.is_empty(), "{script}");
        let mut scope = Scope::new();
        let actual = show(program.run(engine, &mut scope), &scope);
        assert_eq!(actual, expected, "specialise {specialise}, inline {inline_layout}:\n{script}");
    }
}

/// Without limits, and with small ones that the script's own literals may be beyond.
fn agree(script: &str) {
    agree_in(&unlimited(), script, &MODES);
    agree_limited(script);
}

fn agree_limited(script: &str) {
    let ast = unlimited().compile(script).expect(script);
    compare(&limited(), &ast, script, &MODES[..1]);
}

/// Each expression, after what goes before it, in a function of its own. Values and errors, with their positions, end
/// in variables of one program; under limits each is a program of its own.
fn agree_each(before: &str, expressions: &[&str]) {
    let mut script = String::new();
    for (index, expression) in expressions.iter().enumerate() {
        let _ = write!(
            script,
            "fn f{index}() {{ {before} let result = {expression}; result }}
            let v{index} = (); try {{ v{index} = f{index}(); }} catch (e) {{ v{index} = e; }}\n"
        );
    }
    let mut counting = unlimited();
    counting.set_max_operations(10_000_000);
    agree_in(&counting, &script, &MODES);
    for expression in expressions {
        agree_limited(&format!("{before} {expression}"));
    }
}

#[test]
fn functions_of_the_host_and_of_the_script_go_first() {
    let mut engine = Engine::new();
    engine.register_fn("to_float", |value: i64| value * 2);
    engine.register_fn("len", |text: &str| format!("<{text}>"));
    engine.register_get("len", |text: &mut rhai::ImmutableString| format!("[{text}]"));
    engine.register_fn("push", |_: &mut rhai::Array, _: i64| 7_i64);
    engine.register_fn("==", |_: i64, _: i64| true);
    engine.register_fn("+", |_: &str, _: i64| 9_i64);
    engine.register_fn("to_string", |value: f64| format!("f{value}"));
    for script in [
        "let x = 5; x.to_float() + to_float(x)",
        "let s = \"abc\"; s.len() + len(s) + s.len",
        "let a = [1]; let b = a.push(2); let c = push(a, 3); [a, b, c]",
        "let a = [1, 2]; [a.contains(3), a.index_of(2), 2 in a, a.push(\"x\"), a]",
        "let x = 1.5; x.to_string() + to_string(x)",
        "fn abs() { this * 100 } fn sign(x) { x * 10 } let x = -4; [x.abs(), abs(x), x.sign(), sign(x)]",
        "fn len() { 42 } let a = [1, 2]; let s = \"ab\"; [a.len(), s.len(), len(a), a.len, s.is_empty()]",
        "let s = \"x\"; let a = s + 1.5; let b = s + 5; let c = 1.5 + s; s += 1.5; [a, b, c, s, `${1.5} ${5}`]",
        "fn array.len() { 42 } let a = [1, 2]; let s = \"ab\"; [a.len(), len(a), s.bytes()]",
    ] {
        agree_in(&engine, script, &MODES);
    }
    let raw = Engine::new_raw();
    for script in [
        "let x = 5; x.to_float()",
        "let a = [1]; a.push(2); a",
        "let s = \"x\"; s.len",
        "[1].len()",
        "let s = \"x\"; s + 1",
        "let s = \"x\"; s += 1; s",
    ] {
        agree_in(&raw, script, &MODES);
    }
}
