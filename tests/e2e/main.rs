//! End to end: the real executable, real sockets, a real origin.

mod support;

mod balancing;
mod bodies;
mod cli;
mod compiled;
mod faults;
mod generations;
mod http2;
mod lifecycle;
mod limits;
mod middleware;
mod patches;
mod promotion;
mod proxying;
mod resilience;
mod scripts;
mod tls;
