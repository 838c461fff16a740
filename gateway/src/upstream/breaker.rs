//! Circuit breakers: bounds on what may be under way at one upstream, all workers together. What is beyond them is
//! refused at once, so that an upstream that has become slow does not fill the gateway with waiting requests.
//!
//! A bound that is not configured is not counted, and costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::{Fault, UpstreamErrorKind};
use super::state::UpstreamState;
use crate::config::Breakers;

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Open connections, idle ones included.
    Connections,
    /// Requests that wait for a connection.
    Pending,
    /// Requests, from their head to the end of their answer.
    Requests,
    /// Requests that are being sent again.
    Retries,
}

impl Bound {
    /// Every bound.
    pub const ALL: [Self; 4] = [Self::Connections, Self::Pending, Self::Requests, Self::Retries];

    /// The word for it in metrics and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Pending => "pending",
            Self::Requests => "requests",
            Self::Retries => "retries",
        }
    }

    fn of(self, breakers: &Breakers) -> Option<u32> {
        match self {
            Self::Connections => breakers.connections_max,
            Self::Pending => breakers.pending_max,
            Self::Requests => breakers.requests_max,
            Self::Retries => breakers.retries_max,
        }
    }
}

/// What is under way at an upstream, as far as it is bounded.
#[derive(Debug, Default)]
pub(super) struct Load([AtomicU32; 4]);

impl Load {
    /// The number that counts towards a bound.
    pub(super) fn get(&self, bound: Bound) -> u32 {
        self.0[bound as usize].load(Ordering::Relaxed)
    }
}

/// One of what is bounded, for as long as it lives.
#[derive(Debug)]
pub(super) struct Admitted {
    state: Arc<UpstreamState>,
    bound: Bound,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.state.load.0[self.bound as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts one more towards a bound; `None` if there is no such bound.
///
/// # Errors
/// When there are as many as may be.
pub(super) fn admit(state: &Arc<UpstreamState>, bound: Bound) -> Result<Option<Admitted>, Fault> {
    let Some(most) = bound.of(&state.policies().breakers) else { return Ok(None) };
    if state.load.0[bound as usize].fetch_add(1, Ordering::Relaxed) < most {
        return Ok(Some(Admitted { state: state.clone(), bound }));
    }
    state.load.0[bound as usize].fetch_sub(1, Ordering::Relaxed);
    state.counters.refused[bound as usize].add();
    Err(Fault::new(UpstreamErrorKind::Breaker(bound), format!("at most {most} {}", bound.as_str())))
}
