//! Expressions that are arrays, maps or blobs.

use super::Generator;
use super::vocabulary::Type;

/// Call-backs that make one value of one.
const MAPPED: [&str; 8] = [
    "|x| x",
    "|x| x + 1",
    "|x| [x]",
    "|x, i| i",
    "|| this",
    "|x| if x == 1 { return 0; } else { x }",
    "|x| `<${x}>`",
    "|x| probe(x)",
];

/// Call-backs that judge.
const JUDGED: [&str; 6] =
    ["|x| x != 1", "|x| x > 1", "|x, i| i > 0", "|x| type_of(x) == \"i64\"", "|| this != 2", "|x| x"];

impl Generator<'_, '_> {
    pub(super) fn array(&mut self, depth: usize) -> String {
        match self.choices.below(12) {
            0..4 => {
                let items: Vec<_> = (0..self.choices.below(4))
                    .map(|_| {
                        let ty = if self.choices.percent(60) { Type::Int } else { self.any_type() };
                        self.expression(ty, depth)
                    })
                    .collect();
                format!("[{}]", items.join(", "))
            }
            4 => format!("{}.map({})", self.operand(Type::Array, depth), self.call_back(&MAPPED)),
            5 => format!("{}.filter({})", self.operand(Type::Array, depth), self.call_back(&JUDGED)),
            6 => {
                format!("({} + {})", self.operand(Type::Array, depth), self.operand(Type::Array, depth))
            }
            7 => {
                let by = *self.choices.pick(&["\",\"", "\"a\"", "' '", "1", "\"\""]);
                format!("{}.split({by})", self.operand(Type::Text, depth))
            }
            8 => {
                let name = *self.choices.pick(&["keys", "values"]);
                format!("{}.{name}()", self.operand(Type::Map, depth))
            }
            9 => {
                let range = *self.choices.pick(&["0", "1", "0, 1", "-1", "0..2", "1..=5"]);
                format!("{}.extract({range})", self.operand(Type::Array, depth))
            }
            10 => {
                let inner = self.expression(Type::Array, depth);
                format!("[{inner}, {}]", self.expression(Type::Map, depth))
            }
            _ => format!("{}.to_chars()", self.operand(Type::Text, depth)),
        }
    }

    /// A call-back of the list, or one that captures what is around it.
    fn call_back(&mut self, plain: &[&str]) -> String {
        if self.choices.percent(70) {
            return (*self.choices.pick(plain)).to_owned();
        }
        self.variable(Type::Closure).map_or_else(|| self.closure(1), |variable| variable.name)
    }

    pub(super) fn map(&mut self, depth: usize) -> String {
        match self.choices.below(6) {
            0..4 => {
                let mut items = Vec::new();
                for key in super::literal::KEYS {
                    if self.choices.percent(35) {
                        let ty = if self.choices.percent(50) { Type::Int } else { self.any_type() };
                        items.push(format!("{key}: {}", self.expression(ty, depth)));
                    }
                }
                format!("#{{ {} }}", items.join(", "))
            }
            4 => format!("({} + {})", self.operand(Type::Map, depth), self.operand(Type::Map, depth)),
            _ => format!("{}.filter(|k, v| v != 1)", self.operand(Type::Map, depth)),
        }
    }

    pub(super) fn blob(&mut self, depth: usize) -> String {
        match self.choices.below(4) {
            0 => format!("{}.to_blob()", self.operand(Type::Text, depth)),
            1 => format!("{}.extract(1)", self.operand(Type::Blob, depth)),
            _ => self.literal(Type::Blob),
        }
    }
}
