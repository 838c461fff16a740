//! The product: configuration, listeners, proxying, scripts, reload, command line.
//!
//! In reading order: `cli` parses and dispatches; `run` starts the parts; `control` reacts to signals, reloads
//! and admin calls; a `worker` accepts connections; `proxy` is one request from route to last byte.

pub mod cli;
pub mod run;

pub mod config;
pub mod diagnostic;

pub mod control;
pub mod generation;
pub mod promote;

pub mod worker;

pub mod proxy;
pub mod proxy_protocol;
pub mod steps;

pub mod component;
pub mod middleware;

pub mod body;
pub mod hygiene;
pub mod path;
pub mod respond;
pub mod route;
pub mod tls;
pub mod upstream;

pub mod access_log;
pub mod admin;
pub mod kv;
pub mod memory;
pub mod metrics;
pub mod patch;
pub mod patch_tools;
pub mod script_host;
pub mod script_tools;
pub mod scripts_folder;
mod sentence;
pub mod status_listener;
