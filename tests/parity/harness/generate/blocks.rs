//! Statements with blocks.

use super::Generator;
use super::vocabulary::Type;

impl Generator<'_, '_> {
    /// A statement with blocks; the choice is below 32.
    pub(super) fn block_statement(&mut self, choice: usize) {
        match choice {
            0..7 => self.if_statement(),
            7..10 => self.block_alone(),
            10..15 => self.try_statement(),
            15..18 => self.switch_statement(),
            _ if self.loops >= super::LOOPS_MAX => self.if_statement(),
            18..24 => self.for_statement(),
            24..27 => self.while_statement(),
            27..29 => self.do_statement(),
            29..31 => self.loop_statement(),
            _ => self.for_with_closures(),
        }
    }

    fn if_statement(&mut self) {
        let condition = self.condition(super::DEPTH);
        self.block(&format!("if {condition} {{"), |body| body.statements(3));
        if self.choices.percent(25) {
            let condition = self.condition(2);
            self.block(&format!("}} else if {condition} {{"), |body| body.statements(2));
        }
        if self.choices.percent(45) {
            self.block("} else {", |body| body.statements(3));
        }
        self.line("}");
    }

    fn block_alone(&mut self) {
        self.block("{", |body| body.statements(3));
        self.line("}");
    }

    fn try_statement(&mut self) {
        self.block("try {", |body| body.statements(3));
        let outer = std::mem::replace(&mut self.in_catch, true);
        if self.choices.percent(75) {
            let name = self.fresh("e");
            self.block(&format!("}} catch ({name}) {{"), |body| {
                // Kind, message and position of the error are compared by this.
                body.line(&format!("probe({name});"));
                body.remember(&name, Type::Map, false);
                body.statements(2);
            });
        } else {
            self.block("} catch {", |body| body.statements(2));
        }
        self.in_catch = outer;
        self.line("}");
    }

    fn switch_statement(&mut self) {
        let ty = *self.choices.pick(&[Type::Int, Type::Text, Type::Bool, Type::Float, Type::Array]);
        let subject = self.expression(ty, 2);
        self.line(&format!("switch {subject} {{"));
        self.indent += 1;
        let mut cases: Vec<String> = (0..self.choices.between(1, 3)).map(|_| self.case(ty)).collect();
        // Ranges come after what is compared exactly.
        cases.sort_by_key(|case| case.contains(".."));
        for case in cases {
            let guard =
                if self.choices.percent(25) { format!(" if {}", self.condition(1)) } else { String::new() };
            self.block(&format!("{case}{guard} => {{"), |body| body.statements(2));
            self.line("}");
        }
        if self.choices.percent(70) {
            self.block("_ => {", |body| body.statements(2));
            self.line("}");
        }
        self.indent -= 1;
        self.line("}");
    }

    /// A loop with what it takes for its body; `break` belongs to it.
    fn loop_body(&mut self, open: &str, body: impl FnOnce(&mut Self)) {
        let breakable = std::mem::replace(&mut self.breakable, true);
        self.loops += 1;
        self.block(open, body);
        self.loops -= 1;
        self.breakable = breakable;
    }

    fn for_statement(&mut self) {
        let (iterable, ty) = match self.choices.below(10) {
            0..3 => (format!("0..{}", self.choices.below(5)), Type::Int),
            3 => (format!("-1..={}", self.choices.below(4)), Type::Int),
            4 => {
                let step = *self.choices.pick(&["2", "-1", "1", "3"]);
                (format!("range(0, {}, {step})", self.choices.below(6)), Type::Int)
            }
            5 => (self.expression(Type::Text, 1), Type::Char),
            6 => (format!("{}.keys()", self.operand(Type::Map, 1)), Type::Text),
            7 => (self.expression(Type::Blob, 1), Type::Int),
            _ => (self.expression(Type::Array, 2), Type::Int),
        };
        // A block is no iterable to the parser.
        let iterable = if iterable.starts_with('{') { format!("probe({iterable})") } else { iterable };
        let name = self.name();
        let counter = if self.choices.percent(25) { Some(self.fresh("n")) } else { None };
        let header = match &counter {
            Some(counter) => format!("for ({name}, {counter}) in {iterable} {{"),
            None => format!("for {name} in {iterable} {{"),
        };
        self.loop_body(&header, |body| {
            body.remember(&name, ty, false);
            if let Some(counter) = &counter {
                body.remember(counter, Type::Int, false);
            }
            body.statements(4);
        });
        self.line("}");
    }

    /// Closures that capture the variables of a loop, called after it.
    fn for_with_closures(&mut self) {
        let list = self.fresh("fs");
        self.line(&format!("let {list} = [];"));
        let name = self.fresh("i");
        self.loop_body(&format!("for {name} in 0..3 {{"), |body| {
            body.remember(&name, Type::Int, false);
            body.statements(1);
            let local = body.fresh("l");
            body.line(&format!("let {local} = {name} * 10;"));
            body.remember(&local, Type::Int, false);
            let value = body.expression(Type::Int, 2);
            body.line(&format!("{list}.push(|| {name} + {local} + {value});"));
        });
        self.line("}");
        self.line(&format!("for f in {list} {{ probe(f.call()); }}"));
    }

    fn while_statement(&mut self) {
        let (count, most) = (self.fresh("w"), self.choices.between(1, 5));
        self.line(&format!("let {count} = 0;"));
        let condition = if self.choices.percent(40) {
            format!(" && {}", self.expression(Type::Bool, 2))
        } else {
            String::new()
        };
        self.loop_body(&format!("while {count} < {most}{condition} {{"), |body| {
            body.line(&format!("{count} += 1;"));
            body.statements(4);
        });
        self.line("}");
    }

    fn do_statement(&mut self) {
        let (count, most) = (self.fresh("w"), self.choices.between(1, 4));
        self.line(&format!("let {count} = 0;"));
        self.loop_body("do {", |body| {
            body.line(&format!("{count} += 1;"));
            body.statements(3);
        });
        let end = if self.choices.percent(50) {
            format!("}} while {count} < {most};")
        } else {
            format!("}} until {count} >= {most};")
        };
        self.line(&end);
    }

    /// `loop` as a value.
    fn loop_statement(&mut self) {
        let (count, most) = (self.fresh("w"), self.choices.between(1, 5));
        self.line(&format!("let {count} = 0;"));
        let ty = self.any_type();
        let value = self.expression(ty, 2);
        let name = self.fresh("v");
        self.loop_body(&format!("let {name} = loop {{"), |body| {
            body.line(&format!("{count} += 1;"));
            body.line(&format!("if {count} > {most} {{ break {value}; }}"));
            body.statements(3);
        });
        self.line("};");
        self.remember(&name, ty, false);
    }
}
