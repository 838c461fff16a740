//! Why an exchange ended, as one short word for the access log and the metrics.
//!
//! The purpose is that of Envoy's response flags and `HAProxy`'s termination codes: tell from one log field who
//! was at fault and when. This is the only list of them.

/// How an exchange ended. The comment of each variant names the nearest Envoy flag, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The answer was handed over in full.
    Complete,
    /// The client closed its connection before it had the whole answer or had sent its whole request (DC).
    ClientGone,
    /// The client paused too long while sending its request body.
    ClientSlow,
    /// The client's request body is larger than allowed.
    ClientTooLarge,
    /// The client's request body is not HTTP (DPE).
    ClientMalformed,
    /// The upstream has no targets (UH).
    NoTarget,
    /// The target's name has no address.
    Resolve,
    /// Connecting was refused or failed at once (UF).
    Connect,
    /// The TLS handshake with the target failed (UF).
    Tls,
    /// The gateway had no descriptors, ports or memory left for a connection.
    Exhausted,
    /// Connecting took longer than `connect_timeout` (UF).
    ConnectTimeout,
    /// All connections are busy and the queue for them is full (UO).
    QueueFull,
    /// No connection became free within `queue_timeout` (UO).
    QueueTimeout,
    /// As many connections to the upstream as its circuit breakers allow (UO).
    BreakerConnections,
    /// As many requests wait for a connection as the circuit breakers of the upstream allow (UO).
    BreakerPending,
    /// As many requests are under way as the circuit breakers of the upstream allow (UO).
    BreakerRequests,
    /// The upstream did not begin to answer within `response_timeout` (UT).
    ResponseTimeout,
    /// The upstream stopped reading the request body for longer than `body_timeout`.
    UpstreamUnread,
    /// The upstream closed or reset the connection before a whole response head (UC).
    UpstreamReset,
    /// The upstream's response head is not acceptable HTTP (UPE).
    BadResponse,
    /// The upstream paused too long while sending its response body (UT).
    UpstreamSlow,
    /// The upstream closed or reset the connection within its response body (UC).
    UpstreamGone,
    /// The upstream's response body is not HTTP (UPE).
    UpstreamMalformed,
    /// The upstream's response body is larger than allowed.
    UpstreamTooLarge,
    /// A native step that sees the chunks of a body broke it off.
    BodyFilter,
    /// Nothing passed through a connection that had switched protocols for `upgrade_idle_timeout` (SI).
    TunnelIdle,
}

impl EndReason {
    /// Every reason, for documentation and to set up metrics.
    pub const ALL: [Self; 26] = [
        Self::Complete,
        Self::ClientGone,
        Self::ClientSlow,
        Self::ClientTooLarge,
        Self::ClientMalformed,
        Self::NoTarget,
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::Exhausted,
        Self::ConnectTimeout,
        Self::QueueFull,
        Self::QueueTimeout,
        Self::BreakerConnections,
        Self::BreakerPending,
        Self::BreakerRequests,
        Self::ResponseTimeout,
        Self::UpstreamUnread,
        Self::UpstreamReset,
        Self::BadResponse,
        Self::UpstreamSlow,
        Self::UpstreamGone,
        Self::UpstreamMalformed,
        Self::UpstreamTooLarge,
        Self::BodyFilter,
        Self::TunnelIdle,
    ];

    /// The word in the access log: lower case, stable across releases.
    pub fn code(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ClientGone => "client_gone",
            Self::ClientSlow => "client_slow",
            Self::ClientTooLarge => "client_too_large",
            Self::ClientMalformed => "client_malformed",
            Self::NoTarget => "no_target",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Exhausted => "exhausted",
            Self::ConnectTimeout => "connect_timeout",
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::BreakerConnections => "breaker_connections",
            Self::BreakerPending => "breaker_pending",
            Self::BreakerRequests => "breaker_requests",
            Self::ResponseTimeout => "response_timeout",
            Self::UpstreamUnread => "upstream_unread",
            Self::UpstreamReset => "upstream_reset",
            Self::BadResponse => "bad_response",
            Self::BodyFilter => "body_filter",
            Self::TunnelIdle => "tunnel_idle",
            Self::UpstreamSlow => "upstream_slow",
            Self::UpstreamGone => "upstream_gone",
            Self::UpstreamMalformed => "upstream_malformed",
            Self::UpstreamTooLarge => "upstream_too_large",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::EndReason;

    #[test]
    fn every_reason_has_its_own_code() {
        let codes: HashSet<&str> = EndReason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), EndReason::ALL.len());
    }
}
