//! Calls and operators.

use rhai::{Expr as Node, FnCallExpr, Position, Token};

use super::Builder;
use crate::ir::{FirstArgument, Kind, Place, Qualified};
use crate::ops::BinaryOp;
use crate::position::pack;

impl Builder<'_> {
    pub(super) fn call(&mut self, call: &FnCallExpr, position: Position, node: &Node) -> Kind {
        if !call.namespace.is_empty() {
            return self.qualified_call(call);
        }
        if let Some(operator) = self.operator(call) {
            return operator;
        }
        if call.capture_parent_scope {
            return self.interpret(node.clone(), "call in the caller's scope");
        }
        if let Some(special) = self.special_call(call, node) {
            return special;
        }
        let _ = position;
        let (first, arguments) = self.arguments(call);
        let name = call.name.as_str();
        if !call.hashes.is_native_only()
            && let Some(function) = self.names.functions.get(&(name.to_owned(), call.args.len()))
        {
            return Kind::Call { function: *function, arguments, first };
        }
        self.uses_tags |= name == "set_tag";
        Kind::Native { name: name.to_owned(), arguments, first }
    }

    fn operator(&mut self, call: &FnCallExpr) -> Option<Kind> {
        let token = call.op_token.as_ref()?;
        match &call.args[..] {
            [operand] => {
                let operand = |this: &mut Self| Box::new(this.expression(operand));
                Some(match token {
                    Token::UnaryMinus | Token::Minus => Kind::Negate(operand(self)),
                    Token::UnaryPlus | Token::Plus => Kind::Plus(operand(self)),
                    Token::Bang => Kind::Not(operand(self)),
                    _ => return None,
                })
            }
            [left, right] => {
                let op = BinaryOp::of(token)?;
                if op == BinaryOp::In {
                    return Some(self.containment(call));
                }
                let left = Box::new(self.expression(left));
                let right = Box::new(self.expression(right));
                Some(Kind::Binary { op, left, right })
            }
            _ => None,
        }
    }

    /// `needle in haystack`, which the parser makes a call of `contains(haystack, needle)`. As with all operators the
    /// operands are read in their order, variables too.
    fn containment(&mut self, call: &FnCallExpr) -> Kind {
        let mut arguments = self.expressions(call.args.iter());
        if let Some(function) = self.names.functions.get(&(call.name.to_string(), call.args.len())) {
            return Kind::Call { function: *function, arguments, first: None };
        }
        if let Some(first) = arguments.first_mut()
            && matches!(first.kind, Kind::Raise(_))
        {
            // A missing variable in first place would be noticed last in a call.
            let raise = std::mem::replace(&mut first.kind, Kind::Unit);
            let (position, start) = (first.position, first.start);
            let id = self.next_node;
            self.next_node += 1;
            first.kind = Kind::Block(vec![crate::ir::Expr { id, position, start, kind: raise }]);
        }
        Kind::Native { name: call.name.to_string(), arguments, first: None }
    }

    /// Functions that are part of the language.
    fn special_call(&mut self, call: &FnCallExpr, node: &Node) -> Option<Kind> {
        let first = call.args.first();
        Some(match (call.name.as_str(), first) {
            ("call", Some(callee)) => {
                let callee = Box::new(self.expression(callee));
                let arguments = self.expressions(call.args.iter().skip(1));
                Kind::CallPointer { callee, arguments }
            }
            ("Fn", Some(name)) if call.args.len() == 1 => match node.get_literal_value(None) {
                Some(pointer) => Kind::Constant(pointer),
                None => Kind::NewPointer(Box::new(self.expression(name))),
            },
            ("curry", Some(pointer)) if call.args.len() > 1 => {
                let pointer = Box::new(self.expression(pointer));
                let arguments = self.expressions(call.args.iter().skip(1));
                Kind::Curry { pointer, arguments }
            }
            ("is_shared", Some(value)) if call.args.len() == 1 => {
                Kind::IsShared(Box::new(self.expression(value)))
            }
            ("is_def_var", Some(name)) if call.args.len() == 1 => {
                let name = Box::new(self.expression(name));
                Kind::IsDefined { name, names: self.scope.names() }
            }
            ("eval", Some(_)) if call.args.len() == 1 => self.interpret(node.clone(), "eval"),
            _ => return None,
        })
    }

    /// The arguments; a plain variable in first place is read last, and by reference.
    fn arguments(&mut self, call: &FnCallExpr) -> (Option<FirstArgument>, Vec<crate::ir::Expr>) {
        let first = call.args.first().and_then(|first| self.first_argument(first));
        let skipped = usize::from(first.is_some());
        let arguments = self.expressions(call.args.iter().skip(skipped));
        (first, arguments)
    }

    fn first_argument(&mut self, first: &Node) -> Option<FirstArgument> {
        let (place, position) = match first {
            Node::ThisPtr(position) => (Place::This, *position),
            Node::Variable(variable, short, position) => {
                let offset = short.map(|short| usize::from(short.get())).or(variable.0.map(usize::from));
                if offset.is_none() && !variable.2.is_empty() {
                    return None;
                }
                let found = self.scope.find(offset, &variable.1)?;
                (Place::Local { local: found.local, constant: found.constant }, *position)
            }
            _ => return None,
        };
        Some(FirstArgument { place, position: pack(position) })
    }

    fn qualified_call(&mut self, call: &FnCallExpr) -> Kind {
        let (first, arguments) = self.arguments(call);
        let site = Box::new(Qualified {
            path: call.namespace.path.iter().map(|part| (part.name.to_string(), part.pos)).collect(),
            name: call.name.to_string(),
            hash: call.hashes.native(),
        });
        Kind::Qualified { site, arguments, first }
    }
}
