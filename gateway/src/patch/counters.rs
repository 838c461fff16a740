//! What is counted about the calls into a patch: every thread in a lane of its own, summed when somebody asks.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Lanes of one patch. With more threads than that, some share one, which costs time and no count.
const LANES: usize = 64;

thread_local! {
    /// The lane of this thread; `LANES` before it has one.
    static LANE: Cell<usize> = const { Cell::new(LANES) };
}

/// The counters of one patch.
#[derive(Debug)]
pub struct Counters(Box<[Lane]>);

/// One thread's counts, on cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lane {
    calls: AtomicU64,
    failures: AtomicU64,
    over_budget: AtomicU64,
}

/// What the threads have counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Calls of hooks and of other callbacks that serve requests.
    pub calls: u64,
    /// Calls that failed or panicked.
    pub failures: u64,
    /// Calls that kept their worker for longer than the budget.
    pub over_budget: u64,
}

impl Counters {
    /// Nothing is counted yet.
    pub(super) fn new() -> Self {
        Self((0..LANES).map(|_| Lane::default()).collect())
    }

    /// Counts one call.
    pub(super) fn called(&self, failed: bool, over_budget: bool) {
        let lane = &self.0[lane()];
        lane.calls.fetch_add(1, Ordering::Relaxed);
        if failed {
            lane.failures.fetch_add(1, Ordering::Relaxed);
        }
        if over_budget {
            lane.over_budget.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The sum over all threads.
    pub fn total(&self) -> Counts {
        let sum = |count: fn(&Lane) -> &AtomicU64| {
            self.0.iter().map(|lane| count(lane).load(Ordering::Relaxed)).sum()
        };
        Counts {
            calls: sum(|lane| &lane.calls),
            failures: sum(|lane| &lane.failures),
            over_budget: sum(|lane| &lane.over_budget),
        }
    }
}

/// The lane of this thread, the same for all patches.
fn lane() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    LANE.with(|lane| {
        if lane.get() == LANES {
            lane.set(NEXT.fetch_add(1, Ordering::Relaxed) % LANES);
        }
        lane.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_more_threads_than_lanes_count_is_all_there() {
        let counters = Counters::new();
        std::thread::scope(|scope| {
            for thread in 0..LANES + 3 {
                let counters = &counters;
                scope.spawn(move || {
                    for call in 0..100 {
                        counters.called(thread == 0, call == 0);
                    }
                });
            }
        });
        let threads = LANES as u64 + 3;
        assert_eq!(counters.total(), Counts { calls: threads * 100, failures: 100, over_budget: threads });
    }

    #[test]
    fn threads_do_not_share_cache_lines() {
        let mine = lane();
        let other = std::thread::spawn(lane).join().unwrap();
        assert!(mine != other && mine == lane());
        assert!(size_of::<Lane>() >= 128 && align_of::<Lane>() == 128);
    }
}
