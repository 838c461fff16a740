//! Reading and writing `Dynamic`s in memory: by their layout when it is known, through helpers otherwise.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::value::Val;
use crate::layout::Layout;
use crate::rt::values::ValueKind;

/// Accesses to memory that is known to be there. No alias regions: mixing them with plain accesses miscompiles.
pub(super) const TRUSTED: MemFlagsData = MemFlagsData::trusted();

impl FunctionGen<'_, '_> {
    pub(super) fn load(&mut self, ty: Type, address: Value, offset: usize) -> Value {
        let offset = i32::try_from(offset).expect("offsets within values are small");
        self.builder.ins().load(ty, TRUSTED, address, offset)
    }

    pub(super) fn store(&mut self, value: Value, address: Value, offset: usize) {
        let offset = i32::try_from(offset).expect("offsets within values are small");
        self.builder.ins().store(TRUSTED, value, address, offset);
    }

    /// Whether the value at `address` is of this kind.
    pub(super) fn is_kind(&mut self, address: Value, kind: ValueKind) -> Value {
        let Some(layout) = self.layout else {
            let found = self.call_value(Helper::Kind, &[address]);
            return self.builder.ins().icmp_imm_u(IntCC::Equal, found, kind as i64);
        };
        let tag = self.load(types::I8, address, layout.tag);
        self.builder.ins().icmp_imm_u(IntCC::Equal, tag, i64::from(layout.tag_of(kind)))
    }

    pub(super) fn get_int(&mut self, address: Value) -> Value {
        match self.layout {
            Some(layout) => self.load(types::I64, address, layout.payload),
            None => self.call_value(Helper::GetInt, &[address]),
        }
    }

    pub(super) fn get_float(&mut self, address: Value) -> Value {
        match self.layout {
            Some(layout) => self.load(types::F64, address, layout.payload),
            None => self.call_value(Helper::GetFloat, &[address]),
        }
    }

    pub(super) fn get_char(&mut self, address: Value) -> Value {
        match self.layout {
            Some(layout) => self.load(types::I32, address, layout.payload),
            None => self.call_value(Helper::GetChar, &[address]),
        }
    }

    pub(super) fn get_bool(&mut self, address: Value) -> Value {
        match self.layout {
            Some(layout) => self.load(types::I8, address, layout.bool_value),
            None => self.call_value(Helper::GetBool, &[address]),
        }
    }

    fn store_header(&mut self, address: Value, kind: ValueKind) -> bool {
        let Some(layout) = self.layout else { return false };
        let header = self.builder.ins().iconst(types::I64, header(layout, kind).cast_signed());
        self.store(header, address, 0);
        true
    }

    pub(super) fn set_unit(&mut self, address: Value) {
        if !self.store_header(address, ValueKind::Unit) {
            // The unit value is written by taking what is there, which is nothing that needs to be dropped.
            self.call(Helper::Drop, &[address]);
        }
    }

    pub(super) fn set_int(&mut self, address: Value, value: Value) {
        if self.store_header(address, ValueKind::Int) {
            self.store(value, address, 8);
        } else {
            self.call(Helper::SetInt, &[address, value]);
        }
    }

    pub(super) fn set_float(&mut self, address: Value, value: Value) {
        if self.store_header(address, ValueKind::Float) {
            self.store(value, address, 8);
        } else {
            self.call(Helper::SetFloat, &[address, value]);
        }
    }

    pub(super) fn set_char(&mut self, address: Value, value: Value) {
        if self.store_header(address, ValueKind::Char) {
            let wide = self.builder.ins().uextend(types::I64, value);
            self.store(wide, address, 8);
        } else {
            self.call(Helper::SetChar, &[address, value]);
        }
    }

    pub(super) fn set_bool(&mut self, address: Value, value: Value) {
        match self.layout {
            Some(layout) => {
                let wide = self.builder.ins().uextend(types::I64, value);
                let shift = i64::try_from(layout.bool_value * 8).unwrap_or(8);
                let shifted = self.builder.ins().ishl_imm_u(wide, shift);
                let header = header(layout, ValueKind::Bool).cast_signed();
                let header = self.builder.ins().bor_imm_s(shifted, header);
                self.store(header, address, 0);
            }
            None => self.call(Helper::SetBool, &[address, value]),
        }
    }

    /// Gives a scalar a new value of its own type; what is attached to it stays.
    pub(super) fn update(&mut self, address: Value, value: Val) {
        let layout = self.layout.expect("asked for only when the layout is known");
        match value {
            Val::Bool(value) => self.store(value, address, layout.bool_value),
            Val::Int(value) | Val::Float(value) | Val::Char(value) => {
                self.store(value, address, layout.payload);
            }
            _ => {}
        }
    }

    /// Whether the value at `address` is an integer or a float.
    pub(super) fn is_number(&mut self, address: Value) -> Value {
        let int = self.is_kind(address, ValueKind::Int);
        let float = self.is_kind(address, ValueKind::Float);
        self.builder.ins().bor(int, float)
    }

    /// Copies a number, writable whatever the original is.
    pub(super) fn copy_number(&mut self, to: Value, from: Value) {
        let layout = self.layout.expect("asked for only when the layout is known");
        let header = self.load(types::I64, from, 0);
        let mut access = [0; 8];
        access[layout.access_of(ValueKind::Int)] = 0xff;
        let mut writable = [0; 8];
        writable[layout.access_of(ValueKind::Int)] = layout.read_write;
        let kept = self.builder.ins().band_imm_s(header, (!u64::from_ne_bytes(access)).cast_signed());
        let header = self.builder.ins().bor_imm_s(kept, u64::from_ne_bytes(writable).cast_signed());
        let payload = self.load(types::I64, from, 8);
        self.store(header, to, 0);
        self.store(payload, to, 8);
    }

    /// Copies a value that lies somewhere else, flattened: at once when it is a number.
    pub(super) fn copy_value(&mut self, from: Value, to: Value) {
        if self.layout.is_none() {
            self.call(Helper::Copy, &[to, from]);
            return;
        }
        let number = self.is_number(from);
        let (fast, heap, done) =
            (self.builder.create_block(), self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(number, fast, &[], heap, &[]);
        self.builder.switch_to_block(fast);
        self.copy_number(to, from);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(heap);
        self.call(Helper::Copy, &[to, from]);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
    }

    /// Pointer to the items of an array and their number.
    pub(super) fn array_parts(&mut self, array: Value) -> (Value, Value) {
        let layout = self.layout.expect("asked for only when the layout is known");
        let vector = self.load(types::I64, array, layout.payload);
        let items = self.load(types::I64, vector, layout.vec_pointer);
        (items, self.load(types::I64, vector, layout.vec_length))
    }

    /// Moves a value to a place that holds unit; leaves unit behind.
    pub(super) fn move_value(&mut self, to: Value, from: Value) {
        // The bits of a `Dynamic` may be moved whatever they mean.
        let header = self.load(types::I64, from, 0);
        let payload = self.load(types::I64, from, 8);
        self.store(header, to, 0);
        self.store(payload, to, 8);
        if self.layout.is_some() {
            self.set_unit(from);
        } else {
            let one = self.builder.ins().iconst(types::I64, 1);
            self.call(Helper::ClearRange, &[from, one]);
        }
    }

    /// Drops what is at `address` and leaves unit.
    pub(super) fn drop_value(&mut self, address: Value) {
        if self.layout.is_none() {
            self.call(Helper::Drop, &[address]);
            return;
        }
        let bit = self.plain_bit(address);
        let is_plain = self.builder.ins().band_imm_u(bit, 1);
        let heap = self.cold_block();
        let done = self.builder.create_block();
        self.builder.ins().brif(is_plain, done, &[], heap, &[]);
        self.builder.switch_to_block(heap);
        self.call(Helper::Drop, &[address]);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
    }

    /// Whether the value at `address` owns nothing, in the lowest bit.
    pub(super) fn plain_bit(&mut self, address: Value) -> Value {
        let layout = self.layout.expect("asked for only when the layout is known");
        let tag = self.load(types::I8, address, layout.tag);
        let wide = self.builder.ins().uextend(types::I64, tag);
        let plain = self.builder.ins().iconst(types::I64, plain_tags(layout).cast_signed());
        self.builder.ins().ushr(plain, wide)
    }
}

/// The first 8 bytes of a fresh value of this kind.
fn header(layout: &Layout, kind: ValueKind) -> u64 {
    let mut bytes = [0; 8];
    bytes[layout.access_of(kind)] = layout.read_write;
    bytes[layout.tag] = layout.tag_of(kind);
    u64::from_ne_bytes(bytes)
}

/// The tags of kinds that own nothing, as bits.
fn plain_tags(layout: &Layout) -> u64 {
    let plain = [ValueKind::Unit, ValueKind::Bool, ValueKind::Int, ValueKind::Float, ValueKind::Char];
    plain.into_iter().map(|kind| 1 << layout.tag_of(kind)).sum()
}
