//! Functions on integers, floats, characters and truth values.
//!
//! What is generated inline is exact: the same IEEE operation, or the same comparisons, as in the library.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::Mode::Register;
use super::{Call, Direct, Gives, Intrinsic};
use crate::codegen::function::FunctionGen;
use crate::codegen::helpers::Helper;
use crate::codegen::value::Val;
use crate::ty::Ty;

/// What is generated inline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Same,
    IntToFloat,
    CharToInt,
    IntAbs,
    IntSign,
    IsZero,
    IsOdd,
    IsEven,
    Min,
    Max,
    Sqrt,
    Floor,
    Ceiling,
    Truncate,
    Fraction,
    FloatAbs,
    FloatSign,
    FloatToInt,
    IsNan,
    IsFinite,
    IsInfinite,
}

/// How a function on a scalar is generated.
pub(super) fn select(name: &str, receiver: &Ty, arguments: &[&Ty]) -> Option<Intrinsic> {
    let inline = match (receiver, name, arguments) {
        (Ty::Int, "to_int", []) | (Ty::Float, "to_float", []) => Number::Same,
        (Ty::Int, "to_float", []) => Number::IntToFloat,
        (Ty::Int, "abs", []) => Number::IntAbs,
        (Ty::Int, "sign", []) => Number::IntSign,
        (Ty::Int | Ty::Float, "is_zero", []) => Number::IsZero,
        (Ty::Int, "is_odd", []) => Number::IsOdd,
        (Ty::Int, "is_even", []) => Number::IsEven,
        (Ty::Int | Ty::Float, "min", [Ty::Int | Ty::Float]) | (Ty::Char, "min", [Ty::Char]) => Number::Min,
        (Ty::Int | Ty::Float, "max", [Ty::Int | Ty::Float]) | (Ty::Char, "max", [Ty::Char]) => Number::Max,
        (Ty::Char, "to_int", []) => Number::CharToInt,
        (Ty::Float, "sqrt", []) => Number::Sqrt,
        (Ty::Float, "floor", []) => Number::Floor,
        (Ty::Float, "ceiling", []) => Number::Ceiling,
        (Ty::Float, "int", []) => Number::Truncate,
        (Ty::Float, "fraction", []) => Number::Fraction,
        (Ty::Float, "abs", []) => Number::FloatAbs,
        (Ty::Float, "sign", []) => Number::FloatSign,
        (Ty::Float, "to_int", []) => Number::FloatToInt,
        (Ty::Float, "is_nan", []) => Number::IsNan,
        (Ty::Float, "is_finite", []) => Number::IsFinite,
        (Ty::Float, "is_infinite", []) => Number::IsInfinite,
        _ => return direct(name, receiver, arguments).map(Intrinsic::Direct),
    };
    Some(Intrinsic::Number(inline))
}

fn direct(name: &str, receiver: &Ty, arguments: &[&Ty]) -> Option<Direct> {
    let of_one = |helper| Direct::reads(helper, &[], Gives::Float);
    let of_two = |helper| Direct::reads(helper, &[Register], Gives::Float);
    let text = |helper| Direct::reads(helper, &[], Gives::Value);
    Some(match (receiver, name, arguments) {
        (Ty::Float, "sin", []) => of_one(Helper::Sin),
        (Ty::Float, "cos", []) => of_one(Helper::Cos),
        (Ty::Float, "tan", []) => of_one(Helper::Tan),
        (Ty::Float, "sinh", []) => of_one(Helper::Sinh),
        (Ty::Float, "cosh", []) => of_one(Helper::Cosh),
        (Ty::Float, "tanh", []) => of_one(Helper::Tanh),
        (Ty::Float, "asin", []) => of_one(Helper::Asin),
        (Ty::Float, "acos", []) => of_one(Helper::Acos),
        (Ty::Float, "atan", []) => of_one(Helper::Atan),
        (Ty::Float, "exp", []) => of_one(Helper::Exp),
        (Ty::Float, "ln", []) => of_one(Helper::Ln),
        (Ty::Float, "log", []) => of_one(Helper::Log10),
        (Ty::Float, "round", []) => of_one(Helper::Round),
        (Ty::Float, "to_degrees", []) => of_one(Helper::ToDegrees),
        (Ty::Float, "to_radians", []) => of_one(Helper::ToRadians),
        (Ty::Float, "atan", [Ty::Float]) => of_two(Helper::Atan2),
        (Ty::Float, "hypot", [Ty::Float]) => of_two(Helper::Hypot),
        (Ty::Float, "log", [Ty::Float]) => of_two(Helper::LogBase),
        (Ty::Char, "to_upper", []) => Direct::reads(Helper::CharUpper, &[], Gives::Char),
        (Ty::Char, "to_lower", []) => Direct::reads(Helper::CharLower, &[], Gives::Char),
        (Ty::Int, "to_string", []) => text(Helper::IntText),
        (Ty::Float, "to_string", []) => text(Helper::FloatText),
        (Ty::Char, "to_string", []) => text(Helper::CharText),
        (Ty::Bool, "to_string", []) => text(Helper::BoolText),
        _ => return None,
    })
}

impl FunctionGen<'_, '_> {
    pub(super) fn number_intrinsic(&mut self, number: Number, call: &Call<'_>) -> Val {
        let other = call.arguments.first().map(|value| {
            let value = self.machine_value(*value, call.types[0]);
            Self::scalar(call.types[0], value)
        });
        match (call.receiver, other) {
            (Val::Int(value), None) => self.of_int(number, value, call.position),
            (Val::Float(value), None) => self.of_float(number, value, call.position),
            (Val::Char(value), None) => Val::Int(self.builder.ins().uextend(types::I64, value)),
            (receiver, Some(other)) => self.smaller(number == Number::Min, receiver, other),
            // Code that is never reached.
            _ => Val::Unit,
        }
    }

    fn of_int(&mut self, number: Number, value: Value, position: u32) -> Val {
        match number {
            Number::IntToFloat => Val::Float(self.builder.ins().fcvt_from_sint(types::F64, value)),
            Number::IntAbs => {
                let least = self.builder.ins().icmp_imm_s(IntCC::Equal, value, i64::MIN);
                self.fail_when(least, Helper::AbsOverflow, &[], position);
                Val::Int(self.builder.ins().iabs(value))
            }
            Number::IntSign => {
                let above = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, value, 0);
                let above = self.builder.ins().uextend(types::I64, above);
                let below = self.builder.ins().sshr_imm_u(value, 63);
                Val::Int(self.builder.ins().bor(above, below))
            }
            Number::IsZero => Val::Bool(self.builder.ins().icmp_imm_s(IntCC::Equal, value, 0)),
            Number::IsOdd => {
                let bit = self.builder.ins().band_imm_u(value, 1);
                Val::Bool(self.builder.ins().ireduce(types::I8, bit))
            }
            Number::IsEven => {
                let bit = self.builder.ins().band_imm_u(value, 1);
                Val::Bool(self.builder.ins().icmp_imm_u(IntCC::Equal, bit, 0))
            }
            _ => Val::Int(value),
        }
    }

    fn of_float(&mut self, number: Number, value: Value, position: u32) -> Val {
        let infinity = |this: &mut Self| this.builder.ins().f64const(f64::INFINITY);
        match number {
            Number::Sqrt => Val::Float(self.builder.ins().sqrt(value)),
            Number::Floor => Val::Float(self.builder.ins().floor(value)),
            Number::Ceiling => Val::Float(self.builder.ins().ceil(value)),
            Number::Truncate => Val::Float(self.builder.ins().trunc(value)),
            Number::Fraction => {
                let whole = self.builder.ins().trunc(value);
                Val::Float(self.builder.ins().fsub(value, whole))
            }
            Number::FloatAbs => Val::Float(self.builder.ins().fabs(value)),
            Number::FloatSign => self.float_sign(value, position),
            Number::FloatToInt => {
                let high = self.builder.ins().f64const(TWO_TO_63);
                let low = self.builder.ins().f64const(-TWO_TO_63);
                let above = self.builder.ins().fcmp(FloatCC::GreaterThan, value, high);
                let below = self.builder.ins().fcmp(FloatCC::LessThan, value, low);
                let outside = self.builder.ins().bor(above, below);
                self.fail_when(outside, Helper::ToIntOverflow, &[value], position);
                Val::Int(self.builder.ins().fcvt_to_sint_sat(types::I64, value))
            }
            Number::IsZero => {
                let zero = self.builder.ins().f64const(0.0);
                Val::Bool(self.builder.ins().fcmp(FloatCC::Equal, value, zero))
            }
            Number::IsNan => Val::Bool(self.builder.ins().fcmp(FloatCC::Unordered, value, value)),
            Number::IsFinite | Number::IsInfinite => {
                let size = self.builder.ins().fabs(value);
                let bound = infinity(self);
                let condition = if number == Number::IsFinite { FloatCC::LessThan } else { FloatCC::Equal };
                Val::Bool(self.builder.ins().fcmp(condition, size, bound))
            }
            _ => Val::Float(value),
        }
    }

    fn float_sign(&mut self, value: Value, position: u32) -> Val {
        let nan = self.builder.ins().fcmp(FloatCC::Unordered, value, value);
        self.fail_when(nan, Helper::SignOfNan, &[], position);
        let zero = self.builder.ins().f64const(0.0);
        let above = self.builder.ins().fcmp(FloatCC::GreaterThan, value, zero);
        let above = self.builder.ins().uextend(types::I64, above);
        let below = self.builder.ins().fcmp(FloatCC::LessThan, value, zero);
        let below = self.builder.ins().uextend(types::I64, below);
        Val::Int(self.builder.ins().isub(above, below))
    }

    /// The smaller or larger of two numbers or characters; the second one where they do not compare.
    fn smaller(&mut self, is_min: bool, left: Val, right: Val) -> Val {
        let float = |this: &mut Self, value: Value| this.builder.ins().fcvt_from_sint(types::F64, value);
        let (left, right) = match (left, right) {
            (Val::Int(left), Val::Int(right)) => {
                return Val::Int(if is_min {
                    self.builder.ins().smin(left, right)
                } else {
                    self.builder.ins().smax(left, right)
                });
            }
            (Val::Char(left), Val::Char(right)) => {
                return Val::Char(if is_min {
                    self.builder.ins().umin(left, right)
                } else {
                    self.builder.ins().umax(left, right)
                });
            }
            (Val::Int(left), Val::Float(right)) => (float(self, left), right),
            (Val::Float(left), Val::Int(right)) => (left, float(self, right)),
            (Val::Float(left), Val::Float(right)) => (left, right),
            _ => return Val::Unit,
        };
        let condition = if is_min { FloatCC::LessThanOrEqual } else { FloatCC::GreaterThanOrEqual };
        let chosen = self.builder.ins().fcmp(condition, left, right);
        Val::Float(self.builder.ins().select(chosen, left, right))
    }

    /// Leaves with the error that a helper raises.
    fn fail_when(&mut self, condition: Value, helper: Helper, values: &[Value], position: u32) {
        let (failed, fine) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(condition, failed, &[], fine, &[]);
        self.builder.switch_to_block(failed);
        let mut passed = vec![self.context];
        passed.extend(values);
        passed.push(self.position(position));
        self.call_value(helper, &passed);
        self.jump_to_handler();
        self.builder.switch_to_block(fine);
    }
}

/// The least float above all integers.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
