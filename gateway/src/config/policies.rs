//! How an upstream spreads requests over its targets, and what it does when they fail. Without any of these keys
//! an upstream keeps no extra state and counts nothing.

use std::time::Duration;

use http::HeaderName;

/// The policies of one upstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {
    /// What `consistent_hash` hashes.
    pub hash: Option<HashKey>,
    /// The cookie that keeps a client at one target.
    pub affinity: Option<Affinity>,
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
