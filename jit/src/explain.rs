//! What became of a script, beside its source: types, what is called, and what stays undecided until run time, and why.

mod lines;
mod reasons;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::infer::{InstanceId, Typed};
use crate::ir::print::{self, View};
use crate::ir::{Kind, Unit, visit};
use crate::position;

/// What is kept of a program for people who ask.
#[derive(Debug, Default)]
pub(crate) struct Explanation {
    /// One line for each instance.
    instances: Vec<String>,
    /// What is left to the interpreter.
    fallbacks: Vec<String>,
    /// Notes on each line of the source, in the order of the columns that they are about.
    notes: BTreeMap<u32, BTreeSet<(u32, String)>>,
}

/// The same note of some instances of a function.
type Shared = BTreeMap<(u32, String), BTreeSet<InstanceId>>;

/// Collects what is to be told of a unit. `code_bytes` are those of the instances, then of the entries in the order of
/// the functions.
pub(crate) fn explain(unit: &Unit, typed: &Typed, code_bytes: &[usize]) -> Explanation {
    let mut explanation = Explanation::default();
    let entries: Vec<_> = typed.entries.values().copied().collect();
    for id in 0..typed.instances.len() {
        let mut line = print::header(unit, typed, id);
        if let Some(bytes) = code_bytes.get(id) {
            let _ = write!(line, ", {bytes} bytes");
        }
        let entry = entries.iter().position(|entry| *entry == id);
        if let Some(bytes) = entry.and_then(|entry| code_bytes.get(typed.instances.len() + entry)) {
            let _ = write!(line, " and {bytes} to enter");
        }
        explanation.instances.push(line);
    }
    for function in 0..unit.functions.len() {
        explanation.function(unit, typed, function);
    }
    explanation
}

impl Explanation {
    fn function(&mut self, unit: &Unit, typed: &Typed, function: usize) {
        let definition = &unit.functions[function];
        visit::any(&definition.body, &mut |expr| {
            if let Kind::Interpret(interpret) = &expr.kind {
                let name = print::function_name(definition);
                let place = position::text(expr.position);
                self.fallbacks.push(format!("{name}, {place}: {}", interpret.reason));
            }
            false
        });
        let instances: Vec<_> = (0..typed.instances.len())
            .filter(|id| typed.instances[*id].function as usize == function)
            .collect();
        let mut shared = Shared::new();
        for id in &instances {
            for (at, text) in lines::notes(View::of(unit, typed, *id)) {
                shared.entry((at, text)).or_default().insert(*id);
            }
        }
        for ((at, mut text), of) in shared {
            if of.len() < instances.len() {
                let of: Vec<_> = of.iter().map(ToString::to_string).collect();
                let _ = write!(text, "  (instance {})", of.join(", "));
            }
            self.notes.entry(at >> 16).or_default().insert((at & 0xffff, text));
        }
    }

    /// The listing. The source is that which was compiled; where it is missing, the notes stand alone.
    pub(crate) fn render(&self, source: &str) -> String {
        let mut text = String::from("functions\n");
        for line in &self.instances {
            let _ = writeln!(text, "  {line}");
        }
        if !self.fallbacks.is_empty() {
            text.push_str("left to the interpreter\n");
        }
        for line in &self.fallbacks {
            let _ = writeln!(text, "  {line}");
        }
        text.push_str("source\n");
        let lines: Vec<_> = source.lines().collect();
        let noted = self.notes.keys().next_back().map_or(0, |last| *last as usize);
        for number in 1..=lines.len().max(noted) {
            let notes = u32::try_from(number).ok().and_then(|number| self.notes.get(&number));
            let line = lines.get(number - 1);
            if line.is_some() || notes.is_some() {
                let line = line.copied().unwrap_or_default();
                let _ = writeln!(text, "{}", format!("{number:>5} | {line}").trim_end());
            }
            let mut said = BTreeSet::new();
            for (_, note) in notes.into_iter().flatten() {
                if said.insert(note) {
                    let _ = writeln!(text, "      : {note}");
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_stand_alone_without_the_source() {
        let (unit, typed) = crate::testing::typed("let x = 1;\n\nx = 'a';");
        let explanation = explain(&unit, &typed, &[700, 20]);
        assert_eq!(
            explanation.render(""),
            "functions\n  top level -> unit  // instance 0, entered from outside, 700 bytes and 20 to enter\n\
             source\n    1 |\n      : x: any, assigned int at 1:1 and assigned char at 3:3\n    3 |\n      : x: any\n"
        );
        assert_eq!(Explanation::default().render("1\n"), "functions\nsource\n    1 | 1\n");
    }
}
