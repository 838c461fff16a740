//! Calls.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::value::{Val, machine_type};
use crate::ir::{ChainRoot, Expr, FirstArgument, FunctionId, Kind, Place, Qualified, visit};
use crate::rt::context::Context;
use crate::rt::errors::{RaiseKind, RuntimeName};
use crate::rt::natives::{CallSite, QualifiedSite, Subject};
use crate::rt::values::ValueKind;
use crate::ty::Ty;

/// What a call of a host function is given: pointers to the arguments, the values that are dropped after the call, how
/// the first argument is passed, and the variable that was put into memory for that.
type Passed = (Vec<Value>, Vec<Val>, Subject, Option<(FirstArgument, u32)>);

impl<'f> FunctionGen<'_, 'f> {
    /// A call of a function of the script.
    pub(super) fn script_call(
        &mut self,
        expr: &'f Expr,
        function: FunctionId,
        arguments: &'f [Expr],
        first: Option<&FirstArgument>,
    ) -> Val {
        let definition = &self.generator.unit.functions[function as usize];
        let values = self.argument_values(arguments, first);
        if definition.is_empty {
            self.discard_all(&values);
            return Val::Unit;
        }
        let Some(instance) = self.generator.typed.calls.get(&(self.id, expr.id)).copied() else {
            // An argument that never comes about: the call is not reached.
            return Val::Unit;
        };
        let level = self.next_level(expr.position);
        let mark = self.mark();
        let is_scalar = matches!(&self.generator.typed.instances[instance].result, ty if ty.is_scalar() || *ty == Ty::Never);
        // What lives in a register is returned in one.
        let out = if is_scalar { mark } else { self.temp() };
        let lendable = self.lendable(arguments, first);
        let (status, result) = self.call_typed(instance, (level, None), values, out, &lendable);
        self.check_call(status, &definition.name, expr.position);
        if result.is_scalar() {
            self.release(mark);
        }
        let ty = self.ty(expr);
        self.typed(result, &ty, expr.position)
    }

    /// The arguments in their order; a plain variable in first place is read last.
    fn argument_values(&mut self, arguments: &'f [Expr], first: Option<&FirstArgument>) -> Vec<Val> {
        let mut values = Vec::with_capacity(arguments.len() + 1);
        let last = arguments.first().filter(|argument| first.is_none() && visit::is_outer_variable(argument));
        for (index, argument) in arguments.iter().enumerate().skip(usize::from(last.is_some())) {
            let value = self.evaluate(argument, true);
            let quiet = Self::all_quiet(&arguments[index + 1..]);
            values.push(if quiet { value } else { self.keep(value) });
        }
        if let Some(first) = first {
            let value = self.place_value(first);
            values.insert(0, value);
        }
        if let Some(last) = last {
            let value = self.evaluate(last, true);
            values.insert(0, value);
        }
        values
    }

    pub(super) fn place_value(&mut self, first: &FirstArgument) -> Val {
        match first.place {
            Place::Local { local, .. } => self.local_value(local),
            Place::This => Val::Ref(self.this_address(first.position)),
        }
    }

    pub(super) fn next_level(&mut self, position: u32) -> Value {
        let level = self.builder.ins().iadd_imm_s(self.level, 1);
        let max = self.load(types::I64, self.context, std::mem::offset_of!(Context<'_>, level_max));
        let deep = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, level, max);
        let overflow = self.cold_block();
        let fine = self.builder.create_block();
        self.builder.ins().brif(deep, overflow, &[], fine, &[]);
        self.builder.switch_to_block(overflow);
        self.raise(RaiseKind::StackOverflow, None, position);
        self.builder.switch_to_block(fine);
        level
    }

    /// Passes scalars in registers and the rest as pointers to slots of ours.
    pub(super) fn call_typed(
        &mut self,
        instance: usize,
        (level, this): (Value, Option<Value>),
        values: Vec<Val>,
        out: u32,
        lendable: &[bool],
    ) -> (Value, Val) {
        let target = &self.generator.typed.instances[instance];
        let definition = &self.generator.unit.functions[target.function as usize];
        let mut arguments = vec![self.context, level];
        if definition.uses_this {
            arguments.push(this.unwrap_or_else(|| self.number(0)));
        }
        if !target.result.is_scalar() && target.result != Ty::Never {
            let out = self.slot_address(out);
            arguments.push(out);
        }
        let mut owned = Vec::new();
        for (index, (value, ty)) in values.into_iter().zip(&target.arguments).enumerate() {
            if ty.is_scalar() {
                arguments.extend(self.machine_value(value, ty));
            } else if let (Val::Constant(address), true) = (value, definition.lent[index]) {
                arguments.push(address);
            } else if let (Val::Ref(address) | Val::Either(address, _), true) =
                (value, lendable[index] && definition.lent[index])
            {
                arguments.push(self.lend(address, ty));
                if let Val::Either(_, slot) = value {
                    owned.push(slot);
                }
            } else {
                let slot = self.owned(value);
                self.unmark(Val::Temp(slot));
                owned.push(slot);
                arguments.push(self.slot_address(slot));
            }
        }
        let (status, result) = self.call_instance(instance, &arguments);
        for slot in owned {
            self.discard(Val::Temp(slot));
        }
        let value = match (machine_type(&target.result), result) {
            (Some(_), Some(result)) => Self::scalar(&target.result, Some(result)),
            _ if target.result == Ty::Unit || target.result == Ty::Never => Val::Unit,
            _ => Val::Temp(out),
        };
        (status, value)
    }

    /// For each argument, whether it is a part of a variable of ours that nobody else can change.
    pub(super) fn lendable(&self, arguments: &'f [Expr], first: Option<&FirstArgument>) -> Vec<bool> {
        let ours = |place: &Place| match place {
            Place::Local { local, .. } => !self.function.locals[*local as usize].captured,
            Place::This => false,
        };
        let first = first.map(|first| ours(&first.place));
        let rest = arguments.iter().map(|argument| match &argument.kind {
            Kind::Local(local) => !self.function.locals[*local as usize].captured,
            Kind::Chain(chain) => match &chain.root {
                ChainRoot::Place(place) => ours(place) && chain.only_reads(),
                ChainRoot::Value(_) => false,
            },
            _ => false,
        });
        first.into_iter().chain(rest).collect()
    }

    /// The address of a value that is lent to a function: a shared cell is copied, since others may change it.
    fn lend(&mut self, address: Value, ty: &Ty) -> Value {
        if !ty.is_any() {
            return address;
        }
        let slot = self.temp();
        let copy = self.slot_address(slot);
        let result = self.builder.declare_var(types::I64);
        self.builder.def_var(result, address);
        let shared = self.is_kind(address, ValueKind::Shared);
        let (cell, done) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(shared, cell, &[], done, &[]);
        self.builder.switch_to_block(cell);
        self.call(Helper::Drop, &[copy]);
        self.call(Helper::Copy, &[copy, address]);
        self.builder.def_var(result, copy);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.builder.use_var(result)
    }

    pub(super) fn call_instance(&mut self, instance: usize, arguments: &[Value]) -> (Value, Option<Value>) {
        let function = if let Some(known) = self.callees[instance] {
            known
        } else {
            let declared = self.generator.declare_instance(instance, self.builder.func);
            self.callees[instance] = Some(declared);
            declared
        };
        let call = self.builder.ins().call(function, arguments);
        let results = self.builder.inst_results(call);
        (results[0], results.get(1).copied())
    }

    /// An error that leaves a function of the script is wrapped with its name and the place of the call.
    pub(super) fn check_call(&mut self, status: Value, name: &str, position: u32) {
        let failed = self.cold_block();
        let fine = self.builder.create_block();
        self.builder.ins().brif(status, failed, &[], fine, &[]);
        self.builder.switch_to_block(failed);
        let source = self.generator.unit.source.clone();
        let source = self.generator.pool.keep(RuntimeName::new(source));
        let source = self.pointer(source);
        let name = self.name(name);
        let position = self.position(position);
        let context = self.context;
        self.call(Helper::WrapCallError, &[context, name, source, position]);
        self.jump_to_handler();
        self.builder.switch_to_block(fine);
    }

    /// A call of a function of the engine.
    pub(super) fn native_call(
        &mut self,
        expr: &'f Expr,
        name: &str,
        arguments: &'f [Expr],
        first: Option<&FirstArgument>,
    ) -> Val {
        if let Some(value) = self.intrinsic_call(expr, name, arguments, first) {
            return value;
        }
        if let Some(value) = self.guarded_call(expr, name, arguments, first) {
            return value;
        }
        self.general_call(expr, name, arguments, first)
    }

    /// A call of whatever the engine has for the values that turn up.
    pub(super) fn general_call(
        &mut self,
        expr: &'f Expr,
        name: &str,
        arguments: &'f [Expr],
        first: Option<&FirstArgument>,
    ) -> Val {
        let (pointers, values, subject, spilled) = self.native_arguments(arguments, first);
        let site = self.generator.pool.keep(CallSite::new(name, pointers.len()));
        let site = self.pointer(site);
        let out = self.temp();
        let out_address = self.slot_address(out);
        let array = self.pointer_array(&pointers);
        let subject = self.builder.ins().iconst(types::I8, subject as i64);
        let position = self.position(expr.position);
        let context = self.context;
        self.call_checked(Helper::CallNative, &[context, out_address, site, array, subject, position]);
        self.reload(spilled, expr.position);
        self.discard_all(&values);
        let ty = self.ty(expr);
        self.typed(Val::Temp(out), &ty, expr.position)
    }

    pub(super) fn qualified_call(
        &mut self,
        expr: &'f Expr,
        qualified: &'f Qualified,
        arguments: &'f [Expr],
        first: Option<&FirstArgument>,
    ) -> Val {
        let (pointers, values, subject, spilled) = self.native_arguments(arguments, first);
        let path: Vec<_> = qualified.path.iter().map(|(name, position)| (name.as_str(), *position)).collect();
        let namespaces = &self.generator.unit.namespaces;
        let site = QualifiedSite::new(&path, &qualified.name, pointers.len(), qualified.hash, namespaces);
        let site = self.generator.pool.keep(site);
        let site = self.pointer(site);
        let out = self.temp();
        let out_address = self.slot_address(out);
        let array = self.pointer_array(&pointers);
        let subject = self.builder.ins().iconst(types::I8, subject as i64);
        let position = self.position(expr.position);
        let context = self.context;
        self.call_checked(Helper::CallQualified, &[context, out_address, site, array, subject, position]);
        self.reload(spilled, expr.position);
        self.discard_all(&values);
        Val::Temp(out)
    }

    fn native_arguments(&mut self, arguments: &'f [Expr], first: Option<&FirstArgument>) -> Passed {
        let mut slots: Vec<Val> = Vec::new();
        let mut frozen = None;
        let mut delayed = None;
        for (index, argument) in arguments.iter().enumerate() {
            if index == 0 && first.is_none() {
                if visit::is_outer_variable(argument) {
                    delayed = Some(argument);
                    slots.push(Val::Unit);
                    continue;
                }
                if let Kind::Constant(value) = &argument.kind
                    && value.is_read_only()
                {
                    frozen = Some(self.evaluate(argument, true));
                    slots.push(Val::Unit);
                    continue;
                }
            }
            slots.push(Val::Temp(self.argument(argument)));
        }
        if let Some(delayed) = delayed {
            let value = self.evaluate(delayed, true);
            slots[0] = Val::Temp(self.owned(value));
        }
        if let Some(first) = first {
            return self.with_first(first, slots);
        }
        let mut pointers = Vec::new();
        for slot in &slots {
            let address = self.address(*slot);
            pointers.push(address.unwrap_or(self.context));
        }
        if let Some(address) = frozen.and_then(|frozen| self.address(frozen)) {
            pointers[0] = address;
            return (pointers, slots, Subject::This, None);
        }
        (pointers, slots, Subject::Value, None)
    }

    fn with_first(&mut self, first: &FirstArgument, mut slots: Vec<Val>) -> Passed {
        let mut spilled = None;
        let count = slots.len();
        let (address, subject) = match first.place {
            Place::Local { local, constant } => {
                let home = self.home(local);
                if let Some(address) = self.home_address(&home) {
                    (address, Subject::Variable)
                } else {
                    let value = self.local_value(local);
                    let slot = self.owned(value);
                    slots.push(Val::Temp(slot));
                    spilled = (!constant).then_some((*first, slot));
                    (self.slot_address(slot), if constant { Subject::Value } else { Subject::Variable })
                }
            }
            Place::This => (self.this_address(first.position), Subject::This),
        };
        let mut pointers = vec![address];
        for slot in &slots[..count] {
            let address = self.address(*slot);
            pointers.extend(address);
        }
        (pointers, slots, subject, spilled)
    }

    /// Reads a variable that lives in a register back from the slot it was put into for a call by reference.
    fn reload(&mut self, spilled: Option<(FirstArgument, u32)>, position: u32) {
        let Some((FirstArgument { place: Place::Local { local, .. }, .. }, slot)) = spilled else { return };
        let ty = self.instance.locals[local as usize].clone();
        let value = self.unbox(Val::Temp(slot), &ty, position);
        let home = self.home(local);
        self.set_home(&home, value);
    }

    /// An array of pointers on the stack.
    pub(super) fn pointer_array(&mut self, pointers: &[Value]) -> Value {
        let size = u32::try_from(pointers.len().max(1) * 8).expect("few arguments");
        let slot =
            self.builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3));
        let array = self.builder.ins().stack_addr(types::I64, slot, 0);
        for (index, pointer) in pointers.iter().enumerate() {
            self.store(*pointer, array, index * 8);
        }
        array
    }
}
