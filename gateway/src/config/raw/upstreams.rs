//! The `upstreams` section as a person writes it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::policies::{RawAffinity, RawBreakers, RawHash, RawHealth, RawMirror, RawOutliers, RawRetries};
use super::{RawDuration, RawTlsVersion};

/// A group of equivalent servers, or a built-in one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawUpstream {
    /// The servers: URLs such as `http://10.0.0.7:9000` or `https://api.example.com`, or `unix:PATH` for a unix socket.
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
    /// What the targets speak. `auto`: HTTP/2 or HTTP/1.1 as the target prefers with TLS, HTTP/1.1 without; `http1`;
    /// `http2`, without TLS by prior knowledge.
    #[schemars(extend("default" = "auto"))]
    pub(in super::super) protocol: Option<RawUpstreamProtocol>,
    /// How `https` targets are spoken to. Their certificates are verified in any case.
    pub(in super::super) tls: Option<RawUpstreamTls>,
    /// In which version of the PROXY protocol targets are told of the client's connection: `off`, `v1`, `v2`. Connections
    /// are then kept for one client connection each.
    #[schemars(extend("default" = "off"))]
    pub(in super::super) proxy_protocol: Option<RawProxyProtocol>,
    /// Protocols that clients may switch their connections to; an empty list for none. Over HTTP/1.1 alone.
    #[schemars(extend("default" = ["websocket"], "uniqueItems" = true))]
    pub(in super::super) upgrades: Option<Vec<String>>,
    /// Longest time in which nothing passes over a connection that has switched protocols.
    #[schemars(extend("default" = "5m"))]
    pub(in super::super) upgrade_idle_timeout: Option<RawDuration>,
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

/// What the targets of an upstream speak.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RawUpstreamProtocol {
    /// What the target prefers with TLS, HTTP/1.1 without.
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// How `https` targets are spoken to. Files are read again by each reload.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawUpstreamTls {
    /// The name to ask for and to verify, in place of the target's host.
    pub(in super::super) server_name: Option<String>,
    /// PEM file with the authorities to trust, in place of the system's.
    pub(in super::super) ca: Option<String>,
    /// PEM file with the certificate to show to targets that ask for one; needs `key`.
    pub(in super::super) certificate: Option<String>,
    /// PEM file with the key of `certificate`, without a pass phrase.
    pub(in super::super) key: Option<String>,
    /// The oldest version of TLS spoken: `tls1.2` or `tls1.3`.
    #[schemars(extend("default" = "tls1.2"))]
    pub(in super::super) min_version: Option<RawTlsVersion>,
}

/// A version of the PROXY protocol.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum RawProxyProtocol {
    /// None.
    Off,
    /// Text.
    V1,
    /// Binary.
    V2,
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
    /// `http://HOST:PORT` or `https://HOST:PORT`; the port is 80 or 443 when left out. Or `unix:PATH`.
    #[schemars(required)]
    pub(in super::super) url: Option<String>,
    /// Share of the traffic relative to the others.
    #[schemars(extend("minimum" = 1, "maximum" = 1000))]
    pub(in super::super) weight: Option<u32>,
}
