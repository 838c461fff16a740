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

/// When a target that fails requests is put out. Counts are of failures in a row.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawOutliers {
    /// So many requests without an answer: no connection, a reset, a timeout, no HTTP.
    #[schemars(extend("default" = 5, "minimum" = 1, "maximum" = 100_000))]
    pub(in super::super) failures_max: Option<u32>,
    /// So many of those and of answers with 502, 503 or 504; not counted when left out.
    #[schemars(extend("minimum" = 1, "maximum" = 100_000))]
    pub(in super::super) gateway_errors_max: Option<u32>,
    /// So many of those and of answers with any other status from 500 on; not counted when left out.
    #[schemars(extend("minimum" = 1, "maximum" = 100_000))]
    pub(in super::super) server_errors_max: Option<u32>,
    /// How long a target is out the first time; the second time twice as long, and so on.
    #[schemars(extend("default" = "30s"))]
    pub(in super::super) time: Option<RawDuration>,
    /// How long at most.
    #[schemars(extend("default" = "5m"))]
    pub(in super::super) time_max: Option<RawDuration>,
    /// Most targets that are out at a time, in percent of all.
    #[schemars(extend("default" = 50, "minimum" = 1, "maximum" = 100))]
    pub(in super::super) share_max_percent: Option<u32>,
}

/// How targets are asked whether they are well.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawHealth {
    /// What is asked: `http` is a GET request, `tcp` whether a connection is taken, `grpc` the health service of gRPC.
    #[schemars(extend("default" = "http"))]
    pub(in super::super) check: Option<RawHealthKind>,
    /// Path and query of the request (`http` only).
    pub(in super::super) path: Option<String>,
    /// Its `Host`; the address of the target when left out (`http` only).
    pub(in super::super) host: Option<String>,
    /// Answers that are good; 200 to 299 when left out (`http` only).
    pub(in super::super) statuses: Option<Vec<RawStatus>>,
    /// The service to ask about; the whole server when left out (`grpc` only).
    pub(in super::super) service: Option<String>,
    /// Another port than that of the target.
    #[schemars(extend("minimum" = 1))]
    pub(in super::super) port: Option<u16>,
    /// Time between the beginnings of two checks; up to a tenth is added at random.
    #[schemars(extend("default" = "5s"))]
    pub(in super::super) interval: Option<RawDuration>,
    /// Time for one check; at most the interval.
    #[schemars(extend("default" = "2s"))]
    pub(in super::super) timeout: Option<RawDuration>,
    /// Good checks in a row after which a target is used again.
    #[schemars(extend("default" = 2, "minimum" = 1, "maximum" = 1_000))]
    pub(in super::super) healthy_after: Option<u32>,
    /// Failed checks in a row after which a target is out.
    #[schemars(extend("default" = 3, "minimum" = 1, "maximum" = 1_000))]
    pub(in super::super) unhealthy_after: Option<u32>,
}

/// A status of an answer.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(in super::super) struct RawStatus(
    #[schemars(extend("minimum" = 100, "maximum" = 599))] pub(in super::super) u16,
);

/// What a target is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum RawHealthKind {
    /// A GET request.
    #[default]
    Http,
    /// Whether it takes a connection.
    Tcp,
    /// The health service of gRPC.
    Grpc,
}

/// Bounds on what is under way at the upstream, all workers together. What is beyond them is answered 503 at once;
/// what is left out is not bounded.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "these are the keys of the file")]
pub(in super::super) struct RawBreakers {
    /// Open connections, idle ones included.
    #[schemars(extend("minimum" = 1, "maximum" = 100_000_000))]
    pub(in super::super) connections_max: Option<u32>,
    /// Requests that wait for a connection.
    #[schemars(extend("minimum" = 1, "maximum" = 100_000_000))]
    pub(in super::super) pending_max: Option<u32>,
    /// Requests, from their head to the end of their answer.
    #[schemars(extend("minimum" = 1, "maximum" = 100_000_000))]
    pub(in super::super) requests_max: Option<u32>,
    /// Requests that are being sent again; one beyond is not, and its last answer is passed on.
    #[schemars(extend("minimum" = 1, "maximum" = 100_000_000))]
    pub(in super::super) retries_max: Option<u32>,
}

/// Where copies of requests go; their answers are thrown away.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawMirror {
    /// Name of another upstream.
    #[schemars(required)]
    pub(in super::super) to: Option<String>,
    /// Share of the requests in percent.
    #[schemars(extend("default" = 100, "minimum" = 1, "maximum" = 100))]
    pub(in super::super) percent: Option<u32>,
    /// Most copies of one worker under way; requests beyond are not copied.
    #[schemars(extend("default" = 100, "minimum" = 1, "maximum" = 1_000_000))]
    pub(in super::super) in_flight_max: Option<u32>,
    /// Most bytes of a streamed request body; a request with more is not copied.
    #[schemars(extend("default" = "64KiB", "maximum" = 16_777_216))]
    pub(in super::super) body_bytes_max: Option<RawSize>,
}
