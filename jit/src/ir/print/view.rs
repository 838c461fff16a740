//! What a listing wants to know of one instance.

use super::local_name;
use crate::host::HostSite;
use crate::infer::{Instance, InstanceId, Typed, binary_type, may_hold_function};
use crate::ir::{ChainExpr, ChainRoot, Expr, FirstArgument, Function, LocalId, Place, Unit};
use crate::rt::chain::{Method, StepKind};
use crate::ty::{Part, Ty};

/// An instance among all others.
#[derive(Clone, Copy)]
pub(crate) struct View<'p> {
    pub(crate) unit: &'p Unit,
    pub(crate) typed: &'p Typed,
    pub(crate) id: InstanceId,
    pub(crate) function: &'p Function,
    pub(crate) instance: &'p Instance,
}

impl<'p> View<'p> {
    pub(crate) fn of(unit: &'p Unit, typed: &'p Typed, id: InstanceId) -> Self {
        let instance = &typed.instances[id];
        Self { unit, typed, id, function: &unit.functions[instance.function as usize], instance }
    }

    pub(crate) fn ty(&self, expr: &Expr) -> &'p Ty {
        &self.instance.nodes[expr.id as usize]
    }

    pub(crate) fn name(&self, local: LocalId) -> String {
        local_name(self.function, local)
    }

    pub(crate) fn local_ty(&self, local: LocalId) -> Ty {
        if self.function.locals[local as usize].captured {
            return Ty::Any;
        }
        self.instance.locals[local as usize].clone()
    }

    pub(crate) fn place(&self, place: Place) -> String {
        match place {
            Place::Local { local, constant } => {
                format!("{}{}", if constant { "constant " } else { "" }, self.name(local))
            }
            Place::This => "this".to_owned(),
        }
    }

    pub(crate) fn place_ty(&self, place: Place) -> Ty {
        match place {
            Place::Local { local, .. } => self.local_ty(local),
            Place::This => Ty::Any,
        }
    }

    pub(crate) fn root(&self, chain: &ChainExpr) -> String {
        match &chain.root {
            ChainRoot::Place(place) => self.place(*place),
            ChainRoot::Value(_) => "_".to_owned(),
        }
    }

    /// What a chain on a value of the host's is bound to, unless types say that it is no such value.
    pub(crate) fn host_site<'c>(&self, chain: &'c ChainExpr) -> Option<&'c HostSite> {
        let is_open = match &chain.root {
            ChainRoot::Place(place) => self.place_ty(*place).is_any(),
            ChainRoot::Value(_) => true,
        };
        chain.host.as_deref().filter(|_| is_open)
    }

    /// Who walks a chain, as far as types decide it: machine code that knows each container, machine code that tests,
    /// the standard library, or the runtime.
    pub(crate) fn chain_binding(&self, chain: &ChainExpr) -> &'static str {
        let mut current = match &chain.root {
            ChainRoot::Place(place) => self.place_ty(*place),
            ChainRoot::Value(value) => self.ty(value).clone(),
        };
        let (mut next, mut tested) = (0, false);
        for (index, step) in chain.chain.steps.iter().enumerate() {
            tested |= current.is_any();
            let last = index + 1 == chain.chain.steps.len();
            let part = match (&step.kind, &current) {
                _ if step.null_conditional => return "runtime",
                (StepKind::Method(method), receiver) => {
                    return if last && self.is_library(method, receiver) { "library" } else { "runtime" };
                }
                (StepKind::Property(property), Ty::Map(_) | Ty::Any) => {
                    Part::Property(property.key.as_str().into())
                }
                (StepKind::Property(property), Ty::Array(_) | Ty::Str) if property.key.as_str() == "len" => {
                    return "inline";
                }
                (StepKind::Property(_), _) => return "runtime",
                (StepKind::Index { .. }, container) => {
                    let index = self.ty(&chain.arguments[next]);
                    next += 1;
                    match (container, index) {
                        (Ty::Array(_), Ty::Int) => Part::Element,
                        (Ty::Map(_), Ty::Str) | (Ty::Any, Ty::Int | Ty::Str) => Part::Entry,
                        (Ty::Str, Ty::Int) => return "inline",
                        _ => return "runtime",
                    }
                }
            };
            current = current.part(&part);
        }
        match (&chain.chain.assign, &chain.value) {
            (Some(assign), Some(value)) => {
                let value = self.ty(value);
                let new = assign.op.map_or_else(|| value.clone(), |op| binary_type(op, &current, value));
                if tested || !current.is_scalar() || !value.is_scalar() || new != current {
                    "runtime"
                } else {
                    "inline"
                }
            }
            _ if tested => "tested",
            _ => "inline",
        }
    }

    fn is_library(&self, method: &Method, receiver: &Ty) -> bool {
        let scripted = |function: &Function| {
            !function.is_top && *function.name == *method.name && function.parameters == method.arguments
        };
        !self.unit.functions.iter().any(scripted)
            && !may_hold_function(receiver, &method.name)
            && self.typed.standard.has(&method.name, receiver, method.arguments)
    }

    /// Whether a call of a native function is known to be one of the standard library.
    pub(crate) fn native_binding(
        &self,
        name: &str,
        first: Option<&FirstArgument>,
        arguments: &[Expr],
    ) -> &'static str {
        let count = arguments.len() + usize::from(first.is_some());
        let receiver = match first {
            Some(first) => self.place_ty(first.place),
            None => arguments.first().map_or(Ty::Any, |argument| self.ty(argument).clone()),
        };
        let known = !receiver.is_any() && self.typed.standard.has(name, &receiver, count.saturating_sub(1));
        if known { "library" } else { "runtime" }
    }
}
