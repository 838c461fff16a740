//! Why a variable is of unknown type.

use crate::infer::binary_type;
use crate::ir::print::{View, chain_text, function_name};
use crate::ir::{ChainExpr, ChainRoot, Expr, FirstArgument, Kind, LocalId, Place, visit};
use crate::position;
use crate::ty::{Ty, of_value};

/// Something that gives a variable a value.
struct Write {
    at: u32,
    ty: Ty,
    /// What the value is, or what changes the variable.
    by: String,
    /// Whether it changes the value that is there.
    changes: bool,
}

/// Why a variable of type [`Ty::Any`] is that.
pub(super) fn of_variable(view: &View<'_>, local: LocalId) -> String {
    let variable = &view.function.locals[local as usize];
    if variable.captured {
        return of_captured(view, local).to_owned();
    }
    if view.instance.arguments.get(local as usize).is_some_and(Ty::is_any) {
        return "an unknown argument".to_owned();
    }
    if view.unit.uses_tags {
        return "the script uses tags of values".to_owned();
    }
    let (changes, writes): (Vec<_>, Vec<_>) =
        writes(view, local).into_iter().partition(|write| write.changes);
    if let Some(unknown) = writes.iter().find(|write| write.ty.is_any()) {
        return format!("{} at {}", unknown.by, position::text(unknown.at));
    }
    if let Some(reason) = disagreement(view.instance.arguments.get(local as usize), &writes) {
        return reason;
    }
    match changes.first() {
        Some(change) => format!("{} at {}", change.by, position::text(change.at)),
        None => "nothing is known of it".to_owned(),
    }
}

/// Why a variable may hold a shared cell, or is kept in memory as if it did.
fn of_captured(view: &View<'_>, local: LocalId) -> &'static str {
    let (mut interpreted, mut shared) = (false, false);
    visit::any(&view.function.body, &mut |expr| {
        match &expr.kind {
            Kind::Interpret(interpret) => {
                interpreted |= interpret.scope.iter().any(|(seen, _)| *seen == local);
            }
            Kind::Share(locals) => shared |= locals.contains(&local),
            _ => {}
        }
        false
    });
    match (interpreted, shared) {
        (true, _) => "the interpreter sees it",
        (false, true) => "a closure captures it",
        (false, false) => "it is declared more than once at the top level",
    }
}

/// Two values of types that have none in common.
fn disagreement(passed: Option<&Ty>, writes: &[Write]) -> Option<String> {
    let assigned = |write: &Write| format!("assigned {} at {}", write.ty, position::text(write.at));
    let (ty, first) = match passed {
        Some(ty) => (ty, format!("passed {ty}")),
        None => writes.first().map(|write| (&write.ty, assigned(write)))?,
    };
    let other = writes.iter().find(|write| write.ty.join(ty).is_any())?;
    Some(format!("{first} and {}", assigned(other)))
}

fn writes(view: &View<'_>, local: LocalId) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    visit::any(&view.function.body, &mut |expr| {
        let before = writes.first().map(|write| write.ty.clone());
        writes.extend(write(view, local, expr, before.as_ref()));
        false
    });
    writes
}

fn write(view: &View<'_>, local: LocalId, expr: &Expr, before: Option<&Ty>) -> Option<Write> {
    let is = |place: Place| matches!(place, Place::Local { local: found, .. } if found == local);
    let at = expr.position;
    match &expr.kind {
        Kind::Let { local: found, value, .. } if *found == local => {
            Some(Write { at, ty: view.ty(value).clone(), by: described(view, value), changes: false })
        }
        Kind::Assign { place, op, value, .. } if is(*place) => {
            let value_ty = view.ty(value).clone();
            let ty = match (op, before) {
                (Some(op), Some(before)) => binary_type(*op, before, &value_ty),
                _ => value_ty,
            };
            Some(Write { at, ty, by: described(view, value), changes: false })
        }
        Kind::For(for_loop) if for_loop.variable == local => {
            let by = match view.ty(&for_loop.iterable) {
                Ty::Array(_) => "items of several types".to_owned(),
                _ => match &for_loop.iterable.kind {
                    Kind::Local(iterated) => format!("items of {}", view.name(*iterated)),
                    _ => format!("items of {}", described(view, &for_loop.iterable)),
                },
            };
            Some(Write { at: for_loop.variable_position, ty: Ty::Any, by, changes: false })
        }
        Kind::Try { variable: Some(variable), .. } if *variable == local => {
            let at = view.function.locals[local as usize].position;
            Some(Write { at, ty: Ty::Any, by: "what is caught".to_owned(), changes: false })
        }
        Kind::Chain(chain) => changed(chain, is).then(|| {
            let by = format!("changed by {}", chain_text(&view.root(chain), chain));
            Write { at, ty: Ty::Any, by, changes: true }
        }),
        Kind::Native { name, first: Some(FirstArgument { place, .. }), .. } if is(*place) => {
            let known = before.is_some_and(|before| before.is_scalar() || *before == Ty::Str);
            (!known).then(|| Write { at, ty: Ty::Any, by: format!("changed by {name}()"), changes: true })
        }
        Kind::Qualified { site, first: Some(FirstArgument { place, .. }), .. } if is(*place) => {
            Some(Write { at, ty: Ty::Any, by: format!("changed by {}()", site.name), changes: true })
        }
        _ => None,
    }
}

fn changed(chain: &ChainExpr, is: impl Fn(Place) -> bool) -> bool {
    matches!(&chain.root, ChainRoot::Place(place) if is(*place)) && !chain.only_reads()
}

/// What a value of unknown type is.
fn described(view: &View<'_>, expr: &Expr) -> String {
    match &expr.kind {
        Kind::Constant(value) => format!("{} constant", of_value(value)),
        Kind::Local(local) => format!("the value of {}", view.name(*local)),
        Kind::This => "this".to_owned(),
        Kind::Global { name, .. } => format!("the constant {name}"),
        Kind::Native { name, .. } => format!("the result of {name}()"),
        Kind::Qualified { site, .. } => format!("the result of {}()", site.name),
        Kind::Call { function, .. } => {
            format!("the result of {}()", function_name(&view.unit.functions[*function as usize]))
        }
        Kind::CallPointer { .. } => "the result of a function pointer".to_owned(),
        Kind::Chain(chain) => format!("the value of {}", chain_text(&view.root(chain), chain)),
        Kind::Binary { op, left, right } => {
            format!("the result of {} on {} and {}", op.syntax(), view.ty(left), view.ty(right))
        }
        Kind::Interpret(_) => "a result of the interpreter".to_owned(),
        Kind::If { .. } | Kind::Switch(_) => "a value that differs between branches".to_owned(),
        _ => "an unknown value".to_owned(),
    }
}
