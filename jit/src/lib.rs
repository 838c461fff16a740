//! The compiler: Rhai AST to typed IR to machine code through Cranelift.
//!
//! Nothing is compiled yet: every script runs in the interpreter of `forebay-engine`. The crate stands here
//! so that the direction of dependencies (engine <- jit <- gateway) is fixed before there is code to bend it.
