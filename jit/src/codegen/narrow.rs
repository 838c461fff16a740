//! Tests of `type_of`, and the variables that they tell something about.

use cranelift_codegen::ir::{InstBuilder, types};

use super::function::{FunctionGen, Home};
use super::helpers::Helper;
use super::value::Val;
use crate::ir::{Expr, Kind, LocalId, narrow};
use crate::ops::BinaryOp;
use crate::rt::values::ValueKind;
use crate::ty::Ty;

impl<'f> FunctionGen<'_, 'f> {
    /// `type_of(x) == "name"` without making the name of the type: a test of the kind.
    pub(super) fn type_test(
        &mut self,
        expr: &'f Expr,
        op: BinaryOp,
        left: &'f Expr,
        right: &'f Expr,
    ) -> Option<Val> {
        self.layout.filter(|_| self.generator.typed.standard.names_are_plain())?;
        let negated = match op {
            BinaryOp::Equal => 0,
            BinaryOp::NotEqual => 1,
            _ => return None,
        };
        let (local, name) = narrow::tested(left, right).or_else(|| narrow::tested(right, left))?;
        let kind = kind_named(&name.as_immutable_string_ref().ok()?)?;
        if !self.instance.locals[local as usize].is_any() {
            return None;
        }
        let home = self.home(local);
        let address = self.home_address(&home)?;
        let result = self.builder.declare_var(types::I8);
        let is = self.is_kind(address, kind);
        let is = self.builder.ins().bxor_imm_u(is, negated);
        self.builder.def_var(result, is);
        let (cell, done) = (self.cold_block(), self.builder.create_block());
        let shared = self.is_kind(address, ValueKind::Shared);
        self.builder.ins().brif(shared, cell, &[], done, &[]);
        self.builder.switch_to_block(cell);
        let (left, right) = self.operands(left, right);
        let value = self.binary_values(expr, op, left, right);
        let value = self.condition(value, expr.position);
        self.builder.def_var(result, value);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        Some(Val::Bool(self.builder.use_var(result)))
    }

    /// A scalar that a variable was found to hold.
    pub(super) fn narrowed(&mut self, expr: &Expr, local: LocalId) -> Val {
        let ty = self.ty(expr);
        let value = self.local_value(local);
        self.typed(value, &ty, expr.position)
    }

    /// Makes the name for a variable that was found to be of some type. False for every other declaration, and when the
    /// value is to have a place of its own.
    pub(super) fn declares_narrowed(&mut self, name: LocalId, value: &Expr) -> bool {
        let Kind::Narrow { local, .. } = value.kind else { return false };
        let ty = self.instance.locals[name as usize].clone();
        let Home::Slot(own) = self.home(name) else { return false };
        let home = self.home(local);
        let Some(address) = self.home_address(&home) else { return false };
        let known = !self.instance.locals[local as usize].is_any();
        let place = self.builder.declare_var(types::I64);
        self.builder.def_var(place, address);
        self.homes[name as usize] =
            if self.is_borrowed(local) { Home::Borrowed(place, own) } else { Home::Lent(place) };
        let kind = match ty {
            Ty::Str => ValueKind::Str,
            Ty::Array(_) => ValueKind::Array,
            Ty::Map(_) => ValueKind::Map,
            _ => return true,
        };
        if known {
            return true;
        }
        // A cell, which others may change, is read once.
        let shared = self.is_kind(address, ValueKind::Shared);
        let (cell, plain) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(shared, cell, &[], plain, &[]);
        self.builder.switch_to_block(cell);
        let copy = self.slot_address(own);
        self.call(Helper::Drop, &[copy]);
        self.call(Helper::Copy, &[copy, address]);
        self.builder.def_var(place, copy);
        self.builder.ins().jump(plain, &[]);
        self.builder.switch_to_block(plain);
        let place = self.builder.use_var(place);
        let right = self.is_kind(place, kind);
        let (wrong, fine) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(right, fine, &[], wrong, &[]);
        self.builder.switch_to_block(wrong);
        let (context, position) = (self.context, self.position(0));
        self.call_value(Helper::Unexpected, &[context, place, position]);
        self.jump_to_handler();
        self.builder.switch_to_block(fine);
        true
    }
}

/// The kind of the values whose type scripts call by this name.
fn kind_named(name: &str) -> Option<ValueKind> {
    Some(match name {
        "()" => ValueKind::Unit,
        "i64" => ValueKind::Int,
        "f64" => ValueKind::Float,
        "bool" => ValueKind::Bool,
        "char" => ValueKind::Char,
        "string" => ValueKind::Str,
        "array" => ValueKind::Array,
        "map" => ValueKind::Map,
        "blob" => ValueKind::Blob,
        _ => return None,
    })
}
