//! The one place where a generation starts to serve.
//!
//! Invariants:
//! - `current` is replaced by one atomic store and is never empty.
//! - `version` is raised after the store: a worker that sees the new version loads that generation or a newer.
//! - Every generation that was published stays in `retired` until this is its only holder; it is freed by
//!   [`Published::free_retired`], which only the control thread calls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::Generation;

/// The generation that serves, and the old ones that still finish their requests.
pub struct Published {
    current: ArcSwap<Generation>,
    version: AtomicU64,
    retired: Mutex<Vec<Arc<Generation>>>,
    freed: AtomicU64,
}

impl Published {
    /// Starts with this generation.
    pub fn new(first: Generation) -> Self {
        Self {
            current: ArcSwap::from_pointee(first),
            version: AtomicU64::new(1),
            retired: Mutex::default(),
            freed: AtomicU64::new(0),
        }
    }

    /// Makes a generation the one that new requests take.
    pub fn publish(&self, generation: Generation) {
        let old = self.current.swap(Arc::new(generation));
        self.version.fetch_add(1, Ordering::Release);
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(old);
    }

    /// Rises with every publication.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The generation that serves.
    pub fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Frees the old generations nobody holds any more and says how many still serve requests.
    pub fn free_retired(&self) -> usize {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let before = retired.len();
        let (idle, busy): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *retired).into_iter().partition(|old| Arc::strong_count(old) == 1);
        *retired = busy;
        let left = retired.len();
        drop(retired);
        self.freed.fetch_add((before - left) as u64, Ordering::Relaxed);
        drop(idle);
        left
    }

    /// Numbers of the old generations that still serve requests.
    pub fn retiring(&self) -> Vec<u64> {
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.iter().map(|old| old.number).collect()
    }

    /// Number of generations freed so far.
    pub fn freed(&self) -> u64 {
        self.freed.load(Ordering::Relaxed)
    }
}
