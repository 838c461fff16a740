//! Calls of function pointers: `call(f, ..)` and `f.call(..)`.
//!
//! What they mostly point to is a closure of the program, which each place remembers. Everything else is for the
//! runtime to find out.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::path::{Plan, Walk};
use super::value::Val;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind};
use crate::rt::calls::{Answer, PointerForm, PointerSite};
use crate::rt::chain::StepKind;
use crate::rt::values::ValueKind;

/// A row of arguments.
#[derive(Clone, Copy)]
struct Row {
    first: u32,
    count: u32,
}

impl Row {
    fn values(self) -> impl Iterator<Item = Val> {
        (self.first..self.first + self.count).map(Val::Temp)
    }
}

impl<'f> FunctionGen<'_, 'f> {
    /// `call(f, ..)`.
    pub(super) fn pointer_call(&mut self, expr: &'f Expr, callee: &'f Expr, arguments: &'f [Expr]) -> Val {
        let value = self.evaluate(callee, true);
        let value = if Self::all_quiet(arguments) { value } else { self.keep(value) };
        let (address, value) = self.boxed(value);
        self.expect_pointer(address, callee.start);
        let out = self.temp();
        let row = self.raw_row(arguments);
        let row = Row { first: row, count: u32::try_from(arguments.len()).expect("few arguments") };
        let (other, done) = (self.cold_block(), self.builder.create_block());
        self.call_closure(address, out, row, expr.position, other);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(other);
        self.call_any(expr, address, arguments, row, out);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        row.values().for_each(|value| self.discard(value));
        self.discard(value);
        self.release(out + 1);
        Val::Temp(out)
    }

    /// Before the arguments are looked at, what is called must be a pointer.
    fn expect_pointer(&mut self, address: Value, start: u32) {
        let is = self.is_kind(address, ValueKind::FnPtr);
        let (cold, fine) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(is, fine, &[], cold, &[]);
        self.builder.switch_to_block(cold);
        let (context, start) = (self.context, self.position(start));
        self.call_checked(Helper::ExpectPointer, &[context, address, start]);
        self.builder.ins().jump(fine, &[]);
        self.builder.switch_to_block(fine);
    }

    /// Calls a closure of the program; goes to `other` with all as it was if it is something else.
    fn call_closure(&mut self, callee: Value, out: u32, row: Row, position: u32, other: Block) {
        let site = self.generator.pool.keep(PointerSite::default());
        let site = self.pointer(site);
        let (context, out, items) = (self.context, self.slot_address(out), self.slot_address(row.first));
        let count = self.number(row.count as usize);
        let position = self.position(position);
        let answer =
            self.call_value(Helper::CallClosure, &[context, out, callee, items, count, site, position]);
        let (not_done, done) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(answer, not_done, &[], done, &[]);
        self.builder.switch_to_block(not_done);
        let is_other = self.builder.ins().icmp_imm_u(IntCC::Equal, answer, Answer::Other as i64);
        let failed = self.cold_block();
        self.builder.ins().brif(is_other, other, &[], failed, &[]);
        self.builder.switch_to_block(failed);
        self.jump_to_handler();
        self.builder.switch_to_block(done);
    }

    /// Calls whatever a pointer points to.
    fn call_any(&mut self, expr: &Expr, callee: Value, arguments: &'f [Expr], row: Row, out: u32) {
        let mark = self.mark();
        let owned = self.temp();
        let owned_address = self.slot_address(owned);
        self.call(Helper::Copy, &[owned_address, callee]);
        let mut pointers: Vec<Value> = Vec::new();
        for index in 0..row.count {
            pointers.push(self.slot_address(row.first + index));
        }
        let mut form = PointerForm::Call;
        if let Some(Expr { kind: Kind::Local(local), .. }) = arguments.first() {
            let home = self.home(*local);
            if let Some(address) = self.home_address(&home) {
                self.discard(Val::Temp(row.first));
                pointers[0] = address;
                form = PointerForm::CallVariable;
            }
        }
        let array = self.pointer_array(&pointers);
        let out = self.slot_address(out);
        let count = self.number(arguments.len());
        let form = self.builder.ins().iconst(types::I32, form as i64);
        let nothing = self.number(0);
        let position = self.position(expr.position);
        let context = self.context;
        self.call_checked(
            Helper::CallPointer,
            &[context, out, owned_address, nothing, array, count, form, position],
        );
        self.discard(Val::Temp(owned));
        self.release(mark);
    }

    /// `place.call(..)`, when what is there turns out to be a pointer.
    pub(super) fn pointer_chain(&mut self, expr: &'f Expr, chain: &'f ChainExpr) -> Option<Val> {
        self.layout?;
        let (last, before) = chain.chain.steps.split_last()?;
        let StepKind::Method(method) = &last.kind else { return None };
        let is_place = matches!(chain.root, ChainRoot::Place(_));
        if chain.chain.assign.is_some() || last.null_conditional || &*method.name != "call" || !is_place {
            return None;
        }
        let plan = self.plan(chain, before.len()).filter(Plan::is_part)?;
        let out = self.temp();
        let (prefix, own) = chain.arguments.split_at(chain.arguments.len() - method.arguments);
        let mut arguments = Vec::new();
        for (index, argument) in prefix.iter().enumerate() {
            let value = self.evaluate(argument, true);
            let quiet = Self::all_quiet(&chain.arguments[index + 1..]);
            arguments.push(if quiet { value } else { self.keep(value) });
        }
        let first = self.argument_row(own);
        let row = Row { first, count: u32::try_from(own.len()).expect("few arguments") };
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        let (slow, done) = (self.cold_block(), self.builder.create_block());
        let mut walk =
            Walk { place: root.address, slow: Some(slow), writes: false, at: None, deferred: None };
        self.walk_steps(&plan.steps, &mut walk, &arguments);
        self.test_kind(&walk, ValueKind::FnPtr);
        self.call_closure(walk.place, out, row, method.position, slow);
        row.values().for_each(|value| self.discard(value));
        self.discard_all(&arguments);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(slow);
        arguments.extend(row.values());
        self.chain_by_helper(chain, out, &arguments, &root, None);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.release(out + 1);
        let ty = self.ty(expr);
        Some(self.typed(Val::Temp(out), &ty, expr.position))
    }
}

#[cfg(test)]
mod tests;
