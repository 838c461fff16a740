//! Values that stay in the shared cell of a captured variable until somebody looks.
//!
//! The value of a loop and of `??` is whatever `break` or an operand gave, with its cell. Whoever keeps the value takes
//! it out of the cell, so that only `is_shared` and the errors of conditions can tell: only they ask for the cell.

use super::function::{Destination, FunctionGen};
use super::helpers::Helper;
use super::value::Val;
use crate::ir::{Expr, Kind};

impl<'f> FunctionGen<'_, 'f> {
    /// Like [`Self::evaluate`], but a value that is in a cell stays there. It must not be stored.
    pub(super) fn evaluate_with_cell(&mut self, expr: &'f Expr) -> Val {
        if is_statement(expr) || matches!(expr.kind, Kind::Coalesce(_)) {
            self.keeps_cell = Some(expr.id);
        }
        self.evaluate(expr, true)
    }

    /// Evaluates the last statement of a block whose value may stay in its cell. An expression, when it stands as a
    /// statement, is taken out of it.
    pub(super) fn evaluate_last(&mut self, expr: &'f Expr, keeps_cell: bool) -> Val {
        if keeps_cell && is_statement(expr) {
            self.evaluate_with_cell(expr)
        } else {
            self.evaluate(expr, true)
        }
    }

    /// Evaluates one end of a construct and leaves its value where it is collected.
    pub(super) fn evaluate_end(&mut self, end: &'f Expr, destination: &Destination) -> Val {
        match destination {
            Destination::Cell(_) => self.evaluate_with_cell(end),
            _ => self.evaluate(end, true),
        }
    }

    /// Puts a value, with its cell if it has one, into a slot.
    pub(super) fn put_with_cell(&mut self, value: Val, slot: u32) {
        let address = self.slot_address(slot);
        match value {
            Val::Ref(from) => self.call(Helper::Clone, &[address, from]),
            Val::Either(from, other) => {
                self.call(Helper::Clone, &[address, from]);
                self.discard(Val::Temp(other));
            }
            value => self.put(value, address),
        }
    }
}

/// Whether the value is that of a statement inside.
fn is_statement(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        Kind::Block(_)
            | Kind::If { .. }
            | Kind::Switch(_)
            | Kind::Try { .. }
            | Kind::While { .. }
            | Kind::DoWhile { .. }
            | Kind::For(_)
    )
}
