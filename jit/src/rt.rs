//! The runtime library: what machine code calls for everything that is not a few instructions.
pub mod chain;
pub mod context;
