//! The compiler: Rhai AST to typed IR to machine code through Cranelift.

pub mod codegen;
pub mod front;
pub mod infer;
pub mod ir;
pub mod layout;
pub mod ops;
pub mod position;
pub mod program;
pub mod rt;
pub mod ty;

pub use program::{Fallback, Options, Program, Rejection, Report, compile};
