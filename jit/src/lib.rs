//! The compiler: Rhai AST to typed IR to machine code through Cranelift.

pub mod layout;
pub mod ops;
pub mod position;
pub mod rt;
