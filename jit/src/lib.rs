//! The compiler: Rhai AST to typed IR to machine code through Cranelift.

pub mod codegen;
mod explain;
pub mod front;
pub mod host;
pub mod infer;
pub mod ir;
pub mod layout;
pub mod ops;
pub mod position;
pub mod program;
pub mod rt;
pub mod step;
pub mod ty;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod testing;

pub use host::{Host, HostBinding, HostFunction, HostStep};
pub use program::{Fallback, Grant, Listings, Options, Program, Rejection, Report, compile};
pub use step::{StepProgram, StepUnit, compile_step};
