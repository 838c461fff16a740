//! How an upstream spreads requests over its targets, and what it does when they fail. Without any of these keys
//! an upstream keeps no extra state and counts nothing.

use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

/// The policies of one upstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {
    /// What `consistent_hash` hashes.
    pub hash: Option<HashKey>,
    /// The cookie that keeps a client at one target.
    pub affinity: Option<Affinity>,
    /// When a request is sent again; `None` leaves it at what nobody has seen.
    pub retries: Option<Retries>,
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
