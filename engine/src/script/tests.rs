//! Scripts through the whole of the engine: load, constants, call, waits, limits, errors.

mod calls;
mod libraries;
mod limits;
mod loading;
mod programs;
pub(crate) mod support;
mod table;
