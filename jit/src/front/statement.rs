//! Statements.

use rhai::{ASTFlags, Dynamic, Expr as Node, FlowControl, Position, Stmt, StmtBlock, SwitchCasesCollection};

use super::Builder;
use crate::ir::{Expr, For, Kind, Place, Raise, Switch, SwitchRange};
use crate::position::pack;

impl Builder<'_> {
    pub(super) fn statement(&mut self, statement: &Stmt) -> Expr {
        let position = statement.position();
        if let Stmt::Expr(expression) = statement {
            return self.expression(expression);
        }
        let kind = self.statement_kind(statement);
        self.node(position, position, kind)
    }

    fn statement_kind(&mut self, statement: &Stmt) -> Kind {
        match statement {
            Stmt::Noop(_) => Kind::Unit,
            Stmt::Expr(expression) => self.expression(expression).kind,
            Stmt::Block(block) => self.block(block.statements()),
            Stmt::FnCall(call, position) => {
                let node = Node::FnCall(call.clone(), *position);
                self.call(call, *position, &node)
            }
            Stmt::Assignment(assignment) => self.assignment(assignment),
            Stmt::Var(variable, flags, position) => self.declaration(variable, *flags, *position),
            Stmt::If(flow, _) => {
                let condition = Box::new(self.expression(&flow.expr));
                let then = Box::new(self.body(&flow.body));
                let otherwise = Box::new(self.body(&flow.branch));
                Kind::If { condition, then, otherwise }
            }
            Stmt::Switch(switch, _) => self.switch(&switch.0, &switch.1),
            Stmt::While(flow, _) => self.while_loop(flow),
            Stmt::Do(flow, flags, _) => {
                let before = self.next_node;
                let body = Box::new(self.body(&flow.body));
                let condition = Box::new(self.expression(&flow.expr));
                let until = flags.contains(ASTFlags::NEGATED);
                Kind::DoWhile { condition, until, body, cost: self.cost_since(before) }
            }
            Stmt::For(for_loop, _) => self.for_loop(for_loop),
            Stmt::BreakLoop(value, flags, _) => {
                let value = value.as_ref().map(|value| Box::new(self.expression(value)));
                if flags.contains(ASTFlags::BREAK) { Kind::Break(value) } else { Kind::Continue(value) }
            }
            Stmt::TryCatch(flow, _) => self.try_catch(flow),
            Stmt::Return(value, flags, _) => {
                let value = value.as_ref().map(|value| Box::new(self.expression(value)));
                if flags.contains(ASTFlags::BREAK) { Kind::Throw(value) } else { Kind::Return(value) }
            }
            Stmt::Share(variables) => {
                let mut shared = Vec::new();
                for (variable, offset) in variables.iter() {
                    let Some(found) = self.scope.find(offset.map(usize::from), &variable.name) else {
                        let share =
                            self.node(statement.position(), statement.position(), Kind::Share(shared));
                        let raise = Kind::Raise(Raise::VariableNotFound(variable.name.to_string()));
                        let raise = self.node(variable.pos, variable.pos, raise);
                        return Kind::Block(vec![share, raise]);
                    };
                    self.scope.local_mut(found.local).captured = true;
                    shared.push(found.local);
                }
                Kind::Share(shared)
            }
            other => self.left_to_interpreter(other),
        }
    }

    /// Modules are loaded by the interpreter's own statement: there is nothing in it to compile.
    fn left_to_interpreter(&mut self, statement: &Stmt) -> Kind {
        if let Stmt::Export(export, _) = statement {
            let (name, alias) = (export.0.name.as_str(), export.1.name.as_str());
            self.scope.alias(name, if alias.is_empty() { name } else { alias });
        }
        let block = StmtBlock::new(std::iter::once(statement.clone()), statement.position(), Position::NONE);
        let import = matches!(statement, Stmt::Import(..));
        let kind = self.interpret(Node::Stmt(Box::new(block)), if import { "import" } else { "statement" });
        let Kind::Interpret(mut interpret) = kind else { return kind };
        interpret.counted = !matches!(statement, Stmt::Import(..) | Stmt::Export(..));
        interpret.keeps_imports = import;
        Kind::Interpret(interpret)
    }

    pub(super) fn cost_since(&self, node: u32) -> u32 {
        self.next_node - node + 1
    }

    /// A block with a scope of its own.
    pub(super) fn block(&mut self, statements: &[Stmt]) -> Kind {
        let length = self.scope.len();
        self.depth += 1;
        let elements = statements.iter().map(|statement| self.statement(statement)).collect();
        self.depth -= 1;
        self.scope.truncate(length);
        Kind::Block(elements)
    }

    pub(super) fn body(&mut self, block: &StmtBlock) -> Expr {
        let kind = self.block(block.statements());
        self.node(block.position(), block.position(), kind)
    }

    fn while_loop(&mut self, flow: &FlowControl) -> Kind {
        let before = self.next_node;
        let condition = match &flow.expr {
            Node::Unit(_) | Node::BoolConstant(true, _) => None,
            condition => Some(Box::new(self.expression(condition))),
        };
        let body = Box::new(self.body(&flow.body));
        Kind::While { condition, body, cost: self.cost_since(before) }
    }

    fn for_loop(&mut self, for_loop: &(rhai::Ident, Option<rhai::Ident>, FlowControl)) -> Kind {
        let (name, counter_name, flow) = for_loop;
        let iterable = self.expression(&flow.expr);
        let length = self.scope.len();
        let before = self.next_node;
        let counter =
            counter_name.as_ref().map(|counter| self.scope.declare(&counter.name, false, counter.pos));
        let variable = self.scope.declare(&name.name, false, name.pos);
        let body = (!flow.body.is_empty()).then(|| self.body(&flow.body));
        self.scope.truncate(length);
        Kind::For(Box::new(For {
            variable,
            variable_position: pack(name.pos),
            counter,
            iterable,
            body,
            cost: self.cost_since(before),
        }))
    }

    fn try_catch(&mut self, flow: &FlowControl) -> Kind {
        let body = Box::new(self.body(&flow.body));
        let length = self.scope.len();
        let variable = match &flow.expr {
            Node::Variable(variable, _, position) => Some(self.scope.declare(&variable.1, false, *position)),
            _ => None,
        };
        let handler = Box::new(self.body(&flow.branch));
        self.scope.truncate(length);
        Kind::Try { body, variable, handler }
    }

    fn declaration(
        &mut self,
        variable: &(rhai::Ident, Node, Option<std::num::NonZeroUsize>),
        flags: ASTFlags,
        position: Position,
    ) -> Kind {
        let (name, initial, index) = variable;
        let value = Box::new(self.expression(initial));
        let constant = flags.contains(ASTFlags::CONSTANT);
        let outermost = self.is_top && self.depth == 0;
        let exports = outermost && self.is_program;
        let reused = index.and_then(|offset| self.scope.redeclare(offset.get(), constant, exports));
        let local = reused.unwrap_or_else(|| self.scope.declare(&name.name, constant, position));
        if flags.contains(ASTFlags::EXPORTED) {
            self.scope.alias(&name.name, &name.name);
        }
        let exported = exports.then(|| self.scope.last_exported(0));
        Kind::Let { local, constant, value, exported, global: outermost && constant }
    }

    fn assignment(&mut self, assignment: &(rhai::OpAssignment, rhai::BinaryExpr)) -> Kind {
        let (operator, sides) = assignment;
        let (place, name) = match &sides.lhs {
            Node::ThisPtr(_) => (Place::This, String::new()),
            Node::Variable(variable, short, _) => {
                let offset = short.map(|short| usize::from(short.get())).or(variable.0.map(usize::from));
                let found = if offset.is_none() && !variable.2.is_empty() {
                    None
                } else {
                    self.scope.find(offset, &variable.1)
                };
                let Some(found) = found else { return self.assignment_to_nothing(&sides.lhs, &sides.rhs) };
                (Place::Local { local: found.local, constant: found.constant }, variable.1.to_string())
            }
            chain => return self.chain(chain, Some((operator, &sides.rhs))),
        };
        let value = Box::new(self.expression(&sides.rhs));
        Kind::Assign {
            place,
            op: super::chain::assigned_operator(operator),
            value,
            operator_position: pack(operator.position()),
            target: pack(sides.lhs.start_position()),
            name,
        }
    }

    /// The right side is computed, then the left side turns out to be no variable.
    fn assignment_to_nothing(&mut self, target: &Node, value: &Node) -> Kind {
        let value = self.expression(value);
        let Node::Variable(variable, ..) = target else { return Kind::Unit };
        let name = variable.1.to_string();
        if !variable.2.is_empty() {
            // What a module has is found, and is constant.
            let found = self.expression(target);
            let raise = Kind::Raise(Raise::AssignmentToConstant(name));
            let raise = self.node(target.position(), target.position(), raise);
            return Kind::Block(vec![value, found, raise]);
        }
        let known = self.names.constants.contains_key(&name) || self.names.pointers.contains_key(&name);
        let raise = if known { Raise::AssignmentToConstant(name) } else { Raise::VariableNotFound(name) };
        let raise = self.node(target.position(), target.position(), Kind::Raise(raise));
        Kind::Block(vec![value, raise])
    }

    fn switch(&mut self, value: &Node, cases: &SwitchCasesCollection) -> Kind {
        let value = self.expression(value);
        let arm = |this: &mut Self, arm: &rhai::BinaryExpr| {
            let condition = match &arm.lhs {
                Node::BoolConstant(true, _) => None,
                condition => Some(this.expression(condition)),
            };
            (condition, this.expression(&arm.rhs))
        };
        let arms = cases.expressions.iter().map(|expression| arm(self, expression)).collect();
        let exact =
            in_order(cases.cases.values().map(|case| (case.value.clone(), case.blocks.to_vec())).collect());
        let ranges = cases.ranges.iter().map(switch_range).collect();
        Kind::Switch(Box::new(Switch { value, exact, ranges, default: cases.def_case, arms }))
    }
}

/// The cases by arm and value: the parser keeps them in a table whose order changes from build to build.
fn in_order(mut cases: Vec<(Dynamic, Vec<usize>)>) -> Vec<(Dynamic, Vec<usize>)> {
    cases.sort_by_cached_key(|(value, arms)| (arms.clone(), value.as_int().ok(), format!("{value:?}")));
    cases
}

fn switch_range(case: &rhai::RangeCase) -> SwitchRange {
    match case {
        rhai::RangeCase::ExclusiveInt(range, arm) => {
            SwitchRange { start: range.start, end: range.end, inclusive: false, arm: *arm }
        }
        rhai::RangeCase::InclusiveInt(range, arm) => {
            SwitchRange { start: *range.start(), end: *range.end(), inclusive: true, arm: *arm }
        }
    }
}
