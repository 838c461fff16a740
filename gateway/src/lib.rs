//! The product: configuration, listeners, proxying, scripts, reload, command line.

pub mod config;
pub mod script_tools;
pub mod scripts_folder;
