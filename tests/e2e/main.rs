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
mod proxy_protocol;
mod proxying;
mod resilience;
mod scripts;
mod strictness;
mod tls;
mod unix_sockets;
mod upgrades;
mod upstream_tls;
