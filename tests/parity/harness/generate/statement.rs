//! Statements of one line.

use super::Generator;
use super::vocabulary::Type;

/// What is done to an array, for its effect.
const ARRAY_EFFECTS: [&str; 14] = [
    "pop()",
    "shift()",
    "sort()",
    "reverse()",
    "dedup()",
    "clear()",
    "truncate(2)",
    "pad(3, 0)",
    "remove(0)",
    "chop(2)",
    "for_each(|| this += 1)",
    "retain(|x| x != 1)",
    "drain(|x| x == 2)",
    "splice(0, 1, [7, 8])",
];

const TEXT_EFFECTS: [&str; 9] = [
    "make_upper()",
    "trim()",
    "clear()",
    "truncate(2)",
    "pad(4, '*')",
    "replace(\"a\", \"b\")",
    "remove('a')",
    "crop(1)",
    "pop()",
];

impl Generator<'_, '_> {
    /// One statement of any kind.
    pub(super) fn statement(&mut self) {
        self.budget = self.budget.saturating_sub(1);
        match self.choices.below(100) {
            0..12 => {
                let ty = if self.choices.percent(12) { Type::Closure } else { self.any_type() };
                self.declare(ty);
            }
            12..60 => self.simple_statement(),
            60..68 => self.jump(),
            _ if self.budget == 0 => self.simple_statement(),
            choice => self.block_statement(choice - 68),
        }
    }

    /// `let` or `const`.
    pub(super) fn declare(&mut self, ty: Type) {
        if self.choices.percent(4) {
            let name = self.name();
            self.line(&format!("let {name};"));
            self.remember(&name, Type::Unit, false);
            return;
        }
        let value = self.expression(ty, super::DEPTH);
        // The name is chosen afterwards, so that the value may use what it hides.
        let name = if ty == Type::Closure { self.fresh("c") } else { self.name() };
        let constant = self.choices.percent(10);
        self.line(&format!("{} {name} = {value};", if constant { "const" } else { "let" }));
        // A closure is never assigned, so that none reaches itself.
        self.remember(&name, ty, constant || ty == Type::Closure);
    }

    /// A statement that neither declares nor leaves anything.
    pub(super) fn simple_statement(&mut self) {
        // What cannot be done for want of a variable is tried another way.
        let tries: Vec<usize> = (0..4).map(|_| self.choices.below(24)).collect();
        let text = tries.into_iter().find_map(|choice| self.effect(choice));
        let text = text.unwrap_or_else(|| "probe(0)".to_owned());
        if self.choices.percent(25) {
            // So that a mistake does not end the program, and its kind and position are compared.
            let error = self.fresh("e");
            self.line(&format!("try {{ {text}; }} catch ({error}) {{ probe({error}); }}"));
        } else {
            self.line(&format!("{text};"));
        }
    }

    fn effect(&mut self, choice: usize) -> Option<String> {
        match choice {
            0..3 => self.assignment(),
            3..7 => self.op_assignment(),
            7..11 => self.element_assignment(),
            11 | 12 => self.array_effect(),
            13 => self.text_effect(),
            14 => self.map_effect(),
            15 => self.counter_effect(),
            16 => self.any_call(2),
            18 => self.of_template(),
            19 => self.library_statement(),
            20 => self.trouble(),
            21 => self.unusual_call(),
            17 => {
                let ty = self.any_type();
                Some(self.closure_call(ty, 1))
            }
            _ => {
                let ty = self.any_type();
                let name = *self.choices.pick(&["print", "probe", "debug", "probe"]);
                Some(format!("{name}({})", self.expression(ty, 2)))
            }
        }
    }

    fn assignment(&mut self) -> Option<String> {
        let ty = self.any_type();
        let name = self.target(ty, 0)?;
        let new_type = if self.choices.percent(6) { self.any_type() } else { ty };
        let value = self.expression(new_type, super::DEPTH);
        if name != "this" {
            self.retype(&name, new_type);
        }
        Some(format!("{name} = {value}"))
    }

    fn op_assignment(&mut self) -> Option<String> {
        let ty = if self.choices.percent(40) { Type::Int } else { self.any_type() };
        let name = self.target(ty, 0)?;
        Some(self.op_assigned(&name, ty))
    }

    /// The target with an operator and a value that fits.
    fn op_assigned(&mut self, target: &str, ty: Type) -> String {
        let (operators, right): (&[&str], Type) = match ty {
            Type::Int if self.choices.percent(10) => (&["/=", "%=", "<<=", ">>=", "**="], Type::Int),
            Type::Int if self.choices.percent(5) => (&["+=", "*="], Type::Float),
            Type::Int => (&["+=", "-=", "*=", "&=", "|=", "^="], Type::Int),
            Type::Float => (&["+=", "-=", "*=", "/="], *self.choices.pick(&[Type::Float, Type::Int])),
            Type::Bool => (&["&=", "|=", "^="], Type::Bool),
            Type::Text => {
                (&["+=", "+=", "+=", "-="], *self.choices.pick(&[Type::Text, Type::Char, Type::Int]))
            }
            Type::Array => (&["+="], *self.choices.pick(&[Type::Int, Type::Array, Type::Text])),
            Type::Map => (&["+="], Type::Map),
            Type::Counter => (&["+="], Type::Int),
            _ => (&["+="], ty),
        };
        let operator = *self.choices.pick(operators);
        format!("{target} {operator} {}", self.expression(right, 2))
    }

    /// Assigns to an element or property, at some depth.
    fn element_assignment(&mut self) -> Option<String> {
        let container =
            *self.choices.pick(&[Type::Array, Type::Map, Type::Array, Type::Map, Type::Text, Type::Int]);
        let name = self.target(container, 4)?;
        let (path, value_type) = match container {
            Type::Text => (format!("[{}]", self.index()), Type::Char),
            Type::Int => (format!("[{}]", self.index()), Type::Bool),
            _ => (self.path(container), if self.choices.percent(70) { Type::Int } else { self.any_type() }),
        };
        if self.choices.percent(45) {
            return Some(self.op_assigned(&format!("{name}{path}"), value_type));
        }
        Some(format!("{name}{path} = {}", self.expression(value_type, 2)))
    }

    fn array_effect(&mut self) -> Option<String> {
        let name = self.target(Type::Array, 4)?;
        if self.choices.percent(50) {
            let ty = self.any_type();
            let value = self.expression(ty, 2);
            return Some(match self.choices.below(4) {
                0 => format!("{name}.insert({}, {value})", self.index()),
                1 => format!("{name}.push({value})"),
                2 => format!("{name}{}.push({value})", self.path(Type::Array)),
                _ => format!("mutate({name})"),
            });
        }
        Some(format!("{name}.{}", self.choices.pick(&ARRAY_EFFECTS)))
    }

    fn text_effect(&mut self) -> Option<String> {
        let name = self.target(Type::Text, 4)?;
        Some(format!("{name}.{}", self.choices.pick(&TEXT_EFFECTS)))
    }

    fn map_effect(&mut self) -> Option<String> {
        let name = self.target(Type::Map, 4)?;
        let key = self.key();
        Some(match self.choices.below(6) {
            0 => format!("{name}.remove(\"{key}\")"),
            1 => format!("{name}.{key}.push({})", self.expression(Type::Int, 1)),
            2 => format!("{name}.set(\"{key}\", {})", self.expression(Type::Int, 1)),
            3 => format!("{name}.mixin({})", self.expression(Type::Map, 1)),
            4 => format!("{name}.{key}.tag = {}", self.literal(Type::Int)),
            _ => format!("{name}.{key} = {name}.{key} ?? {}", self.expression(Type::Array, 1)),
        })
    }

    fn counter_effect(&mut self) -> Option<String> {
        let name = self.target(Type::Counter, 4)?;
        Some(match self.choices.below(6) {
            0 => format!("{name}.add({})", self.expression(Type::Int, 1)),
            1 => format!("{name}.value = {}", self.expression(Type::Int, 1)),
            2 => format!("{name}.value += {}", self.expression(Type::Int, 1)),
            3 => format!("{name}.extra.{} = {}", self.key(), self.expression(Type::Int, 1)),
            4 => format!("{name}[1] = {}", self.expression(Type::Int, 1)),
            _ => format!("probe({name}.doubled())"),
        })
    }

    /// Leaves a loop, a function or the program; under a condition, so that what follows is not dead.
    fn jump(&mut self) {
        let condition = self.condition(2);
        let ty = self.any_type();
        let jump = match self.choices.below(8) {
            0..2 if self.breakable => "continue".to_owned(),
            2..4 if self.breakable => "break".to_owned(),
            4 if self.breakable => format!("break {}", self.expression(ty, 1)),
            0 | 5 if self.in_function => format!("return {}", self.expression(ty, 1)),
            6 => format!("throw {}", self.expression(ty, 1)),
            7 if self.in_catch => "throw".to_owned(),
            _ => format!("probe({})", self.expression(ty, 1)),
        };
        self.line(&format!("if {condition} {{ {jump}; }}"));
    }
}
