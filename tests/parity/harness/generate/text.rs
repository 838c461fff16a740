//! Expressions that are characters or strings.

use super::Generator;
use super::vocabulary::Type;

impl Generator<'_, '_> {
    pub(super) fn char(&mut self, depth: usize) -> String {
        match self.choices.below(4) {
            0 => format!("{}[{}]", self.operand(Type::Text, depth), self.index()),
            1 => format!("({} + \"xyz\")[{}]", self.operand(Type::Text, depth), self.index()),
            2 => format!("{}.to_upper()", self.operand(Type::Char, depth)),
            _ => "\"xyz\"[0]".to_owned(),
        }
    }

    pub(super) fn text(&mut self, depth: usize) -> String {
        match self.choices.below(14) {
            0..3 => {
                let ty = self.any_type();
                format!("({} + {})", self.operand(Type::Text, depth), self.operand(ty, depth))
            }
            3 => {
                let ty = *self.choices.pick(&[Type::Int, Type::Char, Type::Float]);
                format!("({} + {})", self.operand(ty, depth), self.operand(Type::Text, depth))
            }
            4..7 => self.template(depth),
            7 => {
                let ty = self.any_type();
                format!("({}).to_string()", self.expression(ty, depth))
            }
            8 => {
                let name = *self.choices.pick(&["to_upper", "to_lower"]);
                format!("{}.{name}()", self.operand(Type::Text, depth))
            }
            9 => {
                let range = *self.choices.pick(&["0..2", "1..", "..=1", "0, 1", "1", "-2", "5..2"]);
                format!("{}.sub_string({range})", self.operand(Type::Text, depth))
            }
            10 => {
                let range = *self.choices.pick(&["0..2", "1..3", "0..=0", "2..1"]);
                format!("{}[{range}]", self.operand(Type::Text, depth))
            }
            11 => format!("({} - {})", self.expression(Type::Text, depth), self.literal(Type::Text)),
            12 => {
                let ty = self.any_type();
                format!("type_of({})", self.expression(ty, depth))
            }
            _ => format!("(\"<\" + {} + \">\")", self.expression(Type::Int, depth)),
        }
    }

    fn template(&mut self, depth: usize) -> String {
        let mut text = Vec::new();
        for _ in 0..self.choices.between(1, 3) {
            let ty = self.any_type();
            let prefix = *self.choices.pick(&["", "a", " ", "é="]);
            text.push(format!("{prefix}${{{}}}", self.expression(ty, depth.min(1))));
        }
        format!("`{}`", text.concat())
    }
}
