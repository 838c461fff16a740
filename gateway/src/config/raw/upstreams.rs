//! The `upstreams` section as a person writes it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawDuration;
use super::policies::{RawAffinity, RawBreakers, RawHash, RawHealth, RawMirror, RawOutliers, RawRetries};

/// A group of equivalent servers, or a built-in one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawUpstream {
    /// The servers: URLs such as `http://10.0.0.7:9000`.
    #[schemars(extend("minItems" = 1))]
    pub(in super::super) targets: Option<Vec<RawTarget>>,
    /// In place of `targets`: `echo` answers with a description of the request.
    pub(in super::super) builtin: Option<RawBuiltin>,
    /// Time to open a connection.
    #[schemars(extend("default" = "3s"))]
    pub(in super::super) connect_timeout: Option<RawDuration>,
    /// Time from the last byte of the request to the head of the response.
    #[schemars(extend("default" = "30s"))]
    pub(in super::super) response_timeout: Option<RawDuration>,
    /// Longest pause between two pieces of a response body.
    #[schemars(extend("default" = "60s"))]
    pub(in super::super) body_timeout: Option<RawDuration>,
    /// Most connections one worker opens to one target.
    #[schemars(extend("default" = 1_024, "minimum" = 1, "maximum" = 1_000_000))]
    pub(in super::super) connections_max: Option<usize>,
    /// Most idle connections one worker keeps to one target; at most `connections_max`.
    #[schemars(extend("default" = 256, "minimum" = 1, "maximum" = 1_000_000))]
    pub(in super::super) idle_max: Option<usize>,
    /// How long an idle connection is kept.
    #[schemars(extend("default" = "60s"))]
    pub(in super::super) idle_timeout: Option<RawDuration>,
    /// Time a request may wait for a free connection when all are busy.
    #[schemars(extend("default" = "1s"))]
    pub(in super::super) queue_timeout: Option<RawDuration>,
    /// Send the client's `Host` in place of the target's.
    #[schemars(extend("default" = false))]
    pub(in super::super) preserve_host: Option<bool>,
    /// How a target is chosen: `round_robin`, `least_request`, `power_of_two`, `consistent_hash`, or the id of a
    /// balancer that a patch brings. All of them go by weight.
    #[schemars(extend("default" = "round_robin"))]
    pub(in super::super) balance: Option<String>,
    /// What `consistent_hash` hashes: `client_ip`, `{ header: NAME }` or `{ cookie: NAME }`.
    pub(in super::super) hash: Option<RawHash>,
    /// Keeps a client at the target that served it first, by a cookie.
    pub(in super::super) affinity: Option<RawAffinity>,
    /// When a request that failed is sent again. Without it: when nothing of it was sent, and once when a kept
    /// connection died under a request that is idempotent and in memory.
    pub(in super::super) retries: Option<RawRetries>,
    /// When a target that fails requests is put out for a while.
    pub(in super::super) outliers: Option<RawOutliers>,
    /// How targets are asked whether they are well.
    pub(in super::super) health: Option<RawHealth>,
    /// How long a target that is new, or was out, takes to come up to its full share; at once when left out.
    pub(in super::super) slow_start: Option<RawDuration>,
    /// Bounds on what is under way, all workers together.
    pub(in super::super) breakers: Option<RawBreakers>,
    /// Age from which a connection is closed instead of being used again.
    pub(in super::super) connection_age_max: Option<RawDuration>,
    /// Most requests over one connection.
    #[schemars(extend("minimum" = 1, "maximum" = 100_000_000))]
    pub(in super::super) connection_requests_max: Option<u32>,
    /// Age from which the addresses of targets that are names are asked for again.
    #[schemars(extend("default" = "30s"))]
    pub(in super::super) dns_refresh: Option<RawDuration>,
    /// Another upstream that gets copies of requests.
    pub(in super::super) mirror: Option<RawMirror>,
}

/// A built-in upstream.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RawBuiltin {
    /// Answers with a JSON description of the request.
    Echo,
}

/// One server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in super::super) enum RawTarget {
    /// Its URL.
    Url(String),
    /// Its URL with settings.
    Settings(RawTargetSettings),
}

/// One server with its weight.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawTargetSettings {
    /// `http://HOST:PORT`; the port is 80 when left out.
    #[schemars(required)]
    pub(in super::super) url: Option<String>,
    /// Share of the traffic relative to the others.
    #[schemars(extend("minimum" = 1, "maximum" = 1000))]
    pub(in super::super) weight: Option<u32>,
}
