//! Checks of the tree and its types before code is made of them.
//!
//! Code generation relies on what is checked here without looking again: a type that is too small or a number that is
//! out of bounds would not be an error but a wrong program. A script that fails goes on being run by the interpreter.

mod shape;
mod types;

#[cfg(test)]
mod tests;

use super::{Function, Unit, print};
use crate::infer::Typed;
use crate::position;

/// Checks the tree and its types.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(unit: &Unit, typed: &Typed, specialise: bool) -> Result<(), String> {
    for function in &unit.functions {
        shape::check(unit, function)?;
    }
    types::check(unit, typed, specialise)
}

/// Says where something is wrong.
fn wrong(function: &Function, at: u32, what: &str) -> String {
    let name = print::function_name(function);
    if at == 0 { format!("{name}: {what}") } else { format!("{name}, {}: {what}", position::text(at)) }
}
