//! Functions, closures, and calls of both.

use super::Generator;
use super::vocabulary::{Function, Type};

/// Names that the library or the host has.
const LIBRARY: [&str; 7] = ["len", "abs", "max", "push", "keys", "to_string", "describe"];

impl Generator<'_, '_> {
    /// `const` at the top level, which functions see as `global::NAME`.
    pub(super) fn global_constant(&mut self) {
        let ty = self.any_type();
        let name = self.fresh("G");
        let value = self.expression(ty, 1);
        self.line(&format!("const {name} = {value};"));
        self.remember(&name, ty, true);
        self.globals.push((name, ty));
    }

    /// A function: plain, a method, or one that calls itself.
    pub(super) fn function(&mut self) {
        let recursive = self.choices.percent(25);
        let this = if !recursive && self.choices.percent(35) { Some(self.any_type()) } else { None };

        let mut parameters: Vec<Type> = if recursive { vec![Type::Int] } else { Vec::new() };
        for _ in 0..self.choices.below(3) {
            let closure = self.choices.percent(12);
            let ty = if closure { Type::Closure } else { self.any_type() };
            parameters.push(ty);
        }
        let result = self.any_type();
        let name = self.function_name(parameters.len(), this.is_some());
        let function = Function { name, parameters, result, this, recursive };
        self.function_text(&function);
        self.functions.push(function);
    }

    /// A new name; or one that the library or the host has too, or another function with fewer or more parameters.
    fn function_name(&mut self, parameters: usize, is_method: bool) -> String {
        let taken = |name: &str, functions: &[Function]| {
            functions.iter().any(|other| other.name == name && other.parameters.len() == parameters)
        };
        let choice = self.choices.below(100);
        let name = match choice {
            90..95 => Some((*self.choices.pick(&LIBRARY)).to_owned()),
            95.. if !self.functions.is_empty() => Some(self.choices.pick(&self.functions).name.clone()),
            _ => None,
        };
        match name {
            Some(name) if !taken(&name, &self.functions) => name,
            _ => self.fresh(if is_method { "m" } else { "f" }),
        }
    }

    fn function_text(&mut self, function: &Function) {
        let Function { name, parameters, result, this, recursive } = function;
        let outer = std::mem::replace(&mut self.scopes, vec![Vec::new()]);
        let outer_this = std::mem::replace(&mut self.this, *this);
        let outer_loops = std::mem::replace(&mut self.loops, 1);
        self.in_function = true;
        let names: Vec<_> = (0..parameters.len()).map(|at| format!("p{at}")).collect();
        for (name, ty) in names.iter().zip(parameters) {
            let guard = *recursive && name == "p0";
            // Nothing may assign what ends the recursion.
            self.remember(name, *ty, guard);
        }
        let typed = this.filter(|_| self.choices.percent(40)).and_then(type_name);
        let owner = typed.map_or_else(String::new, |name| format!("{name}."));
        let private = if self.choices.percent(5) { "private " } else { "" };
        self.block(&format!("{private}fn {owner}{name}({}) {{", names.join(", ")), |body| {
            if *recursive {
                let end = body.expression(*result, 1);
                body.line(&format!("if p0 <= 0 {{ return {end}; }}"));
            }
            body.statements(4);
            if *recursive {
                let mut arguments = vec!["p0 - 1".to_owned()];
                arguments
                    .extend(parameters[1..].iter().map(|ty| body.expression(*ty, 1)).collect::<Vec<_>>());
                let again = format!("{name}({})", arguments.join(", "));
                body.line(&format!("let again = {again};"));
                body.remember("again", *result, false);
            }
            let value = body.expression(*result, super::DEPTH);
            body.line(&value);
        });
        self.line("}");
        self.in_function = false;
        self.loops = outer_loops;
        self.this = outer_this;
        self.scopes = outer;
    }

    /// A call of a function that gives the type, if there is one.
    pub(super) fn function_call(&mut self, ty: Type, depth: usize) -> Option<String> {
        let fitting: Vec<_> =
            self.functions.iter().filter(|function| function.result == ty).cloned().collect();
        if fitting.is_empty() || self.loops > super::LOOPS_MAX {
            return None;
        }
        let function = self.choices.pick(&fitting).clone();
        Some(self.call_of(&function, depth))
    }

    /// A call of any function, for what it does.
    pub(super) fn any_call(&mut self, depth: usize) -> Option<String> {
        if self.functions.is_empty() || self.loops > super::LOOPS_MAX {
            return None;
        }
        let function = self.choices.pick(&self.functions).clone();
        Some(self.call_of(&function, depth))
    }

    fn call_of(&mut self, function: &Function, depth: usize) -> String {
        let mut arguments = Vec::new();
        for (at, ty) in function.parameters.iter().enumerate() {
            if function.recursive && at == 0 {
                // Rarely deeper than the engine allows.
                let times = if self.choices.percent(3) { 70 } else { self.choices.below(5) };
                arguments.push(times.to_string());
            } else {
                // One function meets several types of arguments.
                let other = if self.choices.percent(8) { self.any_type() } else { *ty };
                arguments.push(self.expression(other, depth.min(2)));
            }
        }
        if self.ill_typed > 0 && self.choices.percent(2) {
            arguments.push("0, 0, 0, 0".to_owned());
        }
        let call = format!("{}({})", function.name, arguments.join(", "));
        match function.this {
            Some(ty) => {
                let target = self.variable(ty).map_or_else(|| self.literal(ty), |variable| variable.name);
                if target.starts_with('-') {
                    format!("({target}).{call}")
                } else {
                    format!("{target}.{call}")
                }
            }
            None => call,
        }
    }

    /// A closure of one parameter; it captures what its body names.
    pub(super) fn closure(&mut self, depth: usize) -> String {
        let parameter_type = self.any_type();
        let result = self.any_type();
        let (outer_this, outer_loops) = (self.this.take(), self.loops);
        let (outer_function, outer_breakable) = (self.in_function, self.breakable);
        self.loops += 1;
        self.in_function = true;
        self.breakable = false;
        let parameter = self.fresh("x");
        let text = self.inline(|body| {
            body.remember(&parameter, parameter_type, false);
            if body.budget > 0 && body.choices.percent(50) {
                body.line(&format!("|{parameter}| {{"));
                body.simple_statement();
                let value = body.expression(result, depth);
                body.line(&format!("{value} }}"));
            } else {
                let value = body.expression(result, depth);
                body.line(&format!("|{parameter}| {value}"));
            }
        });
        self.this = outer_this;
        self.loops = outer_loops;
        self.in_function = outer_function;
        self.breakable = outer_breakable;
        text
    }

    /// A call of a closure: of a variable, or made on the spot so that its type is known.
    pub(super) fn closure_call(&mut self, ty: Type, depth: usize) -> String {
        if self.choices.percent(50)
            && self.loops <= super::LOOPS_MAX
            && let Some(variable) = self.variable(Type::Closure)
        {
            let argument = self.any_type();
            return format!("{}.call({})", variable.name, self.expression(argument, depth));
        }
        let argument = self.any_type();
        let value = self.expression(argument, depth);
        let parameter = self.fresh("y");
        let outer_this = self.this.take();
        let body = self.inline(|body| {
            body.remember(&parameter, argument, false);
            let value = body.expression(ty, depth);
            body.line(&value);
        });
        self.this = outer_this;
        format!("(|{parameter}| {body}).call({value})")
    }
}

/// What a typed method is declared with.
fn type_name(ty: Type) -> Option<&'static str> {
    match ty {
        Type::Int => Some("int"),
        Type::Float => Some("float"),
        Type::Bool => Some("bool"),
        Type::Text => Some("string"),
        Type::Array => Some("array"),
        Type::Map => Some("map"),
        Type::Char => Some("char"),
        Type::Counter => Some("Counter"),
        Type::Blob | Type::Unit | Type::Closure => None,
    }
}
