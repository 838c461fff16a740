//! The `compile` and `state` sections as a person writes them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{RawDuration, RawSize};

/// How scripts become machine code while the gateway serves. The environment variable `FOREBAY_COMPILE` overrides
/// parts of it: `off` interprets everything, `all` compiles every script when it is loaded.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawCompile {
    /// Whether anything is compiled at all.
    #[schemars(extend("default" = true))]
    pub(in super::super) enabled: Option<bool>,
    /// The mode of steps that name none.
    #[schemars(extend("default" = "auto"))]
    pub(in super::super) mode: Option<RawMode>,
    /// What a script of mode `jit` that cannot be compiled means for the load.
    #[schemars(extend("default" = "fail"))]
    pub(in super::super) on_rejection: Option<RawOnRejection>,
    /// Most scripts that wait for the compiler; more are refused, and asked for again if they stay hot.
    #[schemars(extend("default" = 256, "minimum" = 1, "maximum" = 100_000))]
    pub(in super::super) queue_max: Option<usize>,
    /// Most bytes of machine code in memory; beyond it nothing more is compiled.
    #[schemars(extend("default" = "64MiB"))]
    pub(in super::super) code_bytes_max: Option<RawSize>,
    /// Longest time to compile one script for one step; one that takes longer stays interpreted.
    #[schemars(extend("default" = "2s"))]
    pub(in super::super) time_max: Option<RawDuration>,
    /// When a script of mode `auto` is compiled without being asked for; both have to be reached.
    pub(in super::super) hot: Option<RawHot>,
    /// What a compiled script has to pass before it serves.
    pub(in super::super) trial: Option<RawTrial>,
    /// How a compiled script is watched once it serves.
    pub(in super::super) shadow: Option<RawShadow>,
}

/// When a script counts as hot.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawHot {
    /// Hook calls, all workers together.
    #[schemars(extend("default" = 1_000, "minimum" = 1))]
    pub(in super::super) calls: Option<u64>,
    /// Time on the processor in the interpreter, estimated from every eighth call.
    #[schemars(extend("default" = "100ms"))]
    pub(in super::super) time: Option<RawDuration>,
}

/// What a compiled script has to pass.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawTrial {
    /// Most real exchanges that are kept for each step to be replayed, beside the synthetic ones.
    #[schemars(extend("default" = 32, "minimum" = 0, "maximum" = 1_000))]
    pub(in super::super) samples: Option<usize>,
}

/// How a compiled script is watched.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawShadow {
    /// One call of so many is interpreted, and the program is run over its record and compared.
    #[schemars(extend("default" = 100, "minimum" = 1, "maximum" = 1_000_000))]
    pub(in super::super) every: Option<u32>,
    /// How long after it was put in place.
    #[serde(rename = "for")]
    #[schemars(extend("default" = "10m"))]
    pub(in super::super) duration: Option<RawDuration>,
}

/// How a step runs its script.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RawMode {
    /// Interpreted at first; compiled when it is hot or `forebay promote` asks for it.
    Auto,
    /// Always interpreted.
    Interpret,
    /// Compiled before it serves.
    Jit,
}

/// What a script of mode `jit` that cannot be compiled means.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RawOnRejection {
    /// The configuration is refused, with the reason.
    Fail,
    /// A warning; the script is interpreted.
    Interpret,
}

/// What is kept over restarts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawState {
    /// Folder for what the gateway remembers: which scripts were promoted or demoted, and evidence of mismatches.
    /// Made when there is something to remember. Default: `$STATE_DIRECTORY`, else `.forebay` beside the
    /// configuration file. Fixed at start.
    pub(in super::super) folder: Option<String>,
}
