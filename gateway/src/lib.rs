//! The product: configuration, listeners, proxying, scripts, reload, command line.

pub mod body;
pub mod config;
pub mod upstream;
