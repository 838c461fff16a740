//! Assignments through containers that inference does not know.
//!
//! When a scalar takes the place of one of the same type, no container grows and nothing has to be dropped. Whether
//! that is so is tested on the way; everything else is left to the runtime, as nothing has happened by then.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};

use super::{Plan, Walk};
use crate::codegen::function::FunctionGen;
use crate::codegen::value::{Val, scalar_kind};
use crate::infer::binary_type;
use crate::ir::{ChainExpr, ChainRoot, Expr, Place};
use crate::ops::BinaryOp;
use crate::ty::Ty;

/// An assignment that can be done inline.
struct Assigned {
    /// The type of the old value, and of the new one.
    ty: Ty,
    op: Option<BinaryOp>,
    position: u32,
}

impl<'f> FunctionGen<'_, 'f> {
    pub(super) fn assign_tested(&mut self, chain: &'f ChainExpr, plan: &Plan) -> Option<Val> {
        let value_expr = chain.value.as_ref()?;
        let assigned = self.assigned(chain, plan, value_expr)?;
        let mark = self.mark();
        let out = self.temps(2);
        let value = self.evaluate(value_expr, true);
        let arguments = self.arguments_inline(chain);
        let root = self.chain_root(&chain.root, chain.chain.root_position);
        let (slow, done) = (self.cold_block(), self.builder.create_block());
        let mut walk = Walk { place: root.address, slow: Some(slow), writes: true, at: None, deferred: None };
        self.walk_steps(&plan.steps, &mut walk, &arguments);
        self.assign_same(&assigned, walk.place, value, slow);
        self.discard_all(&arguments);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(slow);
        let value_address = self.slot_address(out + 1);
        self.put(value, value_address);
        self.chain_by_helper(chain, out, &arguments, &root, Some(out + 1));
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(done);
        self.release(mark);
        Some(Val::Unit)
    }

    fn assigned(&self, chain: &'f ChainExpr, plan: &Plan, value: &'f Expr) -> Option<Assigned> {
        let assign = chain.chain.assign?;
        match &chain.root {
            ChainRoot::Place(Place::Local { constant: false, .. } | Place::This) => {}
            _ => return None,
        }
        // What comes from elsewhere may be larger than the limits, which is an error when it is assigned to.
        if self.generator.options.limits.any() {
            return None;
        }
        let ty = self.node_ty(value);
        let new = match assign.op {
            None => ty.clone(),
            Some(op) => binary_type(op, ty, ty),
        };
        let fits = plan.ty.is_any() && ty.is_scalar() && new == *ty;
        fits.then_some(Assigned { ty: new, op: assign.op, position: assign.position })
    }

    /// Assigns when there is a value of this type that can be written to.
    fn assign_same(&mut self, assigned: &Assigned, place: Value, value: Val, slow: Block) {
        let (Some(layout), Some(kind)) = (self.layout, scalar_kind(&assigned.ty)) else { return };
        let is = self.is_kind(place, kind);
        self.only_if(is, slow);
        let access = self.load(types::I8, place, layout.access_of(kind));
        let writable = self.builder.ins().icmp_imm_u(IntCC::Equal, access, i64::from(layout.read_write));
        self.only_if(writable, slow);
        let Some(op) = assigned.op else {
            self.put(value, place);
            return;
        };
        let old = self.scalar_at(place, &assigned.ty);
        // There is an inline form whenever the result has the type of the old value.
        let new = self.scalar_binary(op, old, value, assigned.position).unwrap_or(old);
        self.update(place, new);
    }
}
