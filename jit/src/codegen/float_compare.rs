//! Comparisons of floats, which the interpreter makes with a tolerance.
//!
//! It compares `(x - y) / max(|x|, |y|)` with `EPSILON`, and takes 1 for the maximum when `x * y` is 0. Values further
//! apart than `EPSILON * (|x| + |y| + 1)` differ by that rule too, and compare like numbers; the rest, infinities and
//! NaN get the formula. No helper is called, since a call would cost registers in every loop around.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};

use super::function::FunctionGen;
use crate::ops::BinaryOp;

impl FunctionGen<'_, '_> {
    /// The comparison as a truth value.
    pub(super) fn float_compare(&mut self, op: BinaryOp, left: Value, right: Value) -> Value {
        let result = self.builder.declare_var(types::I8);
        let (yes, no) = (self.builder.create_block(), self.builder.create_block());
        let done = self.builder.create_block();
        self.float_branch(op, left, right, yes, no);
        for (block, truth) in [(yes, 1), (no, 0)] {
            self.builder.switch_to_block(block);
            let truth = self.builder.ins().iconst(types::I8, truth);
            self.builder.def_var(result, truth);
            self.builder.ins().jump(done, &[]);
        }
        self.builder.switch_to_block(done);
        self.builder.use_var(result)
    }

    /// Goes to `yes` or `no`.
    pub(super) fn float_branch(&mut self, op: BinaryOp, left: Value, right: Value, yes: Block, no: Block) {
        let rare = self.cold_block();
        if let Some(bounds) = self.float_constant(right).and_then(Bounds::around) {
            self.apart_from_constant(left, bounds, if_less(op, yes, no), if_greater(op, yes, no), rare);
        } else if let Some(bounds) = self.float_constant(left).and_then(Bounds::around) {
            // The constant is less when the value is greater.
            self.apart_from_constant(right, bounds, if_greater(op, yes, no), if_less(op, yes, no), rare);
        } else {
            self.apart(op, (left, right), (yes, no), rare);
        }
        self.builder.switch_to_block(rare);
        let value = self.float_formula(op, left, right);
        self.builder.ins().brif(value, yes, &[], no, &[]);
    }

    /// Leaves for `less` or `greater` where one look at the value tells; for `rare` where it does not.
    fn apart_from_constant(
        &mut self,
        value: Value,
        bounds: Bounds,
        less: Block,
        greater: Block,
        rare: Block,
    ) {
        let sides = [
            (FloatCC::LessThan, bounds.low, FloatCC::GreaterThanOrEqual, f64::MIN, less),
            (FloatCC::GreaterThan, bounds.high, FloatCC::LessThanOrEqual, f64::MAX, greater),
        ];
        for (beyond, bound, within, last, target) in sides {
            let (is_beyond, other) = (self.builder.create_block(), self.builder.create_block());
            let bound = self.builder.ins().f64const(bound);
            let found = self.builder.ins().fcmp(beyond, value, bound);
            self.builder.ins().brif(found, is_beyond, &[], other, &[]);
            self.builder.switch_to_block(is_beyond);
            let last = self.builder.ins().f64const(last);
            let finite = self.builder.ins().fcmp(within, value, last);
            self.builder.ins().brif(finite, target, &[], rare, &[]);
            self.builder.switch_to_block(other);
        }
        self.builder.ins().jump(rare, &[]);
    }

    /// Leaves for `yes` or `no` where the values are far enough from each other, for `rare` where they are not.
    fn apart(&mut self, op: BinaryOp, (left, right): (Value, Value), (yes, no): (Block, Block), rare: Block) {
        let epsilon = self.builder.ins().f64const(f64::EPSILON);
        let one = self.builder.ins().f64const(1.0);
        let difference = self.builder.ins().fsub(left, right);
        let distance = self.builder.ins().fabs(difference);
        let (left_size, right_size) = (self.builder.ins().fabs(left), self.builder.ins().fabs(right));
        let right_bound = self.builder.ins().fadd(right_size, one);
        let size = self.builder.ins().fadd(left_size, right_bound);
        let bound = self.builder.ins().fmul(size, epsilon);
        let apart = self.builder.ins().fcmp(FloatCC::GreaterThan, distance, bound);
        let usual = self.builder.create_block();
        self.builder.ins().brif(apart, usual, &[], rare, &[]);
        self.builder.switch_to_block(usual);
        let less = self.builder.ins().fcmp(FloatCC::LessThan, left, right);
        self.builder.ins().brif(less, if_less(op, yes, no), &[], if_greater(op, yes, no), &[]);
    }

    /// The comparison exactly as the interpreter computes it.
    fn float_formula(&mut self, op: BinaryOp, left: Value, right: Value) -> Value {
        let zero = self.builder.ins().f64const(0.0);
        let one = self.builder.ins().f64const(1.0);
        let epsilon = self.builder.ins().f64const(f64::EPSILON);
        let product = self.builder.ins().fmul(left, right);
        let vanishes = self.builder.ins().fcmp(FloatCC::Equal, product, zero);
        let (left_size, right_size) = (self.builder.ins().fabs(left), self.builder.ins().fabs(right));
        // The larger size; a NaN gives way to the other, as in `f64::max`.
        let larger = self.builder.ins().fcmp(FloatCC::GreaterThan, left_size, right_size);
        let size = self.builder.ins().select(larger, left_size, right_size);
        let not_a_number = self.builder.ins().fcmp(FloatCC::Unordered, right_size, right_size);
        let size = self.builder.ins().select(not_a_number, left_size, size);
        let max = self.builder.ins().select(vanishes, one, size);
        let (from, to) = match op {
            BinaryOp::Less | BinaryOp::LessEqual => (right, left),
            _ => (left, right),
        };
        let difference = self.builder.ins().fsub(from, to);
        let found = match op {
            BinaryOp::Equal | BinaryOp::NotEqual => {
                let distance = self.builder.ins().fabs(difference);
                let relative = self.builder.ins().fdiv(distance, max);
                let than =
                    if op == BinaryOp::Equal { FloatCC::LessThanOrEqual } else { FloatCC::GreaterThan };
                self.builder.ins().fcmp(than, relative, epsilon)
            }
            _ => {
                let relative = self.builder.ins().fdiv(difference, max);
                let strict = matches!(op, BinaryOp::Less | BinaryOp::Greater);
                let bound = if strict { epsilon } else { self.builder.ins().fneg(epsilon) };
                self.builder.ins().fcmp(FloatCC::GreaterThan, relative, bound)
            }
        };
        let same = matches!(op, BinaryOp::Equal | BinaryOp::LessEqual | BinaryOp::GreaterEqual);
        let same = self.builder.ins().iconst(types::I8, i64::from(same));
        let nothing = self.builder.ins().fcmp(FloatCC::Equal, max, zero);
        self.builder.ins().select(nothing, same, found)
    }
}

/// Beyond these, a finite value differs from the constant by more than any tolerance.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    low: f64,
    high: f64,
}

impl Bounds {
    /// The bounds around a constant; none for one so large that differences from it may overflow.
    fn around(constant: f64) -> Option<Self> {
        // For `x` at a distance `d` from the constant `c`, `EPSILON * (|x| + |c| + 1)` is at most
        // `EPSILON * (2 * |c| + 1 + d)`: below `d` when that is 8 times `EPSILON * (|c| + 1)` or more, with room for
        // rounding.
        let margin = 8.0 * f64::EPSILON * (constant.abs() + 1.0);
        (constant.abs() < 1e290).then_some(Self { low: constant - margin, high: constant + margin })
    }
}

/// Where a comparison leads when the left side is less.
fn if_less(op: BinaryOp, yes: Block, no: Block) -> Block {
    match op {
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::NotEqual => yes,
        _ => no,
    }
}

/// Where a comparison leads when the left side is greater.
fn if_greater(op: BinaryOp, yes: Block, no: Block) -> Block {
    match op {
        BinaryOp::Greater | BinaryOp::GreaterEqual | BinaryOp::NotEqual => yes,
        _ => no,
    }
}
