//! Arithmetic and comparisons of values in registers.
//!
//! No instruction that may trap is ever emitted: what could overflow or divide by zero is tested, and the rare case
//! goes to the helper that computes what the interpreter computes, or its error.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Value, ValueDef, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::value::Val;
use crate::ops::BinaryOp;

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
            BinaryOp::Add if self.int_constant(left).is_some() && self.int_constant(right).is_none() => {
                self.moved(op, right, left)
            }
            BinaryOp::Add | BinaryOp::Subtract if self.int_constant(right).is_some() => {
                self.moved(op, left, right)
            }
            BinaryOp::Add => self.builder.ins().sadd_overflow(left, right),
            BinaryOp::Subtract => self.builder.ins().ssub_overflow(left, right),
            _ => self.builder.ins().smul_overflow(left, right),
        };
        let failed = self.cold_block();
        let fine = self.builder.create_block();
        self.builder.ins().brif(overflow, failed, &[], fine, &[]);
        self.builder.switch_to_block(failed);
        self.int_error(op, left, right, position);
        self.builder.switch_to_block(fine);
        value
    }

    /// `value + amount` or `value - amount` for a constant amount, and whether it overflows: the result is then on the
    /// wrong side of the value, which takes one comparison to see.
    fn moved(&mut self, op: BinaryOp, value: Value, amount: Value) -> (Value, Value) {
        let adds = op == BinaryOp::Add;
        let result = if adds {
            self.builder.ins().iadd(value, amount)
        } else {
            self.builder.ins().isub(value, amount)
        };
        let grows = (self.int_constant(amount).unwrap_or(0) >= 0) == adds;
        let wrong = if grows { IntCC::SignedLessThan } else { IntCC::SignedGreaterThan };
        (result, self.builder.ins().icmp(wrong, result, value))
    }

    /// The integer that a value is known to be.
    pub(super) fn int_constant(&self, value: Value) -> Option<i64> {
        let dfg = &self.builder.func.dfg;
        let ValueDef::Result(instruction, _) = dfg.value_def(value) else { return None };
        match dfg.insts[instruction] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits()),
            _ => None,
        }
    }

    /// The float that a value is known to be.
    pub(super) fn float_constant(&self, value: Value) -> Option<f64> {
        let dfg = &self.builder.func.dfg;
        let ValueDef::Result(instruction, _) = dfg.value_def(value) else { return None };
        match dfg.insts[instruction] {
            InstructionData::UnaryIeee64 { opcode: Opcode::F64const, imm } => {
                Some(f64::from_bits(imm.bits()))
            }
            _ => None,
        }
    }

    /// Lets the runtime raise the error that this operation is known to end with. Control does not come back, so no
    /// register has to be saved for it.
    fn int_error(&mut self, op: BinaryOp, left: Value, right: Value, position: u32) {
        let out = self.scratch();
        let number = self.builder.ins().iconst(types::I32, op as i64);
        let position = self.position(position);
        let context = self.context;
        self.call_value(Helper::IntBinary, &[context, number, left, right, out, position]);
        self.jump_to_handler();
    }

    /// Lets the runtime compute it, or raise the error.
    fn int_by_helper(&mut self, op: BinaryOp, left: Value, right: Value, position: u32) -> Value {
        let out = self.scratch();
        let number = self.builder.ins().iconst(types::I32, op as i64);
        let position = self.position(position);
        let context = self.context;
        self.call_checked(Helper::IntBinary, &[context, number, left, right, out, position]);
        self.load(types::I64, out, 0)
    }

    fn divide(&mut self, op: BinaryOp, left: Value, right: Value, position: u32) -> Value {
        let result = self.builder.declare_var(types::I64);
        // 0 and -1 are the two divisors that can fail.
        let shifted = self.builder.ins().iadd_imm_s(right, 1);
        let special = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, shifted, 1);
        let (rare, negate, failed) = (self.cold_block(), self.cold_block(), self.cold_block());
        let (usual, done) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(special, rare, &[], usual, &[]);
        self.builder.switch_to_block(rare);
        let zero = self.builder.ins().icmp_imm_s(IntCC::Equal, right, 0);
        let smallest = self.builder.ins().icmp_imm_s(IntCC::Equal, left, i64::MIN);
        let fails = self.builder.ins().bor(zero, smallest);
        self.builder.ins().brif(fails, failed, &[], negate, &[]);
        self.builder.switch_to_block(failed);
        self.int_error(op, left, right, position);
        self.builder.switch_to_block(negate);
        let value = if op == BinaryOp::Divide {
            self.builder.ins().ineg(left)
        } else {
            self.builder.ins().iconst(types::I64, 0)
        };
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

pub(super) fn signed(op: BinaryOp) -> Option<IntCC> {
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
