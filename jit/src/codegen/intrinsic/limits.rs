//! What the interpreter does around each call: it counts an operation, and checks sizes.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use crate::codegen::function::FunctionGen;
use crate::codegen::helpers::Helper;
use crate::rt::context::Context;
use crate::ty::Ty;

impl FunctionGen<'_, '_> {
    /// A call of a function of the engine costs an operation.
    pub(in crate::codegen) fn spend(&mut self) {
        if !self.generator.options.count_operations {
            return;
        }
        let offset = std::mem::offset_of!(Context<'_>, fuel);
        let fuel = self.load(types::I64, self.context, offset);
        let left = self.builder.ins().iadd_imm_s(fuel, -1);
        self.store(left, self.context, offset);
    }

    pub(in crate::codegen) fn check_size(&mut self, address: Value, position: u32) {
        let position = self.position(position);
        let context = self.context;
        self.call_checked(Helper::CheckSize, &[context, address, position]);
    }

    /// Checks the size of what a function was called on, as far as it can be too large.
    pub(in crate::codegen) fn check_receiver(&mut self, address: Value, ty: &Ty, position: u32) {
        let limits = self.generator.options.limits;
        match ty {
            Ty::Str if limits.string == 0 => {}
            Ty::Array(element) if element.is_scalar() => {
                if limits.array == 0 {
                    return;
                }
                if self.layout.is_none() {
                    self.check_size(address, position);
                    return;
                }
                let length = self.array_parts(address).1;
                let limit = self.number(limits.array);
                let above = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, length, limit);
                let (failed, fine) = (self.cold_block(), self.builder.create_block());
                self.builder.ins().brif(above, failed, &[], fine, &[]);
                self.builder.switch_to_block(failed);
                self.check_size(address, position);
                self.builder.ins().jump(fine, &[]);
                self.builder.switch_to_block(fine);
            }
            _ => self.check_size(address, position),
        }
    }
}
