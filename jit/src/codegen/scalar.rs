//! Arithmetic and comparisons of values in registers.
//!
//! No instruction that may trap is ever emitted: what could overflow or divide by zero is tested, and the rare case
//! goes to the helper that computes what the interpreter computes, or its error.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::value::Val;
use crate::ops::BinaryOp;

/// Sizes of floats for which `EPSILON * size` is exact: the test of the interpreter becomes a multiplication.
const EXACT_BITS_MIN: i64 = 64 << 52;
const EXACT_BITS_SPAN: i64 = (2000 - 64) << 52;

impl FunctionGen<'_, '_> {
    /// `left op right` on scalars; `None` when there is no inline form for these types.
    pub(super) fn scalar_binary(
        &mut self,
        op: BinaryOp,
        left: Val,
        right: Val,
        position: u32,
    ) -> Option<Val> {
        Some(match (left, right) {
            (Val::Int(left), Val::Int(right)) => self.int_binary(op, left, right, position)?,
            (Val::Float(left), Val::Float(right)) => self.float_binary(op, left, right)?,
            (Val::Float(left), Val::Int(right)) => {
                let right = self.builder.ins().fcvt_from_sint(types::F64, right);
                self.float_binary(op, left, right)?
            }
            (Val::Int(left), Val::Float(right)) => {
                let left = self.builder.ins().fcvt_from_sint(types::F64, left);
                self.float_binary(op, left, right)?
            }
            (Val::Bool(left), Val::Bool(right)) => match op {
                BinaryOp::And => Val::Bool(self.builder.ins().band(left, right)),
                BinaryOp::Or => Val::Bool(self.builder.ins().bor(left, right)),
                BinaryOp::Xor => Val::Bool(self.builder.ins().bxor(left, right)),
                _ => Val::Bool(self.builder.ins().icmp(unsigned(op)?, left, right)),
            },
            (Val::Char(left), Val::Char(right)) => {
                Val::Bool(self.builder.ins().icmp(unsigned(op)?, left, right))
            }
            (Val::Unit, Val::Unit) => {
                unsigned(op)?;
                Val::Bool(self.builder.ins().iconst(types::I8, i64::from(op == BinaryOp::Equal)))
            }
            (left, right) if !left.is_scalar() || !right.is_scalar() => return None,
            // Values of different types are not equal, and not ordered.
            _ => {
                unsigned(op)?;
                Val::Bool(self.builder.ins().iconst(types::I8, i64::from(op == BinaryOp::NotEqual)))
            }
        })
    }

    fn int_binary(&mut self, op: BinaryOp, left: Value, right: Value, position: u32) -> Option<Val> {
        use BinaryOp as Op;
        let value = match op {
            Op::Add | Op::Subtract | Op::Multiply => self.checked(op, left, right, position),
            Op::Divide | Op::Modulo => self.divide(op, left, right, position),
            Op::Power => self.int_by_helper(op, left, right, position),
            Op::ShiftLeft | Op::ShiftRight => self.shift(op, left, right, position),
            Op::And => self.builder.ins().band(left, right),
            Op::Or => self.builder.ins().bor(left, right),
            Op::Xor => self.builder.ins().bxor(left, right),
            _ => {
                let condition = signed(op)?;
                return Some(Val::Bool(self.builder.ins().icmp(condition, left, right)));
            }
        };
        Some(Val::Int(value))
    }

    fn checked(&mut self, op: BinaryOp, left: Value, right: Value, position: u32) -> Value {
        let (value, overflow) = match op {
            BinaryOp::Add => self.builder.ins().sadd_overflow(left, right),
            BinaryOp::Subtract => self.builder.ins().ssub_overflow(left, right),
            _ => self.builder.ins().smul_overflow(left, right),
        };
        let failed = self.cold_block();
        let fine = self.builder.create_block();
        self.builder.ins().brif(overflow, failed, &[], fine, &[]);
        self.builder.switch_to_block(failed);
        self.int_by_helper(op, left, right, position);
        self.builder.ins().jump(fine, &[]);
        self.builder.switch_to_block(fine);
        value
    }

    /// Lets the runtime compute it, or raise the error.
    fn int_by_helper(&mut self, op: BinaryOp, left: Value, right: Value, position: u32) -> Value {
        let mark = self.mark();
        let slot = self.temp();
        let out = self.slot_address(slot);
        let out = self.builder.ins().iadd_imm_s(out, 8);
        let number = self.builder.ins().iconst(types::I32, op as i64);
        let position = self.position(position);
        let context = self.context;
        self.call_checked(Helper::IntBinary, &[context, number, left, right, out, position]);
        let value = self.load(types::I64, out, 0);
        self.release(mark);
        value
    }

    fn divide(&mut self, op: BinaryOp, left: Value, right: Value, position: u32) -> Value {
        let result = self.builder.declare_var(types::I64);
        // 0 and -1 are the two divisors that can fail.
        let shifted = self.builder.ins().iadd_imm_s(right, 1);
        let special = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, shifted, 1);
        let rare = self.cold_block();
        let usual = self.builder.create_block();
        let done = self.builder.create_block();
        self.builder.ins().brif(special, rare, &[], usual, &[]);
        self.builder.switch_to_block(rare);
        let value = self.int_by_helper(op, left, right, position);
        self.builder.def_var(result, value);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(usual);
        let value = if op == BinaryOp::Divide {
            self.builder.ins().sdiv(left, right)
        } else {
            self.builder.ins().srem(left, right)
        };
        self.builder.def_var(result, value);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.builder.use_var(result)
    }

    fn shift(&mut self, op: BinaryOp, left: Value, right: Value, position: u32) -> Value {
        let result = self.builder.declare_var(types::I64);
        let usual_amount = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, right, 64);
        let rare = self.cold_block();
        let usual = self.builder.create_block();
        let done = self.builder.create_block();
        self.builder.ins().brif(usual_amount, usual, &[], rare, &[]);
        self.builder.switch_to_block(rare);
        let value = self.int_by_helper(op, left, right, position);
        self.builder.def_var(result, value);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(usual);
        let value = if op == BinaryOp::ShiftLeft {
            self.builder.ins().ishl(left, right)
        } else {
            self.builder.ins().sshr(left, right)
        };
        self.builder.def_var(result, value);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.builder.use_var(result)
    }

    fn float_binary(&mut self, op: BinaryOp, left: Value, right: Value) -> Option<Val> {
        use BinaryOp as Op;
        let value = match op {
            Op::Add => self.builder.ins().fadd(left, right),
            Op::Subtract => self.builder.ins().fsub(left, right),
            Op::Multiply => self.builder.ins().fmul(left, right),
            Op::Divide => self.builder.ins().fdiv(left, right),
            Op::Modulo | Op::Power => {
                let number = self.builder.ins().iconst(types::I32, op as i64);
                self.call_value(Helper::FloatBinary, &[number, left, right])
            }
            _ => {
                signed(op)?;
                return Some(Val::Bool(self.float_compare(op, left, right)));
            }
        };
        Some(Val::Float(value))
    }

    /// The interpreter compares `(x - y) / max(|x|, |y|)` with `EPSILON`, and takes 1 for the maximum when `x * y` is 0.
    /// Where `EPSILON * max` is exact, comparing `x - y` with it gives the same answer: the quotient is rounded to
    /// the side of `EPSILON` that it is on, since the floats next to `EPSILON` are closer to it than the difference
    /// can be to the product. Outside of that range, and for infinities and NaN, the helper has the formula.
    fn float_compare(&mut self, op: BinaryOp, left: Value, right: Value) -> Value {
        let result = self.builder.declare_var(types::I8);
        let zero = self.builder.ins().f64const(0.0);
        let one = self.builder.ins().f64const(1.0);
        let product = self.builder.ins().fmul(left, right);
        let has_zero = self.builder.ins().fcmp(FloatCC::Equal, product, zero);
        let left_size = self.builder.ins().fabs(left);
        let right_size = self.builder.ins().fabs(right);
        let left_larger = self.builder.ins().fcmp(FloatCC::GreaterThan, left_size, right_size);
        let larger = self.builder.ins().select(left_larger, left_size, right_size);
        let size = self.builder.ins().select(has_zero, one, larger);
        let bits = self.builder.ins().bitcast(types::I64, cranelift_codegen::ir::MemFlagsData::new(), size);
        let above = self.builder.ins().iadd_imm_s(bits, -EXACT_BITS_MIN);
        let exact = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, above, EXACT_BITS_SPAN);
        let rare = self.cold_block();
        let usual = self.builder.create_block();
        let done = self.builder.create_block();
        self.builder.ins().brif(exact, usual, &[], rare, &[]);
        self.builder.switch_to_block(rare);
        let number = self.builder.ins().iconst(types::I32, op as i64);
        let value = self.call_value(Helper::FloatCompare, &[number, left, right]);
        self.builder.def_var(result, value);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(usual);
        let value = self.float_compare_exact(op, left, right, size);
        self.builder.def_var(result, value);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.builder.use_var(result)
    }

    fn float_compare_exact(&mut self, op: BinaryOp, left: Value, right: Value, size: Value) -> Value {
        let epsilon = self.builder.ins().f64const(f64::EPSILON);
        let bound = self.builder.ins().fmul(size, epsilon);
        let (from, to) = match op {
            BinaryOp::Less | BinaryOp::LessEqual => (right, left),
            _ => (left, right),
        };
        let difference = self.builder.ins().fsub(from, to);
        match op {
            BinaryOp::Equal => {
                let distance = self.builder.ins().fabs(difference);
                self.builder.ins().fcmp(FloatCC::LessThanOrEqual, distance, bound)
            }
            BinaryOp::NotEqual => {
                let distance = self.builder.ins().fabs(difference);
                self.builder.ins().fcmp(FloatCC::GreaterThan, distance, bound)
            }
            BinaryOp::Less | BinaryOp::Greater => {
                self.builder.ins().fcmp(FloatCC::GreaterThan, difference, bound)
            }
            _ => {
                let negative = self.builder.ins().fneg(bound);
                self.builder.ins().fcmp(FloatCC::GreaterThan, difference, negative)
            }
        }
    }

    /// `-value`, `None` for what is no number.
    pub(super) fn negate(&mut self, value: Val, position: u32) -> Option<Val> {
        match value {
            Val::Float(value) => Some(Val::Float(self.builder.ins().fneg(value))),
            Val::Int(value) => {
                let smallest = self.builder.ins().icmp_imm_s(IntCC::Equal, value, i64::MIN);
                let failed = self.cold_block();
                let fine = self.builder.create_block();
                self.builder.ins().brif(smallest, failed, &[], fine, &[]);
                self.builder.switch_to_block(failed);
                let position = self.position(position);
                let context = self.context;
                self.call_value(Helper::IntNegate, &[context, position]);
                self.jump_to_handler();
                self.builder.switch_to_block(fine);
                Some(Val::Int(self.builder.ins().ineg(value)))
            }
            _ => None,
        }
    }
}

fn signed(op: BinaryOp) -> Option<IntCC> {
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

fn unsigned(op: BinaryOp) -> Option<IntCC> {
    signed(op).map(IntCC::unsigned)
}
