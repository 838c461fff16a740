//! The shape a person writes: the only types that are deserialised.
//!
//! The doc comments are the descriptions of the published JSON Schema, and the `default` of each field is
//! checked against the effective configuration by a test. Nearly everything is optional here, so that one
//! missing key does not hide the other problems; what must be there is `required` in the schema and checked by
//! `shape` before these types are built.

mod compile;
mod listen;
mod patches;
mod policies;
mod routes;
mod scalars;
mod schema;
mod scripts;
mod upstreams;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use compile::{RawCompile, RawMode, RawOnRejection, RawState};
pub(super) use listen::{
    RawCertificate, RawClientCertificateMode, RawClientCertificates, RawHttp2Limits, RawListen, RawListener,
    RawProtocol, RawTls, RawTlsVersion,
};
pub(super) use patches::{RawOnExcess, RawPatches, RawSignatures};
pub(super) use policies::{
    RawAffinity, RawFailure, RawHash, RawHashField, RawHealth, RawHealthKind, RawOutliers, RawRetries,
    RawRetryCause,
};
pub(super) use routes::{RawOnError, RawRoute, RawStep, RawStepSettings, RawValueMatch};
pub(super) use scalars::RawTimeout;
pub(crate) use scalars::{RawDuration, RawSize};
pub(super) use schema::schema;
pub(crate) use schema::schema_of;
pub(super) use scripts::{RawLimits, RawScripts};
pub(super) use upstreams::{
    RawProxyProtocol, RawTarget, RawTargetSettings, RawUpstream, RawUpstreamProtocol, RawUpstreamTls,
};

/// Configuration of a Forebay gateway. Unknown keys are errors.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    /// For editors: the address of this schema. The gateway ignores it.
    #[serde(rename = "$schema")]
    #[expect(dead_code, reason = "accepted so that editors can be told the schema")]
    pub(super) schema: Option<String>,
    /// Where client connections come in: `IP:PORT`, or a port number for all IPv4 addresses, or an address with
    /// settings. One value or a list. Addresses are fixed at start: changing one needs a restart.
    #[schemars(extend("default" = ["0.0.0.0:8080"]))]
    pub(super) listen: Option<RawListen>,
    /// Number of worker threads; `auto` is one for each processor. Fixed at start.
    #[schemars(extend("default" = "auto"))]
    pub(super) workers: Option<RawWorkers>,
    /// The administration socket.
    pub(super) admin: Option<RawAdmin>,
    /// The read-only listener for probes and metrics; none without this section.
    pub(super) status: Option<RawStatus>,
    /// Peers whose `X-Forwarded-*` and `X-Request-Id` are believed: addresses or ranges such as `10.0.0.0/8`.
    #[schemars(extend("default" = [], "uniqueItems" = true))]
    pub(super) trusted_proxies: Option<Vec<String>>,
    /// Bounds on what a client may send, and how slowly.
    pub(super) client: Option<RawClient>,
    /// How long the process waits for requests in flight after SIGTERM.
    #[schemars(extend("default" = "30s"))]
    pub(super) drain_timeout: Option<RawDuration>,
    /// Where the access log goes: `stdout`, `off`, or a file.
    #[schemars(extend("default" = "stdout"))]
    pub(super) access_log: Option<RawAccessLog>,
    /// What scripts may use and reach.
    pub(super) scripts: Option<RawScripts>,
    /// How scripts become machine code.
    pub(super) compile: Option<RawCompile>,
    /// Native patches.
    pub(super) patches: Option<RawPatches>,
    /// What is kept over restarts.
    pub(super) state: Option<RawState>,
    /// Groups of servers, by the names that routes use.
    pub(super) upstreams: Option<BTreeMap<String, RawUpstream>>,
    /// Steps of every route, run before the route's own.
    pub(super) steps: Option<Vec<RawStep>>,
    /// What requests go where. The most specific route wins, whatever the order.
    #[schemars(required, extend("minItems" = 1))]
    pub(super) routes: Option<Vec<RawRoute>>,
}

/// Where to listen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawAddress {
    /// A port of all IPv4 addresses.
    Port(#[schemars(extend("minimum" = 1))] u16),
    /// `IP:PORT`, or a port.
    Text(String),
}

/// Number of workers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawWorkers {
    /// One for each processor.
    Auto(RawAuto),
    /// This many.
    Count(#[schemars(extend("minimum" = 1, "maximum" = 1024))] usize),
}

/// The word `auto`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawAuto {
    /// Chosen by the gateway.
    Auto,
}

/// The administration socket.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAdmin {
    /// Path of the unix socket. The environment variable `FOREBAY_ADMIN_SOCKET` overrides it. Default:
    /// `forebay.sock` in `$XDG_RUNTIME_DIR`, else in `/run/forebay` if that can be written, else in the
    /// system's folder for temporary files. Fixed at start.
    pub(super) socket: Option<String>,
}

/// The listener for probes and metrics.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStatus {
    /// Its address, as in `listen`. Fixed at start.
    #[schemars(required)]
    pub(super) listen: Option<RawAddress>,
}

/// Bounds on one client connection and its requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClient {
    /// Most header fields in one request; more is answered 431.
    #[schemars(extend("default" = 100, "minimum" = 1, "maximum" = 10_000))]
    pub(super) headers_max: Option<usize>,
    /// Most bytes of request line and headers together; more is answered 431.
    #[schemars(extend("default" = "64KiB", "minimum" = 8_192, "maximum" = 16_777_216))]
    pub(super) header_bytes_max: Option<RawSize>,
    /// Most bytes of a request body; more is answered 413.
    #[schemars(extend("default" = "10MiB"))]
    pub(super) body_bytes_max: Option<RawSize>,
    /// Time for a TLS handshake.
    #[schemars(extend("default" = "10s"))]
    pub(super) handshake_timeout: Option<RawDuration>,
    /// Time for a complete request head.
    #[schemars(extend("default" = "10s"))]
    pub(super) header_timeout: Option<RawDuration>,
    /// Longest pause between two requests of a kept-alive connection.
    #[schemars(extend("default" = "75s"))]
    pub(super) idle_timeout: Option<RawDuration>,
    /// Longest pause between two pieces of a request body.
    #[schemars(extend("default" = "30s"))]
    pub(super) body_timeout: Option<RawDuration>,
    /// Longest time a client may leave response bytes unread.
    #[schemars(extend("default" = "30s"))]
    pub(super) write_timeout: Option<RawDuration>,
    /// Whole time of one request, or `none`.
    #[schemars(extend("default" = "none"))]
    pub(super) request_timeout: Option<RawTimeout>,
    /// Most connections one worker keeps open at once.
    #[schemars(extend("default" = 10_000, "minimum" = 1, "maximum" = 10_000_000))]
    pub(super) connections_max: Option<usize>,
    /// Bounds on HTTP/2.
    pub(super) http2: Option<RawHttp2Limits>,
}

/// Where the access log goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawAccessLog {
    /// `stdout` or `off`.
    Word(RawAccessLogWord),
    /// A file.
    File(RawAccessLogFile),
}

/// A destination without settings.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawAccessLogWord {
    /// JSON lines on standard output.
    Stdout,
    /// No access log.
    Off,
}

/// A file for the access log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAccessLogFile {
    /// JSON lines are appended to this file, which is opened anew on SIGUSR1.
    #[schemars(required)]
    pub(super) file: Option<String>,
}
