//! Conditions that are branched on without making a value of them.
//!
//! Comparisons of what inference does not know are decided inline where the kinds at hand allow it: numbers of one
//! kind, strings, and anything beside the unit value. Cells and host types are left to the runtime.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::operator::could_be;
use super::scalar::signed;
use super::value::Val;
use crate::ir::{Expr, Kind};
use crate::ops::BinaryOp;
use crate::rt::values::ValueKind;
use crate::ty::Ty;

impl<'f> FunctionGen<'_, 'f> {
    /// Branches on a condition.
    pub(super) fn branch(&mut self, condition: &'f Expr, yes: Block, no: Block) {
        match &condition.kind {
            Kind::Bool(value) => {
                let target = if *value { yes } else { no };
                self.builder.ins().jump(target, &[]);
            }
            Kind::And(operands) if !operands.is_empty() => {
                self.branch_all(operands, no, false);
                self.builder.ins().jump(yes, &[]);
            }
            Kind::Or(operands) if !operands.is_empty() => {
                self.branch_all(operands, yes, true);
                self.builder.ins().jump(no, &[]);
            }
            Kind::Not(operand) if *self.node_ty(operand) == Ty::Bool => self.branch(operand, no, yes),
            Kind::Binary { op, left, right } if signed(*op).is_some() && !self.are_texts(left, right) => {
                self.branch_on_comparison(condition, *op, (left, right), (yes, no));
            }
            _ => {
                let value = self.evaluate_with_cell(condition);
                let value = self.condition(value, condition.position);
                self.builder.ins().brif(value, yes, &[], no, &[]);
            }
        }
    }

    /// Goes to `target` as soon as an operand is `leaves`; falls through when none is.
    fn branch_all(&mut self, operands: &'f [Expr], target: Block, leaves: bool) {
        for (index, operand) in operands.iter().enumerate() {
            let next = self.builder.create_block();
            let (yes, no) = if leaves { (target, next) } else { (next, target) };
            if index == 0 {
                self.branch(operand, yes, no);
            } else {
                // It need not be looked at.
                self.scoped(|this| this.branch(operand, yes, no));
            }
            self.builder.switch_to_block(next);
        }
    }

    fn are_texts(&self, left: &Expr, right: &Expr) -> bool {
        *self.node_ty(left) == Ty::Str && *self.node_ty(right) == Ty::Str
    }

    fn branch_on_comparison(
        &mut self,
        condition: &'f Expr,
        op: BinaryOp,
        (left, right): (&'f Expr, &'f Expr),
        (yes, no): (Block, Block),
    ) {
        let types = (self.node_ty(left), self.node_ty(right));
        let (left, right) = self.operands(left, right);
        if let (Val::Float(left), Val::Float(right)) = (left, right) {
            return self.float_branch(op, left, right, yes, no);
        }
        if left.is_scalar() && right.is_scalar() || self.layout.is_none() {
            let value = self.binary_values(condition, op, left, right);
            let value = self.condition(value, condition.position);
            self.builder.ins().brif(value, yes, &[], no, &[]);
            return;
        }
        // Numbers need not be dropped; whatever else there is, is.
        let (drop_yes, drop_no) = (self.builder.create_block(), self.builder.create_block());
        for kind in [ValueKind::Int, ValueKind::Float] {
            self.branch_on_numbers(kind, op, (left, right), (yes, no));
        }
        self.branch_on_mixed(op, (left, right), (yes, no));
        if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) {
            let (same, other) = if op == BinaryOp::Equal { (drop_yes, drop_no) } else { (drop_no, drop_yes) };
            match types {
                (Ty::Any, Ty::Unit) => self.branch_on_unit(left, same, other),
                (Ty::Unit, Ty::Any) => self.branch_on_unit(right, same, other),
                (Ty::Any, Ty::Str) => self.branch_on_text((left, right), same, other),
                (Ty::Str, Ty::Any) => self.branch_on_text((right, left), same, other),
                _ => {}
            }
        }
        let out = self.temp();
        self.binary_by_helper(op, left, right, out, condition.position);
        self.discard(left);
        self.discard(right);
        let value = self.condition(Val::Temp(out), condition.position);
        self.builder.ins().brif(value, yes, &[], no, &[]);
        for (block, target) in [(drop_yes, yes), (drop_no, no)] {
            self.builder.switch_to_block(block);
            self.discard(left);
            self.discard(right);
            self.builder.ins().jump(target, &[]);
        }
    }

    /// Decides when both are numbers of this kind; falls through when they are not.
    fn branch_on_numbers(
        &mut self,
        kind: ValueKind,
        op: BinaryOp,
        (left, right): (Val, Val),
        (yes, no): (Block, Block),
    ) {
        if !could_be(left, kind) || !could_be(right, kind) {
            return;
        }
        let both = match (self.has_kind(left, kind), self.has_kind(right, kind)) {
            (Some(left), Some(right)) => self.builder.ins().band(left, right),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => return,
        };
        let (fast, other) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(both, fast, &[], other, &[]);
        self.builder.switch_to_block(fast);
        match (self.number_in(left, kind), self.number_in(right, kind)) {
            (Val::Float(left), Val::Float(right)) => self.float_branch(op, left, right, yes, no),
            (Val::Int(left), Val::Int(right)) => {
                let condition = signed(op).unwrap_or(IntCC::Equal);
                let holds = self.builder.ins().icmp(condition, left, right);
                self.builder.ins().brif(holds, yes, &[], no, &[]);
            }
            _ => {
                self.builder.ins().jump(other, &[]);
            }
        }
        self.builder.switch_to_block(other);
    }

    /// Decides when one is an integer in a register and the other one a float: they are compared as floats.
    fn branch_on_mixed(&mut self, op: BinaryOp, (left, right): (Val, Val), (yes, no): (Block, Block)) {
        let ((float, Val::Int(_)) | (Val::Int(_), float)) = (left, right) else { return };
        let Some(is_float) = self.has_kind(float, ValueKind::Float) else { return };
        let (fast, rest) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(is_float, fast, &[], rest, &[]);
        self.builder.switch_to_block(fast);
        let mut as_float = |value| match value {
            Val::Int(number) => self.builder.ins().fcvt_from_sint(types::F64, number),
            _ => match self.number_in(value, ValueKind::Float) {
                Val::Float(number) => number,
                _ => self.builder.ins().f64const(0.0),
            },
        };
        let (left, right) = (as_float(left), as_float(right));
        self.float_branch(op, left, right, yes, no);
        self.builder.switch_to_block(rest);
    }

    /// Goes to `same` for the unit value and to `other` for what is certainly something else; falls through for a cell
    /// and a host type.
    fn branch_on_unit(&mut self, value: Val, same: Block, other: Block) {
        let Some(address) = self.address(value) else { return };
        let unit = self.is_kind(address, ValueKind::Unit);
        let not = self.builder.create_block();
        self.builder.ins().brif(unit, same, &[], not, &[]);
        self.builder.switch_to_block(not);
        self.leave_unless_foreign(address, other);
    }

    /// The same for a string beside a value that is known to be one.
    fn branch_on_text(&mut self, (value, text): (Val, Val), same: Block, other: Block) {
        let (Some(address), Some(text)) = (self.address(value), self.address(text)) else { return };
        let is_text = self.is_kind(address, ValueKind::Str);
        let (texts, not) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(is_text, texts, &[], not, &[]);
        self.builder.switch_to_block(texts);
        let equal = self.call_value(Helper::TextEquals, &[address, text]);
        self.builder.ins().brif(equal, same, &[], other, &[]);
        self.builder.switch_to_block(not);
        self.leave_unless_foreign(address, other);
    }

    /// Goes to `target` for a value of a standard type; falls through for a cell and a host type.
    fn leave_unless_foreign(&mut self, address: cranelift_codegen::ir::Value, target: Block) {
        let shared = self.is_kind(address, ValueKind::Shared);
        let foreign = self.is_kind(address, ValueKind::Other);
        let either = self.builder.ins().bor(shared, foreign);
        let rest = self.cold_block();
        self.builder.ins().brif(either, rest, &[], target, &[]);
        self.builder.switch_to_block(rest);
    }
}
