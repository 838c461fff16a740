//! Values as the arguments of a made-up call.
//!
//! Evaluating a constant clones it, and a clone is never read-only, nor is anything in it. A function that keeps its
//! argument keeps the mark, so values with one are handed over as they are: a host function gives them, which the
//! interpreter calls for the argument.

use std::sync::{Mutex, PoisonError};

use rhai::{Dynamic, Expr, FnArgsVec, FnCallExpr, FnCallHashes, FnPtr, Namespace, Position};

use super::function_hash;
use crate::rt::values::holds_read_only;

/// Arguments that were made of values.
pub(crate) struct Arguments {
    expressions: FnArgsVec<Expr>,
    operations: u64,
    at: Position,
}

impl Arguments {
    /// None yet; all of them are at one place.
    pub(crate) fn new(at: Position) -> Self {
        Self { expressions: FnArgsVec::new(), operations: 0, at }
    }

    /// Adds `this`, which is passed by reference.
    pub(crate) fn push_this(&mut self) {
        self.expressions.push(Expr::ThisPtr(self.at));
        self.operations += 1;
    }

    /// Adds a value.
    pub(crate) fn push(&mut self, value: Dynamic) {
        let (expression, operations) = expression(value, self.at);
        self.expressions.push(expression);
        self.operations += operations;
    }

    /// How many operations their evaluation costs.
    pub(crate) fn operations(&self) -> u64 {
        self.operations
    }

    /// How many they are.
    pub(crate) fn len(&self) -> usize {
        self.expressions.len()
    }

    /// The expressions.
    pub(crate) fn into_expressions(self) -> FnArgsVec<Expr> {
        self.expressions
    }
}

impl Extend<Dynamic> for Arguments {
    fn extend<I: IntoIterator<Item = Dynamic>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

/// An expression that gives the value, and how many operations its evaluation costs.
pub(crate) fn expression(value: Dynamic, at: Position) -> (Expr, u64) {
    if holds_read_only(&value) { (handed_over(value, at), 2) } else { (constant(value, at), 1) }
}

fn constant(value: Dynamic, at: Position) -> Expr {
    Expr::DynamicConstant(Box::new(value), at)
}

/// A call that gives the value itself, once.
fn handed_over(value: Dynamic, at: Position) -> Expr {
    let slot = Mutex::new(value);
    #[expect(deprecated, reason = "marked so because it may change, which the pinned version does not")]
    let giver = FnPtr::from_fn("hand_over", move |_, _| {
        Ok(std::mem::take(&mut *slot.lock().unwrap_or_else(PoisonError::into_inner)))
    });
    // The name is a good one.
    let giver = giver.map_or(Dynamic::UNIT, Dynamic::from);
    let call = FnCallExpr {
        namespace: Namespace::NONE,
        name: "call".into(),
        hashes: FnCallHashes::from_hash(function_hash("call", 1)),
        args: FnArgsVec::from_iter([constant(giver, at)]),
        capture_parent_scope: false,
        op_token: None,
    };
    Expr::FnCall(Box::new(call), at)
}
