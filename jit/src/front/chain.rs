//! Chains of properties, indexes and methods, made flat.

use std::sync::Arc;

use rhai::{Expr as Node, OpAssignment};

use super::Builder;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind, Place, Raise};
use crate::ops::BinaryOp;
use crate::position::pack;
use crate::rt::chain::{Assign, Chain, StepKind};

/// The operator of an assignment; `None` for a plain one.
pub(super) fn assigned_operator(operator: &OpAssignment) -> Option<BinaryOp> {
    operator.get_op_assignment_info().and_then(|info| BinaryOp::of(info.4))
}

impl Builder<'_> {
    /// A chain that is read, or that a value is assigned through.
    pub(super) fn chain(&mut self, node: &Node, assign: Option<(&OpAssignment, &Node)>) -> Kind {
        let (Node::Dot(sides, ..) | Node::Index(sides, ..)) = node else { return Kind::Unit };
        let value = assign.map(|(_, value)| self.expression(value));
        let Some(parts) = Chain::steps_of(node) else { return Kind::Unit };
        self.uses_tags |= parts.steps.iter().any(|step| match &step.kind {
            StepKind::Property(property) => property.key.as_str() == "tag",
            StepKind::Method(method) => &*method.name == "set_tag",
            StepKind::Index { .. } => false,
        });
        let arguments = self.expressions(parts.arguments.iter().copied());
        let assigns = assign.map(|(operator, _)| Assign {
            op: assigned_operator(operator),
            position: pack(operator.position()),
        });
        let root = self.chain_root(&sides.lhs, assigns.is_some());
        let chain = Arc::new(parts.into_chain(assigns));
        let host = self.bind(&root, &chain, &arguments);
        Kind::Chain(Box::new(ChainExpr { root, chain, arguments, value, host }))
    }

    fn chain_root(&mut self, root: &Node, assigned: bool) -> ChainRoot {
        match root {
            Node::ThisPtr(_) => ChainRoot::Place(Place::This),
            Node::Variable(variable, short, _) => {
                let offset = short.map(|short| usize::from(short.get())).or(variable.0.map(usize::from));
                let local = offset.is_some() || variable.2.is_empty();
                match self.scope.find(offset, &variable.1).filter(|_| local) {
                    Some(found) => {
                        ChainRoot::Place(Place::Local { local: found.local, constant: found.constant })
                    }
                    None => ChainRoot::Value(self.chain_value(root, assigned)),
                }
            }
            value => ChainRoot::Value(self.expression(value)),
        }
    }

    fn chain_value(&mut self, root: &Node, assigned: bool) -> Expr {
        let value = self.expression(root);
        match (&value.kind, root) {
            // Of the host's own types, what can be assigned is for their setters to say.
            (Kind::Constant(constant), Node::Variable(variable, ..)) if assigned && is_of_rhai(constant) => {
                let raise = Raise::AssignmentToConstant(variable.1.to_string());
                self.node(root.position(), root.start_position(), Kind::Raise(raise))
            }
            _ => value,
        }
    }
}

/// Whether the value is of one of Rhai's own types, whose members are changed in place.
fn is_of_rhai(value: &rhai::Dynamic) -> bool {
    value.is_unit()
        || value.is_bool()
        || value.is_int()
        || value.is_float()
        || value.is_char()
        || value.is_string()
        || value.is_array()
        || value.is_blob()
        || value.is_map()
        || value.is_fnptr()
}
