//! Calls of the script's functions as methods, `place.name(arguments)`, and what else is decided by the kind of a
//! place at run time.
//!
//! The place is walked to inline and becomes `this`. A map that holds something under the name of the method, a cell,
//! and what is not there at all are left to the runtime, which walks the whole chain.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::path::{Sized, Walk};
use super::property::Guessed;
use super::value::Val;
use crate::infer::may_hold_function;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind, Place};
use crate::layout::maps::{ENTRIES_MAX, IN_PLACE_END, KEY_SIZE, KeyImage};
use crate::rt::chain::{Method, RuntimeKey, StepKind};
use crate::rt::values::ValueKind;

impl<'f> FunctionGen<'_, 'f> {
    /// The value of a chain that ends with a call of a function of the script on a part of a variable.
    pub(super) fn method_chain(&mut self, expr: &'f Expr, chain: &'f ChainExpr) -> Option<Val> {
        self.layout?;
        let (last, before) = chain.chain.steps.split_last()?;
        let StepKind::Method(method) = &last.kind else { return None };
        if chain.chain.assign.is_some() || last.null_conditional || !method.scripted {
            return None;
        }
        let ChainRoot::Place(_) = &chain.root else { return None };
        let function = self.generator.unit.method(&method.name, method.arguments)?;
        let instance = self.generator.typed.calls.get(&(self.id, expr.id)).copied()?;
        let plan = self.plan(chain, before.len()).filter(super::path::Plan::is_part)?;
        let is_known = !plan.ty.is_any() && !may_hold_function(&plan.ty, &method.name);
        let out = self.temp();
        let mut arguments = self.arguments_inline(chain);
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        let slow = (plan.tests || !is_known).then(|| self.cold_block());
        let mut walk = Walk { place: root.address, slow, writes: false, at: None, deferred: None };
        self.walk_steps(&plan.steps, &mut walk, &arguments);
        if !is_known {
            self.only_plain(&walk, &method.name);
        }
        let mark = self.mark();
        let own = arguments.split_off(arguments.len() - method.arguments);
        let result = if self.generator.unit.functions[function as usize].is_empty {
            self.discard_all(&own);
            Val::Unit
        } else {
            self.call_method(instance, (method, chain), walk.place, &own, out)
        };
        self.discard_all(&arguments);
        self.release(mark);
        let ty = self.ty(expr);
        let Some(slow) = slow else {
            let result = self.typed(result, &ty, expr.position);
            return Some(result);
        };
        if !matches!(result, Val::Temp(slot) if slot == out) {
            let address = self.slot_address(out);
            self.put(result, address);
        }
        let done = self.builder.create_block();
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(slow);
        arguments.extend(own);
        self.chain_by_helper(chain, out, &arguments, &root, None);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        Some(self.typed(Val::Temp(out), &ty, expr.position))
    }

    fn call_method(
        &mut self,
        instance: usize,
        (method, chain): (&Method, &'f ChainExpr),
        this: Value,
        arguments: &[Val],
        out: u32,
    ) -> Val {
        let level = self.next_level(method.position);
        let own = &chain.arguments[chain.arguments.len() - method.arguments..];
        let mut lendable = self.lendable(own, None);
        for (lendable, argument) in lendable.iter_mut().zip(own) {
            // What is lent must not be a part of what the function may change.
            *lendable &= !is_same_root(&chain.root, argument);
        }
        let (status, result) =
            self.call_typed(instance, (level, Some(this)), arguments.to_vec(), out, &lendable);
        self.check_call(status, &method.name, method.position);
        result
    }

    /// Goes on when the value is there, is no cell, and is no map with an entry of the method's name.
    fn only_plain(&mut self, walk: &Walk, name: &str) {
        let slow = walk.slow.expect("there is one when something is not known");
        for kind in [ValueKind::Shared, ValueKind::Unit] {
            let is = self.is_kind(walk.place, kind);
            let other = self.builder.create_block();
            self.builder.ins().brif(is, slow, &[], other, &[]);
            self.builder.switch_to_block(other);
        }
        let is_map = self.is_kind(walk.place, ValueKind::Map);
        let (map, go_on) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(is_map, map, &[], go_on, &[]);
        self.builder.switch_to_block(map);
        let look_up = self.lacks_inline(walk.place, name, go_on);
        if let Some(look_up) = look_up {
            self.builder.switch_to_block(look_up);
        }
        let key = self.generator.pool.keep(RuntimeKey::new(name));
        let key = self.pointer(key);
        let held = match look_up {
            Some(_) => self.call_rarely(Helper::MapGet, &[walk.place, key]),
            None => self.call_value(Helper::MapGet, &[walk.place, key]),
        };
        self.builder.ins().brif(held, slow, &[], go_on, &[]);
        self.builder.switch_to_block(go_on);
    }

    /// Goes to `go_on` when a look at the keys of a small map shows that none is of this name. Where that is not sure,
    /// goes to the block that is given back.
    fn lacks_inline(&mut self, map: Value, name: &str, go_on: Block) -> Option<Block> {
        let layout = self.layout?;
        let maps = layout.maps?;
        let (mask, first, last) = KeyImage::of(name)?.distinctive()?;
        let (look_up, head) = (self.cold_block(), self.builder.create_block());
        let (look, next) = (self.builder.create_block(), self.builder.create_block());
        let tree = self.load(types::I64, map, layout.payload);
        let length = self.load(types::I64, tree, maps.length);
        let is_small = self.builder.ins().icmp_imm_u(
            IntCC::UnsignedLessThanOrEqual,
            length,
            i64::try_from(ENTRIES_MAX).expect("nodes are small"),
        );
        self.only_if(is_small, look_up);
        let empty = self.builder.create_block();
        self.builder.ins().brif(length, empty, &[], go_on, &[]);
        self.builder.switch_to_block(empty);
        let height = self.load(types::I64, tree, maps.height);
        let flat = self.builder.ins().icmp_imm_u(IntCC::Equal, height, 0);
        self.only_if(flat, look_up);
        let node = self.load(types::I64, tree, maps.root);
        let size = i64::try_from(KEY_SIZE).expect("keys are small");
        let bytes = self.builder.ins().imul_imm_s(length, size);
        let place = self.builder.declare_var(types::I64);
        self.builder.def_var(place, node);
        let end = self.builder.ins().iadd(node, bytes);
        self.builder.ins().jump(head, &[]);
        self.builder.switch_to_block(head);
        let now = self.builder.use_var(place);
        let word = self.load(types::I64, now, maps.keys);
        let word = self.builder.ins().band_imm_s(word, mask.cast_signed());
        let same = self.builder.ins().icmp_imm_u(IntCC::Equal, word, first.cast_signed());
        let mark = self.load(types::I8, now, maps.keys + KEY_SIZE - 1);
        let same_length = self.builder.ins().icmp_imm_u(IntCC::Equal, mark, i64::from(last));
        let same = self.builder.ins().band(same, same_length);
        let elsewhere =
            self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, mark, i64::from(IN_PLACE_END));
        let unsure = self.builder.ins().bor(same, elsewhere);
        self.builder.ins().brif(unsure, look_up, &[], look, &[]);
        self.builder.switch_to_block(look);
        let following = self.builder.ins().iadd_imm_s(now, size);
        self.builder.def_var(place, following);
        let more = self.builder.ins().icmp(IntCC::UnsignedLessThan, following, end);
        self.builder.ins().brif(more, next, &[], go_on, &[]);
        self.builder.switch_to_block(next);
        self.builder.ins().jump(head, &[]);
        Some(look_up)
    }

    /// `.len` of an array or a string, or of a map that has it as an entry; where it lies.
    pub(super) fn any_length(&mut self, walk: &Walk) -> Value {
        let slow = walk.slow.expect("there is one when kinds are tested");
        let slot = self.temp();
        let done = self.builder.create_block();
        let place = self.builder.append_block_param(done, types::I64);
        for (kind, sized) in [(ValueKind::Array, Sized::Array), (ValueKind::Str, Sized::Text)] {
            let is = self.is_kind(walk.place, kind);
            let (here, other) = (self.builder.create_block(), self.builder.create_block());
            self.builder.ins().brif(is, here, &[], other, &[]);
            self.builder.switch_to_block(here);
            let length = self.length(walk.place, sized);
            let address = self.slot_address(slot);
            self.set_int(address, length);
            self.builder.ins().jump(done, &[BlockArg::Value(address)]);
            self.builder.switch_to_block(other);
        }
        let is_map = self.is_kind(walk.place, ValueKind::Map);
        let map = self.builder.create_block();
        self.builder.ins().brif(is_map, map, &[], slow, &[]);
        self.builder.switch_to_block(map);
        let found = self.property(walk, "len", Guessed::Latest);
        self.builder.ins().jump(done, &[BlockArg::Value(found)]);
        self.builder.switch_to_block(done);
        place
    }
}

/// Whether an argument is a part of the variable that a chain starts at.
fn is_same_root(root: &ChainRoot, argument: &Expr) -> bool {
    let ChainRoot::Place(Place::Local { local, .. }) = root else { return false };
    match &argument.kind {
        Kind::Local(found) => found == local,
        Kind::Chain(chain) => {
            matches!(&chain.root, ChainRoot::Place(Place::Local { local: found, .. }) if found == local)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
