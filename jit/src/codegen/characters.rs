//! Walking the characters of a string. Those that are one byte long are read where they lie.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, StackSlotData, StackSlotKind, Value, types};
use cranelift_frontend::Variable;

use super::function::FunctionGen;
use super::helpers::Helper;

/// A string that is walked.
pub(super) struct Walked {
    /// The slot that holds it.
    text: u32,
    bytes: Value,
    length: Value,
    /// Where a helper finds the place that it is to read at.
    place: Value,
}

impl FunctionGen<'_, '_> {
    /// Starts to walk the string in this slot, which stays as it is.
    pub(super) fn text_walk(&mut self, text: u32) -> Walked {
        let slot =
            self.builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 24, 3));
        let parts = self.builder.ins().stack_addr(types::I64, slot, 0);
        let address = self.slot_address(text);
        self.call(Helper::TextParts, &[address, parts]);
        let bytes = self.load(types::I64, parts, 0);
        let length = self.load(types::I64, parts, 8);
        let place = self.builder.ins().stack_addr(types::I64, slot, 16);
        Walked { text, bytes, length, place }
    }

    /// Goes to `body` with the next character, and to `over` when there is none. `index` is moved on.
    pub(super) fn next_character(
        &mut self,
        walked: &Walked,
        index: Variable,
        (body, over): (Block, Block),
    ) -> Value {
        let (take, short, long) =
            (self.builder.create_block(), self.builder.create_block(), self.cold_block());
        let character = self.builder.append_block_param(body, types::I32);
        let now = self.builder.use_var(index);
        let more = self.builder.ins().icmp(IntCC::UnsignedLessThan, now, walked.length);
        self.builder.ins().brif(more, take, &[], over, &[]);
        self.builder.switch_to_block(take);
        let address = self.builder.ins().iadd(walked.bytes, now);
        let byte = self.load(types::I8, address, 0);
        let is_short = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, byte, 0x80);
        self.builder.ins().brif(is_short, short, &[], long, &[]);
        self.builder.switch_to_block(long);
        self.store(now, walked.place, 0);
        let text = self.slot_address(walked.text);
        let found = self.call_rarely(Helper::NextChar, &[text, walked.place]);
        let following = self.load(types::I64, walked.place, 0);
        self.builder.def_var(index, following);
        let found = self.builder.ins().ireduce(types::I32, found);
        self.builder.ins().jump(body, &[BlockArg::Value(found)]);
        self.builder.switch_to_block(short);
        let following = self.builder.ins().iadd_imm_s(now, 1);
        self.builder.def_var(index, following);
        let wide = self.builder.ins().uextend(types::I32, byte);
        self.builder.ins().jump(body, &[BlockArg::Value(wide)]);
        character
    }
}
