//! The runtime library: what machine code calls for everything that is not a few instructions.
//!
//! Conventions of every helper: `out` points to a `Dynamic` that is unit and may be overwritten without a drop; an
//! argument that is described as owned is consumed and unit is left behind; positions are packed (see
//! [`crate::position`]); when a helper returns [`context::Status::Error`] the error is parked in the context.

pub(crate) mod callbacks;
pub mod calls;
pub mod chain;
pub mod context;
pub mod errors;
pub mod frame;
pub mod fuel;
pub mod guard;
pub mod host_call;
pub(crate) mod interpret;
pub mod intrinsics;
pub mod iterate;
pub(crate) mod limits;
pub mod literals;
pub mod natives;
pub mod operators;
pub(crate) mod raw;
pub mod scope;
pub mod state;
pub mod switch;
#[cfg(test)]
pub(crate) mod testing;
pub mod values;

pub use guard::{RhaiResultOf, guard, with};
