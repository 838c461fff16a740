//! Tests of `operators`: each compares with the interpreter.

#![expect(unsafe_code, reason = "calls helpers as machine code does")]

use rhai::{AST, Dynamic, Engine, EvalAltResult, OptimizationLevel, Position, Scope};

use super::*;
use crate::position::pack;
use crate::rt::errors::RuntimeName;
use crate::rt::testing::{OnlySites, context, context_with, show};

/// A host type with some operators.
#[derive(Debug, Clone, PartialEq)]
struct Money(i64);

/// A host type with none.
#[derive(Debug, Clone)]
struct Opaque;

fn engine() -> Engine {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.register_type_with_name::<Money>("Money");
    engine.register_fn("+", |one: Money, two: Money| Money(one.0.wrapping_add(two.0)));
    engine.register_fn("==", |one: Money, two: Money| one == two);
    engine.register_fn("-=", |one: &mut Money, two: i64| one.0 = one.0.wrapping_sub(two));
    engine.register_fn("*", |one: Money, two: i64| -> Result<Money, Box<EvalAltResult>> {
        one.0.checked_mul(two).map(Money).ok_or_else(|| "too much".into())
    });
    engine.register_fn("+", |one: i64, two: i64| one.wrapping_add(two).wrapping_add(100));
    engine.register_fn("+=", |one: &mut i64, two: f64| {
        *one = one.wrapping_add(i64::from(two > 1.0)).wrapping_add(1000);
    });
    engine.register_fn("-", |money: Money| Money(money.0.wrapping_neg()));
    engine
}

/// Values of all types, with the edges of each.
fn samples() -> Vec<Dynamic> {
    let sources = [
        "()",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "2",
        "64",
        "-70",
        "9223372036854775807",
        "4294967296",
        "-9223372036854775807 - 1",
        "0.0",
        "-0.0",
        "0.1 + 0.2",
        "0.3",
        "1.0000000000000002",
        "1e-320",
        "2.0",
        "1e308 * 10.0",
        "-(1e308 * 10.0)",
        "0.0 / 0.0",
        "'a'",
        "'b'",
        "'ß'",
        "\"\"",
        "\"a\"",
        "\"ab\"",
        "\"hello\"",
        "[]",
        "[1, 2]",
        "[[1], #{x: 'y'}, \"z\"]",
        "blob()",
        "blob(3, 7)",
        "#{}",
        "#{a: 1, b: [2]}",
        "Fn(\"f\")",
        "Fn(\"f\").curry(1)",
        "1..5",
        "1..=5",
        "range(1, 9, 3)",
    ];
    let engine = Engine::new();
    let mut samples: Vec<Dynamic> = sources.iter().map(|source| engine.eval(source).expect(source)).collect();
    samples.extend([Money(7), Money(i64::MAX)].map(Dynamic::from));
    samples.push(Dynamic::from(Opaque));
    for (index, sample) in samples.iter_mut().enumerate() {
        sample.set_tag(i32::try_from(index).expect("few") % 3);
    }
    samples
}

fn limited(mut engine: Engine) -> Engine {
    engine.set_max_string_size(5).set_max_array_size(3).set_max_map_size(2);
    engine
}

fn slow(mut engine: Engine) -> Engine {
    engine.set_fast_operators(false);
    engine
}

fn interpreted(engine: &Engine, ast: &AST, left: &Dynamic, right: &Dynamic) -> (String, String) {
    let mut scope = Scope::new();
    scope.push_dynamic("a", left.clone()).push_dynamic("b", right.clone());
    let result = engine.eval_ast_with_scope::<Dynamic>(&mut scope, ast);
    let left = scope.get("a").expect("still there").clone();
    (show(&result), show(&Ok(left)))
}

fn check_binary(engine: &Engine, operators: &[BinaryOp]) {
    let samples = samples();
    let sites = OnlySites::default();
    for op in operators.iter().copied() {
        let syntax = if op == BinaryOp::In { "in" } else { op.syntax() };
        let script = format!("a {syntax} b");
        let ast = engine.compile(&script).expect(&script);
        let at = pack(Position::new(1, 3));
        for left in &samples {
            for right in &samples {
                let theirs = interpreted(engine, &ast, left, right);
                let mut context = context_with(engine, &sites);
                for cells in [false, true] {
                    let wrap = |value: &Dynamic| {
                        if cells { value.clone().into_shared() } else { value.clone() }
                    };
                    let (left, right) = (wrap(left), wrap(right));
                    let mut out = Dynamic::UNIT;
                    let at_context = &raw mut context;
                    // SAFETY: pointers to live values.
                    let status = unsafe {
                        binary(at_context, &raw mut out, op as u32, &raw const left, &raw const right, at)
                    };
                    let ours = match status {
                        Status::Ok => Ok(out),
                        Status::Error => Err(context.error.take().expect("parked")),
                    };
                    let left = show(&Ok(left.flatten_clone()));
                    assert_eq!((show(&ours), left), theirs, "{script}: {right:?}");
                }
            }
        }
    }
}

fn check_assignments(engine: &Engine) {
    let samples = samples();
    let name = RuntimeName::new("a");
    for op in BinaryOp::ALL {
        let Some(syntax) = op.assigning_syntax() else { continue };
        let script = format!("a {syntax} b");
        let ast = engine.compile(&script).expect(&script);
        let (root, at) = (pack(Position::new(1, 1)), pack(Position::new(1, 3)));
        for left in &samples {
            for right in &samples {
                let theirs = interpreted(engine, &ast, left, right);
                let mut context = context(engine);
                for cell in [false, true] {
                    let mut target = if cell { left.clone().into_shared() } else { left.clone() };
                    let mut value = right.clone();
                    let at_context = &raw mut context;
                    let (to, from) = (&raw mut target, &raw mut value);
                    // SAFETY: pointers to live values.
                    let status =
                        unsafe { op_assign(at_context, to, op as u32, from, &raw const name, at, root) };
                    let ours = match status {
                        Status::Ok => Ok(Dynamic::UNIT),
                        Status::Error => Err(context.error.take().expect("parked")),
                    };
                    assert!(value.is_unit());
                    let shown = show(&Ok(target.flatten_clone()));
                    assert_eq!((show(&ours), shown), theirs, "{script}: {left:?} {right:?}");
                }
            }
        }
    }
}

#[test]
fn binary_operators_are_the_interpreters() {
    check_binary(&engine(), &BinaryOp::ALL);
}

#[test]
fn binary_operators_are_the_interpreters_within_limits() {
    // `in` is a call of a function, which gets its variable by reference and so measures it.
    check_binary(&limited(engine()), &BinaryOp::ALL[..19]);
}

#[test]
fn binary_operators_are_the_interpreters_without_fast_operators() {
    check_binary(&slow(engine()), &BinaryOp::ALL);
}

#[test]
fn assignments_are_the_interpreters() {
    check_assignments(&engine());
}

#[test]
fn assignments_are_the_interpreters_within_limits() {
    check_assignments(&limited(engine()));
}

#[test]
fn assignments_are_the_interpreters_without_fast_operators() {
    check_assignments(&slow(engine()));
}

#[test]
fn unary_operators_are_the_interpreters() {
    for engine in [engine(), slow(engine())] {
        for (op, syntax) in [(UnaryOp::Minus, "-"), (UnaryOp::Plus, "+"), (UnaryOp::Not, "!")] {
            let script = format!("{syntax}a");
            let ast = engine.compile(&script).expect(&script);
            for sample in samples() {
                let (theirs, _) = interpreted(&engine, &ast, &sample, &Dynamic::UNIT);
                let mut context = context(&engine);
                let mut out = Dynamic::UNIT;
                let at = pack(Position::new(1, 1));
                let at_context = &raw mut context;
                // SAFETY: pointers to live values.
                let status = unsafe { unary(at_context, &raw mut out, op as u32, &raw const sample, at) };
                let ours = match status {
                    Status::Ok => Ok(out),
                    Status::Error => Err(context.error.take().expect("parked")),
                };
                assert_eq!(show(&ours), theirs, "{script}: {sample:?}");
            }
        }
    }
}

#[test]
fn numbers_are_the_interpreters() {
    let engine = Engine::new();
    let ints: Vec<i64> = samples().iter().filter_map(|sample| sample.as_int().ok()).collect();
    let floats: Vec<f64> = samples().iter().filter_map(|sample| sample.as_float().ok()).collect();
    let at = pack(Position::new(1, 3));
    for op in &BinaryOp::ALL[..17] {
        let ast = engine.compile(format!("a {} b", op.syntax())).expect("compiles");
        for (left, right) in ints.iter().flat_map(|left| ints.iter().map(move |right| (*left, *right))) {
            let (theirs, _) = interpreted(&engine, &ast, &left.into(), &right.into());
            let mut context = context(&engine);
            let mut out = 0;
            // SAFETY: pointers to live values.
            let status = unsafe { int_binary(&raw mut context, *op as u32, left, right, &raw mut out, at) };
            let is_truth = theirs.starts_with("bool");
            let ours = match status {
                Status::Ok if is_truth => Ok((out != 0).into()),
                Status::Ok => Ok(out.into()),
                Status::Error => Err(context.error.take().expect("parked")),
            };
            assert_eq!(show(&ours), theirs, "{left} {op:?} {right}");
        }
        for (left, right) in floats.iter().flat_map(|left| floats.iter().map(move |right| (*left, *right))) {
            let (theirs, _) = interpreted(&engine, &ast, &left.into(), &right.into());
            let ours: Dynamic = if theirs.starts_with("bool") {
                (float_compare(*op as u32, left, right) != 0).into()
            } else if theirs.starts_with("f64") {
                float_binary(*op as u32, left, right).into()
            } else {
                continue;
            };
            assert_eq!(show(&Ok(ours)), theirs, "{left} {op:?} {right}");
        }
    }
}

#[test]
fn constants_and_locked_cells_are_not_assigned_to() {
    let engine = Engine::new();
    let mut context = context(&engine);
    let name = RuntimeName::new("K");
    let (root, at) = (pack(Position::new(3, 4)), pack(Position::new(5, 6)));
    for cell in [false, true] {
        let target = Dynamic::from_int(1).into_read_only();
        let mut target = if cell { target.into_shared() } else { target };
        let mut value = Dynamic::from_int(2);
        let (to, from) = (&raw mut target, &raw mut value);
        // SAFETY: pointers to live values, here and below.
        unsafe { op_assign(&raw mut context, to, 0, from, &raw const name, at, root) };
        let error = format!("{:?}", context.error.take().expect("parked"));
        assert_eq!(error, "ErrorAssignmentToConstant(\"K\", 3:4)");
        // SAFETY: as above.
        unsafe { assign(&raw mut context, to, from, &raw const name, root) };
        assert_eq!(format!("{:?}", context.error.take().expect("parked")), error);
        assert_eq!(target.as_int(), Ok(1));
    }
    let target = Dynamic::from_int(1).into_shared();
    let (mut locked, mut value) = (target.clone(), Dynamic::from_int(2).into_read_only());
    let from = &raw mut value;
    let guard = target.read_lock::<i64>();
    // SAFETY: as above.
    unsafe { assign(&raw mut context, &raw mut locked, from, &raw const name, root) };
    let error = format!("{:?}", context.error.take().expect("parked"));
    assert_eq!(error, "ErrorDataRace(\"\", none)");
    drop(guard);
    value = Dynamic::from_int(2).into_read_only();
    // SAFETY: as above.
    unsafe { assign(&raw mut context, &raw mut locked, &raw mut value, &raw const name, root) };
    assert!(context.error.is_none());
    assert_eq!((target.as_int(), target.is_read_only()), (Ok(2), false));
}
