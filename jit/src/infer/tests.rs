//! Small sources and the types that are found in them.

use super::{INSTANCES_MAX, Instance, Standard, Typed, infer, pass};
use crate::ir::{Function, Unit};
use crate::testing::{typed, unit};
use crate::ty::Ty;

fn of<'t>(unit: &'t Unit, typed: &'t Typed, name: &str) -> Vec<(&'t Function, &'t Instance)> {
    let all = typed.instances.iter().map(|instance| (&unit.functions[instance.function as usize], instance));
    all.filter(|(function, _)| function.name == name).collect()
}

/// The types of the variables of the top level, as text.
fn variables(source: &str) -> Vec<String> {
    let (unit, typed) = typed(source);
    let (function, instance) = of(&unit, &typed, "")[0];
    let named = function.locals.iter().zip(&instance.locals);
    named.map(|(local, ty)| format!("{}: {ty}", local.name)).collect()
}

/// The signatures of the instances of a function, as text.
fn signatures(source: &str, name: &str) -> Vec<String> {
    let (unit, typed) = typed(source);
    of(&unit, &typed, name).iter().map(|(f, i)| crate::ir::print::signature(f, i)).collect()
}

#[test]
fn variables_have_one_type_in_all_of_a_function() {
    assert_eq!(variables("let x = 1; let y = x; x = 2;"), ["x: int", "y: int"]);
    // What is read before is read as what may come later in a loop.
    assert_eq!(variables("let x = 1; let y = x; x = 2.5;"), ["x: any", "y: any"]);
    assert_eq!(variables("let x = 1; let y = x * 2.5; y -= 1;"), ["x: int", "y: float"]);
    assert_eq!(variables("let x = (); let y = x; let z = if y == () { 1 } else { 2 };")[2], "z: int");
}

#[test]
fn types_flow_around_loops_until_nothing_changes() {
    let chain =
        variables("let a = 1; let b = 1; let c = 1; loop { c = b; b = a; a = 2.5; if c > 2 { break; } }");
    assert_eq!(chain, ["a: any", "b: any", "c: any"]);
    let still = variables("let a = 1; let b = 2; while a < 10 { let t = a; a += b; b = t; }");
    assert_eq!(still, ["a: int", "b: int", "t: int"]);
    assert_eq!(
        variables("let x = loop { break 1; }; let y = while x > 0 { break 1.5; };"),
        ["x: int", "y: any"]
    );
    assert_eq!(variables("let x = for i in 0..3 { break 'a'; };"), ["i: int", "x: any"]);
}

#[test]
fn one_more_pass_changes_nothing() {
    for source in [
        "fn f(n) { if n == 0 { 0 } else { f(n - 1) + 1.5 } } f(3)",
        "let a = []; for i in 0..9 { a.push([i]); } let b = a; b[0] += 1.5; a[0][0]",
        "fn g(m) { m.x = 1; h(m) } fn h(m) { m.y = m.x; g(m) } let m = #{x: 2.5}; g(m)",
    ] {
        let (unit, typed) = typed(source);
        let again = pass(&unit, &typed, true);
        let nodes = |typed: &Typed| -> Vec<_> { typed.instances.iter().map(|i| i.nodes.clone()).collect() };
        assert_eq!(nodes(&typed), nodes(&again), "{source}");
        assert_eq!(typed.calls, again.calls, "{source}");
    }
}

#[test]
fn recursion_finds_its_result() {
    assert_eq!(
        signatures("fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } } fib(9)", "fib"),
        ["fn fib(n: int) -> int"]
    );
    let mutual = "fn even(n) { n == 0 || odd(n - 1) } fn odd(n) { n != 0 && even(n - 1) } even(9)";
    assert_eq!(signatures(mutual, "odd"), ["fn odd(n: int) -> bool"]);
    assert_eq!(signatures("fn f(n) { return f(n); } f(1)", "f"), ["fn f(n: int) -> never"]);
    // The first call returns integers, the second what the first is not known to return yet.
    let grows = "fn f(n) { if n > 3 { return 1; } if n > 2 { return f(n + 1) * 0.5; } f(n + 1) } f(0)";
    assert_eq!(signatures(grows, "f"), ["fn f(n: int) -> any"]);
}

#[test]
fn containers_know_what_is_put_into_them() {
    assert_eq!(variables("let a = []; a.push(1); let b = a[0];"), ["a: [int]", "b: int"]);
    assert_eq!(variables("let a = [1]; a[0] = 2.5; let b = a[0];"), ["a: [any]", "b: any"]);
    assert_eq!(variables("let a = [[1]]; a[0].push('c');"), ["a: [[any]]"]);
    assert_eq!(variables("let m = #{a: [0.5]}; m.a[0] += 1; m.b = 1;"), ["m: #{a: [float], ..: int}"]);
    assert_eq!(
        variables("let m = #{a: 1}; let k = \"a\"; m[k] = 'x';"),
        ["m: #{a: any, ..: char}", "k: string"]
    );
    assert_eq!(variables("let a = [1]; a += 2.5;"), ["a: [any]"]);
    assert_eq!(variables("let a = [1, 2]; for x in a { x += 1; }"), ["a: [int]", "x: int"]);
}

#[test]
fn what_a_method_returns_is_no_part_of_what_it_is_called_on() {
    let source = "let s = \"a b\"; let n = s.to_upper().len(); let a = [1]; a.extract(0).push('x');";
    assert_eq!(variables(source), ["s: string", "n: int", "a: [int]"]);
    // The first method changes it all the same.
    assert_eq!(variables("let a = [[1]]; a.unheard_of().len();"), ["a: [any]"]);
}

#[test]
fn captured_variables_are_unknown() {
    assert_eq!(variables("let x = 1; let y = 2; let f = || x; x = y;")[0], "x: any");
    let (unit, typed) = typed("let x = 1; let f = |n| x + n; f.call(1)");
    let closure = typed.instances.iter().find(|instance| !unit.functions[instance.function as usize].is_top);
    assert_eq!(closure.expect("it can be entered").arguments, [Ty::Any, Ty::Any]);
}

#[test]
fn a_function_has_an_instance_for_each_types_up_to_a_limit() {
    let calls = ["1", "1.5", "'a'", "true", "()", "\"a\"", "[1]", "[1.5]"];
    let some: Vec<_> = calls[..3].iter().map(|call| format!("f({call}); f({call});")).collect();
    assert_eq!(
        signatures(&format!("fn f(x) {{ x }} {}", some.concat()), "f"),
        ["fn f(x: int) -> int", "fn f(x: float) -> float", "fn f(x: char) -> char"]
    );
    let many: Vec<_> = calls.iter().map(|call| format!("f({call});")).collect();
    let (unit, typed) = typed(&format!("fn f(x) {{ x }} {}", many.concat()));
    let instances = of(&unit, &typed, "f");
    assert_eq!(instances.len(), INSTANCES_MAX + 1);
    let unknown = instances.iter().filter(|(_, instance)| instance.arguments == [Ty::Any]).count();
    assert_eq!(unknown, 1);
    // Those that came before the limit go on being called.
    let called = |wanted: &Ty| typed.calls.values().any(|id| typed.instances[*id].arguments[0] == *wanted);
    assert!(called(&Ty::Int) && called(&Ty::Str) && called(&Ty::Any));
}

#[test]
fn deep_recursion_on_growing_types_ends() {
    let source = "fn f(n, x) { if n == 0 { x } else { f(n - 1, [x]) } } f(9, 0)";
    assert_eq!(
        signatures(source, "f").last().map(String::as_str),
        Some("fn f(n: int, x: [[any]]) -> [[any]]")
    );
}

#[test]
fn nothing_is_known_without_specialisation() {
    let unit = unit("fn f(x) { x + 1 } let y = 2; f(y)");
    let typed = infer(&unit, false, Standard::default());
    assert!(typed.instances.iter().all(|i| i.arguments.iter().chain(&i.locals).all(Ty::is_any)));
    assert_eq!(of(&unit, &typed, "f").len(), 1);
}

#[test]
fn functions_that_pointers_may_mean_are_entered() {
    for source in
        ["fn f(x) { x } let p = f; p.call(1)", "fn f(x) { x } call(Fn(\"f\"), 1)", "fn f() { this } 1.f()"]
    {
        let (unit, typed) = typed(source);
        let entered: Vec<_> =
            typed.entries.keys().map(|id| unit.functions[*id as usize].name.as_str()).collect();
        assert_eq!(entered, ["", "f"], "{source}");
    }
    let (_, typed) = typed("fn f(x) { x } f(1)");
    assert_eq!(typed.entries.len(), 1);
}
