//! The `patches` section as a person writes it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::{RawDuration, RawSize};

/// Native patches: libraries that replace or add components of the running gateway. They are trusted code with all
/// the rights of the process. The environment variable `FOREBAY_PATCHES=off` starts without any, for emergencies.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawPatches {
    /// Whether the folder is looked at.
    #[schemars(extend("default" = true))]
    pub(in super::super) enabled: Option<bool>,
    /// Folder that holds `NAME-VERSION-abiN-ARCH.so` with its signature and manifest beside it; a relative path starts
    /// from the configuration file's folder. Nobody but root and the gateway's user may be able to write to it.
    #[schemars(extend("default" = "patches"))]
    pub(in super::super) folder: Option<String>,
    /// Which signatures are asked for.
    #[schemars(extend("default" = "required"))]
    pub(in super::super) signatures: Option<RawSignatures>,
    /// Public keys of minisign (`RW...`) whose signatures count; `forebay patch keygen` makes one.
    #[schemars(extend("default" = [], "uniqueItems" = true))]
    pub(in super::super) trusted_keys: Option<Vec<String>>,
    /// Bounds on the child process in which a patch is tried out before the gateway maps it.
    pub(in super::super) trial: Option<RawPatchTrial>,
    /// How long a patch may keep a worker for itself.
    pub(in super::super) budget: Option<RawBudget>,
}

/// Which signatures are asked for.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum RawSignatures {
    /// A patch without a valid signature of a trusted key is refused.
    Required,
    /// A patch without a signature is taken; one that has a signature must have a valid one.
    IfPresent,
    /// Signatures are not looked at: whoever can write to the folder runs code in the gateway.
    Off,
}

/// Bounds on a trial.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "every bound is called a `_max` in configurations")]
pub(in super::super) struct RawPatchTrial {
    /// Whole time, loading and self-test together.
    #[schemars(extend("default" = "10s"))]
    pub(in super::super) time_max: Option<RawDuration>,
    /// Time on the processor; whole seconds, rounded up.
    #[schemars(extend("default" = "5s"))]
    pub(in super::super) cpu_time_max: Option<RawDuration>,
    /// Memory on top of what the process has before it loads the patch, or `none`.
    #[schemars(extend("default" = "512MiB"))]
    pub(in super::super) memory_bytes_max: Option<RawMemory>,
}

/// How long a patch may keep a worker for itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawBudget {
    /// Time that one call may keep its worker; a longer one is counted as an excess, not cut short.
    #[schemars(extend("default" = "10ms"))]
    pub(in super::super) time: Option<RawDuration>,
    /// Excesses within one minute that are put up with.
    #[schemars(extend("default" = 100, "minimum" = 0))]
    pub(in super::super) excesses_max: Option<u64>,
    /// What happens beyond that.
    #[schemars(extend("default" = "count"))]
    pub(in super::super) on_excess: Option<RawOnExcess>,
}

/// What too many excesses lead to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RawOnExcess {
    /// They are counted and shown.
    Count,
    /// The patch is disabled until `forebay patch enable NAME`.
    Disable,
}

/// A size, or the word `none` for no limit.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct RawMemory(pub(in super::super) Option<u64>);

impl<'de> Deserialize<'de> for RawMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(RawNone),
            Size(RawSize),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum RawNone {
            None,
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Word(RawNone::None) => Self(None),
            Written::Size(size) => Self(Some(size.0)),
        })
    }
}

impl JsonSchema for RawMemory {
    fn schema_name() -> Cow<'static, str> {
        "Memory".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let size = RawSize::json_schema(generator);
        json_schema!({ "anyOf": [{ "const": "none" }, size], "minimum": 1 })
    }
}
