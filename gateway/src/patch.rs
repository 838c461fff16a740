//! Native patches: libraries that replace or add components of the running gateway.
//!
//! In reading order: `folder` reads the artefacts, `select` decides which of them serve (with `signature`, `elf`,
//! `manifest` and `trial`), `service` copies them to a private place (`store`), maps them (`library`) and remembers what
//! operators and crashes decided (`state`, `crash`, `culprit`).
//!
//! Invariant: nothing of a patch runs in this process before it has passed its trial in another one.

pub mod adapter;
pub mod artefact;
pub mod codes;
mod counters;
pub mod crash;
pub mod culprit;
pub mod descriptor;
pub mod digest;
pub mod elf;
pub mod folder;
pub mod host;
pub mod interface;
pub mod keys;
pub mod library;
pub mod manifest;
pub mod select;
pub mod service;
pub mod signature;
pub mod state;
pub mod store;
pub mod trial;
pub mod trust;
