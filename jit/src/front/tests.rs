//! Small sources and the trees that they become.

use crate::ir::{ChainRoot, Expr, Function, Kind, Place, Raise, Unit, print};
use crate::ops::BinaryOp;
use crate::testing::unit;

fn statements(function: &Function) -> &[Expr] {
    let Kind::Block(statements) = &function.body.kind else { panic!("the body is a block") };
    statements
}

/// The last statement of the top level.
fn last(unit: &Unit) -> &Expr {
    statements(&unit.functions[0]).last().expect("there is a statement")
}

fn local(expr: &Expr) -> u32 {
    let Kind::Local(local) = expr.kind else { panic!("{expr:?} is no variable") };
    local
}

/// The numbers of the variables that the items of an array are.
fn locals(expr: &Expr) -> Vec<u32> {
    let Kind::Array(items) = &expr.kind else { panic!("{expr:?} is no array") };
    items.iter().map(local).collect()
}

fn function<'u>(unit: &'u Unit, name: &str) -> &'u Function {
    unit.functions.iter().find(|function| function.name == name).expect("there is such a function")
}

#[test]
fn inner_variables_hide_outer_ones_until_their_block_ends() {
    let unit = unit("let x = 1; { let x = 2; [x]; } [x]");
    assert_eq!(locals(last(&unit)), [0]);
    let Kind::Block(inner) = &statements(&unit.functions[0])[1].kind else { panic!("it is a block") };
    assert_eq!(locals(&inner[1]), [1]);
}

#[test]
fn the_value_of_a_declaration_does_not_see_it() {
    let unit = unit("let x = 1; { let x = x + 1; }");
    let Kind::Block(inner) = &last(&unit).kind else { panic!("it is a block") };
    let Kind::Let { local: declared, value, .. } = &inner[0].kind else { panic!("it declares") };
    let Kind::Binary { op: BinaryOp::Add, left, .. } = &value.kind else { panic!("it is a sum") };
    assert_eq!((*declared, local(left)), (1, 0));
}

#[test]
fn declaring_again_in_the_same_block_reuses_the_variable() {
    let unit = unit("let x = 1; let y = 2; let x = 3; [x, y]");
    assert_eq!(locals(last(&unit)), [0, 1]);
    let top = &unit.functions[0];
    assert_eq!(top.locals.len(), 2);
    let exported: Vec<_> = top.exported.iter().map(|exported| exported.local).collect();
    assert_eq!(exported, [0, 1]);
    assert!(top.locals[0].captured, "an error may end the script between the two");
    let inside = crate::testing::unit("fn f() { let x = 1; let x = 2.5; x } f()");
    assert!(!function(&inside, "f").locals[0].captured);
}

#[test]
fn declaring_again_as_a_constant_makes_it_one() {
    let unit = unit("let x = 1; const x = 2; x.len()");
    assert!(unit.functions[0].exported[0].constant);
    let Kind::Chain(chain) = &last(&unit).kind else { panic!("it is a chain") };
    let ChainRoot::Place(place) = &chain.root else { panic!("it starts at a variable") };
    assert_eq!(*place, Place::Local { local: 0, constant: true });
}

#[test]
fn loop_variables_end_with_their_loop() {
    let unit = unit("let i = 'a'; let c = 'b'; for (i, c) in 0..3 { [i, c]; } [i, c]");
    assert_eq!(locals(last(&unit)), [0, 1]);
    let Kind::For(for_loop) = &statements(&unit.functions[0])[2].kind else { panic!("it is a loop") };
    let Some(Expr { kind: Kind::Block(body), .. }) = &for_loop.body else { panic!("it has a body") };
    assert_eq!(locals(&body[0]), [for_loop.variable, for_loop.counter.expect("it counts")]);
}

#[test]
fn what_is_caught_is_known_to_the_handler_only() {
    let unit = unit("let e = 1; try { [e]; } catch (e) { [e]; } [e]");
    assert_eq!(locals(last(&unit)), [0]);
    let Kind::Try { variable, handler, .. } = &statements(&unit.functions[0])[1].kind else {
        panic!("it catches")
    };
    let Kind::Block(handler) = &handler.kind else { panic!("it is a block") };
    assert_eq!(locals(&handler[0]), [variable.expect("it has a name")]);
}

#[test]
fn functions_see_their_parameters_and_nothing_outside() {
    let unit = unit("let x = 1; fn f(y) { y } fn g(y) { let z = y; z + y } f(x)");
    let f = function(&unit, "f");
    assert_eq!(local(&statements(f)[0]), 0);
    assert_eq!((f.parameters, &f.lent[..]), (1, &[true][..]));
    assert_eq!(function(&unit, "g").locals.len(), 2);
    let Kind::Call { function: called, first: Some(first), arguments } = &last(&unit).kind else {
        panic!("it is a call of ours")
    };
    assert_eq!(unit.functions[*called as usize].name, "f");
    assert_eq!(first.place, Place::Local { local: 0, constant: false });
    assert!(arguments.is_empty());
}

#[test]
fn parameters_that_are_changed_are_not_lent() {
    let unit = unit("fn f(a, b, c, d) { a += 1; b.x = 2; push(c, 1); d.x } f(1, 2, 3, 4)");
    assert_eq!(function(&unit, "f").lent, [false, false, false, true]);
}

#[test]
fn closures_share_what_they_capture() {
    let unit = unit("let a = 1; let b = 2; let f = |x| a + x; b");
    let top = &unit.functions[0];
    let captured: Vec<_> = top.locals.iter().map(|local| local.captured).collect();
    assert_eq!(captured, [true, false, false]);
    let closure = unit.functions.iter().find(|f| !f.is_top).expect("there is the closure");
    let names: Vec<_> = closure.locals.iter().map(|local| local.name.as_str()).collect();
    assert_eq!((closure.parameters, &names[..]), (2, &["a", "x"][..]));
    let text = print::untyped(&unit, top);
    assert!(text.contains("share a ") && text.contains("curry"), "{text}");
}

#[test]
fn switches_keep_the_order_of_their_cases() {
    let unit =
        unit("switch 5 { 1 | 2 => 'a', 3 if true => 'b', 4..6 => 'c', 6..=9 if false => 'd', _ => 'e' }");
    let Kind::Switch(switch) = &last(&unit).kind else { panic!("it is a switch") };
    assert_eq!(switch.arms.len(), 5);
    assert_eq!(switch.default, Some(4));
    let mut exact: Vec<_> =
        switch.exact.iter().filter_map(|(value, arms)| Some((value.as_int().ok()?, arms.clone()))).collect();
    exact.sort();
    assert_eq!(exact, [(1, vec![0]), (2, vec![0]), (3, vec![1])]);
    let ranges: Vec<_> =
        switch.ranges.iter().map(|range| (range.start, range.end, range.inclusive, range.arm)).collect();
    assert_eq!(ranges, [(4, 6, false, 2), (6, 9, true, 3)]);
    let conditions: Vec<_> = switch.arms.iter().map(|(condition, _)| condition.is_some()).collect();
    // A condition that is always true is none.
    assert_eq!(conditions, [false, false, false, true, false]);
}

#[test]
fn chains_are_flat_and_evaluate_values_first() {
    let unit = unit("let a = #{}; let i = 1; a.b[i + 1].c[3] += i;");
    let Kind::Chain(chain) = &last(&unit).kind else { panic!("it is a chain") };
    assert_eq!(chain.chain.steps.len(), 4);
    assert_eq!((chain.arguments.len(), chain.chain.arguments()), (2, 2));
    assert_eq!(chain.chain.assign.and_then(|assign| assign.op), Some(BinaryOp::Add));
    let value = chain.value.as_ref().expect("something is assigned");
    assert!(chain.arguments.iter().all(|argument| value.id < argument.id), "values come first");
    assert!(!chain.only_reads(), "it is assigned to");
}

#[test]
fn chains_start_at_values_too() {
    let unit = unit("let i = 1; [1, 2].find(i, 2)[i].name");
    let Kind::Chain(chain) = &last(&unit).kind else { panic!("it is a chain") };
    assert!(matches!(&chain.root, ChainRoot::Value(Expr { kind: Kind::Array(_), .. })));
    assert_eq!((chain.chain.steps.len(), chain.arguments.len()), (3, 3));
    assert!(!chain.only_reads(), "methods may change what they are called on");
}

#[test]
fn names_that_mean_nothing_raise_errors_where_they_stand() {
    let read = unit("let x = 1; missing");
    let Kind::Raise(raise) = &last(&read).kind else { panic!("it is an error") };
    assert_eq!(*raise, Raise::VariableNotFound("missing".to_owned()));
    let written = unit("missing = 1;");
    let Kind::Block(parts) = &last(&written).kind else { panic!("the value is computed before") };
    assert!(matches!(&parts[..], [Expr { kind: Kind::Int(1), .. }, Expr { kind: Kind::Raise(_), .. }]));
}

#[test]
fn names_of_functions_are_pointers_where_no_variable_has_them() {
    let pointer = unit("fn f() { 1 } f");
    assert!(matches!(&last(&pointer).kind, Kind::Constant(value) if value.is_fnptr()));
    let variable = unit("fn f() { 1 } let f = 2; f");
    assert_eq!(local(last(&variable)), 0);
}

#[test]
fn nodes_are_numbered_without_gaps_beyond_the_last() {
    let unit = unit("let x = [1, 2]; for i in x { if i > 1 { x[0] += i; } }");
    crate::ir::verify::verify(
        &unit,
        &crate::infer::infer(&unit, true, crate::infer::Standard::default()),
        true,
    )
    .expect("the tree is well formed");
}
