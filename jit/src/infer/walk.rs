//! One pass over one instance.

use rhai::FnPtr;

use crate::infer::{InstanceId, State, library, operators};
use crate::ir::{Expr, FirstArgument, For, Function, Kind, LocalId, Place, Switch};
use crate::ops::BinaryOp;
use crate::ty::{Ty, of_value};

/// The pass.
pub(super) struct Walk<'s, 'u> {
    pub(super) state: &'s mut State<'u>,
    pub(super) id: InstanceId,
    pub(super) definition: &'u Function,
    pub(super) locals: Vec<Ty>,
    pub(super) nodes: Vec<Ty>,
    pub(super) result: Ty,
    /// Types of the values that `break` gives the loops around.
    pub(super) breaks: Vec<Ty>,
    /// Whether the function catches errors, and so sees what is left of an operation that failed.
    pub(super) catches: bool,
}

impl<'u> Walk<'_, 'u> {
    pub(super) fn expression(&mut self, expr: &'u Expr) -> Ty {
        let mut ty = self.kind(expr);
        if !self.state.specialise && !matches!(ty, Ty::Never | Ty::Unit) && !is_literal(&expr.kind) {
            ty = Ty::Any;
        }
        let node = &mut self.nodes[expr.id as usize];
        let joined = node.join(&ty);
        if joined != *node {
            *node = joined.clone();
            self.state.changed = true;
        }
        joined
    }

    fn all(&mut self, expressions: &'u [Expr]) -> Vec<Ty> {
        expressions.iter().map(|expression| self.expression(expression)).collect()
    }

    pub(super) fn local(&self, local: LocalId) -> Ty {
        if self.definition.locals[local as usize].captured {
            return Ty::Any;
        }
        self.locals[local as usize].clone()
    }

    pub(super) fn set_local(&mut self, local: LocalId, ty: &Ty) {
        let any = self.definition.locals[local as usize].captured || !self.state.specialise;
        let slot = &mut self.locals[local as usize];
        let joined = if any { Ty::Any } else { slot.join(ty) };
        if joined != *slot {
            *slot = joined;
            self.state.changed = true;
        }
    }

    pub(super) fn returns(&mut self, ty: &Ty) {
        let joined = if self.state.specialise { self.result.join(ty) } else { Ty::Any };
        if joined != self.result {
            self.result = joined;
            self.state.changed = true;
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of node")]
    fn kind(&mut self, expr: &'u Expr) -> Ty {
        match &expr.kind {
            Kind::Unit => Ty::Unit,
            Kind::Bool(_) => Ty::Bool,
            Kind::Int(_) => Ty::Int,
            Kind::Float(_) => Ty::Float,
            Kind::Char(_) => Ty::Char,
            Kind::Constant(value) => of_value(value),
            Kind::Local(local) => self.local(*local),
            Kind::Narrow { local, ty } => operators::narrowed(&self.local(*local), ty),
            Kind::This | Kind::Global { .. } => Ty::Any,
            Kind::Binary { op, left, right } => {
                let left = self.expression(left);
                let right = self.expression(right);
                self.binary_type(*op, &left, &right)
            }
            Kind::Negate(operand) | Kind::Plus(operand) => match self.expression(operand) {
                ty @ (Ty::Never | Ty::Int | Ty::Float) => ty,
                _ => Ty::Any,
            },
            Kind::Not(operand) => match self.expression(operand) {
                ty @ (Ty::Never | Ty::Bool) => ty,
                _ => Ty::Any,
            },
            Kind::And(operands) | Kind::Or(operands) => {
                self.all(operands);
                Ty::Bool
            }
            Kind::Coalesce(operands) => self.coalesce(operands),
            Kind::Interpolate(segments) => {
                self.all(segments);
                Ty::Str
            }
            Kind::Array(items) => {
                let items = self.all(items);
                Ty::array(items.iter().fold(Ty::Never, |all, next| all.join(next)))
            }
            Kind::Map { keys, values } => {
                let values = self.all(values);
                Ty::record(keys.iter().map(|key| key.as_str().into()).zip(values))
            }
            Kind::Raise(_) => Ty::Never,
            Kind::Chain(chain) => self.chain(expr.id, chain),
            Kind::Call { function, arguments, first } => {
                self.call(expr, *function, arguments, first.as_ref())
            }
            Kind::Native { name, arguments, first } => self.native(name, arguments, first.as_ref()),
            Kind::Qualified { arguments, first, .. } => {
                self.all(arguments);
                self.first_by_reference(first.as_ref());
                Ty::Any
            }
            Kind::CallPointer { callee, arguments } => {
                self.expression(callee);
                self.all(arguments);
                // A host function gets a plain variable by reference.
                if let Some(Expr { kind: Kind::Local(local), .. }) = arguments.first()
                    && !is_closure(callee)
                {
                    self.set_local(*local, &Ty::Any);
                }
                Ty::Any
            }
            Kind::NewPointer(name) => {
                self.expression(name);
                Ty::Pointer
            }
            Kind::Curry { pointer, arguments } => {
                self.expression(pointer);
                self.all(arguments);
                Ty::Pointer
            }
            Kind::IsShared(value) => {
                self.expression(value);
                Ty::Bool
            }
            Kind::IsDefined { name, .. } => {
                self.expression(name);
                Ty::Bool
            }
            _ => self.control(&expr.kind),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of node")]
    fn control(&mut self, kind: &'u Kind) -> Ty {
        match kind {
            Kind::Block(elements) => self.all(elements).pop().unwrap_or(Ty::Unit),
            Kind::If { condition, then, otherwise } => {
                self.expression(condition);
                let then = self.expression(then);
                then.join(&self.expression(otherwise))
            }
            Kind::Switch(switch) => self.switch(switch),
            Kind::While { condition, body, .. } => {
                if let Some(condition) = condition {
                    self.expression(condition);
                }
                let value = self.loop_body(body);
                // An endless loop is left by `break` alone, which gives the unit value when it has none.
                if condition.is_some() { value.join(&Ty::Unit) } else { value }
            }
            Kind::DoWhile { condition, body, .. } => {
                let value = self.loop_body(body);
                self.expression(condition);
                value.join(&Ty::Unit)
            }
            Kind::For(for_loop) => self.for_loop(for_loop),
            Kind::Break(value) => {
                let ty = value.as_ref().map_or(Ty::Unit, |value| self.expression(value));
                if let Some(around) = self.breaks.last_mut() {
                    *around = around.join(&ty);
                }
                Ty::Never
            }
            Kind::Return(value) => {
                let ty = value.as_ref().map_or(Ty::Unit, |value| self.expression(value));
                self.returns(&ty);
                Ty::Never
            }
            Kind::Throw(value) | Kind::Continue(value) => {
                if let Some(value) = value {
                    self.expression(value);
                }
                Ty::Never
            }
            Kind::Try { body, variable, handler } => {
                let value = self.expression(body);
                if let Some(variable) = variable {
                    self.set_local(*variable, &Ty::Any);
                }
                self.expression(handler);
                value.join(&Ty::Unit)
            }
            Kind::Let { local, value, .. } => {
                let ty = self.expression(value);
                self.set_local(*local, &ty);
                Ty::Unit
            }
            Kind::Assign { place, op, value, .. } => {
                let value = self.expression(value);
                if let Place::Local { local, .. } = place {
                    let new = match op {
                        None => value,
                        Some(op) => self.assigned_type(*op, &self.local(*local), &value),
                    };
                    self.set_local(*local, &new);
                }
                Ty::Unit
            }
            Kind::Share(locals) => {
                for local in locals {
                    self.set_local(*local, &Ty::Any);
                }
                Ty::Unit
            }
            Kind::Interpret(interpret) => {
                for (local, _) in &interpret.scope {
                    self.set_local(*local, &Ty::Any);
                }
                Ty::Any
            }
            _ => Ty::Any,
        }
    }

    fn coalesce(&mut self, operands: &'u [Expr]) -> Ty {
        let types = self.all(operands);
        let mut value = Ty::Never;
        for ty in &types {
            value = value.join(ty);
            if !matches!(ty, Ty::Unit | Ty::Any | Ty::Never) {
                break;
            }
        }
        value
    }

    fn loop_body(&mut self, body: &'u Expr) -> Ty {
        self.breaks.push(Ty::Never);
        self.expression(body);
        self.breaks.pop().unwrap_or(Ty::Never)
    }

    fn for_loop(&mut self, for_loop: &'u For) -> Ty {
        let item = match self.expression(&for_loop.iterable) {
            Ty::Never => Ty::Never,
            Ty::Array(element) => (*element).clone(),
            Ty::Str => Ty::Char,
            Ty::Range => Ty::Int,
            _ => Ty::Any,
        };
        self.set_local(for_loop.variable, &item);
        if let Some(counter) = for_loop.counter {
            self.set_local(counter, &Ty::Int);
        }
        let value = match &for_loop.body {
            Some(body) => self.loop_body(body),
            None => Ty::Never,
        };
        value.join(&Ty::Unit)
    }

    fn switch(&mut self, switch: &'u Switch) -> Ty {
        self.expression(&switch.value);
        let mut value = if switch.default.is_some() { Ty::Never } else { Ty::Unit };
        for (condition, body) in &switch.arms {
            if let Some(condition) = condition {
                self.expression(condition);
            }
            value = value.join(&self.expression(body));
        }
        value
    }

    fn call(
        &mut self,
        expr: &'u Expr,
        function: crate::ir::FunctionId,
        arguments: &'u [Expr],
        first: Option<&FirstArgument>,
    ) -> Ty {
        let mut types = self.all(arguments);
        if let Some(first) = first {
            types.insert(0, self.place(first.place));
        }
        if types.contains(&Ty::Never) {
            return Ty::Never;
        }
        if function == self.state.typed.instances[self.id].function {
            for ty in &mut types {
                *ty = ty.for_recursion();
            }
        }
        let instance = self.state.instance_for(function, types);
        self.state.typed.calls.insert((self.id, expr.id), instance);
        if instance == self.id {
            return self.result.clone();
        }
        self.state.typed.instances[instance].result.clone()
    }

    /// Type of `left op right`.
    fn binary_type(&self, op: BinaryOp, left: &Ty, right: &Ty) -> Ty {
        if joins_by_library(op, left, right) && !self.state.typed.standard.has("+", left, 1) {
            return Ty::Any;
        }
        operators::binary(op, left, right)
    }

    /// Type of a variable of type `left` after `left op= right`.
    pub(super) fn assigned_type(&self, op: BinaryOp, left: &Ty, right: &Ty) -> Ty {
        let standard = &self.state.typed.standard;
        let known = standard.has("+", left, 1) && standard.has("+=", left, 1);
        if joins_by_library(op, left, right) && !known {
            return Ty::Any;
        }
        operators::assigned(op, left, right)
    }

    /// Type of a map's entry of type `entry`, or of none, after `map[key] op= value`.
    pub(super) fn entry_after(&self, op: BinaryOp, entry: &Ty, value: &Ty) -> Ty {
        // A missing entry is added as unit, for which there is hardly an operator.
        let standard = &self.state.typed.standard;
        let own = |name: &str| !standard.has(name, &Ty::Unit, 1);
        let added = match value {
            Ty::Never => Ty::Never,
            Ty::Int | Ty::Float | Ty::Bool | Ty::Char
                if !own(op.syntax()) && !op.assigning_syntax().is_some_and(own) =>
            {
                Ty::Never
            }
            Ty::Str if op == BinaryOp::Add => self.assigned_type(op, &Ty::Unit, value),
            _ => Ty::Any,
        };
        self.assigned_type(op, entry, value).join(&added)
    }

    pub(super) fn place(&self, place: Place) -> Ty {
        match place {
            Place::Local { local, .. } => self.local(local),
            Place::This => Ty::Any,
        }
    }

    fn native(&mut self, name: &str, arguments: &'u [Expr], first: Option<&FirstArgument>) -> Ty {
        let mut types = self.all(arguments);
        if let Some(first) = first {
            let receiver = self.place(first.place);
            if let Place::Local { local, constant: false } = first.place {
                let known = self.state.typed.standard.has(name, &receiver, types.len());
                let after = if known { library::receiver_after(name, &receiver, &types) } else { Ty::Any };
                self.set_local(local, &after);
            }
            types.insert(0, receiver);
        }
        match types.split_first() {
            Some((Ty::Never, _)) => Ty::Never,
            Some((receiver, rest)) if self.state.typed.standard.has(name, receiver, rest.len()) => {
                library::result(name, receiver, rest)
            }
            _ => Ty::Any,
        }
    }

    fn first_by_reference(&mut self, first: Option<&FirstArgument>) {
        if let Some(FirstArgument { place: Place::Local { local, .. }, .. }) = first {
            self.set_local(*local, &Ty::Any);
        }
    }
}

/// Whether this is a closure expression.
fn is_closure(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Constant(value) => value.read_lock::<FnPtr>().is_some_and(|pointer| pointer.is_anonymous()),
        Kind::Curry { pointer, .. } => is_closure(pointer),
        _ => false,
    }
}

/// Whether the value itself stands in the source.
fn is_literal(kind: &Kind) -> bool {
    matches!(kind, Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Char(_))
}

/// Whether a function of the library makes a string of the operands, and not the interpreter itself.
fn joins_by_library(op: BinaryOp, left: &Ty, right: &Ty) -> bool {
    let ((Ty::Str, other) | (other, Ty::Str)) = (left, right) else { return false };
    op == BinaryOp::Add && !matches!(other, Ty::Str | Ty::Char | Ty::Unit)
}
