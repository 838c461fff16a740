//! What a single node does, and what it is bound to.

use std::fmt::Write as _;

use rhai::{Dynamic, FnPtr};

use super::View;
use crate::ir::{ChainExpr, Expr, Kind, Place, Raise};
use crate::ops::BinaryOp;
use crate::rt::chain::StepKind;
use crate::ty::Ty;

/// Longer constants are cut.
const CONSTANT_CHARS: usize = 40;

/// `a.b[_].c(_)` with whatever is assigned.
pub(crate) fn chain_text(root: &str, chain: &ChainExpr) -> String {
    let mut text = root.to_owned();
    for step in &chain.chain.steps {
        let question = if step.null_conditional { "?" } else { "" };
        let _ = match &step.kind {
            StepKind::Index { .. } => write!(text, "{question}[_]"),
            StepKind::Property(property) => write!(text, "{question}.{}", property.key.as_str()),
            StepKind::Method(method) => {
                write!(text, "{question}.{}({})", method.name, vec!["_"; method.arguments].join(", "))
            }
        };
    }
    if let Some(assign) = &chain.chain.assign {
        let _ = write!(text, " {} _", assigning(assign.op));
    }
    text
}

/// `=` or `+=`.
pub(crate) fn assigning(op: Option<BinaryOp>) -> String {
    match op {
        None => "=".to_owned(),
        Some(op) => op.assigning_syntax().map_or_else(|| format!("{}=", op.syntax()), ToOwned::to_owned),
    }
}

impl View<'_> {
    /// A constant as it would stand in the source, more or less.
    pub(super) fn constant(&self, value: &Dynamic) -> String {
        if let Some(pointer) = value.read_lock::<FnPtr>() {
            let named = self.unit.functions.iter().find(|function| function.name == pointer.fn_name());
            return named.map_or_else(|| format!("Fn({:?})", pointer.fn_name()), super::function_name);
        }
        let text = format!("{value:?}");
        let mut chars = text.chars();
        let short: String = chars.by_ref().take(CONSTANT_CHARS).collect();
        if chars.next().is_some() { format!("{short}..") } else { short }
    }

    pub(super) fn operation(&self, expr: &Expr) -> String {
        match &expr.kind {
            Kind::Unit => "unit".to_owned(),
            Kind::Bool(value) => value.to_string(),
            Kind::Int(value) => value.to_string(),
            Kind::Float(value) => format!("{value:?}"),
            Kind::Char(value) => format!("{value:?}"),
            Kind::Constant(value) => {
                format!(
                    "constant {}{}",
                    self.constant(value),
                    if value.is_read_only() { ", read-only" } else { "" }
                )
            }
            Kind::Local(local) => self.name(*local),
            Kind::Narrow { local, ty } => format!("{}, found to be {ty}", self.name(*local)),
            Kind::This => "this".to_owned(),
            Kind::Global { qualified, .. } => format!("global {qualified}"),
            Kind::Binary { op, left, right } => {
                format!("{} {}", op.syntax(), self.with_types(&[left, right]))
            }
            Kind::Negate(operand) => format!("negate {}", self.with_types(&[operand])),
            Kind::Plus(operand) => format!("plus {}", self.with_types(&[operand])),
            Kind::Not(operand) => format!("not {}", self.with_types(&[operand])),
            Kind::And(_) => "and".to_owned(),
            Kind::Or(_) => "or".to_owned(),
            Kind::Coalesce(_) => "coalesce".to_owned(),
            Kind::Interpolate(_) => "interpolate".to_owned(),
            Kind::Array(items) => format!("array of {}", items.len()),
            Kind::Map { keys, .. } => format!("map of {}", keys.len()),
            Kind::NewPointer(_) => "pointer to the function named".to_owned(),
            Kind::Curry { .. } => "curry".to_owned(),
            Kind::IsShared(_) => "is shared".to_owned(),
            Kind::IsDefined { names, .. } => format!("is defined, among [{}]", names.join(", ")),
            Kind::Chain(chain) => self.chain(chain),
            Kind::Share(locals) => {
                let names: Vec<_> = locals.iter().map(|local| self.name(*local)).collect();
                format!("share {}", names.join(", "))
            }
            Kind::Call { .. } | Kind::Native { .. } | Kind::Qualified { .. } | Kind::CallPointer { .. } => {
                self.callee(expr)
            }
            _ => self.statement(&expr.kind),
        }
    }

    fn statement(&self, kind: &Kind) -> String {
        match kind {
            Kind::Block(_) => "block".to_owned(),
            Kind::If { .. } => "if".to_owned(),
            Kind::Switch(_) => "switch".to_owned(),
            Kind::While { condition: Some(_), cost, .. } => format!("while, cost {cost}"),
            Kind::While { condition: None, cost, .. } => format!("loop, cost {cost}"),
            Kind::DoWhile { until: false, cost, .. } => format!("do while, cost {cost}"),
            Kind::DoWhile { until: true, cost, .. } => format!("do until, cost {cost}"),
            Kind::For(for_loop) => {
                let counter = for_loop.counter.map(|counter| format!(", {}", self.name(counter)));
                let (variable, counter) = (self.name(for_loop.variable), counter.unwrap_or_default());
                format!("for {variable}{counter}, cost {}", for_loop.cost)
            }
            Kind::Break(_) => "break".to_owned(),
            Kind::Continue(_) => "continue".to_owned(),
            Kind::Return(_) => "return".to_owned(),
            Kind::Throw(_) => "throw".to_owned(),
            Kind::Try { .. } => "try".to_owned(),
            Kind::Let { local, constant, exported, global, .. } => {
                let word = if *constant { "const" } else { "let" };
                let notes = [(exported.is_some(), ", exported"), (*global, ", global")];
                let notes: String = notes.iter().filter(|(holds, _)| *holds).map(|(_, note)| *note).collect();
                format!("{word} {}{notes}", self.name(*local))
            }
            Kind::Assign { place, op, value, .. } => self.assignment(*place, *op, value),
            Kind::Raise(Raise::VariableNotFound(name)) => format!("raise: no variable {name:?}"),
            Kind::Raise(Raise::AssignmentToConstant(name)) => format!("raise: {name:?} is constant"),
            Kind::Interpret(interpret) => {
                let names: Vec<_> = interpret.scope.iter().map(|(local, _)| self.name(*local)).collect();
                format!("interpret: {}, sees [{}]", interpret.reason, names.join(", "))
            }
            _ => String::new(),
        }
    }

    /// What is called.
    fn callee(&self, expr: &Expr) -> String {
        match &expr.kind {
            Kind::Call { function, .. } => {
                let definition = &self.unit.functions[*function as usize];
                let name = super::function_name(definition);
                match self.typed.calls.get(&(self.id, expr.id)) {
                    _ if definition.is_empty => format!("call script {name}, which is empty"),
                    Some(instance) => format!("call script {name}, instance {instance}"),
                    None if self.typed.instances.is_empty() => format!("call script {name}"),
                    None => format!("call script {name}, never reached"),
                }
            }
            Kind::Native { name, .. } if self.typed.instances.is_empty() => format!("call native {name:?}"),
            Kind::Native { name, arguments, first } => {
                let binding = self.native_binding(name, first.as_ref(), arguments);
                format!("call native {name:?}, {binding}")
            }
            Kind::Qualified { site, .. } => {
                let path: Vec<_> = site.path.iter().map(|(part, _)| part.as_str()).collect();
                format!("call native {:?}", format!("{}::{}", path.join("::"), site.name))
            }
            _ => "call pointer".to_owned(),
        }
    }

    fn assignment(&self, place: Place, op: Option<BinaryOp>, value: &Expr) -> String {
        let text = format!("{} {} _", self.place(place), assigning(op));
        if op.is_none() || self.typed.instances.is_empty() {
            return text;
        }
        format!("{text} {}", self.bound(&[&self.place_ty(place), self.ty(value)]))
    }

    fn with_types(&self, operands: &[&Expr]) -> String {
        let types: Vec<_> = operands.iter().map(|operand| self.ty(operand)).collect();
        self.bound(&types)
    }

    /// Types of operands, and who does the work.
    fn bound(&self, types: &[&Ty]) -> String {
        if self.typed.instances.is_empty() {
            return String::new();
        }
        let names: Vec<_> = types.iter().map(ToString::to_string).collect();
        let binding = if types.iter().all(|ty| ty.is_scalar()) {
            "inline"
        } else if types.iter().all(|ty| ty.is_any() || ty.is_number()) {
            "tested"
        } else {
            "runtime"
        };
        format!("({}), {binding}", names.join(", "))
    }

    fn chain(&self, chain: &ChainExpr) -> String {
        let text = chain_text(&self.root(chain), chain);
        if self.typed.instances.is_empty() {
            return format!("chain {text}");
        }
        format!("chain {text}, {}", self.chain_binding(chain))
    }
}
