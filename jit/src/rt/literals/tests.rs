//! Tests of `literals`: each compares with the interpreter.

#![expect(unsafe_code, reason = "calls helpers as machine code does")]

use rhai::{Dynamic, Engine, EvalAltResult, OptimizationLevel, Position};

use super::*;
use crate::position::pack;
use crate::rt::testing::{OnlySites, context, context_with, show};

/// A host type that the host can display.
#[derive(Debug, Clone)]
struct Shown(i64);

/// Items for literals: all kinds, nested too.
const ITEMS: &[&str] = &[
    "()",
    "true",
    "7",
    "-2.5",
    "1e20",
    "'c'",
    "\"text\"",
    "[1, \"a\", [2]]",
    "blob(3, 1)",
    "#{a: 1, b: #{c: \"x\"}}",
    "Fn(\"f\")",
    "1..5",
    "shown(3)",
    "other()",
    "\"\"",
];

fn engines() -> Vec<Engine> {
    let make = || {
        let mut engine = Engine::new();
        engine.set_optimization_level(OptimizationLevel::None);
        engine.register_type_with_name::<Shown>("Shown");
        engine.register_fn("shown", Shown);
        engine.register_fn("other", || std::time::Duration::from_secs(1));
        engine.register_fn("to_string", |shown: &mut Shown| format!("<{}>", shown.0));
        engine
    };
    let mut engines = vec![make()];
    for limit in [1, 2, 3, 5, 8] {
        let mut engine = make();
        engine.set_max_array_size(limit);
        engines.push(engine);
        let mut engine = make();
        engine.set_max_map_size(limit);
        engines.push(engine);
        let mut engine = make();
        engine.set_max_string_size(limit * 2);
        engines.push(engine);
    }
    let mut odd = make();
    odd.register_fn("to_string", |value: i64| value * 2);
    odd.register_fn("to_string", |_: bool| -> Result<String, Box<EvalAltResult>> { Err("no".into()) });
    engines.push(odd);
    engines
}

/// The items of every script: each alone, each pair, and all.
fn lists() -> Vec<Vec<&'static str>> {
    let mut lists: Vec<Vec<&str>> = ITEMS.iter().map(|item| vec![*item]).collect();
    lists.extend(ITEMS.iter().flat_map(|one| ITEMS.iter().map(move |two| vec![*one, *two])));
    lists.push(ITEMS.to_vec());
    lists.push(Vec::new());
    lists
}

/// A literal around variables, and the packed position of each.
fn literal(
    open: &str,
    close: &str,
    count: usize,
    item: impl Fn(usize) -> (String, usize),
) -> (String, Vec<u32>) {
    let mut script = open.to_owned();
    let mut positions = Vec::new();
    for index in 0..count {
        let (text, offset) = item(index);
        let column = script.len() + offset + 1;
        positions.push(pack(Position::new(1, u16::try_from(column).expect("short"))));
        script.push_str(&text);
    }
    script.push_str(close);
    (script, positions)
}

type Helper<'h> = dyn FnMut(*mut Context<'_>, *mut Dynamic, *mut Dynamic, &[u32]) -> Status + 'h;

fn check(engine: &Engine, script: &str, items: &[&str], positions: &[u32], helper: &mut Helper<'_>) {
    // The limits are for run time only: the parser has its own.
    let mut free = Engine::new();
    free.set_optimization_level(OptimizationLevel::None);
    free.register_fn("shown", Shown);
    free.register_fn("other", || std::time::Duration::from_secs(1));
    let values: Vec<Dynamic> = items.iter().map(|item| free.eval(item).expect(item)).collect();
    let mut scope = rhai::Scope::new();
    for (index, value) in values.iter().enumerate() {
        scope.push_dynamic(format!("v{index}"), value.clone());
    }
    let ast = free.compile(script).expect(script);
    let theirs = engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast);
    let sites = OnlySites::default();
    for mut context in [context(engine), context_with(engine, &sites), context_with(engine, &sites)] {
        let mut values: Vec<Dynamic> = values.iter().map(|value| value.clone().into_shared()).collect();
        let mut out = Dynamic::UNIT;
        let status = helper(&raw mut context, &raw mut out, values.as_mut_ptr(), positions);
        let ours = match status {
            Status::Ok => Ok(out),
            Status::Error => Err(context.error.take().expect("parked")),
        };
        assert_eq!(show(&ours), show(&theirs), "{script} of {items:?}");
        assert!(status == Status::Error || values.iter().all(Dynamic::is_unit));
    }
}

#[test]
fn arrays_are_the_interpreters() {
    for engine in engines() {
        for items in lists() {
            let (script, positions) = literal("[", "]", items.len(), |index| (format!("v{index}, "), 0));
            check(&engine, &script, &items, &positions, &mut |context, out, values, positions| {
                let count = positions.len();
                // SAFETY: pointers to live values.
                unsafe { array_new(context, out, values, count, positions.as_ptr()) }
            });
        }
    }
}

#[test]
fn maps_are_the_interpreters() {
    for engine in engines() {
        for items in lists() {
            let key = |index| format!("k{index}");
            let (script, positions) = literal("#{", "}", items.len(), |index| {
                (format!("{}: v{index}, ", key(index)), key(index).len() + 2)
            });
            let keys = (0..items.len()).map(|index| Identifier::from(key(index)));
            let template = keys.clone().map(|key| (key, Dynamic::UNIT)).collect();
            let site = MapSite::new(keys, positions.clone(), template);
            check(&engine, &script, &items, &positions, &mut |context, out, values, _| {
                // SAFETY: pointers to live values.
                unsafe { map_new(context, out, &raw const site, values) }
            });
        }
    }
}

#[test]
fn interpolation_is_the_interpreters() {
    for engine in engines() {
        for items in lists().into_iter().filter(|items| !items.is_empty()) {
            let (script, positions) = literal("`", "`", items.len(), |index| (format!("${{v{index}}}"), 1));
            // The position of a segment is that of the block that it is.
            check(&engine, &script, &items, &positions, &mut |context, out, values, positions| {
                let count = positions.len();
                // SAFETY: pointers to live values.
                unsafe { interpolate(context, out, values, count, positions.as_ptr()) }
            });
        }
    }
}
