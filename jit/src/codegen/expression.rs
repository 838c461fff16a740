//! Expressions.

use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::function::{FunctionGen, Home};
use super::helpers::Helper;
use super::operator::is_quiet;
use super::value::Val;
use crate::ir::{Expr, Interpret, Kind, LocalId, Place, Raise, visit};
use crate::rt::errors::{RaiseKind, RuntimeName};
use crate::rt::literals::MapSite;
use crate::rt::scope::{ExportedName, InterpretSite, NameList};
use crate::ty::Ty;

impl<'f> FunctionGen<'_, 'f> {
    /// Generates a node. Without `wanted` the value may be anything and is not to be used.
    pub(super) fn evaluate(&mut self, expr: &'f Expr, wanted: bool) -> Val {
        let value = self.kind(expr, wanted);
        self.forget(expr);
        if wanted {
            return value;
        }
        self.discard(value);
        Val::Unit
    }

    pub(super) fn node_ty(&self, expr: &Expr) -> &'f Ty {
        &self.instance.nodes[expr.id as usize]
    }

    pub(super) fn ty(&self, expr: &Expr) -> Ty {
        self.node_ty(expr).clone()
    }

    fn kind(&mut self, expr: &'f Expr, wanted: bool) -> Val {
        match &expr.kind {
            Kind::Unit => Val::Unit,
            Kind::Bool(value) => Val::Bool(self.builder.ins().iconst(types::I8, i64::from(*value))),
            Kind::Int(value) => Val::Int(self.builder.ins().iconst(types::I64, *value)),
            Kind::Float(value) => Val::Float(self.builder.ins().f64const(*value)),
            Kind::Char(value) => {
                Val::Char(self.builder.ins().iconst(types::I32, i64::from(u32::from(*value))))
            }
            Kind::Constant(value) => self.constant(value),
            Kind::Local(local) => {
                let value = self.local_value(*local);
                match value {
                    Val::Ref(address)
                        if self.function.moves.contains(&expr.id) && !self.is_borrowed(*local) =>
                    {
                        let slot = self.temp();
                        let to = self.slot_address(slot);
                        self.move_value(to, address);
                        Val::Temp(slot)
                    }
                    other => other,
                }
            }
            Kind::Narrow { local, .. } => self.narrowed(expr, *local),
            Kind::This => {
                let address = self.this_address(expr.position);
                Val::Ref(address)
            }
            Kind::Global { name, qualified } => self.global(expr, name, qualified),
            Kind::Binary { op, left, right } => self.binary(expr, *op, left, right),
            Kind::Negate(operand) => self.unary(expr, 0, operand),
            Kind::Plus(operand) => self.unary(expr, 1, operand),
            Kind::Not(operand) => self.unary(expr, 2, operand),
            Kind::And(_) | Kind::Or(_) => self.logical(expr),
            Kind::Coalesce(operands) => self.scoped(|this| this.coalesce(expr, operands)),
            Kind::Interpolate(segments) => self.interpolate(segments),
            Kind::Array(items) => self.array(items),
            Kind::Map { keys, values } => self.map(keys, values),
            Kind::Let { .. } | Kind::Assign { .. } | Kind::Share(_) => self.store_statement(expr),
            Kind::Chain(chain) => self.chain(expr, chain),
            Kind::Call { function, arguments, first } => {
                self.script_call(expr, *function, arguments, first.as_ref())
            }
            Kind::Native { name, arguments, first } => {
                self.native_call(expr, name, arguments, first.as_ref())
            }
            Kind::Qualified { site, arguments, first } => {
                self.qualified_call(expr, site, arguments, first.as_ref())
            }
            Kind::CallPointer { callee, arguments } => self.pointer_call(expr, callee, arguments),
            Kind::NewPointer(name) => self.new_pointer(name),
            Kind::Curry { pointer, arguments } => self.curry(pointer, arguments),
            Kind::IsShared(value) => self.is_shared(value),
            Kind::IsDefined { name, names } => self.is_defined(name, names),
            Kind::Raise(raise) => {
                let (kind, name) = match raise {
                    Raise::VariableNotFound(name) => (RaiseKind::VariableNotFound, name),
                    Raise::AssignmentToConstant(name) => (RaiseKind::AssignmentToConstant, name),
                };
                self.raise(kind, Some(name), expr.position);
                self.dead_code();
                Val::Unit
            }
            Kind::Interpret(interpret) => self.interpret(interpret),
            _ => self.control(expr, wanted),
        }
    }

    /// Raises an error; the current block ends.
    pub(super) fn raise(&mut self, kind: RaiseKind, name: Option<&str>, position: u32) {
        let name = match name {
            Some(name) => self.name(name),
            None => self.number(0),
        };
        let number = self.builder.ins().iconst(types::I32, kind as i64);
        let position = self.position(position);
        let context = self.context;
        self.call_value(Helper::Raise, &[context, number, name, position]);
        self.jump_to_handler();
    }

    /// A name as the runtime knows names.
    pub(super) fn name(&mut self, text: &str) -> Value {
        let name = self.generator.pool.keep(RuntimeName::new(text));
        self.pointer(name)
    }

    pub(super) fn pointer<T>(&mut self, pointer: *const T) -> Value {
        self.number(pointer.addr())
    }

    /// A constant stays where it is; whoever wants to own it copies it. Constants of the script are marked read-only.
    fn constant(&mut self, value: &rhai::Dynamic) -> Val {
        let kept = if value.is_read_only() { value.clone().into_read_only() } else { value.clone() };
        let kept = self.generator.pool.keep(kept);
        Val::Constant(self.pointer(kept))
    }

    pub(super) fn local_value(&mut self, local: LocalId) -> Val {
        let home = self.home(local);
        match &home {
            Home::Register(variable, ty) => {
                let value = self.builder.use_var(*variable);
                Self::scalar(ty, Some(value))
            }
            Home::Nothing => Val::Unit,
            Home::Slot(_) | Home::Caller(_) | Home::Lent(_) | Home::Borrowed(..) => {
                let address = self.home_address(&home).expect("it is in memory");
                Val::Ref(address)
            }
        }
    }

    /// What `this` is bound to, or the error that it is not.
    pub(super) fn this_address(&mut self, position: u32) -> Value {
        let Some(this) = self.this else {
            self.raise(RaiseKind::UnboundThis, None, position);
            self.dead_code();
            return self.number(0);
        };
        let bound = self.builder.create_block();
        let unbound = self.cold_block();
        self.builder.ins().brif(this, bound, &[], unbound, &[]);
        self.builder.switch_to_block(unbound);
        self.raise(RaiseKind::UnboundThis, None, position);
        self.builder.switch_to_block(bound);
        this
    }

    /// The constant of the top level, read-only as the interpreter hands it out.
    pub(super) fn global(&mut self, expr: &Expr, name: &str, qualified: &str) -> Val {
        let names = self.generator.pool.keep((name.to_owned(), qualified.to_owned()));
        let names = self.pointer(names);
        let out = self.temp();
        let address = self.slot_address(out);
        let position = self.position(expr.start);
        let context = self.context;
        self.call_checked(Helper::GlobalGet, &[context, address, names, position]);
        Val::Temp(out)
    }

    fn logical(&mut self, expr: &'f Expr) -> Val {
        let result = self.builder.declare_var(types::I8);
        let (yes, no) = (self.builder.create_block(), self.builder.create_block());
        let done = self.builder.create_block();
        self.branch(expr, yes, no);
        for (block, value) in [(yes, 1), (no, 0)] {
            self.builder.switch_to_block(block);
            let value = self.builder.ins().iconst(types::I8, value);
            self.builder.def_var(result, value);
            self.builder.ins().jump(done, &[]);
        }
        self.builder.switch_to_block(done);
        Val::Bool(self.builder.use_var(result))
    }

    fn coalesce(&mut self, expr: &'f Expr, operands: &'f [Expr]) -> Val {
        let destination = self.destination(expr, true);
        let done = self.builder.create_block();
        for (index, operand) in operands.iter().enumerate() {
            let value = self.evaluate_end(operand, &destination);
            if index + 1 == operands.len() {
                self.settle(&destination, value);
                self.builder.ins().jump(done, &[]);
                break;
            }
            let next = self.builder.create_block();
            match value {
                Val::Unit => {
                    self.builder.ins().jump(next, &[]);
                }
                scalar if scalar.is_scalar() => {
                    self.settle(&destination, scalar);
                    self.builder.ins().jump(done, &[]);
                }
                other => {
                    let address = self.address(other).expect("it is in memory");
                    let unit = self.call_value(Helper::IsUnit, &[address]);
                    let (empty, full) = (self.builder.create_block(), self.builder.create_block());
                    self.builder.ins().brif(unit, empty, &[], full, &[]);
                    self.builder.switch_to_block(full);
                    self.settle(&destination, other);
                    self.builder.ins().jump(done, &[]);
                    self.builder.switch_to_block(empty);
                    self.discard(other);
                    self.builder.ins().jump(next, &[]);
                }
            }
            self.builder.switch_to_block(next);
        }
        self.builder.switch_to_block(done);
        self.collected(&destination)
    }

    /// An argument of a host function, owned. Constants of the script are read-only there, wherever it may put them.
    pub(super) fn argument(&mut self, argument: &'f Expr) -> u32 {
        let value = self.evaluate(argument, true);
        let slot = self.owned(value);
        if visit::is_frozen(argument) {
            let address = self.slot_address(slot);
            let read_only = self.builder.ins().iconst(types::I8, 1);
            self.call(Helper::SetAccess, &[address, read_only]);
        }
        slot
    }

    /// Arguments in a row of slots.
    pub(super) fn argument_row(&mut self, arguments: &'f [Expr]) -> u32 {
        let first = self.temps(u32::try_from(arguments.len()).expect("rows are short"));
        for (index, argument) in (0..).zip(arguments) {
            let mark = self.mark();
            let slot = self.argument(argument);
            let (from, to) = (self.slot_address(slot), self.slot_address(first + index));
            self.move_value(to, from);
            self.release(mark);
        }
        first
    }

    /// Values in a row of slots, owned.
    pub(super) fn row(&mut self, expressions: &'f [Expr]) -> u32 {
        let first = self.temps(u32::try_from(expressions.len()).expect("rows are short"));
        for (index, expression) in (0..).zip(expressions) {
            let mark = self.mark();
            let value = self.evaluate(expression, true);
            let address = self.slot_address(first + index);
            self.put(value, address);
            self.release(mark);
        }
        first
    }

    fn positions(&mut self, expressions: &[Expr]) -> Value {
        let positions: Box<[u32]> = expressions.iter().map(|expression| expression.position).collect();
        let pointer = positions.as_ptr();
        self.generator.pool.keep(positions);
        self.pointer(pointer)
    }

    fn interpolate(&mut self, segments: &'f [Expr]) -> Val {
        if let Some(value) = self.interpolate_known(segments) {
            return value;
        }
        let out = self.temp();
        let row = self.row(segments);
        let positions = self.positions(segments);
        self.build(Helper::Interpolate, out, row, segments.len(), positions)
    }

    fn array(&mut self, items: &'f [Expr]) -> Val {
        let out = self.temp();
        let row = self.row(items);
        let positions = self.positions(items);
        self.build(Helper::ArrayNew, out, row, items.len(), positions)
    }

    fn build(&mut self, helper: Helper, out: u32, row: u32, count: usize, positions: Value) -> Val {
        let address = self.slot_address(out);
        let items = self.slot_address(row);
        let count = self.number(count);
        let context = self.context;
        self.call_checked(helper, &[context, address, items, count, positions]);
        self.release(out + 1);
        Val::Temp(out)
    }

    fn map(&mut self, keys: &[String], values: &'f [Expr]) -> Val {
        let out = self.temp();
        let row = self.row(values);
        let positions = values.iter().map(|value| value.position).collect();
        let template = keys.iter().map(|key| (key.as_str().into(), rhai::Dynamic::UNIT)).collect();
        let site = MapSite::new(keys.iter().map(|key| key.as_str().into()), positions, template);
        let site = self.generator.pool.keep(site);
        let site = self.pointer(site);
        let address = self.slot_address(out);
        let items = self.slot_address(row);
        let context = self.context;
        self.call_checked(Helper::MapNew, &[context, address, site, items]);
        self.release(out + 1);
        Val::Temp(out)
    }

    /// The name may be in a cell, which errors speak of.
    fn new_pointer(&mut self, name: &'f Expr) -> Val {
        let owned = self.raw_row(std::slice::from_ref(name));
        let out = self.temp();
        let (address, name_address) = (self.slot_address(out), self.slot_address(owned));
        let position = self.position(name.start);
        let context = self.context;
        self.call_checked(Helper::NewPointer, &[context, address, name_address, position]);
        self.discard(Val::Temp(owned));
        Val::Temp(out)
    }

    /// Captured variables go into a closure as the shared cells that they are.
    fn curry(&mut self, pointer: &'f Expr, arguments: &'f [Expr]) -> Val {
        let value = self.evaluate(pointer, true);
        let owned = self.owned(value);
        let row = self.raw_row(arguments);
        let out = self.temp();
        let (address, pointer_address) = (self.slot_address(out), self.slot_address(owned));
        let items = self.slot_address(row);
        let count = self.number(arguments.len());
        let position = self.position(pointer.start);
        let context = self.context;
        self.call_checked(Helper::Curry, &[context, address, pointer_address, items, count, position]);
        self.discard(Val::Temp(owned));
        Val::Temp(out)
    }

    /// Like [`Self::row`], but shared cells stay shared.
    pub(super) fn raw_row(&mut self, expressions: &'f [Expr]) -> u32 {
        let first = self.temps(u32::try_from(expressions.len()).expect("rows are short").max(1));
        for (index, expression) in (0..).zip(expressions) {
            let mark = self.mark();
            let value = self.evaluate(expression, true);
            self.put_with_cell(value, first + index);
            self.release(mark);
        }
        first
    }

    fn is_shared(&mut self, value: &'f Expr) -> Val {
        let value = self.evaluate_with_cell(value);
        let (address, value) = self.boxed(value);
        let shared = self.call_value(Helper::IsShared, &[address]);
        self.discard(value);
        Val::Bool(shared)
    }

    fn is_defined(&mut self, name: &'f Expr, names: &[String]) -> Val {
        let value = self.evaluate(name, true);
        let (address, value) = self.boxed(value);
        let list = self.generator.pool.keep(NameList(names.to_vec()));
        let list = self.pointer(list);
        let out = self.temp();
        let out_address = self.slot_address(out);
        let position = self.position(name.start);
        let context = self.context;
        self.call_checked(Helper::IsDefined, &[context, out_address, address, list, position]);
        self.discard(value);
        self.unbox(Val::Temp(out), &Ty::Bool, name.position)
    }

    /// Runs a piece of the script in the interpreter, over the variables in scope.
    fn interpret(&mut self, interpret: &'f Interpret) -> Val {
        let site = InterpretSite {
            node: interpret.node.clone(),
            variables: interpret
                .scope
                .iter()
                .map(|(local, constant)| (self.function.locals[*local as usize].name.clone(), *constant))
                .collect(),
            keeps_imports: interpret.keeps_imports,
        };
        let site = self.generator.pool.keep(site);
        let site = self.pointer(site);
        let count = u32::try_from(interpret.scope.len()).expect("few variables");
        let out = self.temp();
        let row = self.temps(count.max(1));
        let mut addresses = Vec::new();
        for (local, _) in &interpret.scope {
            let home = self.home(*local);
            addresses.push(self.home_address(&home));
        }
        self.move_row(row, &addresses, true);
        let (address, items) = (self.slot_address(out), self.slot_address(row));
        let context = self.context;
        let status = self.call_value(Helper::Interpret, &[context, address, site, items]);
        self.move_row(row, &addresses, false);
        self.fail_if(status);
        Val::Temp(out)
    }

    fn move_row(&mut self, row: u32, addresses: &[Option<Value>], there: bool) {
        for (index, address) in (0..).zip(addresses) {
            let Some(home) = *address else { continue };
            let slot = self.slot_address(row + index);
            if there {
                self.move_value(slot, home);
            } else {
                self.move_value(home, slot);
            }
        }
    }

    fn store_statement(&mut self, expr: &'f Expr) -> Val {
        let mark = self.mark();
        match &expr.kind {
            Kind::Let { local, value, .. } if self.declares_narrowed(*local, value) => {}
            Kind::Let { local, constant, value: initial, exported, global } => {
                let mut value = self.evaluate(initial, true);
                // A variable that takes the place of another may be made from it.
                if visit::any(initial, &mut |part| visit::mentions(part, *local)) {
                    value = self.keep(value);
                }
                if !*constant {
                    self.unmark(value);
                }
                self.declare(*local, value, *constant, *exported, *global);
            }
            Kind::Assign { place, op, value, operator_position, target, name } => {
                let operand = self.ty(value);
                let value = self.evaluate(value, true);
                if op.is_none() {
                    self.unmark(value);
                }
                match place {
                    Place::Local { local, constant } => {
                        let positions = (*operator_position, *target);
                        if *constant {
                            self.raise(RaiseKind::AssignmentToConstant, Some(name), positions.1);
                            self.dead_code();
                        } else {
                            self.assign_local(*local, *op, (value, &operand), positions, name);
                        }
                    }
                    Place::This => {
                        let address = self.this_address(*target);
                        self.assign_memory(address, *op, value, (*operator_position, *target), "");
                    }
                }
            }
            Kind::Share(locals) => {
                for local in locals {
                    let home = self.home(*local);
                    if let Some(address) = self.home_address(&home) {
                        self.call(Helper::Share, &[address]);
                    }
                }
            }
            _ => {}
        }
        self.release(mark);
        Val::Unit
    }

    fn declare(&mut self, local: LocalId, value: Val, constant: bool, exported: Option<u32>, global: bool) {
        let home = self.home(local);
        self.set_home(&home, value);
        if let (Some(address), true) = (self.home_address(&home), constant) {
            let access = self.builder.ins().iconst(types::I8, 1);
            self.call(Helper::SetAccess, &[address, access]);
        }
        if global && self.generator.has_functions {
            let name = self.function.locals[local as usize].name.clone();
            let name = self.name(&name);
            let mark = self.mark();
            let value = self.local_value(local);
            let (address, _) = self.boxed(value);
            let context = self.context;
            self.call(Helper::GlobalSet, &[context, name, address]);
            self.release(mark);
        }
        if let Some(count) = exported {
            let count = self.number(count as usize);
            let offset = std::mem::offset_of!(crate::rt::context::Context<'_>, declared);
            self.store(count, self.context, offset);
        }
    }

    /// `positions` are those of the operator and of the variable.
    fn assign_local(
        &mut self,
        local: LocalId,
        op: Option<crate::ops::BinaryOp>,
        (value, operand): (Val, &Ty),
        positions: (u32, u32),
        name: &str,
    ) {
        let home = self.home(local);
        if let Some(address) = self.home_address(&home) {
            self.assign_to_home(local, address, op, (value, operand), positions);
            return;
        }
        let value = match op {
            None => value,
            Some(op) => {
                let old = self.local_value(local);
                match self.scalar_binary(op, old, value, positions.0) {
                    Some(value) => value,
                    None => self.assign_boxed(old, op, value, positions, name),
                }
            }
        };
        self.set_home(&home, value);
    }

    /// `old op= value` for a scalar and something that is none, whose result inference knows to fit the variable.
    fn assign_boxed(
        &mut self,
        old: Val,
        op: crate::ops::BinaryOp,
        value: Val,
        positions: (u32, u32),
        name: &str,
    ) -> Val {
        let slot = self.owned(old);
        let address = self.slot_address(slot);
        self.assign_memory(address, Some(op), value, positions, name);
        Val::Temp(slot)
    }

    /// Assigns to a variable in memory.
    pub(super) fn assign_memory(
        &mut self,
        address: Value,
        op: Option<crate::ops::BinaryOp>,
        value: Val,
        positions: (u32, u32),
        name: &str,
    ) {
        let done = self.assign_number(address, op, value, positions.0);
        let slot = self.owned(value);
        let value_address = self.slot_address(slot);
        let name = self.name(name);
        let context = self.context;
        let start = self.position(positions.1);
        match op {
            None => self.call_checked(Helper::Assign, &[context, address, value_address, name, start]),
            Some(op) => {
                let number = self.builder.ins().iconst(types::I32, op as i64);
                let position = self.position(positions.0);
                self.call_checked(
                    Helper::OpAssign,
                    &[context, address, number, value_address, name, position, start],
                );
            }
        }
        self.discard(Val::Temp(slot));
        if let Some(done) = done {
            self.builder.ins().jump(done, &[]);
            self.builder.switch_to_block(done);
        }
    }

    /// The variables of the top level as the interpreter leaves them in its scope.
    pub(super) fn export_scope(&mut self) {
        let exported = &self.function.exported;
        if exported.is_empty() {
            return;
        }
        let table: Vec<ExportedName> = exported
            .iter()
            .map(|export| ExportedName {
                name: self.function.locals[export.local as usize].name.clone(),
                constant: self.homes[export.local as usize].is_register().then_some(export.constant),
                aliases: export.aliases.clone(),
            })
            .collect();
        let count = u32::try_from(exported.len()).expect("few variables");
        // An error leaves temporaries in any slot of the body; they are still to be dropped.
        let mark = self.mark();
        self.release(self.highest_slot());
        let row = self.temps(count);
        for (index, export) in (0..).zip(exported) {
            let home = self.home(export.local);
            let slot = self.slot_address(row + index);
            if let Some(address) = self.home_address(&home) {
                self.move_value(slot, address);
            } else {
                let value = self.local_value(export.local);
                self.put(value, slot);
            }
        }
        let table = self.generator.pool.keep(table);
        let table = self.pointer(table);
        let items = self.slot_address(row);
        let total = self.number(exported.len());
        let context = self.context;
        self.call(Helper::ExportScope, &[context, table, items, total]);
        self.release(mark);
    }

    /// Whether the right operands leave variables alone.
    pub(super) fn all_quiet(expressions: &[Expr]) -> bool {
        expressions.iter().all(is_quiet)
    }
}
