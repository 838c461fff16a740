//! Walks over the tree.

use super::{ChainRoot, Expr, Kind, LocalId, Place};

/// Calls `$f` for each direct part of what a node is.
macro_rules! parts {
    ($kind:expr, $f:ident, $iter:ident $(, $mutable:tt)?) => {
        match $kind {
            Kind::Unit
            | Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Float(_)
            | Kind::Char(_)
            | Kind::Constant(_)
            | Kind::Local(_)
            | Kind::Narrow { .. }
            | Kind::This
            | Kind::Global { .. }
            | Kind::Share(_)
            | Kind::Raise(_)
            | Kind::Interpret(_) => {}
            Kind::Binary { left, right, .. } => {
                $f(left);
                $f(right);
            }
            Kind::Negate(part)
            | Kind::Plus(part)
            | Kind::Not(part)
            | Kind::NewPointer(part)
            | Kind::IsShared(part) => {
                $f(part);
            }
            Kind::And(list)
            | Kind::Or(list)
            | Kind::Coalesce(list)
            | Kind::Interpolate(list)
            | Kind::Array(list)
            | Kind::Block(list)
            | Kind::Map { values: list, .. }
            | Kind::Call { arguments: list, .. }
            | Kind::Native { arguments: list, .. }
            | Kind::Qualified { arguments: list, .. } => list.$iter().for_each($f),
            Kind::If { condition, then, otherwise } => {
                $f(condition);
                $f(then);
                $f(otherwise);
            }
            Kind::Switch(switch) => {
                $f(&$($mutable)? switch.value);
                for (condition, body) in &$($mutable)? switch.arms {
                    condition.$iter().for_each(&mut *$f);
                    $f(body);
                }
            }
            Kind::While { condition, body, .. } => {
                if let Some(condition) = condition {
                    $f(condition);
                }
                $f(body);
            }
            Kind::DoWhile { condition, body, .. } => {
                $f(body);
                $f(condition);
            }
            Kind::For(for_loop) => {
                $f(&$($mutable)? for_loop.iterable);
                for_loop.body.$iter().for_each($f);
            }
            Kind::Break(value) | Kind::Continue(value) | Kind::Return(value) | Kind::Throw(value) => {
                if let Some(value) = value {
                    $f(value);
                }
            }
            Kind::Try { body, handler, .. } => {
                $f(body);
                $f(handler);
            }
            Kind::Let { value, .. } | Kind::Assign { value, .. } | Kind::IsDefined { name: value, .. } => {
                $f(value);
            }
            Kind::Chain(chain) => {
                chain.value.$iter().for_each(&mut *$f);
                chain.arguments.$iter().for_each(&mut *$f);
                if let ChainRoot::Value(root) = &$($mutable)? chain.root {
                    $f(root);
                }
            }
            Kind::CallPointer { callee, arguments } => {
                $f(callee);
                arguments.$iter().for_each($f);
            }
            Kind::Curry { pointer, arguments } => {
                $f(pointer);
                arguments.$iter().for_each($f);
            }
        }
    };
}

/// Calls `f` for each direct part of a node.
pub fn parts<'e>(expr: &'e Expr, f: &mut dyn FnMut(&'e Expr)) {
    parts!(&expr.kind, f, iter);
}

/// As [`parts()`], to change them.
pub fn parts_mut(kind: &mut Kind, f: &mut dyn FnMut(&mut Expr)) {
    parts!(kind, f, iter_mut, mut);
}

/// Whether the test holds for the node or any part of it.
pub fn any(expr: &Expr, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
    if test(expr) {
        return true;
    }
    let mut found = false;
    parts(expr, &mut |part| found = found || any(part, test));
    found
}

/// Whether this very node may change the variable.
pub fn may_write(expr: &Expr, local: LocalId) -> bool {
    let is = |place: &Place| matches!(place, Place::Local { local: found, .. } if *found == local);
    match &expr.kind {
        Kind::Assign { place, .. } => is(place),
        Kind::Let { local: found, .. } => *found == local,
        Kind::Chain(chain) => match &chain.root {
            ChainRoot::Place(place) => is(place) && !chain.only_reads(),
            ChainRoot::Value(_) => false,
        },
        Kind::Native { first, .. } | Kind::Qualified { first, .. } => {
            first.as_ref().is_some_and(|first| is(&first.place))
        }
        // A host function that is called through a pointer gets a plain variable in first place by reference.
        Kind::CallPointer { arguments, .. } => {
            arguments.first().is_some_and(|first| matches!(first.kind, Kind::Local(found) if found == local))
        }
        Kind::Share(locals) => locals.contains(&local),
        Kind::Interpret(interpret) => interpret.scope.iter().any(|(found, _)| *found == local),
        Kind::For(for_loop) => for_loop.variable == local || for_loop.counter == Some(local),
        Kind::Try { variable, .. } => *variable == Some(local),
        _ => false,
    }
}

/// Whether this very node mentions `this`.
pub fn is_this(expr: &Expr) -> bool {
    let is = |place: &Place| *place == Place::This;
    match &expr.kind {
        Kind::This => true,
        Kind::Assign { place, .. } => is(place),
        Kind::Chain(chain) => matches!(&chain.root, ChainRoot::Place(place) if is(place)),
        Kind::Native { first, .. } | Kind::Qualified { first, .. } | Kind::Call { first, .. } => {
            first.as_ref().is_some_and(|first| is(&first.place))
        }
        _ => false,
    }
}

/// Whether this very node reads or writes the variable.
pub fn mentions(expr: &Expr, local: LocalId) -> bool {
    let is = |place: &Place| matches!(place, Place::Local { local: found, .. } if *found == local);
    match &expr.kind {
        Kind::Local(found) | Kind::Narrow { local: found, .. } => *found == local,
        Kind::Chain(chain) => matches!(&chain.root, ChainRoot::Place(place) if is(place)),
        Kind::Call { first: Some(first), .. } => is(&first.place),
        _ => may_write(expr, local),
    }
}

/// Whether this is a variable to the interpreter that is none of the function's. As the first argument of a call it is
/// read last, like those.
pub fn is_outer_variable(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Global { .. } | Kind::Raise(_) => true,
        Kind::Interpret(interpret) => interpret.reason == super::MODULE_VARIABLE,
        _ => false,
    }
}

/// Whether this is a constant of the script, which is read-only wherever its value goes.
pub fn is_frozen(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Global { .. } => true,
        Kind::Constant(value) => value.is_read_only(),
        _ => false,
    }
}

/// Where the first thing in an expression is that has a position, or the expression; 0 when nothing has any. A block
/// has none of its own.
pub fn first_position(expr: &Expr) -> u32 {
    let first = match &expr.kind {
        Kind::Block(elements) => elements.iter().map(first_position).find(|position| *position != 0),
        _ => None,
    };
    first.unwrap_or(expr.position)
}
