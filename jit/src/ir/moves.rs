//! Where a variable is read for the last time, so that its value can be moved out instead of copied.
//!
//! A variable lives in the block that declares it. The last statement of that block that mentions it, mentions it once
//! and not in a loop inside of that statement, uses it up: whatever happens next, nobody looks at it again before it is
//! declared anew. Parameters stay, since the caller may have lent them, and so do captured variables, constants, whose
//! values are marked as such, and those that the scope of a program is to have at the end.

use std::collections::HashSet;

use super::visit::{mentions, parts};
use super::{Expr, Function, Kind, LocalId, NodeId};

/// The reads that may move.
pub fn last_reads(function: &Function) -> HashSet<NodeId> {
    let mut found = HashSet::new();
    let stays: HashSet<LocalId> = function.exported.iter().map(|export| export.local).collect();
    let parameters = function.parameters;
    let movable = |local: LocalId| {
        local as usize >= parameters && !function.locals[local as usize].captured && !stays.contains(&local)
    };
    blocks(&function.body, &movable, &mut found);
    found
}

fn blocks(expr: &Expr, movable: &dyn Fn(LocalId) -> bool, found: &mut HashSet<NodeId>) {
    if let Kind::Block(elements) = &expr.kind {
        for (index, element) in elements.iter().enumerate() {
            if let Kind::Let { local, constant: false, .. } = &element.kind
                && movable(*local)
            {
                let rest = &elements[index + 1..];
                let declared_once = !rest.iter().any(|element| declares(element, *local));
                if let Some(last) = rest.iter().rev().find(|element| count(element, *local) > 0)
                    && declared_once
                    && count(last, *local) == 1
                {
                    found.extend(straight_read(last, *local));
                }
            }
        }
    }
    parts(expr, &mut |part| blocks(part, movable, found));
}

fn declares(expr: &Expr, local: LocalId) -> bool {
    super::visit::any(
        expr,
        &mut |part| matches!(&part.kind, Kind::Let { local: found, .. } if *found == local),
    )
}

/// How often the variable is mentioned.
fn count(expr: &Expr, local: LocalId) -> usize {
    let mut total = usize::from(mentions(expr, local));
    parts(expr, &mut |part| total += count(part, local));
    total
}

/// The read of the variable, unless it is in a loop.
fn straight_read(expr: &Expr, local: LocalId) -> Option<NodeId> {
    match &expr.kind {
        Kind::Local(found) if *found == local => return Some(expr.id),
        Kind::While { .. } | Kind::DoWhile { .. } => return None,
        Kind::For(for_loop) => return straight_read(&for_loop.iterable, local),
        _ => {}
    }
    let mut found = None;
    parts(expr, &mut |part| found = found.or_else(|| straight_read(part, local)));
    found
}
