//! Expressions that are numbers, booleans or nothing.

use super::Generator;
use super::vocabulary::Type;

impl Generator<'_, '_> {
    fn binary(&mut self, left: Type, operators: &[&str], right: Type, depth: usize) -> String {
        let left = self.operand(left, depth);
        let operator = *self.choices.pick(operators);
        let right = self.operand(right, depth);
        format!("({left} {operator} {right})")
    }

    pub(super) fn int(&mut self, depth: usize) -> String {
        match self.choices.below(22) {
            0..5 => self.binary(Type::Int, &["+", "-", "*"], Type::Int, depth),
            5 | 6 => {
                let left = self.expression(Type::Int, depth);
                let operator = *self.choices.pick(&["/", "%"]);
                // A division by zero is tried, but not all the time.
                let right =
                    if self.choices.percent(70) { "3".to_owned() } else { self.expression(Type::Int, depth) };
                format!("({left} {operator} {right})")
            }
            7 => self.binary(Type::Int, &["&", "|", "^"], Type::Int, depth),
            8 => {
                let left = self.expression(Type::Int, depth);
                let operator = *self.choices.pick(&["<<", ">>", "**"]);
                let right = *self.choices.pick(&["1", "2", "3", "0", "63", "64", "-1", "100"]);
                format!("({left} {operator} {right})")
            }
            9 => format!("-{}", self.operand(Type::Int, depth)),
            10 => format!("{}.len()", self.operand(Type::Array, depth)),
            11 => format!("{}.len()", self.operand(Type::Text, depth)),
            12 => {
                let name = *self.choices.pick(&["min", "max"]);
                let left = self.expression(Type::Int, depth);
                format!("{name}({left}, {})", self.expression(Type::Int, depth))
            }
            13 => {
                let name = *self.choices.pick(&["abs", "sign", "to_int"]);
                format!("({}).{name}()", self.expression(Type::Int, depth))
            }
            14 => format!("({}).to_int()", self.expression(Type::Float, depth)),
            15 => format!("{}.to_int()", self.operand(Type::Char, depth)),
            16 => format!("{}.value", self.operand(Type::Counter, depth)),
            17 => {
                let from = self.operand(Type::Array, depth);
                let body = *self.choices.pick(&["s + x", "s - x", "s", "if x > s { x } else { s }"]);
                format!("{from}.reduce(|s, x| {body}, {})", self.literal(Type::Int))
            }
            18 => format!("parse_int({})", self.digits(depth)),
            19 => format!("{}[{}]", self.operand(Type::Blob, depth), self.index()),
            20 => format!("{}.len()", self.operand(Type::Map, depth)),
            _ => self.binary(Type::Int, &["+", "-"], Type::Int, depth),
        }
    }

    /// Text that is a number, most of the time.
    fn digits(&mut self, depth: usize) -> String {
        if self.choices.percent(15) {
            return self.expression(Type::Text, depth);
        }
        format!("(\"\" + {})", self.literal(Type::Int))
    }

    pub(super) fn float(&mut self, depth: usize) -> String {
        match self.choices.below(10) {
            0..3 => self.binary(Type::Float, &["+", "-", "*", "/", "%"], Type::Float, depth),
            3 => self.binary(Type::Float, &["+", "-", "*", "/", "**"], Type::Int, depth),
            4 => self.binary(Type::Int, &["+", "-", "*", "/"], Type::Float, depth),
            5 => format!("-{}", self.operand(Type::Float, depth)),
            6 => format!("({}).to_float()", self.expression(Type::Int, depth)),
            7 => {
                let name = *self
                    .choices
                    .pick(&["abs", "floor", "ceiling", "round", "sqrt", "fraction", "sin", "exp"]);
                format!("({}).{name}()", self.expression(Type::Float, depth))
            }
            8 => {
                let left = self.expression(Type::Float, depth);
                format!("max({left}, {})", self.expression(Type::Float, depth))
            }
            _ => format!("parse_float({})", self.digits(depth)),
        }
    }

    pub(super) fn bool(&mut self, depth: usize) -> String {
        const COMPARISONS: [&str; 6] = ["<", "==", "!=", "<=", ">", ">="];
        match self.choices.below(20) {
            0..4 => self.binary(Type::Int, &COMPARISONS, Type::Int, depth),
            4 => self.binary(Type::Float, &COMPARISONS, Type::Float, depth),
            5 => self.binary(Type::Int, &COMPARISONS, Type::Float, depth),
            6 => self.binary(Type::Text, &COMPARISONS, Type::Text, depth),
            7 => self.binary(Type::Char, &COMPARISONS, Type::Char, depth),
            8 => {
                let (left, right) = (self.any_type(), self.any_type());
                self.binary(left, &["==", "!="], right, depth)
            }
            9..12 => self.binary(Type::Bool, &["&&", "||"], Type::Bool, depth),
            12 => self.binary(Type::Bool, &["&", "|", "^", "==", "!="], Type::Bool, depth),
            13 => format!("!{}", self.operand(Type::Bool, depth)),
            14 => {
                let item = self.any_type();
                self.binary(item, &["in", "!in"], Type::Array, depth)
            }
            15 => self.binary(Type::Text, &["in", "!in"], Type::Map, depth),
            16 => self.binary(Type::Char, &["in", "!in"], Type::Text, depth),
            17 => {
                let name = *self.choices.pick(&["some", "all"]);
                let test = *self.choices.pick(&["x == 1", "x != 2", "x > 0", "type_of(x) == \"i64\""]);
                format!("{}.{name}(|x| {test})", self.operand(Type::Array, depth))
            }
            18 => {
                let ty = self.any_type();
                let names = ["\"i64\"", "\"string\"", "\"array\"", "\"f64\"", "\"()\""];
                let name = *self.choices.pick(&names);
                format!("(type_of({}) == {name})", self.expression(ty, depth))
            }
            _ => format!("({} in 0..{})", self.expression(Type::Int, depth), self.literal(Type::Int)),
        }
    }

    pub(super) fn unit(&mut self, depth: usize) -> String {
        let ty = self.any_type();
        match self.choices.below(3) {
            0 => format!("print({})", self.expression(ty, depth)),
            1 => format!("debug({})", self.expression(ty, depth)),
            _ => format!("if {} {{ }}", self.condition(depth)),
        }
    }

    pub(super) fn counter(&mut self, depth: usize) -> String {
        match self.choices.below(4) {
            0 => self.binary(Type::Counter, &["+"], Type::Counter, depth),
            1 => self.binary(Type::Counter, &["+"], Type::Int, depth),
            _ => format!("host_counter({})", self.expression(Type::Int, depth)),
        }
    }
}
