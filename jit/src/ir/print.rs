//! The typed tree as text: one listing for each instance, one operation to a line.
//!
//! A line shows what is done, what it is bound to, the type of its value, and where it stands in the source. `?` in the
//! margin marks values of which nothing is known: whatever is done with them is decided at run time. The text is for
//! people and for tests; it names nothing that changes from run to run.

mod operation;
mod view;

use std::fmt::Write as _;

use super::{ChainRoot, Expr, FirstArgument, Function, Kind, LocalId, Switch, Unit};
use crate::infer::{Instance, InstanceId, Typed};
use crate::position;
use crate::ty::Ty;

pub(crate) use operation::{assigning, chain_text};
pub(crate) use view::View;

/// How the names of closures begin.
const ANONYMOUS: &str = "anon$";

/// Column at which positions stand, unless a line is longer.
const POSITION_COLUMN: usize = 60;

/// The text of every instance, in the order of their numbers.
pub fn unit(unit: &Unit, typed: &Typed) -> Vec<String> {
    (0..typed.instances.len()).map(|id| instance(unit, typed, id)).collect()
}

/// `fn name(parameter: type, ..) -> type  // instance 3, line 7`.
pub fn header(unit: &Unit, typed: &Typed, id: InstanceId) -> String {
    let instance = &typed.instances[id];
    let function = &unit.functions[instance.function as usize];
    let mut place = format!("instance {id}");
    if let Some(line) = position::unpack(function.position).line() {
        let _ = write!(place, ", line {line}");
    }
    if typed.entries.get(&instance.function) == Some(&id) {
        place.push_str(", entered from outside");
    }
    format!("{}  // {place}", signature(function, instance))
}

/// `fn name(parameter: type, ..) -> type`.
pub fn signature(function: &Function, instance: &Instance) -> String {
    if function.name.is_empty() {
        return format!("top level -> {}", instance.result);
    }
    let parameters = function.locals.iter().zip(&instance.arguments);
    let parameters: Vec<_> = parameters.map(|(local, ty)| format!("{}: {ty}", local.name)).collect();
    format!("fn {}({}) -> {}", function_name(function), parameters.join(", "), instance.result)
}

/// What a function is called in listings.
pub fn function_name(function: &Function) -> String {
    match &function.this_type {
        _ if function.name.is_empty() => "top level".to_owned(),
        // The names of closures are hashes.
        _ if function.name.starts_with(ANONYMOUS) => format!("closure@{}", position::text(function.position)),
        Some(this_type) => format!("{this_type}.{}", function.name),
        None => function.name.clone(),
    }
}

/// A variable's name, with its number where others have the same name.
pub fn local_name(function: &Function, local: LocalId) -> String {
    let name = &function.locals[local as usize].name;
    let unique = function.locals.iter().filter(|other| other.name == *name).count() == 1;
    if unique { name.clone() } else { format!("{name}#{local}") }
}

/// The text of one instance.
pub fn instance(unit: &Unit, typed: &Typed, id: InstanceId) -> String {
    let function = &unit.functions[typed.instances[id].function as usize];
    let mut printer = Printer { view: View::of(unit, typed, id), text: header(unit, typed, id) + "\n" };
    printer.locals();
    printer.node(1, "", &function.body);
    printer.text
}

/// The tree of a function before anything is known of its types.
pub fn untyped(unit: &Unit, function: &Function) -> String {
    let nothing = Instance {
        function: 0,
        arguments: vec![Ty::Never; function.parameters],
        result: Ty::Never,
        locals: vec![Ty::Never; function.locals.len()],
        nodes: vec![Ty::Never; function.nodes as usize],
    };
    let typed = Typed::default();
    let parameters: Vec<_> =
        function.locals[..function.parameters].iter().map(|local| local.name.as_str()).collect();
    let text = format!("fn {}({})\n", function_name(function), parameters.join(", "));
    let view = View { unit, typed: &typed, id: 0, function, instance: &nothing };
    let mut printer = Printer { view, text };
    printer.node(1, "", &function.body);
    printer.text
}

struct Printer<'p> {
    view: View<'p>,
    text: String,
}

impl Printer<'_> {
    fn locals(&mut self) {
        for (index, (local, ty)) in
            (0..).zip(self.view.function.locals.iter().zip(&self.view.instance.locals))
        {
            let ty = if local.captured { &Ty::Any } else { ty };
            let mut text = format!("var {}: {ty}", self.view.name(index));
            let parameter = (index as usize) < self.view.function.parameters;
            let lent = self.view.function.lent.get(index as usize) == Some(&true);
            let notes = [(parameter, "parameter"), (lent, "lent"), (local.captured, "captured")];
            for (_, note) in notes.iter().filter(|(holds, _)| *holds) {
                let _ = write!(text, ", {note}");
            }
            self.line(1, &text, ty.is_any(), local.position);
        }
    }

    fn line(&mut self, depth: usize, text: &str, generic: bool, at: u32) {
        let margin = if generic { '?' } else { ' ' };
        let line = format!("{margin}{:indent$}{text}", "", indent = depth * 2 - 1);
        if at == 0 {
            let _ = writeln!(self.text, "{}", line.trim_end());
        } else {
            let _ = writeln!(self.text, "{line:<POSITION_COLUMN$} // {}", position::text(at));
        }
    }

    /// A node and all that it is made of. The role is what it is to the node around.
    fn node(&mut self, depth: usize, role: &str, expr: &Expr) {
        let ty = self.view.ty(expr);
        let generic = ty.is_any();
        let operation = self.view.operation(expr);
        // A tree that has no types yet is printed without.
        let text = if self.view.typed.instances.is_empty() {
            format!("{role}{operation}")
        } else {
            format!("{role}{operation} : {ty}")
        };
        self.line(depth, &text, generic, expr.position);
        self.parts(depth + 1, expr);
    }

    fn all(&mut self, depth: usize, list: &[Expr]) {
        for part in list {
            self.node(depth, "", part);
        }
    }

    fn maybe(&mut self, depth: usize, role: &str, part: Option<&Expr>) {
        if let Some(part) = part {
            self.node(depth, role, part);
        }
    }

    fn call(&mut self, depth: usize, first: Option<&FirstArgument>, arguments: &[Expr]) {
        if let Some(first) = first {
            let ty = self.view.place_ty(first.place);
            let text = format!("first: {} : {ty}", self.view.place(first.place));
            self.line(depth, &text, ty.is_any(), first.position);
        }
        self.all(depth, arguments);
    }

    fn parts(&mut self, depth: usize, expr: &Expr) {
        match &expr.kind {
            Kind::Map { keys, values } => {
                for (key, value) in keys.iter().zip(values) {
                    self.node(depth, &format!("{key}: "), value);
                }
            }
            Kind::If { condition, then, otherwise } => {
                self.node(depth, "condition: ", condition);
                self.node(depth, "then: ", then);
                self.node(depth, "else: ", otherwise);
            }
            Kind::Switch(switch) => self.switch(depth, switch),
            Kind::While { condition, body, .. } => {
                self.maybe(depth, "condition: ", condition.as_deref());
                self.node(depth, "do: ", body);
            }
            Kind::DoWhile { condition, body, .. } => {
                self.node(depth, "do: ", body);
                self.node(depth, "condition: ", condition);
            }
            Kind::For(for_loop) => {
                self.node(depth, "in: ", &for_loop.iterable);
                self.maybe(depth, "do: ", for_loop.body.as_ref());
            }
            Kind::Try { body, variable, handler } => {
                self.node(depth, "", body);
                let role = variable.map_or_else(String::new, |local| format!(" {}", self.view.name(local)));
                self.node(depth, &format!("catch{role}: "), handler);
            }
            Kind::Chain(chain) => {
                self.maybe(depth, "value: ", chain.value.as_ref());
                for argument in &chain.arguments {
                    self.node(depth, "argument: ", argument);
                }
                match &chain.root {
                    ChainRoot::Place(place) => {
                        let ty = self.view.place_ty(*place);
                        let text = format!("root: {} : {ty}", self.view.place(*place));
                        self.line(depth, &text, ty.is_any(), chain.chain.root_position);
                    }
                    ChainRoot::Value(root) => self.node(depth, "root: ", root),
                }
            }
            Kind::Call { arguments, first, .. }
            | Kind::Native { arguments, first, .. }
            | Kind::Qualified { arguments, first, .. } => self.call(depth, first.as_ref(), arguments),
            Kind::CallPointer { callee, arguments } => {
                self.node(depth, "callee: ", callee);
                self.all(depth, arguments);
            }
            Kind::Curry { pointer, arguments } => {
                self.node(depth, "pointer: ", pointer);
                self.all(depth, arguments);
            }
            _ => super::visit::parts(expr, &mut |part| self.node(depth, "", part)),
        }
    }

    fn switch(&mut self, depth: usize, switch: &Switch) {
        self.node(depth, "value: ", &switch.value);
        for (index, (condition, body)) in switch.arms.iter().enumerate() {
            let mut cases = Vec::new();
            for (value, _) in switch.exact.iter().filter(|(_, arms)| arms.contains(&index)) {
                cases.push(self.view.constant(value));
            }
            for range in switch.ranges.iter().filter(|range| range.arm == index) {
                let dots = if range.inclusive { "..=" } else { ".." };
                cases.push(format!("in {}{dots}{}", range.start, range.end));
            }
            if switch.default == Some(index) {
                cases.push("_".to_owned());
            }
            self.line(depth, &format!("case {}", cases.join(", ")), false, 0);
            self.maybe(depth + 1, "if: ", condition.as_ref());
            self.node(depth + 1, "then: ", body);
        }
    }
}
