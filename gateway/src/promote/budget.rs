//! How much processor time the compiler may use: a tenth of one processor, saved up for at most a second.

use std::time::{Duration, Instant};

/// Compile time that may be saved up.
const SAVED_MAX: Duration = Duration::from_secs(1);
/// One second of compile time is earned in this many seconds.
const SHARE: u32 = 10;

/// A token bucket of compile time. It may be overdrawn, because how long a compilation takes is known afterwards.
#[derive(Debug)]
pub(super) struct Budget {
    saved: Duration,
    owed: Duration,
    at: Instant,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Self {
        Self { saved: SAVED_MAX, owed: Duration::ZERO, at: now }
    }

    /// Whether there is time to compile.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.at) / SHARE;
        self.at = now;
        let paid = earned.min(self.owed);
        self.owed = self.owed.saturating_sub(paid);
        self.saved = (self.saved + earned.saturating_sub(paid)).min(SAVED_MAX);
        self.owed.is_zero() && !self.saved.is_zero()
    }

    /// Takes what was used.
    pub(super) fn spend(&mut self, time: Duration) {
        let covered = time.min(self.saved);
        self.saved = self.saved.saturating_sub(covered);
        self.owed += time.saturating_sub(covered);
    }
}

/// When a script that failed for a passing reason may be tried again: 30 s, doubling to an hour.
pub(super) fn back_off(failures: u32) -> Duration {
    Duration::from_secs(30 << failures.saturating_sub(1).min(7)).min(Duration::from_hours(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_earned_slowly_and_debts_come_first() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        assert!(budget.allows(start));
        budget.spend(Duration::from_secs(3));
        assert!(!budget.allows(start));
        assert!(!budget.allows(start + Duration::from_secs(19)), "2 s are owed");
        assert!(budget.allows(start + Duration::from_secs(21)));
        budget.spend(Duration::from_millis(50));
        assert!(budget.allows(start + Duration::from_secs(22)));
        assert!(budget.allows(start + Duration::from_hours(24)));
        budget.spend(SAVED_MAX);
        assert!(!budget.allows(start + Duration::from_hours(24)), "no more than a second is saved");
    }

    #[test]
    fn pauses_grow_to_an_hour() {
        let pauses: Vec<u64> = [1, 2, 3, 8, 100].map(|failures| back_off(failures).as_secs()).into();
        assert_eq!(pauses, [30, 60, 120, 3600, 3600]);
    }
}
