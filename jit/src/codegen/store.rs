//! Assignments to variables and to parts of known containers.
//!
//! The value is evaluated first and made independent of what it is stored to; then the old one is dropped, and the new
//! one moved in. `x op= y` on numbers is done where they lie, whatever inference knows.

use cranelift_codegen::ir::{Block, InstBuilder, Value, types};

use super::function::FunctionGen;
use super::helpers::Helper;
use super::path::{Plan, Step, Walk};
use super::value::Val;
use crate::ir::{ChainExpr, ChainRoot, Expr, LocalId, Place};
use crate::ops::BinaryOp;
use crate::rt::values::ValueKind;
use crate::ty::Ty;

/// What is assigned by an operator, and what errors say of it.
pub(super) struct Operation<'a> {
    pub(super) op: BinaryOp,
    /// What is known of the value in place.
    pub(super) ty: &'a Ty,
    /// What is known of the operand.
    pub(super) operand: &'a Ty,
    /// Where the operator stands, and where the variable.
    pub(super) positions: (u32, u32),
    /// The variable's name.
    pub(super) name: &'a str,
}

impl<'f> FunctionGen<'_, 'f> {
    /// Assigns to a variable in memory.
    pub(super) fn assign_to_home(
        &mut self,
        local: LocalId,
        address: Value,
        op: Option<BinaryOp>,
        (value, operand): (Val, &Ty),
        positions: (u32, u32),
    ) {
        let name = self.function.locals[local as usize].name.clone();
        let captured = self.function.locals[local as usize].captured;
        let ty = if captured { Ty::Any } else { self.instance.locals[local as usize].clone() };
        if let Some(op) = op {
            let operation = Operation { op, ty: &ty, operand, positions, name: &name };
            self.operate(address, &operation, value, positions.1);
        } else if ty.is_any() {
            self.assign_memory(address, None, value, positions, &name);
        } else {
            let value = self.keep(value);
            self.replace(address, &ty, value);
        }
    }

    /// Assigns to a part of a variable that inference knows. The last step adds what a map does not have.
    pub(super) fn assign_inline(&mut self, expr: &'f Expr, chain: &'f ChainExpr, plan: &Plan) -> Option<Val> {
        let assign = chain.chain.assign?;
        let ChainRoot::Place(Place::Local { local, constant: false }) = &chain.root else { return None };
        let value_expr = chain.value.as_ref()?;
        let operand = self.ty(value_expr);
        let last = plan.steps.last()?;
        // A part of unknown type may be marked as read-only.
        let may_be_marked = self.generator.unit.reads_globals && plan.ty.is_any();
        if plan.tests
            || may_be_marked
            || operand == Ty::Never
            || plan.ty == Ty::Never
            || matches!(last, Step::Character { .. })
        {
            return None;
        }
        let mark = self.mark();
        let mut value = self.evaluate(value_expr, true);
        if !value.is_scalar() && (assign.op.is_none() || !Self::all_quiet(&chain.arguments)) {
            value = Val::Temp(self.owned(value));
        }
        if assign.op.is_none() {
            self.unmark(value);
        }
        let arguments = self.arguments_inline(chain);
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        let at = self.walk_start(&chain.root);
        let mut walk = Walk { place: root.address, slow: None, writes: true, at, deferred: None };
        for step in &plan.steps[..plan.steps.len() - 1] {
            self.walk_step(step, &mut walk, &arguments);
        }
        // Only the steps to elements are put off, and what holds them is measured only for a property.
        let container = walk.place;
        self.walk_last(last, &mut walk, &arguments, &plan.ty);
        self.catch_up(&mut walk);
        let place = walk.place;
        match assign.op {
            None => self.replace(place, &plan.ty, value),
            Some(op) => {
                let positions = (assign.position, chain.chain.root_position);
                let name = &self.function.locals[*local as usize].name;
                let operation = Operation { op, ty: &plan.ty, operand: &operand, positions, name };
                self.operate(place, &operation, value, expr.position);
            }
        }
        self.check_part(plan, (place, container), &operand, assign.op, assign.position);
        self.discard_all(&arguments);
        self.release(mark);
        Some(Val::Unit)
    }

    /// The last step of an assignment: what a map does not have is added as unit.
    fn walk_last(&mut self, step: &Step, walk: &mut Walk, arguments: &[Val], ty: &Ty) {
        match step {
            Step::Entry { argument, key, .. } => {
                self.catch_up(walk);
                let known = self.known_entry(walk, *key);
                let (key, _) = self.boxed(arguments[*argument]);
                walk.place = self.entry_to_be(known, [walk.place, key]);
            }
            // What is not known to be there has no known type.
            Step::Property { name, guessed, .. } if ty.is_any() => {
                self.catch_up(walk);
                walk.place = self.property_to_be(walk.place, name, *guessed);
            }
            other => {
                self.walk_step(other, walk, arguments);
            }
        }
    }

    /// Replaces what is at a place.
    fn replace(&mut self, place: Value, old: &Ty, value: Val) {
        if !old.is_scalar() {
            self.drop_value(place);
        }
        self.put(value, place);
    }

    /// What the interpreter checks after an assignment to a part, as far as it can be too large: the item, or all of
    /// the map that a property is in.
    fn check_part(
        &mut self,
        plan: &Plan,
        (place, container): (Value, Value),
        operand: &Ty,
        op: Option<BinaryOp>,
        position: u32,
    ) {
        let limits = self.generator.options.limits;
        if !limits.any() {
            return;
        }
        if matches!(plan.steps.last(), Some(Step::Property { indexed: false, .. })) {
            let small = plan.container.size_of_scalars();
            if small.is_none_or(|size| limits.map > 0 && size > limits.map) {
                self.check_size(container, position);
            }
        } else if !(operand.is_scalar() && (op.is_none() || plan.ty.is_scalar())) {
            self.check_size(place, position);
        }
    }

    /// `place op= value`; the value is used up.
    pub(super) fn operate(&mut self, place: Value, operation: &Operation<'_>, value: Val, at: u32) {
        let Operation { op, ty, positions, .. } = *operation;
        if op == BinaryOp::Add && self.grow(place, operation, value) {
            return;
        }
        if ty.is_scalar() && value.is_scalar() && crate::infer::binary_type(op, ty, operation.operand) == *ty
        {
            let old = self.unbox(Val::Ref(place), ty, at);
            if let Some(new) = self.scalar_binary(op, old, value, positions.0) {
                self.update(place, new);
                return;
            }
        }
        let done = self.builder.create_block();
        let may_be_marked = self.generator.unit.reads_globals && ty.is_any();
        if self.layout.is_some() && !may_be_marked && (ty.is_any() || ty.is_scalar()) {
            for kind in [ValueKind::Int, ValueKind::Float] {
                self.operate_on_number((place, kind), op, value, done, positions.0);
            }
        }
        self.operate_by_helper(place, operation, value);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
    }

    /// Goes to `done` with the result in place where that is a number of this kind and so is the operand; falls
    /// through otherwise. The tag of the value stays.
    fn operate_on_number(
        &mut self,
        (place, kind): (Value, ValueKind),
        op: BinaryOp,
        value: Val,
        done: Block,
        position: u32,
    ) {
        let arithmetic = matches!(
            op,
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo
        );
        let fits = matches!(
            (kind, value),
            (ValueKind::Int, Val::Int(_)) | (ValueKind::Float, Val::Int(_) | Val::Float(_))
        );
        let in_memory = self.address(value).is_some();
        let Some(layout) = self.layout.filter(|_| arithmetic && (fits || in_memory)) else { return };
        let mut is = self.is_kind(place, kind);
        if let Some(same) = self.has_kind(value, kind) {
            is = self.builder.ins().band(is, same);
        }
        let (fast, other) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(is, fast, &[], other, &[]);
        self.builder.switch_to_block(fast);
        let old = match kind {
            ValueKind::Int => Val::Int(self.get_int(place)),
            _ => Val::Float(self.get_float(place)),
        };
        let value = if in_memory { self.number_in(value, kind) } else { value };
        if let Some(Val::Int(new) | Val::Float(new)) = self.scalar_binary(op, old, value, position) {
            self.store(new, place, layout.payload);
        }
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(other);
    }

    fn operate_by_helper(&mut self, place: Value, operation: &Operation<'_>, value: Val) {
        let slot = self.owned(value);
        let value_address = self.slot_address(slot);
        let name = self.name(operation.name);
        let context = self.context;
        let number = self.builder.ins().iconst(types::I32, operation.op as i64);
        let position = self.position(operation.positions.0);
        let start = self.position(operation.positions.1);
        self.call_checked(Helper::OpAssign, &[context, place, number, value_address, name, position, start]);
        self.discard(Val::Temp(slot));
    }
}
