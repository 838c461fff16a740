//! How an upstream spreads requests over its targets, and what it does when they fail. Without any of these keys
//! an upstream keeps no extra state and counts nothing.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

/// The policies of one upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// What `consistent_hash` hashes.
    pub hash: Option<HashKey>,
    /// The cookie that keeps a client at one target.
    pub affinity: Option<Affinity>,
    /// When a request is sent again; `None` leaves it at what nobody has seen.
    pub retries: Option<Retries>,
    /// When a target that fails requests is put out.
    pub outliers: Option<Outliers>,
    /// How targets are asked whether they are well.
    pub health: Option<HealthCheck>,
    /// How long a target that is new, or was out, takes to come up to its full share.
    pub slow_start: Option<Duration>,
    /// Bounds on what is under way, all workers together.
    pub breakers: Breakers,
    /// Age from which a connection is not used again.
    pub connection_age_max: Option<Duration>,
    /// Most requests over one connection.
    pub connection_requests_max: Option<u32>,
    /// Age from which the addresses of targets that are names are asked for again.
    pub dns_refresh: Duration,
    /// Where copies of requests go.
    pub mirror: Option<Mirror>,
}

/// Where copies of a share of the requests go; their answers are thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Name of the upstream.
    pub to: Arc<str>,
    /// Share of the requests in percent.
    pub percent: u32,
    /// Most copies of one worker under way; what is beyond is not copied.
    pub in_flight_max: u32,
    /// Most bytes of a request body; one that is larger is not copied.
    pub body_bytes_max: usize,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            hash: None,
            affinity: None,
            retries: None,
            outliers: None,
            health: None,
            slow_start: None,
            breakers: Breakers::default(),
            connection_age_max: None,
            connection_requests_max: None,
            dns_refresh: Duration::from_secs(30),
            mirror: None,
        }
    }
}

/// What of a request decides its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashKey {
    /// The first value of a header field.
    Header(HeaderName),
    /// A cookie.
    Cookie(String),
    /// The address of the client, as told by a trusted proxy if there is one.
    ClientIp,
}

/// Keeps a client at the target that served it first, by a cookie that the gateway sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affinity {
    /// Name of the cookie.
    pub cookie: String,
    /// How long the client keeps it; `None` is until it is closed.
    pub max_age: Option<Duration>,
    /// Whether it is sent back over TLS only.
    pub secure: bool,
}

/// When a request that failed is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// Most times one request is sent again.
    pub retries_max: u32,
    /// After no target could be connected to.
    pub on_connect: bool,
    /// After the connection ended before a whole response head.
    pub on_reset: bool,
    /// After the response head did not come in time.
    pub on_timeout: bool,
    /// After an answer with one of these statuses.
    pub on_statuses: Vec<StatusCode>,
    /// Methods that are sent again although they are not idempotent.
    pub more_methods: Vec<Method>,
    /// Time for one try, up to the response head.
    pub try_timeout: Option<Duration>,
    /// Time for all tries, up to the response head.
    pub total_timeout: Option<Duration>,
    /// Most bytes of a streamed request body that are kept to be sent again.
    pub body_bytes_max: usize,
    /// Longest pause before the first retry; it doubles with each.
    pub backoff_first: Duration,
    /// Longest pause before any retry.
    pub backoff_max: Duration,
    /// Retries at a time, in percent of a worker's requests that wait for an answer of the upstream.
    pub budget_percent: u32,
    /// Retries at a time that a worker may always have.
    pub budget_min: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            retries_max: 2,
            on_connect: true,
            on_reset: true,
            on_timeout: false,
            on_statuses: vec![StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE],
            more_methods: Vec::new(),
            try_timeout: None,
            total_timeout: None,
            body_bytes_max: 64 << 10,
            backoff_first: Duration::from_millis(25),
            backoff_max: Duration::from_millis(250),
            budget_percent: 20,
            budget_min: 3,
        }
    }
}

/// When a target that fails requests is put out. The counts are of failures in a row; `None` is never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outliers {
    /// Requests without an answer: no connection, a reset, a timeout, no HTTP.
    pub failures_max: Option<u32>,
    /// The same and answers with 502, 503 or 504.
    pub gateway_errors_max: Option<u32>,
    /// The same and answers with any other status from 500 on.
    pub server_errors_max: Option<u32>,
    /// How long a target is out the first time; it grows by this each time.
    pub time: Duration,
    /// How long at most.
    pub time_max: Duration,
    /// Most targets that are out at a time, in percent of all.
    pub share_max_percent: u32,
}

impl Default for Outliers {
    fn default() -> Self {
        Self {
            failures_max: Some(5),
            gateway_errors_max: None,
            server_errors_max: None,
            time: Duration::from_secs(30),
            time_max: Duration::from_mins(5),
            share_max_percent: 50,
        }
    }
}

/// How targets are asked whether they are well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked.
    pub kind: HealthKind,
    /// Another port than that of the target.
    pub port: Option<u16>,
    /// Time between the beginnings of two checks; up to a tenth is added at random.
    pub interval: Duration,
    /// Time for one check.
    pub timeout: Duration,
    /// Good checks in a row after which a target is used again.
    pub healthy_after: u32,
    /// Failed checks in a row after which a target is out.
    pub unhealthy_after: u32,
}

/// What a target is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthKind {
    /// Whether it takes a connection.
    Tcp,
    /// A GET request.
    Http {
        /// Its target.
        path: String,
        /// Its `Host`; `None` is the address of the target.
        host: Option<String>,
        /// Answers that are good; empty takes 200 to 299.
        statuses: Vec<u16>,
    },
    /// The health service of gRPC, over HTTP/2.
    Grpc {
        /// Name of the service to ask about; empty is the whole server.
        service: String,
    },
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            kind: HealthKind::Tcp,
            port: None,
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            healthy_after: 2,
            unhealthy_after: 3,
        }
    }
}

/// Bounds on what is under way at an upstream, all workers together; `None` is no bound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breakers {
    /// Open connections, idle ones included.
    pub connections_max: Option<u32>,
    /// Requests that wait for a connection.
    pub pending_max: Option<u32>,
    /// Requests, from their head to the end of their answer.
    pub requests_max: Option<u32>,
    /// Requests that are being sent again.
    pub retries_max: Option<u32>,
}
