//! Operators on values of any type: an inline test for integers and floats, the runtime for the rest.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::value::Val;
use crate::ir::{ChainRoot, Expr, Kind};
use crate::ops::BinaryOp;
use crate::rt::values::ValueKind;

impl<'f> FunctionGen<'_, 'f> {
    pub(super) fn binary(&mut self, expr: &'f Expr, op: BinaryOp, left: &'f Expr, right: &'f Expr) -> Val {
        if let Some(value) = self.type_test(expr, op, left, right) {
            return value;
        }
        if let Some(value) = self.text_binary(expr, op, left, right) {
            return value;
        }
        let (left_value, right_value) = self.operands(left, right);
        self.binary_values(expr, op, left_value, right_value)
    }

    /// Both operands; the left one is read before anything on the right can change it.
    pub(super) fn operands(&mut self, left: &'f Expr, right: &'f Expr) -> (Val, Val) {
        let mut left_value = self.evaluate(left, true);
        if !is_quiet(right) {
            left_value = self.keep(left_value);
        }
        let right_value = self.evaluate(right, true);
        (left_value, right_value)
    }

    pub(super) fn binary_values(&mut self, expr: &Expr, op: BinaryOp, left: Val, right: Val) -> Val {
        if let Some(value) = self.scalar_binary(op, left, right, expr.position) {
            return value;
        }
        let out = self.temp();
        let done = self.builder.create_block();
        if is_inline(op) {
            self.fast_numbers(op, (left, right), out, done, expr.position);
        }
        self.binary_by_helper(op, left, right, out, expr.position);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.discard(left);
        self.discard(right);
        let ty = self.ty(expr);
        self.typed(Val::Temp(out), &ty, expr.position)
    }

    pub(super) fn binary_by_helper(&mut self, op: BinaryOp, left: Val, right: Val, out: u32, position: u32) {
        let (left, _) = self.boxed(left);
        let (right, _) = self.boxed(right);
        let out = self.slot_address(out);
        let number = self.builder.ins().iconst(types::I32, op as i64);
        let position = self.position(position);
        let context = self.context;
        self.call_checked(Helper::Binary, &[context, out, number, left, right, position]);
    }

    /// When both are integers, or both floats, computes the result into `out` and goes to `done`. Falls through
    /// otherwise.
    fn fast_numbers(
        &mut self,
        op: BinaryOp,
        (left, right): (Val, Val),
        out: u32,
        done: cranelift_codegen::ir::Block,
        position: u32,
    ) {
        for kind in [ValueKind::Int, ValueKind::Float] {
            if !could_be(left, kind) || !could_be(right, kind) {
                continue;
            }
            let fast = self.builder.create_block();
            let other = self.builder.create_block();
            let both = match (self.has_kind(left, kind), self.has_kind(right, kind)) {
                (Some(left), Some(right)) => self.builder.ins().band(left, right),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => continue,
            };
            self.builder.ins().brif(both, fast, &[], other, &[]);
            self.builder.switch_to_block(fast);
            let left = self.number_in(left, kind);
            let right = self.number_in(right, kind);
            if let Some(value) = self.scalar_binary(op, left, right, position) {
                let out = self.slot_address(out);
                self.put(value, out);
                self.builder.ins().jump(done, &[]);
            } else {
                self.builder.ins().jump(other, &[]);
            }
            self.builder.switch_to_block(other);
        }
    }

    /// Assigns in place to a variable that holds a number at the moment; after that, goes to the block that is given
    /// back. Falls through when the runtime has to do it.
    pub(super) fn assign_number(
        &mut self,
        address: Value,
        op: Option<BinaryOp>,
        value: Val,
        position: u32,
    ) -> Option<Block> {
        let layout = self.layout?;
        let access = layout.access_of(ValueKind::Int);
        if op.is_some_and(|op| !is_inline(op)) || layout.access_of(ValueKind::Float) != access {
            return None;
        }
        let done = self.builder.create_block();
        for kind in [ValueKind::Int, ValueKind::Float] {
            if op.is_some() && !could_be(value, kind) {
                continue;
            }
            let (fast, other) = (self.builder.create_block(), self.builder.create_block());
            let is = self.is_kind(address, kind);
            let found = self.load(types::I8, address, access);
            let writable = self.builder.ins().icmp_imm_u(IntCC::Equal, found, i64::from(layout.read_write));
            let mut fits = self.builder.ins().band(is, writable);
            if let Some(same) = op.and_then(|_| self.has_kind(value, kind)) {
                fits = self.builder.ins().band(fits, same);
            }
            self.builder.ins().brif(fits, fast, &[], other, &[]);
            self.builder.switch_to_block(fast);
            let new = match op {
                None => Some(value),
                Some(op) => {
                    let old = self.number_in(Val::Ref(address), kind);
                    let value = self.number_in(value, kind);
                    self.scalar_binary(op, old, value, position)
                }
            };
            match new {
                Some(new) => {
                    self.put(new, address);
                    self.builder.ins().jump(done, &[]);
                }
                None => _ = self.builder.ins().jump(other, &[]),
            }
            self.builder.switch_to_block(other);
        }
        Some(done)
    }

    /// The test whether a value in memory is of this kind; `None` when it is a scalar of it.
    pub(super) fn has_kind(&mut self, value: Val, kind: ValueKind) -> Option<Value> {
        let address = self.address(value)?;
        Some(self.is_kind(address, kind))
    }

    pub(super) fn number_in(&mut self, value: Val, kind: ValueKind) -> Val {
        match (self.address(value), kind) {
            (Some(address), ValueKind::Int) => Val::Int(self.get_int(address)),
            (Some(address), _) => Val::Float(self.get_float(address)),
            (None, _) => value,
        }
    }

    /// `place op= value` for a variable in memory.
    pub(super) fn unary(&mut self, expr: &Expr, number: i64, operand: &'f Expr) -> Val {
        let value = self.evaluate(operand, true);
        let inline = match (number, value) {
            (0, value) => self.negate(value, expr.position),
            (1, Val::Int(_) | Val::Float(_)) => Some(value),
            (2, Val::Bool(value)) => Some(Val::Bool(self.builder.ins().bxor_imm_u(value, 1))),
            _ => None,
        };
        if let Some(value) = inline {
            return value;
        }
        let (address, value) = self.boxed(value);
        let out = self.temp();
        let out_address = self.slot_address(out);
        let number = self.builder.ins().iconst(types::I32, number);
        let position = self.position(expr.position);
        let context = self.context;
        self.call_checked(Helper::Unary, &[context, out_address, number, address, position]);
        self.discard(value);
        let ty = self.ty(expr);
        self.typed(Val::Temp(out), &ty, expr.position)
    }
}

pub(super) fn could_be(value: Val, kind: ValueKind) -> bool {
    match value {
        Val::Int(_) => kind == ValueKind::Int,
        Val::Float(_) => kind == ValueKind::Float,
        Val::Temp(_) | Val::Ref(_) | Val::Either(..) | Val::Constant(_) => true,
        _ => false,
    }
}

fn is_inline(op: BinaryOp) -> bool {
    !matches!(op, BinaryOp::Power | BinaryOp::RangeExclusive | BinaryOp::RangeInclusive | BinaryOp::In)
}

/// Whether evaluating this cannot change a variable.
pub(super) fn is_quiet(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Unit
        | Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Float(_)
        | Kind::Char(_)
        | Kind::Constant(_)
        | Kind::Local(_)
        | Kind::This
        | Kind::Raise(_)
        | Kind::Global { .. } => true,
        Kind::Negate(operand) | Kind::Plus(operand) | Kind::Not(operand) | Kind::IsShared(operand) => {
            is_quiet(operand)
        }
        Kind::Binary { left, right, .. } => is_quiet(left) && is_quiet(right),
        Kind::And(operands)
        | Kind::Or(operands)
        | Kind::Coalesce(operands)
        | Kind::Interpolate(operands)
        | Kind::Array(operands) => operands.iter().all(is_quiet),
        Kind::Map { values, .. } => values.iter().all(is_quiet),
        Kind::Chain(chain) => {
            let root = match &chain.root {
                ChainRoot::Place(_) => true,
                ChainRoot::Value(value) => is_quiet(value),
            };
            root && chain.only_reads() && chain.arguments.iter().all(is_quiet)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
