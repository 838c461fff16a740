//! Scripts through the whole of the engine: load, constants, call, waits, limits, errors.

mod calls;
mod limits;
mod loading;
mod support;
