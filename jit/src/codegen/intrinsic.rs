//! Calls of the standard library's functions on values of known type.
//!
//! Where inference knows what a function is called on, and the engine has the library's function for it, the call
//! becomes a few instructions or a helper that does just that: nothing is looked up, and scalars stay in registers.
//! What a constant may not be used for, and whatever is not listed here, goes the general way.

mod array;
mod function;
mod limits;
mod map;
mod method;
mod number;
mod text;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::value::Val;
use crate::ty::Ty;

#[cfg(test)]
mod tests;

/// How a function of the library is generated.
#[derive(Debug, Clone, Copy)]
enum Intrinsic {
    Number(number::Number),
    /// The number of items, and whether only that it is 0 is asked for.
    ArrayLength(bool),
    Push,
    Direct(Direct),
}

/// What a call needs of the value that it is called on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Any value.
    Value,
    /// No constant, though it is only read.
    Variable,
    /// A variable that is changed.
    Place,
}

/// How an argument is passed.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// In a register.
    Register,
    /// By address.
    Borrowed,
    /// By address; it is taken.
    Owned,
}

/// What a helper gives.
#[derive(Debug, Clone, Copy)]
enum Gives {
    Nothing,
    Bool,
    Int,
    Float,
    Char,
    /// A value in a slot.
    Value,
}

/// A helper that does what the function does.
#[derive(Debug, Clone, Copy)]
struct Direct {
    helper: Helper,
    needs: Needs,
    arguments: &'static [Mode],
    gives: Gives,
    /// Whether it may fail: it wants the context and the position, and writes a scalar result to memory.
    fails: bool,
}

impl Direct {
    const fn reads(helper: Helper, arguments: &'static [Mode], gives: Gives) -> Self {
        Self { helper, needs: Needs::Value, arguments, gives, fails: false }
    }

    const fn changes(helper: Helper, arguments: &'static [Mode], gives: Gives) -> Self {
        Self { needs: Needs::Place, ..Self::reads(helper, arguments, gives) }
    }

    const fn of_variable(self) -> Self {
        Self { needs: Needs::Variable, ..self }
    }

    const fn fallible(self) -> Self {
        Self { fails: true, ..self }
    }
}

/// One call, with its values at hand.
struct Call<'a> {
    receiver: Val,
    ty: &'a Ty,
    arguments: Vec<Val>,
    types: &'a [&'a Ty],
    /// Whether the receiver is a part of something that goes on living, whose size is checked.
    by_reference: bool,
    /// Whether that has been measured and has not changed since.
    is_measured: bool,
    position: u32,
}

impl FunctionGen<'_, '_> {
    fn select(&self, name: &str, receiver: &Ty, arguments: &[&Ty]) -> Option<Intrinsic> {
        match receiver {
            Ty::Int | Ty::Float | Ty::Char | Ty::Bool => number::select(name, receiver, arguments),
            Ty::Str => text::select(name, arguments).map(Intrinsic::Direct),
            Ty::Array(element) => match (name, arguments) {
                ("len", []) if self.layout.is_some() => Some(Intrinsic::ArrayLength(false)),
                ("is_empty", []) if self.layout.is_some() => Some(Intrinsic::ArrayLength(true)),
                ("push", [_]) if self.layout.is_some() => Some(Intrinsic::Push),
                ("contains" | "index_of", [value]) => {
                    // Items are compared by the operator.
                    let plain = self.generator.typed.standard.has("==", value, 1);
                    array::search(name, element, value).filter(|_| plain).map(Intrinsic::Direct)
                }
                _ => array::select(name, arguments).map(Intrinsic::Direct),
            },
            Ty::Map(_) => map::select(name, arguments).map(Intrinsic::Direct),
            _ => None,
        }
    }

    /// Whether there is a way to generate the call.
    pub(super) fn is_intrinsic(&self, name: &str, receiver: &Ty, arguments: &[&Ty]) -> bool {
        self.select(name, receiver, arguments).is_some()
    }

    fn apply(&mut self, intrinsic: Intrinsic, call: Call<'_>, out: u32) -> Val {
        self.spend();
        let (ty, position) = (call.ty, call.position);
        // What changes is measured anew.
        let by_reference = call.by_reference && !(call.is_measured && intrinsic.needs() == Needs::Value);
        let receiver = call.receiver;
        let value = match intrinsic {
            Intrinsic::Number(number) => return self.number_intrinsic(number, &call),
            Intrinsic::ArrayLength(is_empty) => {
                let address = self.address(receiver).expect("arrays are in memory");
                let length = self.array_parts(address).1;
                if is_empty {
                    Val::Bool(self.builder.ins().icmp_imm_u(IntCC::Equal, length, 0))
                } else {
                    Val::Int(length)
                }
            }
            Intrinsic::Push => {
                let address = self.address(receiver).expect("arrays are in memory");
                self.push(address, call.arguments[0]);
                Val::Unit
            }
            Intrinsic::Direct(direct) => self.direct(&direct, call, out),
        };
        if self.generator.options.limits.any() {
            if let Val::Temp(slot) = value {
                let address = self.slot_address(slot);
                self.check_size(address, position);
            }
            if let Some(address) = self.address(receiver).filter(|_| by_reference) {
                self.check_receiver(address, ty, position);
            }
        }
        value
    }

    /// Calls a helper.
    fn direct(&mut self, direct: &Direct, call: Call<'_>, out: u32) -> Val {
        let mut passed = Vec::new();
        let mut left = Vec::new();
        if direct.fails {
            passed.push(self.context);
        }
        let receiver = match (self.address(call.receiver), super::value::machine_type(call.ty)) {
            (Some(address), None) => address,
            (_, Some(_)) => self.machine_value(call.receiver, call.ty).expect("it is a scalar"),
            (None, None) => self.boxed(call.receiver).0,
        };
        passed.push(receiver);
        for ((value, mode), ty) in call.arguments.iter().zip(direct.arguments).zip(call.types) {
            match mode {
                Mode::Register => passed.extend(self.machine_value(*value, ty)),
                Mode::Borrowed => {
                    let (address, value) = self.boxed(*value);
                    passed.push(address);
                    left.push(value);
                }
                Mode::Owned => {
                    let slot = self.owned(*value);
                    passed.push(self.slot_address(slot));
                }
            }
        }
        let slot = self.slot_address(out);
        // A scalar result of what may fail is written over the payload of the empty slot.
        let scalar = self.builder.ins().iadd_imm_s(slot, 8);
        match direct.gives {
            Gives::Value => passed.push(slot),
            _ if direct.fails => passed.push(scalar),
            _ => {}
        }
        if direct.fails {
            passed.push(self.position(call.position));
            self.call_checked(direct.helper, &passed);
        }
        let value = match direct.gives {
            Gives::Value if direct.fails => Val::Temp(out),
            Gives::Nothing if direct.fails => Val::Unit,
            Gives::Value => {
                self.call(direct.helper, &passed);
                Val::Temp(out)
            }
            Gives::Nothing => {
                self.call(direct.helper, &passed);
                Val::Unit
            }
            Gives::Int if direct.fails => Val::Int(self.load(types::I64, scalar, 0)),
            Gives::Float if direct.fails => Val::Float(self.load(types::F64, scalar, 0)),
            Gives::Int => Val::Int(self.call_value(direct.helper, &passed)),
            Gives::Float => Val::Float(self.call_value(direct.helper, &passed)),
            Gives::Char => Val::Char(self.call_value(direct.helper, &passed)),
            Gives::Bool => Val::Bool(self.call_value(direct.helper, &passed)),
        };
        self.discard_all(&left);
        value
    }
}

impl Intrinsic {
    fn needs(self) -> Needs {
        match self {
            Self::Number(_) | Self::ArrayLength(_) => Needs::Value,
            Self::Push => Needs::Place,
            Self::Direct(direct) => direct.needs,
        }
    }
}
