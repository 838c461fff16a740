//! The compiler: Rhai AST to typed IR to machine code through Cranelift.

pub mod front;
pub mod infer;
pub mod ir;
pub mod layout;
pub mod ops;
pub mod position;
pub mod rt;
pub mod ty;
