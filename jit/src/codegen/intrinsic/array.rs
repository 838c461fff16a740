//! Functions on arrays.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::Mode::{Borrowed, Owned, Register};
use super::{Direct, Gives};
use crate::codegen::function::FunctionGen;
use crate::codegen::helpers::Helper;
use crate::codegen::value::Val;
use crate::ty::Ty;

/// The helper for a function on an array.
pub(super) fn select(name: &str, arguments: &[&Ty]) -> Option<Direct> {
    if arguments.contains(&&Ty::Never) {
        return None;
    }
    Some(match (name, arguments) {
        ("len", []) => Direct::reads(Helper::ArrayLength, &[], Gives::Int),
        ("push", [_]) => Direct::changes(Helper::Push, &[Owned], Gives::Nothing),
        ("pop", []) => Direct::changes(Helper::Pop, &[], Gives::Value),
        ("shift", []) => Direct::changes(Helper::Shift, &[], Gives::Value),
        ("remove", [Ty::Int]) => Direct::changes(Helper::Remove, &[Register], Gives::Value),
        ("insert", [Ty::Int, _]) => Direct::changes(Helper::Insert, &[Register, Owned], Gives::Nothing),
        ("set", [Ty::Int, _]) => Direct::changes(Helper::ArraySet, &[Register, Owned], Gives::Nothing),
        ("get", [Ty::Int]) => Direct::reads(Helper::ArrayGet, &[Register], Gives::Value).of_variable(),
        ("pad", [Ty::Int, item]) if item.is_scalar() => {
            Direct::changes(Helper::Pad, &[Register, Borrowed], Gives::Nothing).fallible()
        }
        ("append", [Ty::Array(_)]) => Direct::changes(Helper::Append, &[Owned], Gives::Nothing),
        ("clear", []) => Direct::changes(Helper::ArrayClear, &[], Gives::Nothing),
        ("reverse", []) => Direct::changes(Helper::Reverse, &[], Gives::Nothing),
        ("truncate", [Ty::Int]) => Direct::changes(Helper::Truncate, &[Register], Gives::Nothing),
        ("chop", [Ty::Int]) => Direct::changes(Helper::Chop, &[Register], Gives::Nothing),
        ("extract", [Ty::Int]) => Direct::reads(Helper::ExtractTail, &[Register], Gives::Value).of_variable(),
        ("extract", [Ty::Int, Ty::Int]) => {
            Direct::reads(Helper::Extract, &[Register, Register], Gives::Value).of_variable()
        }
        _ => return None,
    })
}

/// The helper that looks for a value among items of the same type, which has an exact built-in comparison.
pub(super) fn search(name: &str, element: &Ty, value: &Ty) -> Option<Direct> {
    let plain = matches!(element, Ty::Int | Ty::Float | Ty::Char | Ty::Bool | Ty::Str);
    if element != value || !plain {
        return None;
    }
    Some(match name {
        "contains" => Direct::reads(Helper::ArrayContains, &[Borrowed], Gives::Bool),
        _ => Direct::reads(Helper::ArrayIndexOf, &[Borrowed], Gives::Int),
    })
}

impl FunctionGen<'_, '_> {
    /// Adds an item to an array: at once where there is room.
    pub(in crate::codegen) fn push(&mut self, array: Value, item: Val) {
        let layout = self.layout.expect("asked for only when the layout is known");
        let vector = self.load(types::I64, array, layout.payload);
        let length = self.load(types::I64, vector, layout.vec_length);
        let room = self.load(types::I64, vector, layout.vec_capacity);
        let fits = self.builder.ins().icmp(IntCC::UnsignedLessThan, length, room);
        let (fast, full) = (self.builder.create_block(), self.cold_block());
        let done = self.builder.create_block();
        // The item may lie in the array itself: it is copied before the array moves.
        self.builder.ins().brif(fits, fast, &[], full, &[]);
        self.builder.switch_to_block(fast);
        let items = self.load(types::I64, vector, layout.vec_pointer);
        let offset = self.builder.ins().ishl_imm_u(length, 4);
        let place = self.builder.ins().iadd(items, offset);
        self.put(item, place);
        let following = self.builder.ins().iadd_imm_s(length, 1);
        self.store(following, vector, layout.vec_length);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(full);
        let mark = self.mark();
        let slot = self.temp();
        let address = self.slot_address(slot);
        self.put(item, address);
        self.call(Helper::Push, &[array, address]);
        self.release(mark);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
    }
}
