//! Arrival times by caller, shared by all workers without a lock, in bounded memory.
//!
//! A fixed number of buckets of eight slots; a slot is the caller's number and its arrival time, two atomics. A caller
//! has its bucket by its number. When the bucket is full, a caller whose arrival time has passed is forgotten, which
//! changes nothing, and otherwise the one that has the most left. Buckets come into being in pages, when first used.
//!
//! A caller's number is a hash with a secret key (`SipHash`), so that nobody can choose callers that meet in one bucket.
//! Two workers that change the owner of a slot at the same moment may count one request for the wrong caller, no more.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gcra::{Decision, Rate};

const SLOTS: usize = 8;
const BUCKETS_PER_PAGE: usize = 64;
/// How often a slot that changes hands is tried to be had before the decision is made without keeping it.
const TRIES: usize = 16;

/// One caller; zero while free.
#[derive(Debug, Default)]
struct Slot {
    caller: AtomicU64,
    arrival: AtomicU64,
}

/// Two cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Bucket([Slot; SLOTS]);

type Page = Box<[Bucket]>;

/// The arrival times of many callers.
#[derive(Debug)]
pub(super) struct Table {
    pages: Box<[OnceLock<Page>]>,
    buckets: usize,
    hasher: RandomState,
}

impl Table {
    /// For at least this many callers, at 16 bytes each once they have come.
    pub(super) fn new(callers_max: u32) -> Self {
        let buckets = (callers_max as usize).div_ceil(SLOTS).next_power_of_two();
        let pages = (0..buckets.div_ceil(BUCKETS_PER_PAGE)).map(|_| OnceLock::new()).collect();
        Self { pages, buckets, hasher: RandomState::new() }
    }

    /// The number of a caller; never 0.
    pub(super) fn hash(&self, key: &impl Hash) -> u64 {
        self.hasher.hash_one(key).max(1)
    }

    /// Decides about a request of a caller and keeps what follows from it.
    pub(super) fn take(&self, caller: u64, rate: &Rate, now: u64) -> Decision {
        let bucket = self.bucket(caller);
        for _ in 0..TRIES {
            if let Some(slot) = bucket.0.iter().find(|slot| slot.caller.load(Ordering::Relaxed) == caller) {
                return slot.charge(rate, now);
            }
            if let Some(slot) = bucket.claim(caller, now) {
                return slot.charge(rate, now);
            }
        }
        // Everybody wants this bucket at this moment: decide as for a caller that was quiet.
        rate.decide(0, now).0
    }

    fn bucket(&self, caller: u64) -> &Bucket {
        // The number of buckets is a power of two, so these are the lowest bits.
        let index = usize::try_from(caller & (self.buckets as u64 - 1)).unwrap_or_default();
        let page = self.pages[index / BUCKETS_PER_PAGE].get_or_init(|| {
            let count = self.buckets.min(BUCKETS_PER_PAGE);
            (0..count).map(|_| Bucket::default()).collect()
        });
        &page[index % BUCKETS_PER_PAGE]
    }
}

impl Bucket {
    /// Gives the slot that is free or can best be spared to a caller; `None` if somebody else was faster.
    fn claim(&self, caller: u64, now: u64) -> Option<&Slot> {
        let slot = self.0.iter().min_by_key(|slot| slot.arrival.load(Ordering::Relaxed))?;
        let old = slot.caller.load(Ordering::Relaxed);
        let arrival = slot.arrival.load(Ordering::Relaxed);
        slot.caller.compare_exchange(old, caller, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        if arrival > now {
            // What the old owner has used up is not the new one's.
            let _ = slot.arrival.compare_exchange(arrival, now, Ordering::Relaxed, Ordering::Relaxed);
        }
        Some(slot)
    }
}

impl Slot {
    fn charge(&self, rate: &Rate, now: u64) -> Decision {
        let mut arrival = self.arrival.load(Ordering::Relaxed);
        loop {
            let (decision, next) = rate.decide(arrival, now);
            if !decision.is_allowed {
                return decision;
            }
            match self.arrival.compare_exchange_weak(arrival, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return decision,
                Err(changed) => arrival = changed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    use super::*;

    fn rate(requests: u64) -> Rate {
        Rate::new(requests, Duration::from_hours(1), requests).unwrap()
    }

    #[test]
    fn callers_are_counted_apart() {
        let (table, rate) = (Table::new(1_000), rate(2));
        for name in ["a", "b", "c"] {
            let caller = table.hash(&name);
            let allowed: Vec<bool> = (0..3).map(|_| table.take(caller, &rate, 1).is_allowed).collect();
            assert_eq!(allowed, [true, true, false], "{name}");
        }
    }

    #[test]
    fn a_full_table_forgets_those_with_the_most_left_and_does_not_grow() {
        let (table, rate) = (Table::new(8), rate(100));
        assert_eq!((table.pages.len(), table.buckets), (1, 1));
        for caller in 1..=8 {
            for _ in 0..=caller {
                table.take(caller, &rate, 1);
            }
        }
        assert_eq!(table.take(8, &rate, 1).remaining, 90);
        assert_eq!(table.take(99, &rate, 1).remaining, 99, "takes the slot of the first");
        assert_eq!(table.take(8, &rate, 1).remaining, 89, "is remembered");
        assert_eq!(table.take(1, &rate, 1).remaining, 99, "was forgotten");
    }

    #[test]
    fn many_callers_keep_to_the_memory_given() {
        let (table, rate) = (Table::new(1_024), rate(10));
        for caller in 0..200_000_u64 {
            assert!(table.take(table.hash(&caller), &rate, 1 + caller).is_allowed);
        }
        assert_eq!(table.pages.iter().filter_map(OnceLock::get).map(|page| page.len()).sum::<usize>(), 128);
    }

    #[test]
    fn threads_together_get_what_the_limit_allows() {
        let (table, rate, allowed) = (Table::new(64), rate(1_000), AtomicU64::new(0));
        let caller = table.hash(&"one");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        allowed
                            .fetch_add(u64::from(table.take(caller, &rate, 1).is_allowed), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(allowed.into_inner(), 1_000);
    }
}
