//! From the interpreter's tree to a chain.

use rhai::{ASTFlags, BinaryExpr, Expr, Position};

use super::{Assign, Chain, Method, Step, StepKind};
use crate::position::pack;

/// A chain of the interpreter's tree, taken apart.
#[derive(Debug)]
pub struct Parts<'e> {
    /// What the chain starts from. It is evaluated last, after all arguments.
    pub root: &'e Expr,
    /// Its steps.
    pub steps: Vec<Step>,
    /// The index values and method arguments, in the order in which they are evaluated and handed over.
    pub arguments: Vec<&'e Expr>,
}

impl Chain {
    /// Takes a dot or index expression apart; none for any other expression.
    pub fn steps_of(expression: &Expr) -> Option<Parts<'_>> {
        let (Expr::Dot(parts, ..) | Expr::Index(parts, ..)) = expression else { return None };
        let BinaryExpr { lhs: root, rhs } = &**parts;
        let mut parts = Parts { root, steps: Vec::new(), arguments: Vec::new() };
        let (mut parent, mut rest) = (expression, rhs);
        loop {
            let (is_index, flags) = match parent {
                Expr::Index(_, flags, _) => (true, *flags),
                Expr::Dot(_, flags, _) => (false, *flags),
                _ => return None,
            };
            // A chain on the right goes on, unless the flag says that it is an index value.
            let next = match rest {
                Expr::Dot(next, ..) | Expr::Index(next, ..)
                    if !is_index || !flags.intersects(ASTFlags::BREAK) =>
                {
                    Some(next)
                }
                _ => None,
            };
            let step = next.map_or(rest, |next| &next.lhs);
            parts.push(step, is_index, flags, parent.position())?;
            let Some(next) = next else { return Some(parts) };
            (parent, rest) = (rest, &next.rhs);
        }
    }
}

impl<'e> Parts<'e> {
    /// Adds a step.
    fn push(&mut self, step: &'e Expr, is_index: bool, flags: ASTFlags, operator: Position) -> Option<()> {
        let kind = match step {
            _ if is_index => {
                self.arguments.push(step);
                StepKind::index(pack(step.start_position()))
            }
            Expr::Property(property, position) => StepKind::property(&property.2, pack(*position)),
            Expr::MethodCall(call, position) => {
                self.arguments.extend(&*call.args);
                let first = call.args.first().map_or(Position::NONE, Expr::position);
                let mut method = Method::new(&call.name, call.args.len(), pack(first), pack(*position));
                method.native_hash = Some(call.hashes.native());
                StepKind::Method(Box::new(method))
            }
            _ => return None,
        };
        self.steps.push(Step::new(kind, flags.intersects(ASTFlags::NEGATED), pack(operator)));
        Some(())
    }

    /// The chain, with what assigns to it.
    pub fn into_chain(self, assign: Option<Assign>) -> Chain {
        let root_name = match self.root {
            Expr::Variable(variable, ..) => variable.1.as_str(),
            _ => "",
        };
        Chain {
            root_name: root_name.into(),
            root_position: pack(self.root.start_position()),
            steps: self.steps.into(),
            assign,
        }
    }
}
