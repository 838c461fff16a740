//! Expressions.

use rhai::{Dynamic, Expr as Node, FnPtr, Position};

use super::Builder;
use crate::ir::{Expr, Interpret, Kind, MODULE_VARIABLE, Raise};
use crate::position::pack;

impl Builder<'_> {
    pub(super) fn node(&mut self, position: Position, start: Position, kind: Kind) -> Expr {
        let id = self.next_node;
        self.next_node += 1;
        Expr { id, position: pack(position), start: pack(start), kind }
    }

    pub(super) fn expression(&mut self, node: &Node) -> Expr {
        let kind = self.kind(node);
        self.node(node.position(), node.start_position(), kind)
    }

    pub(super) fn expressions<'n>(&mut self, nodes: impl IntoIterator<Item = &'n Node>) -> Vec<Expr> {
        nodes.into_iter().map(|node| self.expression(node)).collect()
    }

    fn kind(&mut self, node: &Node) -> Kind {
        match node {
            Node::Unit(_) => Kind::Unit,
            Node::BoolConstant(value, _) => Kind::Bool(*value),
            Node::IntegerConstant(value, _) => Kind::Int(*value),
            Node::FloatConstant(value, _) => Kind::Float(**value),
            Node::CharConstant(value, _) => Kind::Char(*value),
            Node::StringConstant(value, _) => Kind::Constant(Dynamic::from(value.clone())),
            Node::DynamicConstant(value, _) => Kind::Constant((**value).clone()),
            Node::InterpolatedString(segments, _) => Kind::Interpolate(self.expressions(segments.iter())),
            Node::Array(items, _) => Kind::Array(self.expressions(items.iter())),
            Node::Map(map, _) => {
                let keys = map.0.iter().map(|(key, _)| key.name.to_string()).collect();
                let values = self.expressions(map.0.iter().map(|(_, value)| value));
                Kind::Map { keys, values }
            }
            Node::ThisPtr(_) => Kind::This,
            Node::Variable(..) => self.variable(node),
            Node::And(operands, _) => Kind::And(self.expressions(operands.iter())),
            Node::Or(operands, _) => Kind::Or(self.expressions(operands.iter())),
            Node::Coalesce(operands, _) => Kind::Coalesce(self.expressions(operands.iter())),
            Node::Stmt(block) => self.block(block.statements()),
            Node::FnCall(call, position) => self.call(call, *position, node),
            Node::Dot(..) | Node::Index(..) => self.chain(node, None),
            _ => self.interpret(node.clone(), "custom syntax"),
        }
    }

    /// A variable that is read.
    fn variable(&mut self, node: &Node) -> Kind {
        let Node::Variable(variable, short, _) = node else { return Kind::Unit };
        let offset = short.map(|short| usize::from(short.get())).or(variable.0.map(usize::from));
        let (name, namespace) = (variable.1.as_str(), &variable.2);
        if offset.is_none() && !namespace.is_empty() {
            return self.qualified_variable(node);
        }
        if let Some(found) = self.scope.find(offset, name) {
            return Kind::Local(found.local);
        }
        if let Some(value) = self.names.constants.get(name) {
            return Kind::Constant(value.clone().into_read_only());
        }
        if let Some(function) = self.names.pointers.get(name) {
            return Kind::Constant(Dynamic::from(FnPtr::from(function.clone())));
        }
        Kind::Raise(Raise::VariableNotFound(name.to_owned()))
    }

    fn qualified_variable(&mut self, node: &Node) -> Kind {
        let Node::Variable(variable, ..) = node else { return Kind::Unit };
        let namespace = &variable.2;
        if namespace.path.len() == 1 && namespace.root() == "global" {
            if let Some(value) = self.names.constants.get(variable.1.as_str()) {
                return Kind::Constant(value.clone().into_read_only());
            }
            self.reads_globals = true;
            let qualified = format!("{namespace}::{}", variable.1);
            return Kind::Global { name: variable.1.to_string(), qualified };
        }
        self.reads_globals = true;
        let mut interpret = self.interpret(node.clone(), MODULE_VARIABLE);
        if let Kind::Interpret(inner) = &mut interpret {
            inner.scope.clear();
            inner.counted = false;
        }
        interpret
    }

    /// Leaves a piece to the interpreter, with every variable that it may see.
    pub(super) fn interpret(&mut self, node: Node, reason: &'static str) -> Kind {
        let scope = self.scope.visible();
        for (local, _) in &scope {
            let local = self.scope.local_mut(*local);
            local.by_reference = true;
            local.captured = true;
        }
        Kind::Interpret(Box::new(Interpret { node, scope, reason, counted: true, keeps_imports: false }))
    }
}
