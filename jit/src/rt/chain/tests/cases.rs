//! The tables of scripts. The last statement of each is the chain under test.

mod calls;
mod containers;
mod objects;
mod parts;
