//! Compares the outcomes of one program.

use std::fmt::{self, Display};

use rhai::{AST, Engine};

use super::outcome::{Outcome, observe};
use super::tiers::{Interpreter, Tier};

/// What came of comparing one program.
#[derive(Debug)]
pub(crate) enum Comparison {
    /// All tiers did what the interpreter did.
    Equal(Outcome),
    /// Nothing was compared, because the interpreter hit a limit or panicked.
    Skipped(Outcome),
    /// A tier did something else.
    Different(Box<Difference>),
}

/// A tier that does not do what the interpreter does.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) tier: &'static str,
    pub(crate) expected: Outcome,
    pub(crate) found: Outcome,
}

/// Runs a program in the interpreter and in the tiers.
pub(crate) fn compare(engine: &Engine, ast: &AST, tiers: &[Box<dyn Tier>]) -> Comparison {
    let expected = observe(engine, ast, &Interpreter);
    if expected.hit_a_limit() || expected.panicked() {
        return Comparison::Skipped(expected);
    }
    for tier in tiers {
        let found = observe(engine, ast, &**tier);
        if found != expected {
            return Comparison::Different(Box::new(Difference { tier: tier.name(), expected, found }));
        }
    }
    Comparison::Equal(expected)
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tier, expected, found } = self;
        if expected.end != found.end {
            writeln!(f, "  ast:   {}\n  {tier}: {}", expected.end, found.end)?;
        }
        differing_lines(f, "host calls", tier, &expected.trace, &found.trace)?;
        differing_lines(f, "scope", tier, &expected.scope, &found.scope)?;
        if expected.leaked != found.leaked {
            writeln!(f, "  counters left: ast {}, {tier} {}", expected.leaked, found.leaked)?;
        }
        Ok(())
    }
}

/// The first place where two lists differ.
fn differing_lines(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    tier: &str,
    expected: &[String],
    found: &[String],
) -> fmt::Result {
    if expected == found {
        return Ok(());
    }
    let same = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    let nothing = || "(nothing)".to_owned();
    let a = expected.get(same).cloned().unwrap_or_else(nothing);
    let b = found.get(same).cloned().unwrap_or_else(nothing);
    writeln!(
        f,
        "  {what}, entry {same} of {} and {}:\n    ast:   {a}\n    {tier}: {b}",
        expected.len(),
        found.len()
    )
}
