//! Options and limits of the engine.

#![expect(unsafe_code, reason = "the helpers are called with pointers, as machine code does")]

use std::{
    ptr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rhai::{Array, Caches, Dynamic, Engine, INT, Map, Scope};

use super::{compare, host, program};
use crate::rt::{
    chain::{Chain, Step, StepKind, chain},
    context::{Context, Status},
    state::State,
};

/// A context at the top level.
pub(super) fn context(engine: &Engine) -> Context<'_> {
    Context {
        fuel: 0,
        stack_limit: 0,
        level_max: 8,
        level: 0,
        declared: 0,
        meter: &crate::rt::context::Unlimited,
        error: None,
        caught: Vec::new(),
        engine,
        global: State::new(engine),
        caches: Caches::new(),
        scope: Scope::new(),
        functions: &program::Functions,
    }
}

#[test]
fn missing_properties_can_be_errors() {
    let mut engine = host::engine();
    engine.set_fail_on_invalid_map_property(true);
    compare(
        &engine,
        &[
            "let m = #{ a: 1 }; m.z",
            "let m = #{ a: 1 }; m[\"z\"]",
            "let m = #{ a: 1 }; m.z.y",
            "let m = #{ a: 1 }; m[\"z\"].y",
            "let m = #{ a: 1 }; m.z = 1",
            "let m = #{ a: 1 }; m.z += 1",
            "let m = #{ a: #{} }; m.a.b.c = 1",
            "let m = #{ a: #{} }; m.a?.b?.c",
        ],
    );
}

#[test]
fn sizes_are_limited() {
    let mut engine = host::engine();
    engine.set_max_array_size(4).set_max_map_size(3).set_max_string_size(30);
    compare(
        &engine,
        &[
            "let a = []; a.pad(4, 1); a.push(5)",
            "let a = [[1, 2], 3]; a[0].push(5)",
            "let a = [1, 2, 3]; a[0] = [1, 2, 3]",
            "let a = [[1], 3]; a[0] += [1, 2, 3]",
            "let m = #{ a: 1, b: 2, c: 3 }; m.d = 4",
            "let m = #{ a: 1, b: 2, c: 3 }; m[\"d\"] = 4",
            "let m = #{ a: 1, b: #{} }; m.b.d = 4",
            "let s = \"0123456789\"; s[1..2] = s + s",
            "let m = #{ s: \"0123456789\" }; m.s += m.s + m.s",
            "let a = [\"0123456789\"]; a[0] += a[0] + a[0] + a[0]",
            "p.name += \"012345678901234567890123456789\"",
            "p.items += [1, 2, 3]",
            "p.items.push(1).len()",
            "let a = [p]; a[0] *= 4",
            "bag.k = 5",
        ],
    );
}

#[test]
fn operators_need_not_be_fast() {
    let mut engine = host::engine();
    engine.set_fast_operators(false);
    compare(
        &engine,
        &[
            "let a = [1, 2, 3]; a[1] += 40",
            "let a = [1, 2, 3]; a[1] += true",
            "let a = [\"x\"]; a[0] += \"y\"",
            "let a = [[1]]; a[0] += [2, 3]",
            "let m = #{ a: 1 }; m.a -= 1",
            "let n = 0xff; n[2..4] += 2",
            "p.x *= 4",
        ],
    );
}

#[test]
fn calls_have_a_limit() {
    let mut engine = host::engine();
    engine.set_max_call_levels(0);
    compare(
        &engine,
        &[
            "let n = 5; n.bump(1)",
            "let n = 5; n.nothing()",
            "let m = #{ f: nothing }; m.f()",
            "let n = 5; n.increment()",
            "p.x",
        ],
    );
}

#[test]
fn chains_are_shared_by_threads() {
    fn assert_shareable<T: Send + Sync>() {}
    assert_shareable::<Chain>();
}

/// A value that counts its copies.
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[test]
fn reading_copies_only_the_leaf() {
    let engine = Engine::new();
    let copies = Arc::new(AtomicUsize::new(0));
    let row: Array = (0..5).map(|_| Dynamic::from(Counted(Arc::clone(&copies)))).collect();
    let map = Map::from([("row".into(), Dynamic::from(row))]);
    let mut root = Dynamic::from(vec![Dynamic::UNIT, Dynamic::from(map)]);
    let ast = engine.compile_expression("root[1].row[2]").unwrap();
    let rhai::Stmt::Expr(expression) = &ast.statements()[0] else { panic!("an expression") };
    let built = Chain::steps_of(expression).unwrap().into_chain(None);
    let mut context = context(&engine);
    let mut out = Dynamic::UNIT;
    let mut arguments = [Dynamic::from(1 as INT), Dynamic::from(2 as INT)];
    let (values, none) = (arguments.as_mut_ptr(), ptr::null_mut());
    // SAFETY: all pointers are to local values that live longer than the call.
    let status =
        unsafe { chain(&raw mut context, &raw mut out, &raw const built, &raw mut root, 1, values, none) };
    assert_eq!(status, Status::Ok);
    assert!(out.is::<Counted>());
    assert_eq!(copies.load(Ordering::Relaxed), 1);
}

#[test]
fn panics_become_errors() {
    let engine = host::engine();
    let mut context = context(&engine);
    let ast = engine.compile_expression("p.panics()").unwrap();
    let rhai::Stmt::Expr(expression) = &ast.statements()[0] else { panic!("an expression") };
    let built = Chain::steps_of(expression).unwrap().into_chain(None);
    let mut scope = host::scope();
    let root = ptr::from_mut(scope.get_mut("p").unwrap());
    let mut out = Dynamic::UNIT;
    // SAFETY: all pointers are to local values that live longer than the call.
    let status = unsafe {
        chain(&raw mut context, &raw mut out, &raw const built, root, 1, ptr::null_mut(), ptr::null_mut())
    };
    assert_eq!(status, Status::Error);
    assert!(format!("{:?}", context.error).contains("out of order"));
}

#[test]
fn a_locked_root_is_a_data_race() {
    let engine = Engine::new();
    let mut context = context(&engine);
    let mut root = Dynamic::from(1 as INT).into_shared();
    let mut other = root.clone();
    let guard = other.write_lock::<INT>().unwrap();
    let built = Chain {
        root_name: "x".into(),
        root_position: 0,
        steps: Box::new([Step {
            kind: StepKind::property("a", 0),
            null_conditional: false,
            operator_position: 0,
        }]),
        assign: None,
    };
    let mut out = Dynamic::UNIT;
    // SAFETY: all pointers are to local values that live longer than the call.
    let status = unsafe {
        chain(
            &raw mut context,
            &raw mut out,
            &raw const built,
            &raw mut root,
            1,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    drop(guard);
    assert_eq!(status, Status::Error);
    assert_eq!(format!("{:?}", context.error.unwrap()), "ErrorDataRace(\"\", none)");
}
