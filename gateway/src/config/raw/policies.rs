//! The keys of an upstream about balancing and failures, as a person writes them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawDuration;

/// What of a request decides its target.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum RawHash {
    /// `client_ip`.
    Word(RawHashWord),
    /// A header field or a cookie.
    Field(RawHashField),
}

/// A key that needs no name.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum RawHashWord {
    /// The client's address.
    ClientIp,
}

/// A header field or a cookie, one of the two.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawHashField {
    /// Name of a header field of the request.
    pub(in super::super) header: Option<String>,
    /// Name of a cookie.
    pub(in super::super) cookie: Option<String>,
}

/// Keeps a client at the target that served it first.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawAffinity {
    /// Name of the cookie that the gateway sets.
    #[schemars(extend("default" = "forebay_target"))]
    pub(in super::super) cookie: Option<String>,
    /// How long the client keeps it; until it is closed when left out.
    pub(in super::super) max_age: Option<RawDuration>,
    /// Whether the client sends it back over TLS only.
    #[schemars(extend("default" = false))]
    pub(in super::super) secure: Option<bool>,
}
