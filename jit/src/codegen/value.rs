//! Values during code generation.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use crate::rt::values::ValueKind;
use crate::ty::Ty;

/// Where a value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Val {
    /// The unit value, or a value of code that is never reached.
    Unit,
    Bool(Value),
    Int(Value),
    Float(Value),
    Char(Value),
    /// In a slot of the frame, owned.
    Temp(u32),
    /// Somewhere else, borrowed: to be used before anything can change it.
    Ref(Value),
    /// Somewhere else, borrowed like [`Val::Ref`], or in this slot, which is unit otherwise.
    Either(Value, u32),
    /// A constant of the program, borrowed for ever. Never a shared cell.
    Constant(Value),
}

impl Val {
    pub(super) fn is_scalar(self) -> bool {
        matches!(self, Self::Unit | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Char(_))
    }
}

/// The machine type of a scalar; the unit value has none.
pub(super) fn machine_type(ty: &Ty) -> Option<Type> {
    Some(match ty {
        Ty::Bool => types::I8,
        Ty::Int => types::I64,
        Ty::Float => types::F64,
        Ty::Char => types::I32,
        _ => return None,
    })
}

/// The kind of the values of a scalar type.
pub(super) fn scalar_kind(ty: &Ty) -> Option<ValueKind> {
    Some(match ty {
        Ty::Unit => ValueKind::Unit,
        Ty::Bool => ValueKind::Bool,
        Ty::Int => ValueKind::Int,
        Ty::Float => ValueKind::Float,
        Ty::Char => ValueKind::Char,
        _ => return None,
    })
}

impl FunctionGen<'_, '_> {
    /// A scalar of this type from its machine value.
    pub(super) fn scalar(ty: &Ty, value: Option<Value>) -> Val {
        match (ty, value) {
            (Ty::Bool, Some(value)) => Val::Bool(value),
            (Ty::Int, Some(value)) => Val::Int(value),
            (Ty::Float, Some(value)) => Val::Float(value),
            (Ty::Char, Some(value)) => Val::Char(value),
            _ => Val::Unit,
        }
    }

    /// The machine value of a scalar of this type. Anything else is code that is never reached.
    pub(super) fn machine_value(&mut self, value: Val, ty: &Ty) -> Option<Value> {
        let wanted = machine_type(ty)?;
        match (value, ty) {
            (Val::Bool(value), Ty::Bool)
            | (Val::Int(value), Ty::Int)
            | (Val::Float(value), Ty::Float)
            | (Val::Char(value), Ty::Char) => return Some(value),
            (Val::Temp(_) | Val::Ref(_) | Val::Either(..) | Val::Constant(_), _) => {
                let scalar = self.unbox(value, ty, 0);
                return self.machine_value(scalar, ty);
            }
            _ => {}
        }
        Some(if wanted == types::F64 {
            self.builder.ins().f64const(0.0)
        } else {
            self.builder.ins().iconst(wanted, 0)
        })
    }

    /// The address of a value that is in memory already.
    pub(super) fn address(&mut self, value: Val) -> Option<Value> {
        match value {
            Val::Temp(slot) => Some(self.slot_address(slot)),
            Val::Ref(address) | Val::Either(address, _) | Val::Constant(address) => Some(address),
            _ => None,
        }
    }

    /// A pointer to the value as a `Dynamic`; scalars are put into a slot.
    pub(super) fn boxed(&mut self, value: Val) -> (Value, Val) {
        if let Some(address) = self.address(value) {
            return (address, value);
        }
        let slot = self.temp();
        let address = self.slot_address(slot);
        self.put(value, address);
        (address, Val::Unit)
    }

    /// An owned slot that holds the value.
    pub(super) fn owned(&mut self, value: Val) -> u32 {
        if let Val::Temp(slot) = value {
            return slot;
        }
        let slot = self.temp();
        let address = self.slot_address(slot);
        self.put(value, address);
        slot
    }

    /// Stores a value, flattened, to a place that holds nothing that needs to be dropped.
    pub(super) fn put(&mut self, value: Val, address: Value) {
        match value {
            Val::Unit => self.set_unit(address),
            Val::Bool(value) => self.set_bool(address, value),
            Val::Int(value) => self.set_int(address, value),
            Val::Float(value) => self.set_float(address, value),
            Val::Char(value) => self.set_char(address, value),
            Val::Temp(slot) => {
                let from = self.slot_address(slot);
                self.move_value(address, from);
            }
            Val::Ref(from) => self.copy_value(from, address),
            Val::Either(from, slot) => {
                self.copy_value(from, address);
                self.discard(Val::Temp(slot));
            }
            Val::Constant(from) => self.call(Helper::Clone, &[address, from]),
        }
    }

    /// Ends the life of a value that nobody wants.
    pub(super) fn discard(&mut self, value: Val) {
        if let Val::Temp(slot) | Val::Either(_, slot) = value {
            let address = self.slot_address(slot);
            self.drop_value(address);
        }
    }

    pub(super) fn discard_all(&mut self, values: &[Val]) {
        for value in values {
            self.discard(*value);
        }
    }

    /// Makes a borrowed value independent of what happens next.
    pub(super) fn keep(&mut self, value: Val) -> Val {
        match value {
            Val::Ref(_) | Val::Either(..) => Val::Temp(self.owned(value)),
            other => other,
        }
    }

    /// The scalar in a `Dynamic` that is known to be one of type `ty`. The knowledge is checked: a wrong guess of the
    /// compiler ends the program with an error instead of reading a pointer as a number.
    pub(super) fn unbox(&mut self, value: Val, ty: &Ty, position: u32) -> Val {
        let Some(address) = self.address(value) else { return value };
        let Some(kind) = scalar_kind(ty) else { return value };
        let is = self.is_kind(address, kind);
        let wrong = self.cold_block();
        let right = self.builder.create_block();
        self.builder.ins().brif(is, right, &[], wrong, &[]);
        self.builder.switch_to_block(wrong);
        let position = self.position(position);
        let context = self.context;
        self.call_value(Helper::Unexpected, &[context, address, position]);
        self.jump_to_handler();
        self.builder.switch_to_block(right);
        let scalar = self.scalar_at(address, ty);
        if matches!(value, Val::Temp(_)) && self.layout.is_none() {
            self.discard(value);
        }
        scalar
    }

    /// The scalar of this type at a place that certainly holds one.
    pub(super) fn scalar_at(&mut self, address: Value, ty: &Ty) -> Val {
        match ty {
            Ty::Bool => Val::Bool(self.get_bool(address)),
            Ty::Int => Val::Int(self.get_int(address)),
            Ty::Float => Val::Float(self.get_float(address)),
            Ty::Char => Val::Char(self.get_char(address)),
            _ => Val::Unit,
        }
    }

    /// Takes the marks of constants from a value that becomes that of a variable. Copies have none.
    pub(super) fn unmark(&mut self, value: Val) {
        if let (Val::Temp(slot), true) = (value, self.generator.unit.reads_globals) {
            let address = self.slot_address(slot);
            let writable = self.builder.ins().iconst(types::I8, 0);
            self.call(Helper::SetAccess, &[address, writable]);
        }
    }

    /// A result in memory, as the type that inference found for it.
    pub(super) fn typed(&mut self, value: Val, ty: &Ty, position: u32) -> Val {
        if ty.is_scalar() && !value.is_scalar() { self.unbox(value, ty, position) } else { value }
    }

    /// The value as a condition, 0 or 1.
    pub(super) fn condition(&mut self, value: Val, position: u32) -> Value {
        if let Val::Bool(value) = value {
            return value;
        }
        let (address, value) = self.boxed(value);
        let position = self.position(position);
        let context = self.context;
        let found = self.call_value(Helper::ExpectBool, &[context, address, position]);
        let failed = self.builder.ins().icmp_imm_u(IntCC::Equal, found, 2);
        self.fail_if(failed);
        self.discard(value);
        found
    }
}
