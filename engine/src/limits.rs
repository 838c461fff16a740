//! Every bound on one hook call, with its unit and its default.
//!
//! The defaults follow the measurements on hostile scripts: with size limits unset, an array that holds
//! itself over and over aborts the process in a recursive drop, so no limit here can be zero ("unlimited").

use std::time::Duration;

/// Bounds on one call of one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Fuel: operations of the interpreter, as Rhai counts them.
    pub operations_max: u64,
    /// Whole time of the call, waits included.
    pub wall_time_max: Duration,
    /// Time on the processor after which other requests of the worker get their turn.
    pub time_slice: Duration,
    /// Nested calls of script functions.
    pub call_depth_max: usize,
    /// Nesting of expressions, checked when the script is parsed.
    pub expression_depth_max: usize,
    /// Bytes of one string.
    pub string_bytes_max: usize,
    /// Elements of one array, and bytes of one blob. At most 5,000 when arrays nest (see the module text).
    pub array_items_max: usize,
    /// Entries of one object map.
    pub map_entries_max: usize,
    /// Variables in scope at once.
    pub variables_max: usize,
    /// Bytes a call may hold on the heap at once.
    pub memory_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations_max: 1_000_000,
            wall_time_max: Duration::from_secs(5),
            time_slice: Duration::from_millis(1),
            call_depth_max: 64,
            expression_depth_max: 64,
            string_bytes_max: 1 << 20,
            array_items_max: 5_000,
            map_entries_max: 5_000,
            variables_max: 1_000,
            memory_bytes_max: 64 << 20,
        }
    }
}

/// Largest script file, in bytes. Parsing time is quadratic in some inputs and no other limit acts there.
pub const SCRIPT_BYTES_MAX: usize = 64 << 10;
