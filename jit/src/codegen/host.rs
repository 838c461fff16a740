//! Chains on the host's own values, which were bound to the host's functions when the tree was built.
//!
//! Arguments are lent, and constants stay where they are. What turns out to be another value takes the general way.

use std::sync::Arc;

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;

use super::function::FunctionGen;
use super::helpers::Helper;
use super::value::Val;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind, Place};
use crate::rt::host_call::HostAnswer;

impl<'f> FunctionGen<'_, 'f> {
    /// The value of a chain that is bound to the host.
    pub(super) fn host_chain(&mut self, expr: &'f Expr, chain: &'f ChainExpr) -> Option<Val> {
        let site = chain.host.as_ref()?;
        let is_open = match &chain.root {
            ChainRoot::Place(Place::Local { local, .. }) => self.instance.locals[*local as usize].is_any(),
            ChainRoot::Place(Place::This) => false,
            ChainRoot::Value(value) => matches!(value.kind, Kind::Constant(_)),
        };
        if !is_open {
            return None;
        }
        let value = chain.value.as_ref().map(|value| {
            let value = self.evaluate(value, true);
            if Self::all_quiet(&chain.arguments) { value } else { self.keep(value) }
        });
        let mut arguments = Vec::new();
        for (index, argument) in chain.arguments.iter().enumerate() {
            let argument = self.evaluate(argument, true);
            let quiet = Self::all_quiet(&chain.arguments[index + 1..]);
            arguments.push(if quiet { argument } else { self.keep(argument) });
        }
        let out = self.temp();
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        let mark = self.mark();
        let mut pointers = Vec::new();
        for value in arguments.iter().chain(&value) {
            pointers.push(self.boxed(*value).0);
        }
        let pointers = self.pointer_array(&pointers);
        self.generator.pool.keep(Arc::clone(site));
        let site = self.pointer(Arc::as_ptr(site));
        let (context, out_address) = (self.context, self.slot_address(out));
        let answer = self.call_value(Helper::HostCall, &[context, out_address, site, root.address, pointers]);
        let (not_done, done) = (self.cold_block(), self.builder.create_block());
        let (go_on, other, failed) = (self.builder.create_block(), self.cold_block(), self.cold_block());
        self.builder.ins().brif(answer, not_done, &[], go_on, &[]);
        self.builder.switch_to_block(not_done);
        let is_other = self.builder.ins().icmp_imm_u(IntCC::Equal, answer, HostAnswer::Other as i64);
        self.builder.ins().brif(is_other, other, &[], failed, &[]);
        self.builder.switch_to_block(failed);
        self.jump_to_handler();
        self.builder.switch_to_block(go_on);
        self.discard_all(&arguments);
        if let Some(value) = value {
            self.discard(value);
        }
        self.release(mark);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(other);
        let value = value.map(|value| self.owned(value));
        self.chain_by_helper(chain, out, &arguments, &root, value);
        if let Some(slot) = value {
            self.discard(Val::Temp(slot));
        }
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        let ty = self.ty(expr);
        Some(self.typed(Val::Temp(out), &ty, expr.position))
    }
}
