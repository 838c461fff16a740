//! The time budget of patches, looked at once a second: which exceed it so often that they are to be disabled.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::config::{OnExcess, PatchBudget};
use crate::generation::Generation;
use crate::patch::digest::Digest;
use crate::patch::service::Change;

/// The time over which excesses are counted together.
const WINDOW: Duration = Duration::from_mins(1);

/// What was counted when a window began.
#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    excesses: u64,
}

/// The windows of the patches that serve.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    windows: HashMap<Digest, Window>,
}

impl Budgets {
    /// Decisions to disable the patches of a generation that are over the limit.
    pub(super) fn sweep(&mut self, serving: &Generation, now: Instant) -> Vec<Change> {
        let budget = serving.config.patches.budget;
        let active = &serving.patches.active;
        self.windows.retain(|digest, _| active.iter().any(|patch| patch.library.named().digest == *digest));
        let mut changes = Vec::new();
        for patch in active {
            let named = patch.library.named();
            let excesses = patch.library.counters().total().over_budget;
            let Some(excess) = self.excess(named.digest, excesses, &budget, now) else { continue };
            let reason =
                format!("{excess} calls within a minute took longer than {:?} (patches.budget)", budget.time);
            tracing::error!(patch = named.name, version = %named.version, "over its time budget: {reason}; disabled");
            changes.push(Change::Disable { name: named.name.clone(), reason });
        }
        changes
    }

    /// How many excesses there were in the window, if that is too many.
    fn excess(&mut self, digest: Digest, excesses: u64, budget: &PatchBudget, now: Instant) -> Option<u64> {
        let window = self.windows.entry(digest).or_insert(Window { began: now, excesses });
        let excess = excesses.saturating_sub(window.excesses);
        let is_too_much = excess > budget.excesses_max && budget.on_excess == OnExcess::Disable;
        if is_too_much || now.duration_since(window.began) >= WINDOW {
            *window = Window { began: now, excesses };
        }
        is_too_much.then_some(excess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_too_many_within_a_minute_disable() {
        let budget = |on_excess| PatchBudget { time: Duration::from_millis(1), excesses_max: 10, on_excess };
        let mut budgets = Budgets::default();
        let (digest, start) = (Digest::of(b"x"), Instant::now());
        let mut at = |seconds: u64, excesses: u64, policy| {
            budgets.excess(digest, excesses, &budget(policy), start + Duration::from_secs(seconds))
        };
        assert_eq!(at(0, 5, OnExcess::Disable), None, "what was counted before does not count");
        assert_eq!(at(1, 15, OnExcess::Disable), None);
        assert_eq!(at(2, 16, OnExcess::Count), None);
        assert_eq!(at(3, 16, OnExcess::Disable), Some(11));
        assert_eq!(at(4, 16, OnExcess::Disable), None, "it is said once");
        assert_eq!(at(63, 26, OnExcess::Disable), None);
        assert_eq!(at(64, 36, OnExcess::Disable), None, "a new minute");
    }
}
