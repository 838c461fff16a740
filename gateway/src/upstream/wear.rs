//! How much a connection has been used: one that is too old, or has served as many requests as it may, is closed
//! after its request instead of being kept, so that load moves to new servers behind a name or a balancer.

use std::time::Duration;

use tokio::time::Instant;

use super::breaker::Admitted;

/// Bounds on the use of one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct WearLimits {
    /// Longest time since it was opened.
    pub(super) age_max: Option<Duration>,
    /// Most requests.
    pub(super) requests_max: Option<u32>,
}

/// The use of one connection so far. Owns its place among the connections of its upstream, where those are bounded.
pub(super) struct Wear {
    opened: Instant,
    requests: u32,
    _admitted: Option<Admitted>,
}

impl Wear {
    /// A connection that is opened now.
    pub(super) fn new(admitted: Option<Admitted>) -> Self {
        Self { opened: Instant::now(), requests: 0, _admitted: admitted }
    }

    /// Counts one request.
    pub(super) fn served(&mut self) {
        self.requests = self.requests.saturating_add(1);
    }

    /// Whether it should not serve another request.
    pub(super) fn is_worn(&self, limits: WearLimits) -> bool {
        limits.requests_max.is_some_and(|most| self.requests >= most)
            || limits.age_max.is_some_and(|most| self.opened.elapsed() >= most)
    }
}
