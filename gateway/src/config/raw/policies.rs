//! The keys of an upstream about balancing and failures, as a person writes them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{RawDuration, RawSize};

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

/// When a request that failed is sent again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawRetries {
    /// Most times one request is sent again.
    #[schemars(extend("default" = 2, "minimum" = 1, "maximum" = 10))]
    pub(in super::super) retries_max: Option<u32>,
    /// After what: `connect` (no target could be connected to), `reset` (the connection ended before a whole response
    /// head), `timeout` (the response head did not come in time), or the status of an answer.
    #[schemars(extend("default" = ["connect", "reset", 502, 503], "minItems" = 1))]
    pub(in super::super) on: Option<Vec<RawRetryCause>>,
    /// Methods that are sent again beside the idempotent ones (RFC 9110, section 9.2.2). Only for a service that can
    /// take them twice.
    #[schemars(extend("default" = [], "uniqueItems" = true))]
    pub(in super::super) more_methods: Option<Vec<String>>,
    /// Time for one try, up to the response head; without it only the upstream's own limits hold.
    pub(in super::super) try_timeout: Option<RawDuration>,
    /// Time for all tries together, up to the response head.
    pub(in super::super) total_timeout: Option<RawDuration>,
    /// Most bytes of a streamed request body that are kept to be sent again; a larger one is sent once.
    #[schemars(extend("default" = "64KiB", "maximum" = 16_777_216))]
    pub(in super::super) body_bytes_max: Option<RawSize>,
    /// The pause before a retry.
    pub(in super::super) backoff: Option<RawBackoff>,
    /// How many retries there may be at a time, each worker for itself.
    pub(in super::super) budget: Option<RawBudget>,
}

/// Something after which a request is sent again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum RawRetryCause {
    /// A failure.
    Failure(RawFailure),
    /// The status of an answer.
    Status(#[schemars(extend("minimum" = 400, "maximum" = 599))] u16),
}

/// A failure after which a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum RawFailure {
    /// No target could be connected to.
    Connect,
    /// The connection ended before a whole response head.
    Reset,
    /// The response head did not come in time.
    Timeout,
}

/// The pause before a retry: a random part of a time that doubles with each.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawBackoff {
    /// The longest pause before the first retry.
    #[schemars(extend("default" = "25ms"))]
    pub(in super::super) first: Option<RawDuration>,
    /// The longest pause before any.
    #[schemars(extend("default" = "250ms"))]
    pub(in super::super) max: Option<RawDuration>,
}

/// How many retries there may be at a time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawBudget {
    /// In percent of the requests that wait for an answer.
    #[schemars(extend("default" = 20, "minimum" = 0, "maximum" = 100))]
    pub(in super::super) percent: Option<u32>,
    /// So many in any case.
    #[schemars(extend("default" = 3, "minimum" = 0, "maximum" = 100_000))]
    pub(in super::super) min: Option<u32>,
}
