//! Which chains are bound to functions of the host.

use std::sync::Arc;

use super::Builder;
use crate::host::{HostSite, HostStep};
use crate::ir::{ChainRoot, Expr, Kind, LocalId, Place};
use crate::position::unpack;
use crate::rt::chain::{Chain, StepKind};
use crate::rt::host_call::ARGUMENTS_MAX;

impl Builder<'_> {
    /// What a chain is bound to if its root turns out to be a value of the host's.
    pub(super) fn bind(&self, root: &ChainRoot, chain: &Chain, arguments: &[Expr]) -> Option<Arc<HostSite>> {
        let host = self.names.host?;
        let assigns = chain.assign.is_some();
        if chain.assign.is_some_and(|assign| assign.op.is_some())
            || chain.steps.iter().any(|step| step.null_conditional)
            || arguments.len() + usize::from(assigns) > ARGUMENTS_MAX
        {
            return None;
        }
        let index = arguments.last().and_then(constant_text);
        let (steps, position) = self.host_steps(chain, index.as_deref())?;
        if !self.is_likely(root, &steps) {
            return None;
        }
        let mut bindings = host.bind(&steps, assigns);
        if let ChainRoot::Value(Expr { kind: Kind::Constant(value), .. }) = root {
            bindings.retain(|binding| binding.root == value.type_id());
        }
        let arguments = arguments.len() + usize::from(assigns);
        let operator = unpack(chain.steps.last()?.operator_position);
        let site = HostSite { bindings, arguments, assigns, position: unpack(position), operator };
        (!site.bindings.is_empty()).then(|| Arc::new(site))
    }

    /// The steps of a chain, and where errors of the last belong. None if only the runtime knows what they mean.
    fn host_steps<'c>(&self, chain: &'c Chain, index: Option<&'c str>) -> Option<(Vec<HostStep<'c>>, u32)> {
        let mut steps = Vec::with_capacity(chain.steps.len());
        let mut at = 0;
        for (number, step) in chain.steps.iter().enumerate() {
            let is_last = number + 1 == chain.steps.len();
            steps.push(match &step.kind {
                StepKind::Property(property) => {
                    at = property.position;
                    HostStep::Property(property.key.as_str())
                }
                StepKind::Index { .. } if is_last => {
                    at = step.operator_position;
                    HostStep::Index(index)
                }
                StepKind::Method(method)
                    if is_last && chain.assign.is_none() && !self.is_scripted(method) =>
                {
                    at = method.position;
                    HostStep::Method(&method.name, method.arguments)
                }
                _ => return None,
            });
        }
        Some((steps, at))
    }

    /// Whether the script has a function that may go before the host's.
    fn is_scripted(&self, method: &crate::rt::chain::Method) -> bool {
        let names = self.names;
        names.functions.contains_key(&(method.name.to_string(), method.arguments))
            || names.typed_methods.contains_key(&*method.name)
    }

    /// Whether the root is worth a test: maps have properties and indexes of any name.
    fn is_likely(&self, root: &ChainRoot, steps: &[HostStep<'_>]) -> bool {
        match (root, steps) {
            (ChainRoot::Value(Expr { kind: Kind::Constant(_), .. }), _) => true,
            (ChainRoot::Value(_) | ChainRoot::Place(Place::This), _) | (_, [HostStep::Index(_), ..]) => false,
            (ChainRoot::Place(Place::Local { local, .. }), [HostStep::Property(_)]) => {
                self.is_parameter_of_hook(*local)
            }
            (ChainRoot::Place(Place::Local { .. }), _) => true,
        }
    }

    fn is_parameter_of_hook(&self, local: LocalId) -> bool {
        self.is_top && !self.is_program && (local as usize) < self.parameters
    }
}

fn constant_text(index: &Expr) -> Option<String> {
    let Kind::Constant(value) = &index.kind else { return None };
    value.as_immutable_string_ref().ok().map(|text| text.to_string())
}
