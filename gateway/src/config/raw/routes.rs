//! Routes and steps as a person writes them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawMode;

/// One route: what it matches and what happens then.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawRoute {
    /// Unique name, used in logs and metrics.
    #[schemars(required)]
    pub(in super::super) name: Option<String>,
    /// Host name, exact or `*.domain`; every host without this.
    pub(in super::super) host: Option<String>,
    /// Several host names.
    #[schemars(extend("minItems" = 1))]
    pub(in super::super) hosts: Option<Vec<String>>,
    /// Path pattern: literal segments, `{name}` for one segment, `{*name}` for the rest. The rest may be empty:
    /// `/api/{*rest}` takes `/api/` and everything below, but not `/api`.
    #[schemars(required)]
    pub(in super::super) path: Option<String>,
    /// Methods; every method without this.
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    pub(in super::super) methods: Option<Vec<String>>,
    /// Conditions on headers, all of which must hold.
    pub(in super::super) headers: Option<BTreeMap<String, RawValueMatch>>,
    /// Conditions on query parameters, all of which must hold.
    pub(in super::super) query: Option<BTreeMap<String, RawValueMatch>>,
    /// Scripts and middleware that handle the request and its response, in the order of the request.
    pub(in super::super) steps: Option<Vec<RawStep>>,
    /// Name of the upstream that answers.
    pub(in super::super) upstream: Option<String>,
    /// Path prefix removed before the request is forwarded.
    pub(in super::super) strip_prefix: Option<String>,
}

/// Condition on a value: `present`, `absent`, the exact text, or a map.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum RawValueMatch {
    /// `present`, `absent`, or the exact text.
    Text(String),
    /// The map form.
    Settings(RawValueSettings),
}

/// Condition on a value; one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawValueSettings {
    /// A regular expression found anywhere in the value; anchor it for the whole value.
    pub(in super::super) regex: Option<String>,
    /// The exact text, also when it is `present` or `absent`.
    pub(in super::super) exact: Option<String>,
}

/// One step of a chain: the name of a script, or a map with `script` or `middleware`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum RawStep {
    /// Name of a script: `NAME.rhai` in the scripts folder.
    Name(String),
    /// The map form.
    Settings(RawStepSettings),
}

/// One step with its settings.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawStepSettings {
    /// Name of a script: `NAME.rhai` in the scripts folder.
    pub(in super::super) script: Option<String>,
    /// In place of `script`: the id of a middleware, built in or of a patch.
    pub(in super::super) middleware: Option<String>,
    /// The step's own settings; a script sees them as `config`.
    pub(in super::super) config: Option<serde_json::Map<String, serde_json::Value>>,
    /// What an error of the step means for the request.
    #[schemars(extend("default" = "closed"))]
    pub(in super::super) on_error: Option<RawOnError>,
    /// How a script is run; `compile.mode` without this.
    pub(in super::super) mode: Option<RawMode>,
}

/// What an error of a step means for the request.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RawOnError {
    /// The request is answered 500.
    Closed,
    /// The error is logged and counted, and the request goes on.
    Open,
}
