//! Makes programs out of decisions: of every kind of statement and expression, mostly well typed, and such that
//! they end.
//!
//! Loops count in variables that nothing else assigns; functions call earlier ones only, or themselves with a
//! smaller number; a closure is made before the name it gets exists. What still multiplies (strings that are
//! doubled in loops) ends at a limit of the engine, and such a program is not compared.

mod blocks;
mod callable;
mod container;
mod expression;
mod library;
mod literal;
mod number;
mod statement;
mod template;
mod text;
mod trouble;
mod vocabulary;

use super::choices::Choices;
use vocabulary::{Function, PALETTES, Type, Variable};

/// How deep expressions are nested at most.
const DEPTH: usize = 3;

/// How many loops are nested at most.
const LOOPS_MAX: usize = 2;

/// Makes a program.
pub(crate) fn program(choices: &mut Choices<'_>) -> String {
    let mut generator = Generator::new(choices);
    generator.whole_program();
    generator.lines.join("\n") + "\n"
}

/// A program in the making.
struct Generator<'c, 'b> {
    choices: &'c mut Choices<'b>,
    lines: Vec<String>,
    indent: usize,
    /// Statements that may still be made.
    budget: usize,
    /// How often of a hundred an expression is of a type nobody asked for.
    ill_typed: usize,
    /// The types this program is about.
    palette: &'static [Type],
    /// Blocks of the function at hand, the innermost last, with their variables.
    scopes: Vec<Vec<Variable>>,
    functions: Vec<Function>,
    /// Names of constants that functions see through `global::`.
    globals: Vec<(String, Type)>,
    /// Type of `this` where it is bound.
    this: Option<Type>,
    in_function: bool,
    in_catch: bool,
    loops: usize,
    /// Whether `break` and `continue` would leave a loop of the function at hand.
    breakable: bool,
    names: usize,
}

impl<'c, 'b> Generator<'c, 'b> {
    fn new(choices: &'c mut Choices<'b>) -> Self {
        let ill_typed = *choices.pick(&[0, 0, 1, 3, 10]);
        let palette = PALETTES[choices.below(PALETTES.len())];
        let budget = *choices.pick(&[8, 4, 12, 20, 30, 45]);
        Self {
            choices,
            lines: Vec::new(),
            indent: 0,
            budget,
            ill_typed,
            palette,
            scopes: vec![Vec::new()],
            functions: Vec::new(),
            globals: Vec::new(),
            this: None,
            in_function: false,
            in_catch: false,
            loops: 0,
            breakable: false,
            names: 0,
        }
    }

    fn whole_program(&mut self) {
        if self.choices.percent(25) {
            self.line("import \"lib\" as m;");
        }
        for _ in 0..self.choices.below(3) {
            self.global_constant();
        }
        for _ in 0..self.choices.below(4) {
            self.function();
        }
        for at in 0..self.palette.len() {
            if self.choices.percent(60) {
                self.declare(self.palette[at]);
            }
        }
        while self.budget > 0 && !self.choices.is_exhausted() {
            self.statement();
        }
        let ty = self.any_type();
        let value = self.expression(ty, DEPTH);
        self.line(&value);
    }

    /// Writes a line; sometimes as two, so that positions have more than one line to be wrong about.
    fn line(&mut self, text: &str) {
        let indent = "    ".repeat(self.indent);
        if !text.contains(['"', '`', '\'']) && self.choices.percent(8) {
            let breaks: Vec<usize> = text.match_indices([',', '(']).map(|(at, _)| at + 1).collect();
            if !breaks.is_empty() {
                let (first, second) = text.split_at(*self.choices.pick(&breaks));
                self.lines.push(format!("{indent}{first}"));
                self.lines.push(format!("{indent}    {}", second.trim_start()));
                return;
            }
        }
        self.lines.push(format!("{indent}{text}"));
    }

    /// A name that was not used before.
    fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// Writes the line, then what `body` writes one step further in, in a scope of its own.
    fn block(&mut self, open: &str, body: impl FnOnce(&mut Self)) {
        self.line(open);
        self.indent += 1;
        self.scopes.push(Vec::new());
        body(self);
        self.scopes.pop();
        self.indent -= 1;
    }

    /// A few statements.
    fn statements(&mut self, most: usize) {
        for _ in 0..self.choices.between(1, most) {
            if self.choices.is_exhausted() || self.budget == 0 {
                break;
            }
            self.statement();
        }
    }

    /// What `write` writes, as one line of its own instead of lines of the program.
    fn inline(&mut self, write: impl FnOnce(&mut Self)) -> String {
        let lines = std::mem::take(&mut self.lines);
        self.scopes.push(Vec::new());
        write(self);
        self.scopes.pop();
        let written = std::mem::replace(&mut self.lines, lines);
        written.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }
}
