//! Which bodies neither wait nor take long, so that they need no stack of their own.
//!
//! A call that may wait runs on a fiber, and so does one that may use up its time slice. Making and switching to a
//! fiber is a good part of what a short hook costs. So the proof is a simple one: no loop, no call of a function of the
//! script, and of the host only what is known not to wait, on parameters that nothing else can have been put into.

use super::{ChainExpr, ChainRoot, Expr, Function, Kind, Place, Unit, visit};
use crate::host::Host;

/// Whether a body that is entered from outside is such a one.
pub(crate) fn is_calm(unit: &Unit, function: &Function, host: Option<&dyn Host>) -> bool {
    let Some(host) = host.filter(|_| function.is_top && !unit.uses_tags) else { return false };
    !visit::any(&function.body, &mut |expr| !is_calm_node(function, expr, host))
}

fn is_calm_node(function: &Function, expr: &Expr, host: &dyn Host) -> bool {
    match &expr.kind {
        Kind::Unit
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Char(_)
        | Kind::Constant(_)
        | Kind::Local(_)
        | Kind::Narrow { .. }
        | Kind::Binary { .. }
        | Kind::Negate(_)
        | Kind::Plus(_)
        | Kind::Not(_)
        | Kind::And(_)
        | Kind::Or(_)
        | Kind::Coalesce(_)
        | Kind::Interpolate(_)
        | Kind::Array(_)
        | Kind::Map { .. }
        | Kind::Block(_)
        | Kind::If { .. }
        | Kind::Switch(_)
        | Kind::Return(_)
        | Kind::Throw(_)
        | Kind::Let { .. }
        | Kind::Assign { place: Place::Local { .. }, .. }
        | Kind::Raise(_) => true,
        Kind::Native { name, arguments, first } => {
            name == "type_of" || host.is_calm(name, arguments.len() + usize::from(first.is_some()))
        }
        Kind::Chain(chain) => is_calm_chain(function, chain),
        _ => false,
    }
}

/// A chain on a parameter that is what the hook was called with, bound to functions that do not wait.
fn is_calm_chain(function: &Function, chain: &ChainExpr) -> bool {
    let ChainRoot::Place(Place::Local { local, .. }) = &chain.root else { return false };
    let is_passed = (*local as usize) < function.parameters
        && !visit::any(&function.body, &mut |part| gives_another_value(part, *local));
    is_passed && chain.host.as_ref().is_some_and(|site| site.bindings.iter().all(|binding| !binding.waits))
}

/// Whether the variable may be something else afterwards; members of the host's values leave them what they are.
fn gives_another_value(expr: &Expr, local: super::LocalId) -> bool {
    match &expr.kind {
        Kind::Chain(chain) if chain.host.is_some() => false,
        _ => visit::may_write(expr, local),
    }
}
