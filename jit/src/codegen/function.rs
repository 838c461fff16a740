//! One instance of a function: its frame, its entry and exits, and where errors go.
//!
//! Every slot of the frame always holds a valid `Dynamic`, unit when it is empty; so the one exit may drop them all,
//! and so may the entry of a `catch` with those of its `try`. Errors are parked in the context by whoever finds them;
//! all that machine code does is to jump.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, FuncRef, InstBuilder, StackSlot, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_frontend::{FunctionBuilder, Variable};

use super::Generator;
use super::facts::Fact;
use super::helpers::Helper;
use super::value::{Val, machine_type};
use crate::infer::{Instance, InstanceId};
use crate::ir::{Function, LocalId, NodeId, visit};
use crate::layout::Layout;
use crate::rt::context::Context;
use crate::ty::Ty;

/// Where a local variable lives.
#[derive(Debug, Clone)]
pub(super) enum Home {
    /// In a register.
    Register(Variable, Ty),
    /// It is always the unit value.
    Nothing,
    /// In a slot of the frame.
    Slot(u32),
    /// Where the caller put it.
    Caller(Value),
    /// Part of a container that does not change meanwhile.
    Lent(Variable),
    /// The same, for a variable that a copy was to be made for, in this slot.
    Borrowed(Variable, u32),
}

impl Home {
    /// Whether it is in no memory.
    pub(super) fn is_register(&self) -> bool {
        matches!(self, Self::Register(..) | Self::Nothing)
    }
}

/// Where an error goes, and what has to be tidied before.
pub(super) struct Handler {
    pub(super) block: Block,
}

/// Targets of `break` and `continue`.
pub(super) struct Loop {
    pub(super) exit: Block,
    pub(super) next: Block,
    /// Where `break` leaves its value.
    pub(super) result: Option<Destination>,
    /// How many `catch` blocks were entered when the loop began.
    pub(super) catches: usize,
    /// Slots from here on belong to code inside of the loop.
    pub(super) mark: u32,
}

/// Where the value of a construct with several ends is collected.
#[derive(Debug, Clone)]
pub(super) enum Destination {
    /// In a register.
    Register(Variable, Ty),
    /// In a slot.
    Slot(u32),
    /// In a slot, with its cell if it has one.
    Cell(u32),
    /// Nobody wants it, or it is always unit.
    Nowhere,
}

/// State of the generation of one instance.
pub(super) struct FunctionGen<'g, 'f> {
    pub(super) generator: &'g mut Generator<'f>,
    pub(super) builder: FunctionBuilder<'g>,
    pub(super) id: InstanceId,
    pub(super) instance: &'f Instance,
    pub(super) function: &'f Function,
    pub(super) layout: Option<&'static Layout>,
    pub(super) context: Value,
    pub(super) level: Value,
    pub(super) this: Option<Value>,
    pub(super) result: Option<Value>,
    pub(super) homes: Vec<Home>,
    pub(super) handlers: Vec<Handler>,
    pub(super) loops: Vec<Loop>,
    pub(super) catches: usize,
    return_block: Block,
    return_value: Option<(Variable, Ty)>,
    frame: StackSlot,
    next_slot: u32,
    slots: u32,
    helpers: Vec<Option<FuncRef>>,
    /// Where calls that save all registers leave their result.
    pub(super) rare_result: Option<StackSlot>,
    pub(super) callees: Vec<Option<FuncRef>>,
    pub(super) facts: Vec<Fact>,
    pub(super) next_fact: u32,
    /// The construct whose value stays in its cell.
    pub(super) keeps_cell: Option<NodeId>,
    /// What the variable that the next call is on was found to be.
    pub(super) assumed: Option<(LocalId, Ty)>,
}

/// Up to so many slots are made empty one by one when a function begins.
const INLINE_CLEARS_MAX: u32 = 32;
/// Up to so many slots are looked at one by one before the runtime is asked to drop them.
const INLINE_DROPS_MAX: u32 = 12;

impl<'g, 'f> FunctionGen<'g, 'f> {
    pub(super) fn new(
        generator: &'g mut Generator<'f>,
        mut builder: FunctionBuilder<'g>,
        id: InstanceId,
    ) -> Self {
        let instance = &generator.typed.instances[id];
        let function = &generator.unit.functions[instance.function as usize];
        let frame = builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 0, 4));
        let callees = vec![None; generator.typed.instances.len()];
        let layout = generator.layout;
        let context = Value::from_u32(0);
        Self {
            generator,
            builder,
            id,
            instance,
            function,
            layout,
            context,
            level: context,
            this: None,
            result: None,
            homes: Vec::new(),
            handlers: Vec::new(),
            loops: Vec::new(),
            catches: 0,
            return_block: Block::from_u32(0),
            return_value: None,
            frame,
            next_slot: 0,
            slots: 0,
            helpers: vec![None; Helper::ALL.len()],
            rare_result: None,
            callees,
            facts: Vec::new(),
            next_fact: 0,
            keeps_cell: None,
            assumed: None,
        }
    }

    /// Generates the whole function.
    pub(super) fn generate(mut self) {
        self.return_block = self.builder.create_block();
        let error_block = self.builder.create_block();
        self.handlers.push(Handler { block: error_block });
        let entry = self.builder.create_block();
        let start = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.builder.switch_to_block(entry);
        let arguments = self.read_parameters(entry);
        // How many slots there are to prepare is known when the body is done.
        let prepare = self.builder.create_block();
        self.builder.ins().jump(prepare, &[]);
        self.builder.switch_to_block(start);
        self.settle_parameters(arguments);
        self.stack_check();
        self.charge(self.function.nodes + 1, visit::first_position(&self.function.body));
        let value = self.evaluate(&self.function.body, true);
        self.return_with(value);
        self.exits();
        self.builder.switch_to_block(prepare);
        self.prepare_frame();
        self.builder.ins().jump(start, &[]);
        self.finish();
    }

    pub(super) fn finish(mut self) {
        self.builder.seal_all_blocks();
        let size = self.slots.max(1) * 16;
        self.builder.func.sized_stack_slots[self.frame].size = size;
        let config = self.generator.frontend_config();
        self.builder.finalize(config);
    }

    fn read_parameters(&mut self, entry: Block) -> Vec<Option<Value>> {
        let parameters = self.builder.block_params(entry).to_vec();
        let mut parameters = parameters.into_iter();
        let mut next = || parameters.next().expect("the signature has this parameter");
        self.context = next();
        self.level = next();
        if self.function.uses_this {
            self.this = Some(next());
        }
        if !self.instance.result.is_scalar() && self.instance.result != Ty::Never {
            self.result = Some(next());
        } else if let Some(machine) = machine_type(&self.instance.result) {
            let variable = self.builder.declare_var(machine);
            self.return_value = Some((variable, self.instance.result.clone()));
        }
        let passed = |ty: &Ty| *ty != Ty::Unit;
        self.instance.arguments.iter().map(|ty| passed(ty).then(&mut next)).collect()
    }

    /// Gives every local variable a home and the parameters theirs.
    fn settle_parameters(&mut self, arguments: Vec<Option<Value>>) {
        for (index, local) in self.function.locals.iter().enumerate() {
            let ty = if local.captured { Ty::Any } else { self.instance.locals[index].clone() };
            let argument = arguments.get(index).copied();
            let passed = self.instance.arguments.get(index).cloned().unwrap_or(Ty::Any);
            let home = if let Some(machine) = machine_type(&ty) {
                Home::Register(self.builder.declare_var(machine), ty)
            } else if ty == Ty::Unit || ty == Ty::Never {
                Home::Nothing
            } else if let Some(Some(address)) = argument.filter(|_| !passed.is_scalar()) {
                Home::Caller(address)
            } else {
                Home::Slot(self.temp())
            };
            if let (Some(argument), true) = (argument, passed.is_scalar()) {
                let value = Self::scalar(&passed, argument);
                self.set_home(&home, value);
            }
            self.homes.push(home);
        }
    }

    /// Gives a variable its first value.
    pub(super) fn set_home(&mut self, home: &Home, value: Val) {
        match home {
            Home::Register(variable, ty) => {
                let variable = *variable;
                let ty = ty.clone();
                if let Some(value) = self.machine_value(value, &ty) {
                    self.builder.def_var(variable, value);
                }
            }
            Home::Nothing => self.discard(value),
            Home::Slot(_) | Home::Caller(_) | Home::Lent(_) | Home::Borrowed(..) => {
                let address = self.home_address(home).expect("it is in memory");
                self.drop_value(address);
                self.put(value, address);
            }
        }
    }

    pub(super) fn home(&self, local: LocalId) -> Home {
        self.homes[local as usize].clone()
    }

    pub(super) fn home_address(&mut self, home: &Home) -> Option<Value> {
        match home {
            Home::Slot(slot) => Some(self.slot_address(*slot)),
            Home::Caller(address) => Some(*address),
            Home::Lent(variable) | Home::Borrowed(variable, _) => Some(self.builder.use_var(*variable)),
            _ => None,
        }
    }

    /// All slots hold unit when the body begins.
    fn prepare_frame(&mut self) {
        if self.slots == 0 {
            return;
        }
        let base = self.builder.ins().stack_addr(types::I64, self.frame, 0);
        if self.layout.is_some() && self.slots <= INLINE_CLEARS_MAX {
            for slot in 0..self.slots {
                let address = self.slot_address(slot);
                self.set_unit(address);
            }
        } else {
            let count = self.builder.ins().iconst(types::I64, i64::from(self.slots));
            self.call(Helper::ClearRange, &[base, count]);
        }
    }

    /// A frame that would lie below the limit is an error like a call that is too deep.
    fn stack_check(&mut self) {
        let limit = self.load(types::I64, self.context, std::mem::offset_of!(Context<'_>, stack_limit));
        let here = self.builder.ins().get_stack_pointer(types::I64);
        let low = self.builder.ins().icmp(IntCC::UnsignedLessThan, here, limit);
        let overflow = self.cold_block();
        let fine = self.builder.create_block();
        self.builder.ins().brif(low, overflow, &[], fine, &[]);
        self.builder.switch_to_block(overflow);
        self.raise(crate::rt::errors::RaiseKind::StackOverflow, None, 0);
        self.builder.switch_to_block(fine);
    }

    /// Tells the runtime at which level of calls we are, if what is called next may want to know: a helper that gets
    /// the context and is not just for an error. So functions that call none have no level to keep.
    fn tell_level(&mut self, helper: Helper, arguments: &[Value]) {
        if arguments.first() == Some(&self.context) && !helper.only_fails() {
            self.store(self.level, self.context, std::mem::offset_of!(Context<'_>, level));
        }
    }

    /// Charges operations and asks for more when they are used up.
    pub(super) fn charge(&mut self, cost: u32, position: u32) {
        if !self.generator.options.count_operations {
            return;
        }
        let offset = std::mem::offset_of!(Context<'_>, fuel);
        let fuel = self.load(types::I64, self.context, offset);
        let left = self.builder.ins().iadd_imm_s(fuel, -i64::from(cost));
        self.store(left, self.context, offset);
        let empty = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        let refuel = self.cold_block();
        let fine = self.builder.create_block();
        self.builder.ins().brif(empty, refuel, &[], fine, &[]);
        self.builder.switch_to_block(refuel);
        let position = self.position(position);
        let context = self.context;
        let status = self.call_value(Helper::Refuel, &[context, position]);
        self.fail_if(status);
        self.builder.ins().jump(fine, &[]);
        self.builder.switch_to_block(fine);
    }

    /// Returns from the function.
    pub(super) fn return_with(&mut self, value: Val) {
        if let Some((variable, ty)) = self.return_value.clone() {
            if let Some(value) = self.machine_value(value, &ty) {
                self.builder.def_var(variable, value);
            }
        } else if let Some(result) = self.result {
            self.put(value, result);
        } else {
            self.discard(value);
        }
        for _ in 0..self.catches {
            let context = self.context;
            self.call(Helper::CatchEndOk, &[context]);
        }
        let target = self.return_block;
        self.builder.ins().jump(target, &[]);
        self.dead_code();
    }

    fn exits(&mut self) {
        // The block of unreachable code after the last return.
        let target = self.return_block;
        self.builder.ins().jump(target, &[]);
        self.builder.switch_to_block(self.return_block);
        // All of them: copies of cells that were lent to functions stay in their slots until here.
        self.tidy_frame(self.slots, true);
        let ok = self.builder.ins().iconst(types::I8, 0);
        match self.return_value.clone() {
            Some((variable, _)) => {
                let value = self.builder.use_var(variable);
                self.builder.ins().return_(&[ok, value]);
            }
            None => {
                self.builder.ins().return_(&[ok]);
            }
        }
        let error = self.handlers[0].block;
        self.builder.switch_to_block(error);
        self.tidy_frame(self.slots, false);
        let failed = self.builder.ins().iconst(types::I8, 1);
        match self.return_value.clone() {
            Some((_, ty)) => {
                let nothing = self.machine_value(Val::Unit, &ty).expect("it is a scalar");
                self.builder.ins().return_(&[failed, nothing]);
            }
            None => {
                self.builder.ins().return_(&[failed]);
            }
        }
    }

    /// What is done on both ways out: variables of a program go back to its scope, the rest is dropped.
    fn tidy_frame(&mut self, slots: u32, is_usual: bool) {
        if self.generator.options.export_scope && self.function.is_top {
            self.export_scope();
        }
        if slots == 0 {
            return;
        }
        if is_usual {
            self.forget_scalars();
        }
        let done = self.builder.create_block();
        if self.layout.is_some() && slots <= INLINE_DROPS_MAX {
            let mut plain = self.is_plain(0);
            for slot in 1..slots {
                let next = self.is_plain(slot);
                plain = self.builder.ins().band(plain, next);
            }
            let heap = self.builder.create_block();
            let plain = self.builder.ins().band_imm_u(plain, 1);
            self.builder.ins().brif(plain, done, &[], heap, &[]);
            self.builder.switch_to_block(heap);
        }
        let base = self.slot_address(0);
        let count = self.builder.ins().iconst(types::I64, i64::from(slots));
        self.call(Helper::DropRange, &[base, count]);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
    }

    /// Makes arrays of scalars empty before they are dropped, so that nobody looks at each item for nothing.
    fn forget_scalars(&mut self) {
        let Some(layout) = self.layout else { return };
        for (home, (local, ty)) in
            self.homes.clone().iter().zip(self.function.locals.iter().zip(&self.instance.locals))
        {
            let (Home::Slot(slot), Ty::Array(item)) = (home, ty) else { continue };
            if local.captured || !item.is_scalar() {
                continue;
            }
            let address = self.slot_address(*slot);
            let is_array = self.is_kind(address, crate::rt::values::ValueKind::Array);
            let (array, other) = (self.builder.create_block(), self.builder.create_block());
            self.builder.ins().brif(is_array, array, &[], other, &[]);
            self.builder.switch_to_block(array);
            let vector = self.load(types::I64, address, layout.payload);
            let nothing = self.number(0);
            self.store(nothing, vector, layout.vec_length);
            self.builder.ins().jump(other, &[]);
            self.builder.switch_to_block(other);
        }
    }

    /// Whether a slot holds what need not be dropped, in the lowest bit.
    fn is_plain(&mut self, slot: u32) -> Value {
        let address = self.slot_address(slot);
        self.plain_bit(address)
    }

    pub(super) fn temp(&mut self) -> u32 {
        self.temps(1)
    }

    /// A row of slots.
    pub(super) fn temps(&mut self, count: u32) -> u32 {
        let first = self.next_slot;
        self.next_slot += count;
        self.slots = self.slots.max(self.next_slot);
        first
    }

    pub(super) fn mark(&self) -> u32 {
        self.next_slot
    }

    /// Slots above the mark may be used again; their values have been moved or dropped.
    pub(super) fn release(&mut self, mark: u32) {
        self.next_slot = mark;
    }

    pub(super) fn highest_slot(&self) -> u32 {
        self.slots
    }

    pub(super) fn slot_address(&mut self, slot: u32) -> Value {
        let offset = i32::try_from(slot * 16).expect("frames are small");
        self.builder.ins().stack_addr(types::I64, self.frame, offset)
    }

    pub(super) fn cold_block(&mut self) -> Block {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        block
    }

    /// A block that is cold where the current one is.
    pub(super) fn next_block(&mut self) -> Block {
        let here = self.builder.current_block();
        if here.is_some_and(|here| self.builder.func.layout.is_cold(here)) {
            self.cold_block()
        } else {
            self.builder.create_block()
        }
    }

    /// Code that follows is never reached, but has to go somewhere.
    pub(super) fn dead_code(&mut self) {
        let block = self.cold_block();
        self.builder.switch_to_block(block);
    }

    pub(super) fn position(&mut self, position: u32) -> Value {
        self.builder.ins().iconst(types::I32, i64::from(position))
    }

    pub(super) fn number(&mut self, number: usize) -> Value {
        self.builder.ins().iconst(types::I64, i64::try_from(number).unwrap_or(i64::MAX))
    }

    pub(super) fn jump_to_handler(&mut self) {
        let target = self.handlers.last().expect("the function's own is never removed").block;
        self.builder.ins().jump(target, &[]);
    }

    /// Leaves for the handler when the value is not 0.
    pub(super) fn fail_if(&mut self, status: Value) {
        let target = self.handlers.last().expect("the function's own is never removed").block;
        let fine = self.builder.create_block();
        self.builder.ins().brif(status, target, &[], fine, &[]);
        self.builder.switch_to_block(fine);
    }

    fn helper(&mut self, helper: Helper) -> FuncRef {
        if let Some(known) = self.helpers[helper as usize] {
            return known;
        }
        let declared = self.generator.declare_helper(helper, self.builder.func);
        self.helpers[helper as usize] = Some(declared);
        declared
    }

    pub(super) fn call(&mut self, helper: Helper, arguments: &[Value]) {
        self.tell_level(helper, arguments);
        let function = self.helper(helper);
        self.builder.ins().call(function, arguments);
    }

    pub(super) fn call_value(&mut self, helper: Helper, arguments: &[Value]) -> Value {
        self.tell_level(helper, arguments);
        let function = self.helper(helper);
        let call = self.builder.ins().call(function, arguments);
        self.builder.inst_results(call)[0]
    }

    /// Calls a helper that may fail.
    pub(super) fn call_checked(&mut self, helper: Helper, arguments: &[Value]) {
        let status = self.call_value(helper, arguments);
        self.fail_if(status);
    }
}
