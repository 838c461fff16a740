//! Passing over a target that could not be connected to, for a short time that grows while it stays away.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// How long a target is passed over after its first failure.
const FIRST: Duration = Duration::from_secs(1);
/// How long at most.
const LONGEST: Duration = Duration::from_secs(10);

/// Connect failures of one target since its last success.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: Cell<u32>,
    until: Cell<Option<Instant>>,
}

impl Backoff {
    /// A connection could not be opened.
    pub(super) fn failed(&self) {
        let failures = self.failures.get().saturating_add(1);
        self.failures.set(failures);
        let pause = FIRST.saturating_mul(1 << (failures - 1).min(10)).min(LONGEST);
        self.until.set(Some(Instant::now() + pause));
    }

    /// A connection was opened.
    pub(super) fn succeeded(&self) {
        self.failures.set(0);
        self.until.set(None);
    }

    /// Whether the target should be passed over while there are others.
    pub(super) fn is_away(&self) -> bool {
        self.until.get().is_some_and(|until| Instant::now() < until)
    }

    /// A request is about to try the target. If it had failed before, others keep passing it over until this
    /// one knows more: a target that does not answer at all then costs one request its `connect_timeout`, not
    /// every request of that time.
    pub(super) fn trying(&self) {
        if self.until.get().is_some() {
            self.until.set(Some(Instant::now() + FIRST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_ten_seconds_and_end_with_a_success() {
        let backoff = Backoff::default();
        assert!(!backoff.is_away());
        for pause in [1, 2, 4, 8, 10, 10] {
            backoff.failed();
            tokio::time::advance(Duration::from_millis(pause * 1000 - 1)).await;
            assert!(backoff.is_away(), "still away shortly before {pause} s");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(!backoff.is_away(), "tried again after {pause} s");
        }
        backoff.failed();
        backoff.succeeded();
        assert!(!backoff.is_away());
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_at_a_time_tries_a_target_that_failed() {
        let backoff = Backoff::default();
        backoff.trying();
        assert!(!backoff.is_away(), "a target that never failed is open to all");
        backoff.failed();
        tokio::time::advance(FIRST).await;
        backoff.trying();
        assert!(backoff.is_away());
    }
}
