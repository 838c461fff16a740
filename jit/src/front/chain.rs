//! Chains of properties, indexes and methods, made flat.

use std::sync::Arc;

use rhai::{ASTFlags, Expr as Node, OpAssignment, Position};

use super::Builder;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind, Place, Raise};
use crate::ops::BinaryOp;
use crate::position::pack;
use crate::rt::chain::{Assign, Chain, Step, StepKind};

/// The operator of an assignment; `None` for a plain one.
pub(super) fn assigned_operator(operator: &OpAssignment) -> Option<BinaryOp> {
    operator.get_op_assignment_info().and_then(|info| BinaryOp::of(info.4))
}

impl Builder<'_> {
    /// A chain that is read, or that a value is assigned through.
    pub(super) fn chain(&mut self, node: &Node, assign: Option<(&OpAssignment, &Node)>) -> Kind {
        let (Node::Dot(sides, ..) | Node::Index(sides, ..)) = node else { return Kind::Unit };
        let value = assign.map(|(_, value)| self.expression(value));
        let mut arguments = Vec::new();
        let mut steps = Vec::new();
        self.steps(node, &sides.rhs, &mut steps, &mut arguments);
        let assigns = assign.map(|(operator, _)| Assign {
            op: assigned_operator(operator),
            position: pack(operator.position()),
        });
        let root = self.chain_root(&sides.lhs, assigns.is_some());
        let root_name = match &sides.lhs {
            Node::Variable(variable, ..) => variable.1.as_str(),
            _ => "",
        };
        let chain = Arc::new(Chain {
            root_name: root_name.into(),
            root_position: pack(sides.lhs.start_position()),
            steps: steps.into(),
            assign: assigns,
        });
        Kind::Chain(Box::new(ChainExpr { root, chain, arguments, value }))
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
            (Kind::Constant(_), Node::Variable(variable, ..)) if assigned => {
                let raise = Raise::AssignmentToConstant(variable.1.to_string());
                self.node(root.position(), root.start_position(), Kind::Raise(raise))
            }
            _ => value,
        }
    }

    fn steps(&mut self, parent: &Node, right: &Node, steps: &mut Vec<Step>, arguments: &mut Vec<Expr>) {
        let (flags, operator_position, indexes) = match parent {
            Node::Index(_, flags, position) => (*flags, *position, true),
            Node::Dot(_, flags, position) => (*flags, *position, false),
            _ => return,
        };
        let (item, rest) = match right {
            Node::Dot(inner, ..) | Node::Index(inner, ..)
                if !indexes || !flags.intersects(ASTFlags::BREAK) =>
            {
                (&inner.lhs, Some(&inner.rhs))
            }
            last => (last, None),
        };
        let kind = if indexes {
            let index = self.expression(item);
            let position = index.start;
            arguments.push(index);
            StepKind::Index { position }
        } else {
            self.member(item, arguments)
        };
        steps.push(Step {
            kind,
            null_conditional: flags.intersects(ASTFlags::NEGATED),
            operator_position: pack(operator_position),
        });
        if let Some(rest) = rest {
            self.steps(right, rest, steps, arguments);
        }
    }

    fn member(&mut self, item: &Node, arguments: &mut Vec<Expr>) -> StepKind {
        match item {
            Node::Property(property, position) => {
                let name = property.2.as_str();
                self.uses_tags |= name == "tag";
                StepKind::property(name, pack(*position))
            }
            Node::MethodCall(call, position) => {
                self.uses_tags |= call.name == "set_tag";
                let first = call.args.first().map_or(Position::NONE, Node::position);
                let count = call.args.len();
                let values = self.expressions(call.args.iter());
                arguments.extend(values);
                StepKind::method(&call.name, count, pack(first), pack(*position))
            }
            other => StepKind::property("", pack(other.position())),
        }
    }
}
