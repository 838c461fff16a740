//! What all workers know of one target: whether it passes its checks, whether it is put out for failing requests,
//! and since when it gets its full share.
//!
//! Reading costs a request two loads of memory that hardly ever changes. Times are milliseconds since the process
//! began to keep them, zero for never.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Counter;

/// One target of one upstream, as all workers see it.
#[derive(Debug)]
pub struct TargetState {
    /// `host:port`.
    pub address: Arc<str>,
    /// Whether its checks fail.
    unhealthy: AtomicBool,
    /// Until when it is put out.
    pub(super) ejected_until: AtomicU64,
    /// How often it was put out, less the times it did well for long.
    pub(super) ejections: AtomicU32,
    /// Requests in a row that failed, by the kinds of [`super::outlier`].
    pub(super) in_a_row: [AtomicU32; 3],
    /// Since when it comes up slowly.
    warm_from: AtomicU64,
    /// Why it is out, for people. Never looked at by requests.
    problem: Mutex<String>,
    /// The addresses of its name, in order, for people.
    addresses: Mutex<Vec<IpAddr>>,
    /// How often those changed.
    pub address_changes: Counter,
}

/// Whether a target is used, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing speaks against it.
    Up,
    /// Its checks fail.
    Unhealthy,
    /// It is put out for failing requests.
    Ejected,
}

impl Condition {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Unhealthy => "unhealthy",
            Self::Ejected => "ejected",
        }
    }
}

/// Weights are multiplied by this while a target comes up, so that a share of one can be shared.
const FINE: u32 = 100;
/// The least part of its weight that a target has, in hundredths.
const LEAST: u32 = 10;

/// Milliseconds since shortly before the first call, at least 1.
pub(super) fn now() -> u64 {
    static BEGIN: LazyLock<std::time::Instant> = LazyLock::new(|| {
        // A clock that a test has stopped may be a little behind.
        let now = std::time::Instant::now();
        now.checked_sub(Duration::from_mins(1)).unwrap_or(now)
    });
    let begin = *BEGIN;
    // The runtime's clock, which tests move.
    let passed = Instant::now().into_std().saturating_duration_since(begin);
    millis(passed).saturating_add(1)
}

/// A duration in milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl TargetState {
    /// A target that nothing is known of.
    pub(super) fn new(address: String) -> Self {
        Self {
            address: address.into(),
            unhealthy: AtomicBool::new(false),
            ejected_until: AtomicU64::new(0),
            ejections: AtomicU32::new(0),
            in_a_row: Default::default(),
            warm_from: AtomicU64::new(0),
            problem: Mutex::default(),
            addresses: Mutex::default(),
            address_changes: Counter::default(),
        }
    }

    /// Whether it should be passed over while there are others.
    pub(in super::super) fn is_out(&self) -> bool {
        self.unhealthy.load(Ordering::Relaxed) || self.is_ejected()
    }

    pub(super) fn is_ejected(&self) -> bool {
        let until = self.ejected_until.load(Ordering::Relaxed);
        until != 0 && now() < until
    }

    /// Whether it is used.
    pub fn condition(&self) -> Condition {
        if self.unhealthy.load(Ordering::Relaxed) {
            Condition::Unhealthy
        } else if self.is_ejected() {
            Condition::Ejected
        } else {
            Condition::Up
        }
    }

    /// Why it is out; empty if it is not.
    pub fn problem(&self) -> String {
        match self.condition() {
            Condition::Up => String::new(),
            _ => self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    pub(super) fn explain(&self, problem: String) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// The addresses that its name had when it was last looked up, in order; none for a target that is an address.
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes what a worker has found its name to stand for.
    pub(in super::super) fn resolved(&self, found: &[IpAddr]) {
        let mut found = found.to_vec();
        found.sort_unstable();
        let mut known = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == found {
            return;
        }
        if !known.is_empty() {
            self.address_changes.add();
            tracing::info!(target = %self.address, before = ?*known, now = ?found, "addresses changed");
        }
        *known = found;
    }

    /// Takes the outcome of its checks: `Err` says why it is out.
    pub(in super::super) fn checked(&self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                if self.unhealthy.swap(false, Ordering::Relaxed) {
                    self.comes_up();
                }
            }
            Err(problem) => {
                self.explain(problem);
                self.unhealthy.store(true, Ordering::Relaxed);
            }
        }
    }

    /// From now on it gets its share slowly, where the upstream says so.
    pub(super) fn comes_up(&self) {
        self.comes_up_at(now());
    }

    pub(super) fn comes_up_at(&self, time: u64) {
        self.warm_from.store(time, Ordering::Relaxed);
    }

    /// Its weight for a target of `weight`: with `slow_start`, in hundredths, and less for one that comes up.
    pub(in super::super) fn weight(&self, weight: u32, slow_start: Option<Duration>) -> u32 {
        let Some(slow_start) = slow_start else { return weight };
        let from = self.warm_from.load(Ordering::Relaxed);
        if from == 0 {
            return weight * FINE;
        }
        let passed = now().saturating_sub(from);
        let whole = millis(slow_start).max(1);
        if passed >= whole {
            // Not looked at again until it comes up anew.
            let _ = self.warm_from.compare_exchange(from, 0, Ordering::Relaxed, Ordering::Relaxed);
            return weight * FINE;
        }
        let part = u32::try_from(passed * u64::from(FINE) / whole).unwrap_or(FINE);
        weight * part.max(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_target_that_comes_up_gets_its_share_slowly() {
        let target = TargetState::new("a:1".into());
        let slow_start = Some(Duration::from_secs(10));
        assert_eq!((target.weight(3, None), target.weight(3, slow_start)), (3, 300));
        target.checked(Ok(()));
        assert_eq!(target.weight(3, slow_start), 300, "it was never out");
        target.checked(Err("refused".into()));
        assert!(target.is_out() && target.problem() == "refused");
        target.checked(Ok(()));
        assert_eq!(target.weight(3, slow_start), 30, "a tenth at first");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!((147..=153).contains(&target.weight(3, slow_start)), "half after half the time");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(target.weight(3, slow_start), 300);
        assert!(!target.is_out() && target.problem().is_empty());
    }
}
