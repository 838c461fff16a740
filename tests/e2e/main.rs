//! End to end: the real executable, real sockets, a real origin.

mod support;

mod bodies;
mod cli;
mod generations;
mod lifecycle;
mod limits;
mod promotion;
mod proxying;
mod scripts;
