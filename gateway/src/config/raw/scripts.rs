//! The `scripts` section as a person writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{RawDuration, RawSize};

/// Settings common to all scripts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawScripts {
    /// Folder that holds `NAME.rhai`; a relative path starts from the configuration file's folder.
    #[schemars(extend("default" = "scripts"))]
    pub(in super::super) folder: Option<String>,
    /// Bounds on one call of one hook.
    pub(in super::super) limits: Option<RawLimits>,
    /// Most body bytes a script may have buffered by reading `body`; more is an error of the read, which
    /// answers 413 for a request and 502 for a response if the script does not catch it.
    #[schemars(extend("default" = "1MiB", "maximum" = 1_073_741_824))]
    pub(in super::super) body_bytes_max: Option<RawSize>,
    /// Calls that scripts make with `http::*`.
    pub(in super::super) http: Option<RawHttp>,
    /// Environment variables that scripts may read with `env::get`.
    #[schemars(extend("default" = [], "uniqueItems" = true))]
    pub(in super::super) env: Option<Vec<String>>,
    /// Named values for `secrets::get`, best given as `${file:/path}` or `${NAME}`; never printed.
    #[schemars(extend("default" = {}))]
    pub(in super::super) secrets: Option<BTreeMap<String, String>>,
    /// The in-memory key-value store.
    pub(in super::super) kv: Option<RawKv>,
}

/// Bounds on one call of one hook. None can be switched off.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawLimits {
    /// Operations of the interpreter.
    #[schemars(extend("default" = 1_000_000, "minimum" = 1))]
    pub(in super::super) operations_max: Option<u64>,
    /// Whole time of the call, waiting included.
    #[schemars(extend("default" = "5s"))]
    pub(in super::super) wall_time_max: Option<RawDuration>,
    /// Time on the processor after which other requests get their turn.
    #[schemars(extend("default" = "1ms"))]
    pub(in super::super) time_slice: Option<RawDuration>,
    /// Nested calls of script functions.
    #[schemars(extend("default" = 64, "minimum" = 1, "maximum" = 256))]
    pub(in super::super) call_depth_max: Option<usize>,
    /// Nesting of expressions, checked when a script is parsed.
    #[schemars(extend("default" = 64, "minimum" = 1, "maximum" = 256))]
    pub(in super::super) expression_depth_max: Option<usize>,
    /// Bytes of one string.
    #[schemars(extend("default" = "1MiB"))]
    pub(in super::super) string_bytes_max: Option<RawSize>,
    /// Elements of one array.
    #[schemars(extend("default" = 5_000, "minimum" = 1, "maximum" = 5_000))]
    pub(in super::super) array_items_max: Option<usize>,
    /// Entries of one object map.
    #[schemars(extend("default" = 5_000, "minimum" = 1, "maximum" = 5_000))]
    pub(in super::super) map_entries_max: Option<usize>,
    /// Variables in scope at once.
    #[schemars(extend("default" = 1_000, "minimum" = 1, "maximum" = 1_000_000))]
    pub(in super::super) variables_max: Option<usize>,
    /// Bytes a call may hold at once.
    #[schemars(extend("default" = "64MiB"))]
    pub(in super::super) memory_bytes_max: Option<RawSize>,
}

/// Calls that scripts make.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawHttp {
    /// What scripts may call: `host`, `host:port`, `*.domain` or an address range; nothing without this.
    #[schemars(extend("default" = [], "uniqueItems" = true))]
    pub(in super::super) allow: Option<Vec<String>>,
    /// Time limit of one call.
    #[schemars(extend("default" = "3s"))]
    pub(in super::super) timeout: Option<RawDuration>,
    /// PEM file with the authorities trusted for `https` calls, in place of the system's. Read again by each reload.
    pub(in super::super) ca: Option<String>,
}

/// The in-memory key-value store.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawKv {
    /// Most entries it holds.
    #[schemars(extend("default" = 100_000, "minimum" = 1, "maximum" = 100_000_000))]
    pub(in super::super) entries_max: Option<usize>,
}
