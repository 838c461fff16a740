//! Variables that are a part of another variable for as long as they live, or another variable itself.
//!
//! `let items = order.items;` makes a copy, which may be of any size. Where nothing changes either of the two variables
//! while the new one is in scope, nobody can tell the copy from the part itself, and none is made. Shared cells, which
//! others may change, are always copied.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};

use super::function::{FunctionGen, Home};
use super::helpers::Helper;
use super::value::Val;
use crate::infer::may_hold_function;
use crate::ir::{ChainRoot, Expr, Kind, LocalId, Place, narrow, visit};
use crate::rt::chain::StepKind;
use crate::rt::values::ValueKind;
use crate::ty::Ty;

impl<'f> FunctionGen<'_, 'f> {
    /// Generates a declaration that needs no copy; false, and nothing is done, for any other statement. `rest` is what
    /// follows in the block, and so all that may mention the variable.
    pub(super) fn declares_borrowed(&mut self, element: &'f Expr, rest: &'f [Expr]) -> bool {
        let Kind::Let { local, constant: false, value, exported: None, global: false } = &element.kind else {
            return false;
        };
        let (Home::Slot(own) | Home::Borrowed(_, own)) = self.home(*local) else { return false };
        let Some(root) = source(value) else { return false };
        if self.layout.is_none() || !self.may_borrow(*local, (root, value), rest) {
            return false;
        }
        let mark = self.mark();
        let value = self.evaluate(value, true);
        self.borrow(*local, own, value);
        self.release(mark);
        self.forget(element);
        true
    }

    fn may_borrow(&self, local: LocalId, (root, value): (LocalId, &'f Expr), rest: &'f [Expr]) -> bool {
        let unit = self.generator.unit;
        let is_free = |local: LocalId| !self.function.locals[local as usize].captured;
        let declarations =
            |part: &Expr| matches!(&part.kind, Kind::Let { local: found, .. } if *found == local);
        let mut count = 0;
        visit::any(&self.function.body, &mut |part| {
            count += usize::from(declarations(part));
            false
        });
        let moves = |part: &Expr| {
            self.function.moves.contains(&part.id) && matches!(part.kind, Kind::Local(found) if found == root)
        };
        !unit.uses_tags
            && !unit.reads_globals
            && root != local
            && is_free(root)
            && is_free(local)
            && !self.homes[root as usize].is_register()
            && self.is_part(value)
            && count == 1
            && !moves(value)
            && !rest.iter().any(|part| {
                visit::any(part, &mut |part| {
                    moves(part) || self.may_change(part, root) || self.may_change(part, local)
                })
            })
    }

    /// Whether the value is a part of something, and not made of it.
    fn is_part(&self, value: &'f Expr) -> bool {
        let Kind::Chain(chain) = &value.kind else { return true };
        self.plan(chain, chain.chain.steps.len()).is_none_or(|plan| plan.is_part())
    }

    /// Whether this very node may change a variable, as far as its type tells.
    pub(super) fn may_change(&self, part: &Expr, local: LocalId) -> bool {
        if !visit::may_write(part, local) {
            return false;
        }
        let ty = &self.instance.locals[local as usize];
        match &part.kind {
            Kind::Native { name, arguments, first: Some(_) } => {
                name != "type_of" && !self.only_reads(name, ty, arguments.len())
            }
            Kind::Chain(chain) => {
                let [step] = &chain.chain.steps[..] else { return true };
                let StepKind::Method(method) = &step.kind else { return true };
                let is_own = self.generator.unit.functions.iter().any(|own| own.name == *method.name);
                let is_held = may_hold_function(ty, &method.name);
                chain.chain.assign.is_some()
                    || is_own
                    || is_held
                    || !self.only_reads(&method.name, ty, method.arguments)
            }
            _ => true,
        }
    }

    /// Whether this is a function of the library that leaves a value of this type as it is.
    fn only_reads(&self, name: &str, ty: &Ty, arguments: usize) -> bool {
        let reads = match ty {
            Ty::Str | Ty::Array(_) => narrow::READING.contains(&name),
            Ty::Map(_) => matches!(name, "contains" | "keys" | "values" | "len" | "is_empty"),
            _ => false,
        };
        reads && self.generator.typed.standard.has(name, ty, arguments)
    }

    /// Makes the variable the value itself, where that is no cell and no value of ours.
    fn borrow(&mut self, local: LocalId, own: u32, value: Val) {
        let (Val::Ref(address) | Val::Either(address, _)) = value else {
            // It is in a slot of its own already, or a constant.
            self.homes[local as usize] = Home::Slot(own);
            self.set_home(&Home::Slot(own), value);
            return;
        };
        let place = self.builder.declare_var(types::I64);
        self.builder.def_var(place, address);
        let own_address = self.slot_address(own);
        self.drop_value(own_address);
        let done = self.builder.create_block();
        if let Val::Either(_, slot) = value {
            // What was made for the purpose lies in a slot that is used again; it moves to the variable's own.
            let made = self.slot_address(slot);
            let is_made = self.builder.ins().icmp(IntCC::Equal, address, made);
            let (moved, part) = (self.cold_block(), self.builder.create_block());
            self.builder.ins().brif(is_made, moved, &[], part, &[]);
            self.builder.switch_to_block(moved);
            self.move_value(own_address, made);
            self.builder.def_var(place, own_address);
            self.builder.ins().jump(done, &[]);
            self.builder.switch_to_block(part);
        }
        let shared = self.is_kind(address, ValueKind::Shared);
        let cell = self.cold_block();
        self.builder.ins().brif(shared, cell, &[], done, &[]);
        self.builder.switch_to_block(cell);
        self.call(Helper::Copy, &[own_address, address]);
        self.builder.def_var(place, own_address);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.homes[local as usize] = Home::Borrowed(place, own);
    }

    /// Whether the variable is a part of another one.
    pub(super) fn is_borrowed(&self, local: LocalId) -> bool {
        matches!(self.homes[local as usize], Home::Borrowed(..))
    }
}

/// The variable that the value is read from, if it is a part of one or one itself.
fn source(value: &Expr) -> Option<LocalId> {
    match &value.kind {
        Kind::Local(local) => Some(*local),
        Kind::Chain(chain) if chain.only_reads() && chain.value.is_none() => match &chain.root {
            ChainRoot::Place(Place::Local { local, .. }) => Some(*local),
            _ => None,
        },
        _ => None,
    }
}
