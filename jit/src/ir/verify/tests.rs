//! Trees and types that are broken on purpose, each in one way.

use std::sync::Arc;

use super::verify;
use crate::infer::Typed;
use crate::ir::{ChainExpr, Expr, Kind, LocalId, Place, Unit};
use crate::testing;
use crate::ty::Ty;

/// What is said of a program after it was broken.
fn said(source: &str, damage: impl FnOnce(&mut Unit, &mut Typed)) -> String {
    let (mut unit, mut typed) = testing::typed(source);
    assert_eq!(verify(&unit, &typed, true), Ok(()), "{source}");
    damage(&mut unit, &mut typed);
    verify(&unit, &typed, true).expect_err("it is broken")
}

/// A statement of the top level.
fn statement(unit: &mut Unit, index: usize) -> &mut Expr {
    let Kind::Block(statements) = &mut unit.functions[0].body.kind else { panic!("the body is a block") };
    &mut statements[index]
}

fn let_value(statement: &mut Expr) -> &mut Expr {
    let Kind::Let { value, .. } = &mut statement.kind else { panic!("it declares a variable") };
    value
}

fn chain(expr: &mut Expr) -> &mut ChainExpr {
    let Kind::Chain(chain) = &mut expr.kind else { panic!("it is a chain") };
    chain
}

fn leaf(id: u32, kind: Kind) -> Expr {
    Expr { id, position: 0, start: 0, kind }
}

#[test]
fn node_numbers_are_unique_and_known() {
    let twice = said("let x = 1; let y = 2;", |unit, _| {
        let id = statement(unit, 0).id;
        statement(unit, 1).id = id;
    });
    assert!(twice.starts_with("top level, 1:12: there are two nodes"), "{twice}");
    let beyond = said("let x = 1;", |unit, _| statement(unit, 0).id = 1000);
    assert_eq!(beyond, "top level, 1:1: node 1000 is beyond the last");
}

#[test]
fn variables_exist_and_are_in_scope() {
    let outside = said("let x = 1; { let y = 2; } x", |unit, _| {
        statement(unit, 2).kind = Kind::Local(1);
    });
    assert_eq!(outside, "top level, 1:27: variable 1 is not in scope");
    let missing = said("let x = 1; x += 1;", |unit, _| {
        let Kind::Assign { place, .. } = &mut statement(unit, 1).kind else { panic!("it assigns") };
        *place = Place::Local { local: 7, constant: false };
    });
    assert!(missing.ends_with("there is no variable 7"), "{missing}");
    let early = said("let x = 1; let y = 2;", |unit, _| let_value(statement(unit, 0)).kind = Kind::Local(1));
    assert!(early.ends_with("variable 1 is not in scope"), "{early}");
    let left = said("let x = 1; { let y = 2; }", |unit, _| unit.functions[0].exported[0].local = 1);
    assert_eq!(left, "top level: variable 1 is not in scope");
}

#[test]
fn loops_are_left_from_inside() {
    for kind in [Kind::Break(None), Kind::Continue(None)] {
        let outside = said("loop { break; } 1", |unit, _| statement(unit, 1).kind = kind);
        assert_eq!(outside, "top level, 1:17: there is no loop to leave");
    }
}

#[test]
fn calls_pass_what_functions_take() {
    const SOURCE: &str = "fn f(a, b) { a + b } let x = 1; f(x, 2)";
    let few = said(SOURCE, |unit, _| {
        let Kind::Call { arguments, .. } = &mut statement(unit, 1).kind else { panic!("it is a call") };
        arguments.clear();
    });
    assert!(few.ends_with("as many arguments as the function has parameters"), "{few}");
    let without_first = said(SOURCE, |unit, _| {
        let Kind::Call { first, .. } = &mut statement(unit, 1).kind else { panic!("it is a call") };
        *first = None;
    });
    assert!(without_first.ends_with("as many arguments as the function has parameters"), "{without_first}");
    let unknown = said(SOURCE, |unit, _| {
        let Kind::Call { function, .. } = &mut statement(unit, 1).kind else { panic!("it is a call") };
        *function = 9;
    });
    assert!(unknown.ends_with("the function that is called does not exist"), "{unknown}");
}

#[test]
fn chains_have_what_their_steps_take() {
    const SOURCE: &str = "let a = [1]; a[0] = 2;";
    let missing = said(SOURCE, |unit, _| chain(statement(unit, 1)).arguments.clear());
    assert!(missing.ends_with("as many arguments as its steps take"), "{missing}");
    let nothing = said(SOURCE, |unit, _| chain(statement(unit, 1)).value = None);
    assert!(nothing.ends_with("what is assigned has a value, and nothing else has"), "{nothing}");
}

#[test]
fn cases_have_arms() {
    let missing = said("switch 1 { 1 => 2, _ => 3 }", |unit, _| {
        let Kind::Switch(switch) = &mut statement(unit, 0).kind else { panic!("it is a switch") };
        switch.default = Some(2);
    });
    assert!(missing.ends_with("a case has no arm"), "{missing}");
}

#[test]
fn lent_parameters_are_never_written() {
    let written = said("fn f(a) { a += 1; a } f(1)", |unit, _| unit.functions[1].lent[0] = true);
    assert_eq!(written, "f: parameter 0 is lent and may be written");
    let captured = said("fn f(a) { || a } f(1)", |unit, _| unit.functions[1].lent[0] = true);
    assert_eq!(captured, "f: parameter 0 is lent and may be written");
}

#[test]
fn shared_variables_are_captured_and_in_memory() {
    const SOURCE: &str = "let x = 1; let f = || x; x";
    let uncaptured = said(SOURCE, |unit, _| unit.functions[0].locals[0].captured = false);
    assert!(uncaptured.ends_with("variable 0 is shared but not captured"), "{uncaptured}");
    let register = said(SOURCE, |_, typed| typed.instances[0].locals[0] = Ty::Int);
    assert_eq!(register, "top level, 1:1: variable x is captured and cannot be int");
}

#[test]
fn types_of_nodes_follow_from_their_parts() {
    let (unit, typed) = testing::typed("let x = 1.5; let y = x * 2; y");
    let Kind::Block(statements) = &unit.functions[0].body.kind else { panic!("the body is a block") };
    let Kind::Let { value, .. } = &statements[1].kind else { panic!("it declares a variable") };
    let product = value.id as usize;
    assert_eq!(typed.instances[0].nodes[product], Ty::Float);
    let wrong = said("let x = 1.5; let y = x * 2; y", |_, typed| {
        typed.instances[0].nodes[product] = Ty::Int;
    });
    assert!(wrong.ends_with("is int but has to be any"), "{wrong}");
    let nothing = said("let x = 1.5; let y = x * 2; y", |_, typed| {
        typed.instances[0].nodes[product] = Ty::Never;
    });
    assert!(nothing.ends_with("is never but has to be float"), "{nothing}");
}

#[test]
fn containers_hold_no_more_than_they_say() {
    const SOURCE: &str = "let a = []; a.push(1); let m = #{n: 1}; m.n = 2; a[0]";
    let elements = said(SOURCE, |_, typed| typed.instances[0].locals[0] = Ty::array(Ty::Never));
    assert!(elements.contains("variable a is [never] but has to be [int]"), "{elements}");
    let record = Ty::record([(Arc::from("n"), Ty::Never)]);
    let fields = said(SOURCE, |_, typed| typed.instances[0].locals[1] = record);
    assert!(fields.contains("variable m is #{n: never} but has to be #{n: int}"), "{fields}");
}

#[test]
fn calls_go_to_instances_that_take_what_is_passed() {
    const SOURCE: &str = "fn f(a) { a } fn g(a) { a } f(1); f(\"x\"); g(2)";
    let swap = |typed: &mut Typed, from: &Ty, to: LocalId, taken: &Ty| {
        let of = |function, ty: &Ty| {
            typed
                .instances
                .iter()
                .position(|i| i.function == function && i.arguments == [ty.clone()])
                .expect("there is such an instance")
        };
        let (old, new) = (of(1, from), of(to, taken));
        typed.calls.values_mut().filter(|target| **target == old).for_each(|target| *target = new);
    };
    let types = said(SOURCE, |_, typed| swap(typed, &Ty::Int, 1, &Ty::Str));
    assert!(types.ends_with("a call passes what the instance does not take"), "{types}");
    let other = said(SOURCE, |_, typed| swap(typed, &Ty::Int, 2, &Ty::Int));
    assert!(other.ends_with("a call goes to another function"), "{other}");
    let nowhere = said(SOURCE, |_, typed| typed.calls.clear());
    assert!(nowhere.ends_with("a call goes nowhere"), "{nowhere}");
}

#[test]
fn entries_know_nothing_of_their_arguments() {
    let known = said("fn f(a) { a } f(1); f.call(1)", |_, typed| {
        let entry = typed.entries[&1];
        let other = typed.instances.iter().position(|i| i.function == 1 && i.arguments == [Ty::Int]);
        assert_ne!(other, Some(entry));
        typed.entries.insert(1, other.expect("there is an instance for integers"));
    });
    assert_eq!(known, "function 1 is entered where something is known of its arguments");
}

#[test]
fn a_value_that_is_never_there_reaches_no_call() {
    let (unit, typed) = testing::typed("fn f(a) { a } fn g() { f({ throw 1 }) } g()");
    assert_eq!(verify(&unit, &typed, true), Ok(()));
    let replaced = said("fn f(a) { a } let x = 1;", |unit, typed| {
        let value = let_value(statement(unit, 0));
        let argument = leaf(value.id, Kind::Int(1));
        let id = unit.functions[0].nodes;
        unit.functions[0].nodes += 1;
        let call = Kind::Call { function: 1, arguments: vec![argument], first: None };
        *let_value(statement(unit, 0)) = leaf(id, call);
        typed.instances[0].nodes.push(Ty::Never);
    });
    assert_eq!(replaced, "top level: a call goes nowhere");
}
