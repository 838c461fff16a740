//! `for` loops.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use cranelift_frontend::Variable;

use super::function::{Destination, FunctionGen, Home};
use super::helpers::Helper;
use super::value::Val;
use crate::ir::{ChainRoot, Expr, For, Kind, LocalId, Place};
use crate::ops::BinaryOp;
use crate::rt::values::ValueKind;
use crate::ty::Ty;

/// Blocks of a loop.
struct Blocks {
    head: Block,
    body: Block,
    next: Block,
    over: Block,
    exit: Block,
    /// Counts the rounds.
    counter: Option<Variable>,
}

impl<'f> FunctionGen<'_, 'f> {
    pub(super) fn for_loop(&mut self, expr: &'f Expr, for_loop: &'f For, wanted: bool) -> Val {
        let destination = self.destination(expr, wanted);
        let mark = self.mark();
        let blocks = Blocks {
            head: self.builder.create_block(),
            body: self.builder.create_block(),
            next: self.builder.create_block(),
            over: self.builder.create_block(),
            exit: self.builder.create_block(),
            counter: None,
        };
        let counter = for_loop.counter.map(|_| {
            let variable = self.builder.declare_var(types::I64);
            let zero = self.builder.ins().iconst(types::I64, 0);
            self.builder.def_var(variable, zero);
            variable
        });
        let blocks = Blocks { counter, ..blocks };
        if let Some(range) = self.integer_range(&for_loop.iterable) {
            self.range_loop(for_loop, range, &blocks, &destination);
        } else {
            let array = matches!(self.node_ty(&for_loop.iterable), Ty::Array(_) | Ty::Any);
            // The items of what is no variable keep the marks of constants, so they have to be moved.
            let marked = self.generator.unit.reads_globals
                && self.item_type(&for_loop.iterable).is_any()
                && !matches!(for_loop.iterable.kind, Kind::Local(_));
            let array = array && !marked;
            if array && self.layout.is_some() {
                self.array_loop(for_loop, &blocks, &destination);
            } else if *self.node_ty(&for_loop.iterable) == Ty::Str
                && self.generator.typed.standard.is_complete()
            {
                self.text_loop(for_loop, &blocks, &destination);
            } else {
                self.iterator_loop(for_loop, &blocks, &destination);
            }
        }
        self.builder.switch_to_block(blocks.over);
        self.settle(&destination, Val::Unit);
        self.builder.ins().jump(blocks.exit, &[]);
        self.builder.switch_to_block(blocks.exit);
        self.drop_row(mark);
        self.release(mark);
        self.collected(&destination)
    }

    /// What the loop kept in slots of its own is dropped however it ends.
    fn drop_row(&mut self, mark: u32) {
        for slot in mark..self.mark() {
            let address = self.slot_address(slot);
            self.drop_value(address);
        }
    }

    /// Bounds of a range that is written in the head of the loop.
    fn integer_range(&mut self, iterable: &'f Expr) -> Option<(Value, Value, bool)> {
        match &iterable.kind {
            Kind::Binary { op, left, right }
                if matches!(op, BinaryOp::RangeExclusive | BinaryOp::RangeInclusive)
                    && *self.node_ty(left) == Ty::Int
                    && *self.node_ty(right) == Ty::Int =>
            {
                let (left, right) = self.operands(left, right);
                let left = self.machine_value(left, &Ty::Int)?;
                let right = self.machine_value(right, &Ty::Int)?;
                Some((left, right, *op == BinaryOp::RangeInclusive))
            }
            Kind::Constant(value) => {
                if let Some(range) = value.read_lock::<std::ops::Range<i64>>() {
                    let start = self.builder.ins().iconst(types::I64, range.start);
                    return Some((start, self.builder.ins().iconst(types::I64, range.end), false));
                }
                let range = value.read_lock::<std::ops::RangeInclusive<i64>>()?;
                let start = self.builder.ins().iconst(types::I64, *range.start());
                Some((start, self.builder.ins().iconst(types::I64, *range.end()), true))
            }
            _ => None,
        }
    }

    fn range_loop(
        &mut self,
        for_loop: &'f For,
        (start, end, inclusive): (Value, Value, bool),
        blocks: &Blocks,
        destination: &Destination,
    ) {
        let index = self.builder.declare_var(types::I64);
        self.builder.def_var(index, start);
        let runs = if inclusive { IntCC::SignedLessThanOrEqual } else { IntCC::SignedLessThan };
        self.builder.ins().jump(blocks.head, &[]);
        self.builder.switch_to_block(blocks.head);
        let now = self.builder.use_var(index);
        let more = self.builder.ins().icmp(runs, now, end);
        self.builder.ins().brif(more, blocks.body, &[], blocks.over, &[]);
        self.builder.switch_to_block(blocks.body);
        let now = self.builder.use_var(index);
        self.set_loop_variable(for_loop.variable, Val::Int(now));
        self.loop_body(for_loop, blocks, destination);
        self.builder.switch_to_block(blocks.next);
        let now = self.builder.use_var(index);
        if inclusive {
            let last = self.builder.ins().icmp(IntCC::Equal, now, end);
            let go_on = self.builder.create_block();
            self.builder.ins().brif(last, blocks.over, &[], go_on, &[]);
            self.builder.switch_to_block(go_on);
        }
        let following = self.builder.ins().iadd_imm_s(now, 1);
        self.builder.def_var(index, following);
        self.builder.ins().jump(blocks.head, &[]);
    }

    /// Iterates an array where it lies: in the variable itself when the body leaves that alone. What turns out to be no
    /// array is iterated by the runtime.
    fn array_loop(&mut self, for_loop: &'f For, blocks: &Blocks, destination: &Destination) {
        let value = self.evaluate(&for_loop.iterable, true);
        let stays =
            matches!(value, Val::Constant(_)) || self.stays(&for_loop.iterable, for_loop.body.as_ref());
        let value = if stays { value } else { Val::Temp(self.owned(value)) };
        let source = self.boxed(value).0;
        let ty = self.item_type(&for_loop.iterable);
        let known = matches!(self.node_ty(&for_loop.iterable), Ty::Array(_));
        let state = (!known).then(|| (self.temp(), self.temp()));
        let item = self.builder.declare_var(types::I64);
        let (index, array) = (self.builder.declare_var(types::I64), self.builder.declare_var(types::I64));
        let zero = self.builder.ins().iconst(types::I64, 0);
        self.builder.def_var(index, zero);
        self.builder.def_var(array, source);
        // What is iterated stays as it is.
        let parts = known.then(|| self.array_parts(source));
        if let Some((state, _)) = state {
            self.begin_unless_array(for_loop, source, array, state, blocks.head);
        } else {
            self.builder.ins().jump(blocks.head, &[]);
        }
        self.builder.switch_to_block(blocks.head);
        if let Some(state) = state {
            self.next_of_iterator(for_loop, array, item, state, blocks);
        }
        let (array, now) = (self.builder.use_var(array), self.builder.use_var(index));
        let (items, length) = parts.unwrap_or_else(|| self.array_parts(array));
        let more = self.builder.ins().icmp(IntCC::UnsignedLessThan, now, length);
        let take = self.builder.create_block();
        self.builder.ins().brif(more, take, &[], blocks.over, &[]);
        self.builder.switch_to_block(take);
        let offset = self.builder.ins().ishl_imm_u(now, 4);
        let element = self.builder.ins().iadd(items, offset);
        self.builder.def_var(item, element);
        let following = self.builder.ins().iadd_imm_s(now, 1);
        self.builder.def_var(index, following);
        self.builder.ins().jump(blocks.body, &[]);
        self.builder.switch_to_block(blocks.body);
        self.lend_or_set(for_loop, item, &ty);
        self.loop_body(for_loop, blocks, destination);
        self.builder.switch_to_block(blocks.next);
        if let Some((_, item)) = state {
            let item = self.slot_address(item);
            self.drop_value(item);
        }
        self.builder.ins().jump(blocks.head, &[]);
    }

    /// Makes an iterator of what is no array; `array` becomes 0 then.
    fn begin_unless_array(
        &mut self,
        for_loop: &For,
        source: Value,
        array: Variable,
        state: u32,
        head: Block,
    ) {
        let is_array = self.is_kind(source, ValueKind::Array);
        let other = self.cold_block();
        self.builder.ins().brif(is_array, head, &[], other, &[]);
        self.builder.switch_to_block(other);
        let mark = self.mark();
        let copy = self.temp();
        let (copy, state) = (self.slot_address(copy), self.slot_address(state));
        self.call(Helper::Copy, &[copy, source]);
        let start = self.position(for_loop.iterable.start);
        let context = self.context;
        self.call_checked(Helper::IterateBegin, &[context, state, copy, start]);
        self.release(mark);
        let zero = self.builder.ins().iconst(types::I64, 0);
        self.builder.def_var(array, zero);
        self.builder.ins().jump(head, &[]);
    }

    /// At the head of a loop over an iterator, the next item; falls through for an array.
    fn next_of_iterator(
        &mut self,
        for_loop: &For,
        array: Variable,
        item: Variable,
        state: (u32, u32),
        blocks: &Blocks,
    ) {
        let (iterate, walk, got) = (self.cold_block(), self.builder.create_block(), self.cold_block());
        let is_array = self.builder.use_var(array);
        self.builder.ins().brif(is_array, walk, &[], iterate, &[]);
        self.builder.switch_to_block(iterate);
        let (state, slot) = (self.slot_address(state.0), self.slot_address(state.1));
        let position = self.position(for_loop.iterable.position);
        let context = self.context;
        let more = self.call_value(Helper::IterateNext, &[context, state, slot, position]);
        let failed = self.builder.ins().icmp_imm_u(IntCC::Equal, more, 2);
        self.fail_if(failed);
        self.builder.ins().brif(more, got, &[], blocks.over, &[]);
        self.builder.switch_to_block(got);
        self.builder.def_var(item, slot);
        self.builder.ins().jump(blocks.body, &[]);
        self.builder.switch_to_block(walk);
    }

    /// Gives the loop's variable the item: the item itself where nothing in the body can change either.
    fn lend_or_set(&mut self, for_loop: &'f For, item: Variable, ty: &Ty) {
        let local = for_loop.variable;
        let captured = self.function.locals[local as usize].captured;
        let written = for_loop.body.as_ref().is_some_and(|body| writes(body, local));
        if !captured && !written && !self.homes[local as usize].is_register() {
            self.homes[local as usize] = Home::Lent(item);
            return;
        }
        let element = self.builder.use_var(item);
        let value = self.typed(Val::Ref(element), ty, for_loop.iterable.position);
        self.set_loop_variable(local, value);
    }

    fn item_type(&self, iterable: &Expr) -> Ty {
        match self.node_ty(iterable) {
            Ty::Array(element) => (**element).clone(),
            Ty::Str => Ty::Char,
            Ty::Range => Ty::Int,
            _ => Ty::Any,
        }
    }

    /// Whether what is iterated is a variable of ours, or a part of one, that the body leaves alone.
    fn stays(&self, iterable: &Expr, body: Option<&Expr>) -> bool {
        let alone = |local: LocalId| {
            !self.function.locals[local as usize].captured && !body.is_some_and(|body| writes(body, local))
        };
        match &iterable.kind {
            Kind::Local(local) => alone(*local),
            Kind::Chain(chain) => match &chain.root {
                ChainRoot::Place(Place::Local { local, .. }) => alone(*local) && chain.only_reads(),
                _ => false,
            },
            _ => false,
        }
    }

    /// Walks the characters of a string, which stays as it is whatever the body does to its variable.
    fn text_loop(&mut self, for_loop: &'f For, blocks: &Blocks, destination: &Destination) {
        let value = self.evaluate(&for_loop.iterable, true);
        let text = self.owned(value);
        let index = self.builder.declare_var(types::I64);
        let zero = self.builder.ins().iconst(types::I64, 0);
        self.builder.def_var(index, zero);
        let walked = self.text_walk(text);
        self.builder.ins().jump(blocks.head, &[]);
        self.builder.switch_to_block(blocks.head);
        let character = self.next_character(&walked, index, (blocks.body, blocks.over));
        self.builder.switch_to_block(blocks.body);
        self.set_loop_variable(for_loop.variable, Val::Char(character));
        self.loop_body(for_loop, blocks, destination);
        self.builder.switch_to_block(blocks.next);
        self.builder.ins().jump(blocks.head, &[]);
    }

    fn iterator_loop(&mut self, for_loop: &'f For, blocks: &Blocks, destination: &Destination) {
        let value = self.evaluate(&for_loop.iterable, true);
        let iterable = self.owned(value);
        let state = self.temp();
        let item = self.temp();
        let (iterable, state_address) = (self.slot_address(iterable), self.slot_address(state));
        let start = self.position(for_loop.iterable.start);
        let context = self.context;
        self.call_checked(Helper::IterateBegin, &[context, state_address, iterable, start]);
        self.builder.ins().jump(blocks.head, &[]);
        self.builder.switch_to_block(blocks.head);
        let (state_address, item_address) = (self.slot_address(state), self.slot_address(item));
        let position = self.position(for_loop.iterable.position);
        let more = self.call_value(Helper::IterateNext, &[context, state_address, item_address, position]);
        let failed = self.builder.ins().icmp_imm_u(IntCC::Equal, more, 2);
        self.fail_if(failed);
        self.builder.ins().brif(more, blocks.body, &[], blocks.over, &[]);
        self.builder.switch_to_block(blocks.body);
        let ty = self.item_type(&for_loop.iterable);
        let item = self.typed(Val::Temp(item), &ty, for_loop.iterable.position);
        self.set_loop_variable(for_loop.variable, item);
        self.loop_body(for_loop, blocks, destination);
        self.builder.switch_to_block(blocks.next);
        self.builder.ins().jump(blocks.head, &[]);
    }

    /// The loop's variable is one for all rounds: a closure that captured it sees the next value too.
    fn set_loop_variable(&mut self, local: LocalId, value: Val) {
        let home = self.home(local);
        if self.function.locals[local as usize].captured
            && let Some(address) = self.home_address(&home)
        {
            let slot = self.owned(value);
            let from = self.slot_address(slot);
            self.call(Helper::StoreThrough, &[address, from]);
            return;
        }
        self.set_home(&home, value);
    }

    fn loop_body(&mut self, for_loop: &'f For, blocks: &Blocks, destination: &Destination) {
        let first = crate::ir::visit::first_position(for_loop.body.as_ref().unwrap_or(&for_loop.iterable));
        self.charge(for_loop.cost, first);
        if let (Some(local), Some(variable)) = (for_loop.counter, blocks.counter) {
            let round = self.builder.use_var(variable);
            self.set_loop_variable(local, Val::Int(round));
            let following = self.builder.ins().iadd_imm_s(round, 1);
            self.builder.def_var(variable, following);
        }
        if let Some(body) = &for_loop.body {
            let mark = self.mark();
            self.enter_loop(blocks.exit, blocks.next, destination);
            self.evaluate(body, false);
            self.loops.pop();
            self.release(mark);
        }
        self.builder.ins().jump(blocks.next, &[]);
    }
}

/// Whether a piece of code may change a variable.
fn writes(expr: &Expr, local: LocalId) -> bool {
    crate::ir::visit::any(expr, &mut |expr| crate::ir::visit::may_write(expr, local))
}
