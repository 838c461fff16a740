//! The tree as text.

use super::Unit;
use crate::infer::Typed;

/// The text of every instance.
pub fn unit(unit: &Unit, typed: &Typed) -> Vec<String> {
    let _ = unit;
    typed.instances.iter().map(|instance| format!("{instance:#?}")).collect()
}
