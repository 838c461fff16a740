//! Variables whose values were measured when they came about, and are what they were then.
//!
//! Within limits on sizes the interpreter measures what a method is called on after each call. What a host function has
//! returned was measured by then, with all that is in it; if nothing in the script changes it, it cannot be too large,
//! and neither can a part of it. So a method that only reads need not be followed by a walk through the whole value.

use super::function::FunctionGen;
use crate::ir::{ChainRoot, Expr, Kind, LocalId, Place, visit};

/// So many variables are followed from one to the other.
const STEPS_MAX: u32 = 4;

impl FunctionGen<'_, '_> {
    /// Whether no value of this variable can be larger than the limits.
    pub(super) fn is_measured(&self, local: LocalId) -> bool {
        self.is_measured_within(local, STEPS_MAX)
    }

    fn is_measured_within(&self, local: LocalId, steps: u32) -> bool {
        let function = self.function;
        if steps == 0
            || function.locals[local as usize].captured
            || (local as usize) < function.parameters
            || function.exported.iter().any(|export| export.local == local)
        {
            return false;
        }
        !visit::any(&function.body, &mut |part| !self.leaves_measured(part, local, steps - 1))
    }

    /// Whether this very node gives the variable no value that may be too large.
    fn leaves_measured(&self, part: &Expr, local: LocalId, steps: u32) -> bool {
        match &part.kind {
            Kind::Let { local: found, value, .. } if *found == local => self.gives_measured(value, steps),
            Kind::Assign { place: Place::Local { local: found, .. }, op: None, value, .. }
                if *found == local =>
            {
                self.gives_measured(value, steps)
            }
            Kind::For(for_loop) if for_loop.variable == local => {
                self.gives_measured(&for_loop.iterable, steps)
            }
            _ => !self.may_change(part, local),
        }
    }

    fn gives_measured(&self, value: &Expr, steps: u32) -> bool {
        let follows = |local: LocalId| self.is_measured_within(local, steps);
        match &value.kind {
            Kind::Local(local) | Kind::Narrow { local, .. } => follows(*local),
            Kind::Qualified { .. } => true,
            Kind::Chain(chain) if chain.host.is_some() => chain.value.is_none(),
            Kind::Chain(chain) => match &chain.root {
                ChainRoot::Place(Place::Local { local, .. }) => chain.only_reads() && follows(*local),
                _ => false,
            },
            _ => self.node_ty(value).is_scalar(),
        }
    }
}
