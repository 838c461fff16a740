//! Notes on the lines of one instance.

use super::reasons;
use crate::ir::print::{View, assigning, chain_text, function_name};
use crate::ir::{ChainExpr, Expr, Kind, LocalId, Place, visit};
use crate::rt::chain::StepKind;

/// Notes with the positions that they belong to.
pub(super) fn notes(view: View<'_>) -> Vec<(u32, String)> {
    let mut notes = Notes { view, notes: Vec::new() };
    for parameter in 0..view.function.parameters {
        if let Ok(local) = LocalId::try_from(parameter) {
            notes.variable(view.function.position, local);
        }
    }
    visit::any(&view.function.body, &mut |expr| {
        notes.node(expr);
        false
    });
    notes.notes
}

struct Notes<'v> {
    view: View<'v>,
    notes: Vec<(u32, String)>,
}

impl Notes<'_> {
    fn add(&mut self, at: u32, text: String) {
        if at != 0 {
            self.notes.push((at, text));
        }
    }

    /// The type of a variable where it is declared, and why it has none.
    fn variable(&mut self, at: u32, local: LocalId) {
        let ty = self.view.local_ty(local);
        let name = self.view.name(local);
        if ty.is_any() {
            self.add(at, format!("{name}: any, {}", reasons::of_variable(&self.view, local)));
        } else {
            self.add(at, format!("{name}: {ty}"));
        }
    }

    fn node(&mut self, expr: &Expr) {
        let at = expr.position;
        match &expr.kind {
            Kind::Let { local, .. } => self.variable(at, *local),
            Kind::For(for_loop) => {
                self.variable(for_loop.variable_position, for_loop.variable);
                if let Some(counter) = for_loop.counter {
                    self.variable(self.view.function.locals[counter as usize].position, counter);
                }
            }
            Kind::Try { variable: Some(variable), .. } => {
                self.variable(self.view.function.locals[*variable as usize].position, *variable);
            }
            Kind::Assign { place, op, value, .. } => {
                let ty = self.view.place_ty(*place);
                self.add(at, format!("{}: {ty}", self.view.place(*place)));
                if let (Some(_), Place::Local { .. }) = (op, place) {
                    self.operator(at, &assigning(*op), &[ty.to_string(), self.view.ty(value).to_string()]);
                }
            }
            Kind::Binary { op, left, right } => {
                let types = [left, right].map(|operand| self.view.ty(operand).to_string());
                self.operator(at, op.syntax(), &types);
            }
            Kind::Negate(operand) => self.operator(at, "-", &[self.view.ty(operand).to_string()]),
            Kind::Not(operand) => self.operator(at, "!", &[self.view.ty(operand).to_string()]),
            Kind::Chain(chain) => self.chain(expr, chain),
            Kind::Call { .. } | Kind::Native { .. } | Kind::Qualified { .. } | Kind::CallPointer { .. } => {
                self.call(expr);
            }
            Kind::Interpret(interpret) => {
                self.add(at, format!("left to the interpreter: {}", interpret.reason));
            }
            _ => {}
        }
    }

    /// An operator that has to look at its operands first.
    fn operator(&mut self, at: u32, name: &str, types: &[String]) {
        if types.iter().any(|ty| ty == "any") {
            self.add(at, format!("{name} on {} is decided at run time", types.join(" and ")));
        }
    }

    fn chain(&mut self, expr: &Expr, chain: &ChainExpr) {
        let text = chain_text(&self.view.root(chain), chain);
        if let Some(site) = self.view.host_site(chain) {
            let ty = self.view.ty(expr);
            return self.add(expr.position, format!("{text} is bound to the host's {}: {ty}", site.names()));
        }
        let binding = self.view.chain_binding(chain);
        let ty = self.view.ty(expr);
        let calls = chain.chain.steps.iter().any(|step| matches!(step.kind, StepKind::Method(_)));
        let assigns = chain.chain.assign.is_some();
        let note = match binding {
            "library" => format!("calls {text} of the standard library: {ty}"),
            "runtime" if calls => format!("calls {text}, found at run time: {ty}"),
            "runtime" => format!("{text} is followed by the runtime: {ty}"),
            "tested" => format!("{text} is tested at run time: {ty}"),
            _ if assigns => format!("{text} is followed inline"),
            _ => return,
        };
        self.add(expr.position, note);
    }

    fn call(&mut self, expr: &Expr) {
        let view = self.view;
        let ty = view.ty(expr);
        let note = match &expr.kind {
            Kind::Call { function, .. } => {
                let name = function_name(&view.unit.functions[*function as usize]);
                match view.typed.calls.get(&(view.id, expr.id)) {
                    Some(instance) => format!("calls {name}, instance {instance}: {ty}"),
                    None => format!("calls {name}, which is never reached or empty"),
                }
            }
            Kind::Native { name, arguments, first } => {
                match view.native_binding(name, first.as_ref(), arguments) {
                    "library" => format!("calls {name}() of the standard library: {ty}"),
                    _ => format!("calls {name}(), found at run time: {ty}"),
                }
            }
            Kind::Qualified { site, .. } => format!("calls {}() of a module: {ty}", site.name),
            _ => format!("calls a function pointer: {ty}"),
        };
        self.add(expr.position, note);
    }
}
