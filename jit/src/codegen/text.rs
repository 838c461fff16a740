//! Strings: joining, growing, comparing, and interpolation.
//!
//! A string that nobody else holds is appended to in place, so `a + b + c` makes one string, and a loop that appends to
//! a variable takes linear time.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::store::Operation;
use super::value::Val;
use crate::ir::Expr;
use crate::ops::BinaryOp;
use crate::ty::Ty;

impl<'f> FunctionGen<'_, 'f> {
    /// `left op right` where one of them is a string and both types are known.
    pub(super) fn text_binary(
        &mut self,
        expr: &'f Expr,
        op: BinaryOp,
        left: &'f Expr,
        right: &'f Expr,
    ) -> Option<Val> {
        let (one, two) = (self.ty(left), self.ty(right));
        if op == BinaryOp::Add {
            return self.text_add(expr, (left, &one), (right, &two));
        }
        let condition = comparison(op).filter(|_| one == Ty::Str && two == Ty::Str)?;
        let (left, right) = self.operands(left, right);
        let (first, second) = (self.boxed(left).0, self.boxed(right).0);
        let result = match op {
            BinaryOp::Equal => self.call_value(Helper::TextEquals, &[first, second]),
            BinaryOp::NotEqual => {
                let equal = self.call_value(Helper::TextEquals, &[first, second]);
                self.builder.ins().bxor_imm_u(equal, 1)
            }
            _ => {
                let order = self.call_value(Helper::TextOrder, &[first, second]);
                self.builder.ins().icmp_imm_s(condition, order, 0)
            }
        };
        self.discard(left);
        self.discard(right);
        Some(Val::Bool(result))
    }

    fn text_add(&mut self, expr: &'f Expr, left: (&'f Expr, &Ty), right: (&'f Expr, &Ty)) -> Option<Val> {
        if !self.can_join(left.1, right.1) {
            return None;
        }
        let mark = self.mark();
        let out = self.temp();
        let (first, second) = self.operands(left.0, right.0);
        if !is_text(left.1) || !is_text(right.1) {
            self.spend();
        }
        let address = self.slot_address(out);
        match (first, second) {
            (Val::Ref(_) | Val::Constant(_) | Val::Either(..), second)
                if *left.1 == Ty::Str && *right.1 == Ty::Str =>
            {
                let (one, two) = (self.boxed(first).0, self.boxed(second).0);
                self.call(Helper::Join, &[one, two, address]);
                self.discard(first);
                self.discard(second);
            }
            (Val::Ref(_) | Val::Constant(_) | Val::Either(..), Val::Int(number)) if *left.1 == Ty::Str => {
                let text = self.boxed(first).0;
                self.call(Helper::JoinInt, &[text, number, address]);
                self.discard(first);
            }
            _ => {
                self.put_text(first, left.1, address);
                self.append(address, second, right.1);
            }
        }
        if self.generator.options.limits.string > 0 {
            self.check_size(address, expr.position);
        }
        self.release(mark + 1);
        Some(Val::Temp(out))
    }

    /// Whether the operator joins the texts of values of these types.
    fn can_join(&self, left: &Ty, right: &Ty) -> bool {
        if is_text(left) && is_text(right) {
            return true;
        }
        let ((Ty::Str, other) | (other, Ty::Str)) = (left, right) else { return false };
        self.has_text(other) && self.generator.typed.standard.has("+", left, 1)
    }

    /// Whether a value of this type has the text that the library gives it.
    fn has_text(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Str => true,
            Ty::Char | Ty::Int | Ty::Float | Ty::Bool => {
                self.generator.typed.standard.has("to_string", ty, 0)
            }
            _ => false,
        }
    }

    /// Puts the text of a value into an empty slot.
    fn put_text(&mut self, value: Val, ty: &Ty, address: Value) {
        let helper = match ty {
            Ty::Int => Helper::IntText,
            Ty::Float => Helper::FloatText,
            Ty::Char => Helper::CharText,
            Ty::Bool => Helper::BoolText,
            _ => {
                self.put(value, address);
                return;
            }
        };
        if let Some(value) = self.machine_value(value, ty) {
            self.call(helper, &[value, address]);
        }
    }

    /// Appends the text of a value, which is used up, to a string.
    fn append(&mut self, text: Value, value: Val, ty: &Ty) {
        let helper = match ty {
            Ty::Int => Helper::AppendInt,
            Ty::Float => Helper::AppendFloat,
            Ty::Char => Helper::AppendChar,
            Ty::Bool => Helper::AppendBool,
            _ => {
                let (address, value) = self.boxed(value);
                self.call(Helper::AppendText, &[text, address]);
                self.discard(value);
                return;
            }
        };
        if let Some(value) = self.machine_value(value, ty) {
            self.call(helper, &[text, value]);
        }
    }

    /// `place += value` for a string or an array; tells whether it was generated.
    pub(super) fn grow(&mut self, place: Value, operation: &Operation<'_>, value: Val) -> bool {
        let Operation { ty, operand, positions, .. } = *operation;
        match ty {
            Ty::Str if is_text(operand) => self.grow_text(place, value, operand, positions.0),
            Ty::Str if self.has_text(operand) && self.generator.typed.standard.has("+=", ty, 1) => {
                self.spend();
                self.append(place, value, operand);
                if self.generator.options.limits.string > 0 {
                    self.check_size(place, positions.0);
                }
            }
            Ty::Array(_) if self.layout.is_some() && is_item(operand) => {
                self.push(place, value);
                if self.generator.options.limits.any() {
                    self.check_receiver(place, ty, positions.0);
                }
            }
            _ => return false,
        }
        true
    }

    /// The interpreter looks at the size before it appends a string or a character.
    fn grow_text(&mut self, place: Value, value: Val, ty: &Ty, position: u32) {
        if self.generator.options.limits.string == 0 {
            self.append(place, value, ty);
            return;
        }
        let context = self.context;
        let position = self.position(position);
        if *ty == Ty::Char {
            if let Some(value) = self.machine_value(value, ty) {
                self.call_checked(Helper::AppendCharChecked, &[context, place, value, position]);
            }
            return;
        }
        let (address, value) = self.boxed(value);
        self.call_checked(Helper::AppendTextChecked, &[context, place, address, position]);
        self.discard(value);
    }

    /// An interpolated string, if the types of all segments are known: each is written as it is evaluated.
    pub(super) fn interpolate_known(&mut self, segments: &'f [Expr]) -> Option<Val> {
        let known = segments.iter().all(|segment| self.has_text(self.node_ty(segment)));
        let (first, rest) = segments.split_first().filter(|_| known)?;
        let out = self.temp();
        let mark = self.mark();
        self.segment(first, out, true);
        for segment in rest {
            self.segment(segment, out, false);
            self.release(mark);
        }
        Some(Val::Temp(out))
    }

    fn segment(&mut self, segment: &'f Expr, out: u32, is_first: bool) {
        let ty = self.ty(segment);
        let value = self.evaluate(segment, true);
        if ty != Ty::Str {
            self.spend();
        }
        let address = self.slot_address(out);
        if is_first {
            self.put_text(value, &ty, address);
        } else {
            self.append(address, value, &ty);
        }
        if self.generator.options.limits.string > 0 {
            self.check_size(address, segment.position);
        }
    }
}

/// Whether the interpreter itself joins values of this type.
fn is_text(ty: &Ty) -> bool {
    matches!(ty, Ty::Str | Ty::Char)
}

/// Whether `array += value` adds the value as one item.
fn is_item(ty: &Ty) -> bool {
    matches!(ty, Ty::Unit | Ty::Bool | Ty::Int | Ty::Float | Ty::Char | Ty::Str | Ty::Map(_))
}

fn comparison(op: BinaryOp) -> Option<IntCC> {
    Some(match op {
        BinaryOp::Equal => IntCC::Equal,
        BinaryOp::NotEqual => IntCC::NotEqual,
        BinaryOp::Less => IntCC::SignedLessThan,
        BinaryOp::LessEqual => IntCC::SignedLessThanOrEqual,
        BinaryOp::Greater => IntCC::SignedGreaterThan,
        BinaryOp::GreaterEqual => IntCC::SignedGreaterThanOrEqual,
        _ => return None,
    })
}
