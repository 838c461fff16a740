//! Control flow.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, types};

use super::function::{Destination, FunctionGen, Handler, Loop};
use super::helpers::Helper;
use super::value::{Val, machine_type};
use crate::ir::{Expr, Kind, LocalId};
use crate::ty::Ty;

impl<'f> FunctionGen<'_, 'f> {
    pub(super) fn control(&mut self, expr: &'f Expr, wanted: bool) -> Val {
        match &expr.kind {
            Kind::Block(elements) => self.block(expr, elements, wanted),
            Kind::If { condition, then, otherwise } => self.if_else(expr, condition, then, otherwise, wanted),
            Kind::Switch(switch) => self.switch(expr, switch, wanted),
            Kind::While { .. } | Kind::DoWhile { .. } | Kind::For(_) => self.scoped(|this| {
                this.enter_loop_facts(expr);
                this.any_loop(expr, wanted)
            }),
            Kind::Break(value) => self.leave_loop(value.as_deref(), true),
            Kind::Continue(value) => self.leave_loop(value.as_deref(), false),
            Kind::Return(value) => {
                let value = value.as_ref().map_or(Val::Unit, |value| self.evaluate(value, true));
                self.return_with(value);
                Val::Unit
            }
            Kind::Throw(value) => {
                let value = value.as_ref().map_or(Val::Unit, |value| self.evaluate(value, true));
                let slot = self.owned(value);
                let address = self.slot_address(slot);
                let position = self.position(expr.position);
                let context = self.context;
                self.call_value(Helper::Throw, &[context, address, position]);
                self.jump_to_handler();
                self.dead_code();
                Val::Unit
            }
            Kind::Try { body, variable, handler } => self.try_catch(expr, body, *variable, handler, wanted),
            _ => Val::Unit,
        }
    }

    fn any_loop(&mut self, expr: &'f Expr, wanted: bool) -> Val {
        match &expr.kind {
            Kind::While { condition, body, cost } => {
                self.while_loop(expr, condition.as_deref(), body, *cost, wanted)
            }
            Kind::DoWhile { condition, until, body, cost } => {
                let destination = self.destination(expr, wanted);
                self.do_loop(expr, &destination, (condition, *until), body, *cost);
                self.collected(&destination)
            }
            Kind::For(for_loop) => self.for_loop(expr, for_loop, wanted),
            _ => Val::Unit,
        }
    }

    fn block(&mut self, expr: &Expr, elements: &'f [Expr], wanted: bool) -> Val {
        let keeps_cell = self.keeps_cell.take_if(|id| *id == expr.id).is_some();
        let Some((last, before)) = elements.split_last() else { return Val::Unit };
        for (index, element) in before.iter().enumerate() {
            if self.declares_borrowed(element, &elements[index + 1..]) {
                continue;
            }
            let mark = self.mark();
            self.evaluate(element, false);
            self.release(mark);
        }
        if !wanted {
            return self.evaluate(last, false);
        }
        let value = self.evaluate_last(last, keeps_cell);
        // A variable of the block may be gone, or another one, when the value is used.
        self.keep(value)
    }

    /// A place for the value of a construct with several ends.
    pub(super) fn destination(&mut self, expr: &Expr, wanted: bool) -> Destination {
        let ty = self.node_ty(expr);
        let keeps_cell = self.keeps_cell.take_if(|id| *id == expr.id).is_some();
        if !wanted || matches!(ty, Ty::Unit | Ty::Never) {
            return Destination::Nowhere;
        }
        match machine_type(ty) {
            Some(machine) => Destination::Register(self.builder.declare_var(machine), ty.clone()),
            None if keeps_cell => Destination::Cell(self.temp()),
            None => Destination::Slot(self.temp()),
        }
    }

    /// Leaves the value of one end where it is collected.
    pub(super) fn settle(&mut self, destination: &Destination, value: Val) {
        match destination {
            Destination::Register(variable, ty) => {
                if let Some(value) = self.machine_value(value, ty) {
                    self.builder.def_var(*variable, value);
                }
            }
            Destination::Slot(slot) => {
                let address = self.slot_address(*slot);
                self.put(value, address);
            }
            Destination::Cell(slot) => self.put_with_cell(value, *slot),
            Destination::Nowhere => self.discard(value),
        }
    }

    pub(super) fn collected(&mut self, destination: &Destination) -> Val {
        match destination {
            Destination::Register(variable, ty) => {
                let value = self.builder.use_var(*variable);
                Self::scalar(ty, Some(value))
            }
            Destination::Slot(slot) | Destination::Cell(slot) => Val::Temp(*slot),
            Destination::Nowhere => Val::Unit,
        }
    }

    /// Generates one end: its value goes to the destination and control to `done`.
    fn end(&mut self, expr: &'f Expr, destination: &Destination, wanted: bool, done: Block) {
        let mark = self.mark();
        self.scoped(|this| {
            if wanted {
                let value = this.evaluate_last(expr, matches!(destination, Destination::Cell(_)));
                this.settle(destination, value);
            } else {
                this.evaluate(expr, false);
            }
        });
        self.release(mark);
        self.builder.ins().jump(done, &[]);
    }

    fn if_else(
        &mut self,
        expr: &'f Expr,
        condition: &'f Expr,
        then: &'f Expr,
        otherwise: &'f Expr,
        wanted: bool,
    ) -> Val {
        let destination = self.destination(expr, wanted);
        let (yes, no) = (self.builder.create_block(), self.builder.create_block());
        let done = self.builder.create_block();
        let mark = self.mark();
        self.branch(condition, yes, no);
        self.release(mark);
        for (block, body) in [(yes, then), (no, otherwise)] {
            self.builder.switch_to_block(block);
            self.end(body, &destination, wanted, done);
        }
        self.builder.switch_to_block(done);
        self.collected(&destination)
    }

    pub(super) fn enter_loop(&mut self, exit: Block, next: Block, result: &Destination) {
        let result = Some(result.clone());
        self.loops.push(Loop { exit, next, result, catches: self.catches, mark: self.mark() });
    }

    fn while_loop(
        &mut self,
        expr: &'f Expr,
        condition: Option<&'f Expr>,
        body: &'f Expr,
        cost: u32,
        wanted: bool,
    ) -> Val {
        let destination = self.destination(expr, wanted);
        let head = self.builder.create_block();
        let inside = self.builder.create_block();
        let over = self.builder.create_block();
        let exit = self.builder.create_block();
        self.builder.ins().jump(head, &[]);
        self.builder.switch_to_block(head);
        self.charge(cost, first_position(expr, [condition.unwrap_or(body), body]));
        let mark = self.mark();
        match condition {
            Some(condition) => self.branch(condition, inside, over),
            None => {
                self.builder.ins().jump(inside, &[]);
            }
        }
        self.release(mark);
        self.builder.switch_to_block(inside);
        self.enter_loop(exit, head, &destination);
        self.evaluate(body, false);
        self.loops.pop();
        self.release(mark);
        self.builder.ins().jump(head, &[]);
        self.builder.switch_to_block(over);
        self.settle(&destination, Val::Unit);
        self.builder.ins().jump(exit, &[]);
        self.builder.switch_to_block(exit);
        self.collected(&destination)
    }

    fn do_loop(
        &mut self,
        expr: &'f Expr,
        destination: &Destination,
        (condition, until): (&'f Expr, bool),
        body: &'f Expr,
        cost: u32,
    ) {
        let head = self.builder.create_block();
        let test = self.builder.create_block();
        let over = self.builder.create_block();
        let exit = self.builder.create_block();
        self.builder.ins().jump(head, &[]);
        self.builder.switch_to_block(head);
        self.charge(cost, first_position(expr, [body, condition]));
        let mark = self.mark();
        // `continue` goes round without looking at the condition.
        self.enter_loop(exit, head, destination);
        self.evaluate(body, false);
        self.loops.pop();
        self.release(mark);
        self.builder.ins().jump(test, &[]);
        self.builder.switch_to_block(test);
        if until {
            self.branch(condition, over, head);
        } else {
            self.branch(condition, head, over);
        }
        self.release(mark);
        self.builder.switch_to_block(over);
        self.settle(destination, Val::Unit);
        self.builder.ins().jump(exit, &[]);
        self.builder.switch_to_block(exit);
    }

    fn leave_loop(&mut self, value: Option<&'f Expr>, breaks: bool) -> Val {
        let result = self.loops.last().and_then(|around| around.result.clone());
        let value = value.map_or(Val::Unit, |value| match &result {
            Some(destination) if breaks => self.evaluate_end(value, destination),
            _ => self.evaluate(value, true),
        });
        let Some(around) = self.loops.last() else {
            // The parser lets no `break` stand outside of a loop.
            self.discard(value);
            return Val::Unit;
        };
        let (exit, next) = (around.exit, around.next);
        let (catches, mark) = (around.catches, around.mark);
        match result {
            Some(result) if breaks => self.settle(&result, value),
            _ => self.discard(value),
        }
        for _ in catches..self.catches {
            let context = self.context;
            self.call(Helper::CatchEndOk, &[context]);
        }
        // What an expression around has put into slots so far is not needed any more.
        let left = self.mark().saturating_sub(mark);
        if left > 0 {
            let base = self.slot_address(mark);
            let count = self.number(left as usize);
            self.call(Helper::DropRange, &[base, count]);
        }
        self.builder.ins().jump(if breaks { exit } else { next }, &[]);
        self.dead_code();
        Val::Unit
    }

    /// Errors inside `body` come to a block that drops what the body left in its slots and asks the runtime whether
    /// the error can be caught.
    fn try_catch(
        &mut self,
        expr: &'f Expr,
        body: &'f Expr,
        variable: Option<LocalId>,
        handler: &'f Expr,
        wanted: bool,
    ) -> Val {
        let destination = self.destination(expr, wanted);
        let caught = self.cold_block();
        let done = self.builder.create_block();
        let first = self.mark();
        self.handlers.push(Handler { block: caught });
        self.end(body, &destination, wanted, done);
        self.handlers.pop();
        self.builder.switch_to_block(caught);
        self.drop_slots(first);
        let value = self.temp();
        let address = self.slot_address(value);
        let wants = self.builder.ins().iconst(types::I8, i64::from(variable.is_some()));
        let context = self.context;
        let can = self.call_value(Helper::CatchBegin, &[context, wants, address]);
        let handle = self.builder.create_block();
        let pass = self.cold_block();
        self.builder.ins().brif(can, handle, &[], pass, &[]);
        self.builder.switch_to_block(pass);
        self.jump_to_handler();
        self.builder.switch_to_block(handle);
        if let Some(variable) = variable {
            let home = self.home(variable);
            self.set_home(&home, Val::Temp(value));
        }
        let failed = self.cold_block();
        self.handlers.push(Handler { block: failed });
        self.catches += 1;
        self.scoped(|this| this.evaluate(handler, false));
        self.catches -= 1;
        self.handlers.pop();
        self.call(Helper::CatchEndOk, &[context]);
        self.settle(&destination, Val::Unit);
        self.release(first);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(failed);
        self.call(Helper::CatchEndError, &[context]);
        self.jump_to_handler();
        self.builder.switch_to_block(done);
        self.collected(&destination)
    }

    /// Drops every temporary slot from the first on, wherever the error came from.
    fn drop_slots(&mut self, first: u32) {
        let count = self.highest_slot().saturating_sub(first);
        if count == 0 {
            return;
        }
        let base = self.slot_address(first);
        let count = self.number(count as usize);
        self.call(Helper::DropRange, &[base, count]);
    }

    fn switch(&mut self, expr: &'f Expr, switch: &'f crate::ir::Switch, wanted: bool) -> Val {
        let destination = self.destination(expr, wanted);
        let done = self.builder.create_block();
        let mark = self.mark();
        let value = self.evaluate(&switch.value, true);
        let value = if switch.arms.iter().all(|(condition, _)| condition.is_none()) {
            value
        } else {
            self.keep(value)
        };
        let bodies: Vec<Block> = switch.arms.iter().map(|_| self.builder.create_block()).collect();
        self.scoped(|this| this.choose_arm(switch, value, &bodies, done, &destination));
        for ((_, body), block) in switch.arms.iter().zip(&bodies) {
            self.builder.switch_to_block(*block);
            self.discard(value);
            let inner = self.mark();
            self.end(body, &destination, wanted, done);
            self.release(inner);
        }
        self.release(mark);
        self.builder.switch_to_block(done);
        self.collected(&destination)
    }

    /// Jumps to the body of the arm that the value chooses, or to `done`.
    fn choose_arm(
        &mut self,
        switch: &'f crate::ir::Switch,
        value: Val,
        bodies: &[Block],
        done: Block,
        destination: &Destination,
    ) {
        let otherwise = self.builder.create_block();
        let ranges = self.builder.create_block();
        match value {
            Val::Int(found) => {
                for (case, arms) in &switch.exact {
                    let Ok(case) = case.as_int() else { continue };
                    let (hit, next) = (self.builder.create_block(), self.builder.create_block());
                    let equal = self.builder.ins().icmp_imm_s(IntCC::Equal, found, case);
                    self.builder.ins().brif(equal, hit, &[], next, &[]);
                    self.builder.switch_to_block(hit);
                    self.arms(switch, arms, bodies, ranges);
                    self.builder.switch_to_block(next);
                }
                self.builder.ins().jump(ranges, &[]);
            }
            other => self.choose_by_hash(switch, other, bodies, ranges, otherwise),
        }
        self.builder.switch_to_block(ranges);
        self.choose_range(switch, value, bodies, otherwise);
        self.builder.switch_to_block(otherwise);
        if let Some(arm) = switch.default {
            self.builder.ins().jump(bodies[arm], &[]);
        } else {
            self.discard(value);
            self.settle(destination, Val::Unit);
            self.builder.ins().jump(done, &[]);
        }
    }

    /// Tries the conditions of some arms in order; goes to `next` when none holds. Conditions may come once for each
    /// case of their arm, so nothing that one of them found out is known in the next place.
    fn arms(&mut self, switch: &'f crate::ir::Switch, arms: &[usize], bodies: &[Block], next: Block) {
        self.scoped(|this| this.arms_in_order(switch, arms, bodies));
        self.builder.ins().jump(next, &[]);
    }

    fn arms_in_order(&mut self, switch: &'f crate::ir::Switch, arms: &[usize], bodies: &[Block]) {
        for arm in arms {
            match &switch.arms[*arm].0 {
                None => {
                    self.builder.ins().jump(bodies[*arm], &[]);
                    self.dead_code();
                    break;
                }
                Some(condition) => {
                    let declined = self.builder.create_block();
                    let mark = self.mark();
                    self.branch(condition, bodies[*arm], declined);
                    self.release(mark);
                    self.builder.switch_to_block(declined);
                }
            }
        }
    }

    fn choose_by_hash(
        &mut self,
        switch: &'f crate::ir::Switch,
        value: Val,
        bodies: &[Block],
        ranges: Block,
        otherwise: Block,
    ) {
        let cases = switch.exact.iter().map(|(case, _)| case);
        let table = self.generator.pool.keep(crate::rt::switch::SwitchTable::new(cases));
        let table = self.pointer(table);
        let mark = self.mark();
        let (address, _) = self.boxed(value);
        let found = self.call_value(Helper::SwitchFind, &[table, address]);
        self.release(mark);
        let unhashable = self.builder.ins().icmp_imm_s(IntCC::Equal, found, -2);
        let hashable = self.builder.create_block();
        self.builder.ins().brif(unhashable, otherwise, &[], hashable, &[]);
        self.builder.switch_to_block(hashable);
        for (index, (_, arms)) in (0_i64..).zip(&switch.exact) {
            let (hit, next) = (self.builder.create_block(), self.builder.create_block());
            let equal = self.builder.ins().icmp_imm_s(IntCC::Equal, found, index);
            self.builder.ins().brif(equal, hit, &[], next, &[]);
            self.builder.switch_to_block(hit);
            self.arms(switch, arms, bodies, ranges);
            self.builder.switch_to_block(next);
        }
        self.builder.ins().jump(ranges, &[]);
    }

    fn choose_range(
        &mut self,
        switch: &'f crate::ir::Switch,
        value: Val,
        bodies: &[Block],
        otherwise: Block,
    ) {
        for range in &switch.ranges {
            let table = self.generator.pool.keep(*range);
            let table = self.pointer(table);
            let mark = self.mark();
            let (address, _) = self.boxed(value);
            let contains = self.call_value(Helper::SwitchRange, &[table, address]);
            self.release(mark);
            let (hit, next) = (self.builder.create_block(), self.builder.create_block());
            self.builder.ins().brif(contains, hit, &[], next, &[]);
            self.builder.switch_to_block(hit);
            self.arms(switch, &[range.arm], bodies, next);
            self.builder.switch_to_block(next);
        }
        self.builder.ins().jump(otherwise, &[]);
    }
}

/// Where a round of a loop begins: the first of its parts that has a position, or the loop itself.
fn first_position(expr: &Expr, parts: [&Expr; 2]) -> u32 {
    parts
        .into_iter()
        .map(crate::ir::visit::first_position)
        .find(|position| *position != 0)
        .unwrap_or(expr.position)
}
