//! The namespaces a script can call: `json::parse(...)` and so on, one file each.

pub mod regex;

mod json;
pub(super) mod log;
pub(super) mod time;

use super::table::HostFunction;
use rhai::Module;

/// The rows of every namespace.
pub(super) static TABLES: &[&[HostFunction]] = &[json::TABLE, log::TABLE, regex::TABLE, time::TABLE];

/// Type names, which are no functions and so no rows.
pub(super) fn set_types(module: &mut Module) {
    module.set_custom_type::<regex::Pattern>("Regex");
}
