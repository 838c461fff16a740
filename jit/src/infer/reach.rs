//! Which functions can be entered with arguments that inference does not see.

use std::collections::BTreeSet;

use rhai::{Dynamic, FnPtr};

use crate::ir::{Expr, FunctionId, Kind, Unit, visit};
use crate::rt::chain::StepKind;

/// The bodies that are entered from outside, and every function that a pointer, a name in a string or a method call
/// may stand for. Missing one would cost speed, not correctness: the interpreter would run it.
pub(super) fn entered(unit: &Unit) -> Vec<FunctionId> {
    let mut names = BTreeSet::new();
    let mut all = false;
    for function in &unit.functions {
        visit::any(&function.body, &mut |expr| {
            all |= mentions(expr, &mut names);
            false
        });
    }
    (0..)
        .zip(&unit.functions)
        .filter(|(_, function)| all || function.is_top || names.contains(&function.name))
        .map(|(id, _)| id)
        .collect()
}

/// Collects the names that a node mentions; whether it may mean any function.
fn mentions(expr: &Expr, names: &mut BTreeSet<String>) -> bool {
    match &expr.kind {
        Kind::Constant(value) => of_value(value, names),
        Kind::Chain(chain) => {
            for step in &chain.chain.steps {
                if let StepKind::Method(method) = &step.kind {
                    names.insert(method.name.to_string());
                }
            }
        }
        Kind::NewPointer(_) | Kind::Interpret(_) => return true,
        _ => {}
    }
    false
}

fn of_value(value: &Dynamic, names: &mut BTreeSet<String>) {
    if let Some(pointer) = value.read_lock::<FnPtr>() {
        names.insert(pointer.fn_name().to_owned());
        pointer.iter_curry().for_each(|value| of_value(value, names));
    } else if let Ok(text) = value.as_immutable_string_ref() {
        names.insert(text.to_string());
    } else if let Ok(array) = value.as_array_ref() {
        array.iter().for_each(|value| of_value(value, names));
    } else if let Ok(map) = value.as_map_ref() {
        map.values().for_each(|value| of_value(value, names));
    }
}
