//! What compares the tiers with each other: used by the parity tests, by `soak` and by the fuzz target.
//!
//! The interpreter is the specification: a program's value, error with all positions, output, final scope and
//! calls of host functions must be the same in every tier, and each tier must drop what it clones.

pub(crate) mod choices;
pub(crate) mod compare;
pub(crate) mod corpus;
pub(crate) mod engine;
pub(crate) mod generate;
pub(crate) mod host;
pub(crate) mod minimise;
pub(crate) mod modules;
pub(crate) mod outcome;
pub(crate) mod tiers;
