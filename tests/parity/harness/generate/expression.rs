//! Expressions: what all types have in common, and which function makes what is particular to one.

use super::Generator;
use super::literal::KEYS;
use super::vocabulary::Type;

impl Generator<'_, '_> {
    /// An expression that is of the type, unless this program is allowed mistakes.
    pub(super) fn expression(&mut self, ty: Type, depth: usize) -> String {
        if self.ill_typed > 0 && depth > 0 && self.choices.percent(self.ill_typed) {
            let other = self.any_type();
            let mistake = self.expression(other, depth - 1);
            // The parser knows the type of a constant; it does not look into a call.
            let hidden = ty == Type::Bool || self.choices.percent(50);
            return if hidden { format!("probe({mistake})") } else { mistake };
        }

        if depth == 0 || self.choices.is_exhausted() {
            return self.leaf(ty);
        }
        if self.choices.percent(30) {
            return self.leaf(ty);
        }
        if self.choices.percent(35) {
            return self.structured(ty, depth - 1);
        }
        self.particular(ty, depth - 1)
    }

    /// A variable or a constant.
    fn leaf(&mut self, ty: Type) -> String {
        if self.this == Some(ty) && self.choices.percent(25) {
            return "this".to_owned();
        }
        if self.ill_typed > 0 && self.choices.below(1_000) == 999 {
            return "missing_variable".to_owned();
        }
        if self.choices.percent(12) {
            let globals: Vec<_> = self.globals.iter().filter(|global| global.1 == ty).collect();
            if !globals.is_empty() {
                return format!("global::{}", self.choices.pick(&globals).0);
            }
        }
        if self.choices.percent(75)
            && let Some(variable) = self.variable(ty)
        {
            return variable.name;
        }
        self.literal(ty)
    }

    /// Forms that exist for every type.
    fn structured(&mut self, ty: Type, depth: usize) -> String {
        match self.choices.below(19) {
            0 | 1 => {
                let (condition, yes) = (self.condition(depth), self.expression(ty, depth));
                format!("if {condition} {{ {yes} }} else {{ {} }}", self.expression(ty, depth))
            }
            2 => self.block_expression(ty, depth),
            3 => self.switch_expression(ty, depth),
            4 => format!("probe({})", self.expression(ty, depth)),
            5 | 6 => self.function_call(ty, depth).unwrap_or_else(|| self.particular(ty, depth)),
            7 => format!("({} ?? {})", self.expression(ty, depth), self.expression(ty, depth)),
            8 => {
                let (first, second) = (self.expression(ty, depth), self.expression(ty, depth));
                format!("[{first}, {second}].pop()")
            }
            9 => self.closure_call(ty, depth),
            10 => {
                let index = self.index();
                format!("[{}, {}][{index}]", self.expression(ty, depth), self.expression(ty, depth))
            }
            11 => format!("#{{ k: {} }}.k", self.expression(ty, depth)),
            12 => self.element(ty),
            13 => format!("loop {{ break {}; }}", self.expression(ty, depth)),
            14 => format!("({})", self.expression(ty, depth)),
            16 | 17 => self.library_call(ty).unwrap_or_else(|| self.particular(ty, depth)),
            _ => self.particular(ty, depth),
        }
    }

    /// Forms of one type.
    pub(super) fn particular(&mut self, ty: Type, depth: usize) -> String {
        match ty {
            Type::Int => self.int(depth),
            Type::Float => self.float(depth),
            Type::Bool => self.bool(depth),
            Type::Char => self.char(depth),
            Type::Text => self.text(depth),
            Type::Array => self.array(depth),
            Type::Map => self.map(depth),
            Type::Blob => self.blob(depth),
            Type::Counter => self.counter(depth),
            Type::Unit => self.unit(depth),
            Type::Closure => self.closure(depth),
        }
    }

    /// An expression that a method or an index may follow, or an operator precede.
    pub(super) fn operand(&mut self, ty: Type, depth: usize) -> String {
        let text = self.expression(ty, depth);
        if starts_like_a_statement(&text) || text.starts_with(['-', '|', '!']) {
            format!("({text})")
        } else {
            text
        }
    }

    /// A condition. The parser takes no block, nor what begins with a keyword, as one.
    pub(super) fn condition(&mut self, depth: usize) -> String {
        let condition = self.expression(Type::Bool, depth);
        let is_statement = starts_like_a_statement(condition.trim_start_matches('('));
        if is_statement { format!("true && {condition}") } else { condition }
    }

    /// A block that does something before it has its value.
    fn block_expression(&mut self, ty: Type, depth: usize) -> String {
        let mut value = String::new();
        let statements = self.inline(|inner| {
            if inner.budget > 0 {
                inner.simple_statement();
            }
            value = inner.expression(ty, depth);
        });
        format!("{{ {statements} {value} }}")
    }

    fn switch_expression(&mut self, ty: Type, depth: usize) -> String {
        let subject_type = *self.choices.pick(&[Type::Int, Type::Int, Type::Text, Type::Char, Type::Bool]);
        let subject = self.expression(subject_type, depth);
        let (mut arms, mut ranges) = (Vec::new(), Vec::new());
        for _ in 0..self.choices.between(1, 3) {
            let case = self.case(subject_type);
            let guard = if self.choices.percent(30) {
                format!(" if {}", self.condition(depth.min(1)))
            } else {
                String::new()
            };
            let arm = format!("{case}{guard} => {}", self.expression(ty, depth));
            if case.contains("..") { ranges.push(arm) } else { arms.push(arm) }
        }
        // Ranges come after what is compared exactly.
        arms.append(&mut ranges);
        if self.choices.percent(85) {
            arms.push(format!("_ => {}", self.expression(ty, depth)));
        }
        format!("switch {subject} {{ {} }}", arms.join(", "))
    }

    /// What a `switch` arm matches. Cases are constants.
    pub(super) fn case(&mut self, ty: Type) -> String {
        match self.choices.below(6) {
            0 if ty == Type::Int => (*self.choices.pick(&["0..3", "1..=5", "-5..0", "2..100"])).to_owned(),
            1 => format!("{} | {}", self.literal(ty), self.literal(ty)),
            2 => {
                let other = *self.choices.pick(&[Type::Float, Type::Text, Type::Int, Type::Bool, Type::Unit]);
                self.literal(other)
            }
            _ => self.literal(ty),
        }
    }

    /// An element of a container: of whatever type it is.
    fn element(&mut self, ty: Type) -> String {
        let container = *self.choices.pick(&[Type::Array, Type::Map]);
        let Some(variable) = self.variable(container) else { return self.leaf(ty) };
        let path = self.path(container);
        format!("{}{path}", variable.name)
    }

    /// The way into a container, such as `[1].a`.
    pub(super) fn path(&mut self, container: Type) -> String {
        let (mut path, mut container) = (Vec::new(), container);
        for _ in 0..self.choices.between(1, 2) {
            let conditional = if self.choices.percent(10) { "?" } else { "" };
            path.push(if container == Type::Array {
                format!("{conditional}[{}]", self.index())
            } else if self.choices.percent(60) {
                format!("{conditional}.{}", self.key())
            } else {
                format!("{conditional}[\"{}\"]", self.key())
            });
            if self.choices.percent(80) {
                break;
            }
            container = *self.choices.pick(&[Type::Array, Type::Map]);
        }
        path.concat()
    }

    pub(super) fn key(&mut self) -> &'static str {
        KEYS[self.choices.below(KEYS.len())]
    }
}

/// Whether the parser would take the text for a statement of its own.
fn starts_like_a_statement(text: &str) -> bool {
    ["{", "if ", "switch ", "loop "].iter().any(|start| text.starts_with(start))
}
