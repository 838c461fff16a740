//! What must hold of types: they are what inference would infer again, and calls pass what is expected.
//!
//! That one more pass changes nothing says that every type is at least what the types of its parts imply, and that
//! variables and containers hold nothing larger than what they are said to hold.

use super::wrong;
use crate::infer::{self, Instance, InstanceId, Typed};
use crate::ir::{Expr, FirstArgument, Function, Kind, Place, Unit, print, visit};
use crate::ty::Ty;

pub(super) fn check(unit: &Unit, typed: &Typed, specialise: bool) -> Result<(), String> {
    for (id, instance) in typed.instances.iter().enumerate() {
        let Some(function) = unit.functions.get(instance.function as usize) else {
            return Err(format!("instance {id} is of no function"));
        };
        lengths(function, instance).map_err(|what| wrong(function, 0, &format!("instance {id}: {what}")))?;
        variables(function, instance)?;
    }
    for (function, id) in &typed.entries {
        let unknown = |instance: &Instance| instance.arguments.iter().all(Ty::is_any);
        if !typed.instances.get(*id).is_some_and(|entry| entry.function == *function && unknown(entry)) {
            return Err(format!("function {function} is entered where something is known of its arguments"));
        }
    }
    for id in 0..typed.instances.len() {
        calls(unit, typed, id)?;
    }
    settled(unit, typed, &infer::pass(unit, typed, specialise))
}

fn lengths(function: &Function, instance: &Instance) -> Result<(), &'static str> {
    if instance.arguments.len() != function.parameters {
        return Err("as many types as parameters");
    }
    if instance.locals.len() != function.locals.len() {
        return Err("as many types as variables");
    }
    if instance.nodes.len() != function.nodes as usize {
        return Err("as many types as nodes");
    }
    Ok(())
}

/// Shared cells are in memory, and parameters hold what is passed.
fn variables(function: &Function, instance: &Instance) -> Result<(), String> {
    for (index, (local, ty)) in function.locals.iter().zip(&instance.locals).enumerate() {
        let passed = instance.arguments.get(index);
        let untouched = *ty == Ty::Never || passed == Some(ty);
        if local.captured && !ty.is_any() && !untouched {
            let what = format!("variable {} is captured and cannot be {ty}", local.name);
            return Err(wrong(function, local.position, &what));
        }
        if let Some(passed) = passed
            && !holds(ty, passed)
        {
            let what = format!("parameter {} is {ty} but is passed {passed}", local.name);
            return Err(wrong(function, local.position, &what));
        }
    }
    Ok(())
}

/// Whether every value of `part` is one of `whole`.
fn holds(whole: &Ty, part: &Ty) -> bool {
    whole.join(part) == *whole
}

/// Every call that can be reached goes to an instance that takes what it passes.
fn calls(unit: &Unit, typed: &Typed, id: InstanceId) -> Result<(), String> {
    let instance = &typed.instances[id];
    let function = &unit.functions[instance.function as usize];
    let mut outcome = Ok(());
    visit::any(&function.body, &mut |expr| {
        if let Kind::Call { function: called, arguments, first } = &expr.kind {
            let passed = passed(function, instance, first.as_ref(), arguments);
            let reached = !passed.contains(&Ty::Never);
            let target = typed.calls.get(&(id, expr.id)).map(|target| typed.instances.get(*target));
            let what = match target {
                None if reached => Some("a call goes nowhere"),
                None => None,
                Some(Some(target))
                    if target.function == *called && target.arguments.len() == passed.len() =>
                {
                    let taken = target.arguments.iter().zip(&passed).all(|(whole, part)| holds(whole, part));
                    (!taken).then_some("a call passes what the instance does not take")
                }
                Some(_) => Some("a call goes to another function"),
            };
            if let Some(what) = what {
                outcome = Err(wrong(function, expr.position, what));
            }
        }
        outcome.is_err()
    });
    outcome
}

/// Types of what a call passes.
fn passed(
    function: &Function,
    instance: &Instance,
    first: Option<&FirstArgument>,
    arguments: &[Expr],
) -> Vec<Ty> {
    let first = first.map(|first| match first.place {
        Place::Local { local, .. } if !function.locals[local as usize].captured => {
            instance.locals[local as usize].clone()
        }
        _ => Ty::Any,
    });
    let rest = arguments.iter().map(|argument| instance.nodes[argument.id as usize].clone());
    first.into_iter().chain(rest).collect()
}

/// One more pass has changed nothing.
fn settled(unit: &Unit, before: &Typed, after: &Typed) -> Result<(), String> {
    for (old, new) in before.instances.iter().zip(&after.instances) {
        let function = &unit.functions[old.function as usize];
        let differs = |old: &[Ty], new: &[Ty]| old.iter().zip(new).position(|(old, new)| old != new);
        if let Some(node) = differs(&old.nodes, &new.nodes) {
            let mut at = 0;
            visit::any(&function.body, &mut |expr| {
                at = if expr.id as usize == node { expr.position } else { at };
                at != 0
            });
            let what = format!("node {node} is {} but has to be {}", old.nodes[node], new.nodes[node]);
            return Err(wrong(function, at, &what));
        }
        if let Some(local) = differs(&old.locals, &new.locals) {
            let name = print::local_name(function, u32::try_from(local).unwrap_or(u32::MAX));
            let what =
                format!("variable {name} is {} but has to be {}", old.locals[local], new.locals[local]);
            return Err(wrong(function, function.locals[local].position, &what));
        }
        if old.result != new.result {
            let what = format!("the result is {} but has to be {}", old.result, new.result);
            return Err(wrong(function, 0, &what));
        }
    }
    if before.instances.len() != after.instances.len() || before.calls != after.calls {
        return Err("calls are not settled".to_owned());
    }
    Ok(())
}
