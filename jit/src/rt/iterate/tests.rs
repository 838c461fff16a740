//! Tests of `iterate`: each compares with the interpreter.

#![expect(unsafe_code, reason = "calls helpers as machine code does")]

use std::any::TypeId;

use rhai::{Engine, EvalAltResult, FnNamespace, FuncRegistration, Module, OptimizationLevel, Shared};

use super::*;
use crate::position::pack;
use crate::rt::context::{CompiledFunction, FunctionTable};
use crate::rt::natives::RuntimeSites;
use crate::rt::testing::{context, context_with, show};

/// A host type that counts down and may fail on the way.
#[derive(Debug, Clone)]
struct Countdown(i64, i64);

fn count_down(value: Dynamic) -> Box<dyn Iterator<Item = RhaiResultOf<Dynamic>>> {
    let Countdown(from, fail) = value.cast::<Countdown>();
    Box::new((0..from).rev().map(move |int| if int == fail { Err("stuck".into()) } else { Ok(int.into()) }))
}

/// A host type that never ends.
#[derive(Debug, Clone)]
struct Endless;

fn module() -> Module {
    let mut module = Module::new();
    module.set_iter_result(TypeId::of::<Countdown>(), count_down);
    module.set_iter(TypeId::of::<Endless>(), |_| Box::new((0..).map(|int: i64| int.into())));
    FuncRegistration::new("countdown")
        .with_namespace(FnNamespace::Global)
        .set_into_module(&mut module, |from: i64, fail: i64| Countdown(from, fail));
    module.build_index();
    module
}

struct Known(RuntimeSites);

impl FunctionTable for Known {
    fn find(&self, _: &str, _: usize) -> Option<CompiledFunction> {
        None
    }

    fn find_method(&self, _: &str, _: &str, _: usize) -> Option<CompiledFunction> {
        None
    }

    fn sites(&self) -> Option<&RuntimeSites> {
        Some(&self.0)
    }
}

const ITERABLES: &[&str] = &[
    "[1, \"a\", [2], #{x: 1}]",
    "[]",
    "\"häuser\"",
    "\"\"",
    "blob(3, 7)",
    "0..3",
    "3..0",
    "1..=3",
    "3..=1",
    "9223372036854775805..=9223372036854775807",
    "range(1, 10, 3)",
    "range(10, 1, -4)",
    "range(0.0, 1.0, 0.25)",
    "range(1, 5)",
    "\"hello\".chars(1, 3)",
    "6.bits()",
    "6.bits(1, 2)",
    "5",
    "1.5",
    "()",
    "true",
    "'c'",
    "#{a: 1}",
    "Fn(\"f\")",
    "countdown(3, -1)",
    "countdown(5, 2)",
    "countdown(0, 0)",
];

/// Walks as machine code does; the items and how it ended.
fn walk(context: &mut Context<'_>, iterable: &Dynamic, most: usize) -> (Vec<String>, String) {
    let at = pack(Position::new(1, 10));
    let mut iterable = iterable.clone().into_shared();
    let mut state = Dynamic::UNIT;
    let context = &raw mut *context;
    // SAFETY: pointers to live values, here and below.
    if unsafe { iterate_begin(context, &raw mut state, &raw mut iterable, at) } == Status::Error {
        // SAFETY: as above.
        let error = unsafe { raw::context(context) }.error.take();
        return (Vec::new(), format!("{:?}", error.expect("parked")));
    }
    let mut items = Vec::new();
    while items.len() < most {
        let mut item = Dynamic::UNIT;
        // SAFETY: as above.
        match unsafe { iterate_next(context, &raw mut state, &raw mut item, at) } {
            0 => return (items, "end".to_owned()),
            1 => items.push(show(&Ok(item))),
            _ => {
                // SAFETY: as above.
                let error = unsafe { raw::context(context) }.error.take();
                return (items, format!("{:?}", error.expect("parked")));
            }
        }
    }
    (items, "cut".to_owned())
}

#[test]
fn walks_are_the_interpreters() {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    engine.register_global_module(module().into());
    let known = Known(RuntimeSites::with_iterators([Shared::new(module())]));
    let ast = engine.compile("for x in v { out.push([x]) }").expect("compiles");
    for source in ITERABLES {
        let value = engine.eval::<Dynamic>(source).expect(source);
        let mut scope = rhai::Scope::new();
        scope.push_dynamic("v", value.clone()).push("out", Array::new());
        let result = engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast);
        let items = scope.get_value::<Array>("out").expect("an array");
        let one = |item: Dynamic| item.into_array().expect("wrapped").remove(0);
        let items: Vec<String> = items.into_iter().map(|item| show(&Ok(one(item)))).collect();
        let end = result.map_or_else(|error| format!("{error:?}"), |_| "end".to_owned());
        assert_eq!(walk(&mut context(&engine), &value, 100), (items.clone(), end.clone()), "{source}");
        assert_eq!(walk(&mut context_with(&engine, &known), &value, 100), (items, end), "{source}");
    }
}

#[test]
fn iterators_of_known_modules_are_lazy() {
    let engine = Engine::new();
    let known = Known(RuntimeSites::with_iterators([Shared::new(module())]));
    let mut context = context_with(&engine, &known);
    let (items, end) = walk(&mut context, &Dynamic::from(Endless), 3);
    assert_eq!((items.len(), end.as_str()), (3, "cut"));
}

#[test]
fn iterators_of_imports_are_used() {
    let engine = Engine::new();
    let mut context = context(&engine);
    context.global.push_import("m", module());
    let (items, end) = walk(&mut context, &Dynamic::from(Endless), 3);
    assert_eq!((items.len(), end.as_str()), (3, "cut"));
}

#[test]
fn an_endless_walk_by_the_interpreter_ends_with_the_operations() {
    let mut engine = Engine::new();
    engine.register_global_module(module().into());
    engine.set_max_operations(1000);
    let mut context = context(&engine);
    let (items, end) = walk(&mut context, &Dynamic::from(Endless), 10_000);
    assert!(items.len() < 1000);
    assert!(end.starts_with("ErrorTooManyOperations"), "{end}");
}

#[test]
fn dropping_the_state_drops_what_is_left() {
    let engine = Engine::new();
    let mut context = context(&engine);
    let counted = std::sync::Arc::new(());
    let mut iterable = Dynamic::from_array(vec![Dynamic::from(counted.clone()); 5]);
    let mut state = Dynamic::UNIT;
    // SAFETY: pointers to live values.
    unsafe { iterate_begin(&raw mut context, &raw mut state, &raw mut iterable, 0) };
    assert!(iterable.is_unit());
    assert_eq!(std::sync::Arc::strong_count(&counted), 6);
    drop(state);
    assert_eq!(std::sync::Arc::strong_count(&counted), 1);
    let _: Option<Box<EvalAltResult>> = context.error;
}
