//! The in-memory key-value store behind `kv::*`: shared by all workers, without locks.
//!
//! A concurrent hash map (papaya) of immutable entries; every change is a compare-and-swap of one entry.
//! Entries that have expired count as absent and are removed when they are met, and by a sweep of the control
//! thread. At the limit new keys are refused, existing ones can still change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use forebay_engine::host::{KvOperation, KvValue};
use papaya::{Compute, HashMap, Operation};

/// Largest key, in bytes.
const KEY_BYTES_MAX: usize = 512;
/// Largest value, in bytes.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// The store.
pub struct KvStore {
    entries: HashMap<String, Arc<Entry>>,
    entries_max: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    value: Bytes,
    expires: Option<Instant>,
}

impl Entry {
    fn is_live(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

impl KvStore {
    /// An empty store for at most this many keys.
    pub fn new(entries_max: usize) -> Self {
        Self { entries: HashMap::new(), entries_max: AtomicU64::new(entries_max as u64) }
    }

    /// Changes the limit; a lower one refuses new keys until enough have gone.
    pub fn set_entries_max(&self, entries_max: usize) {
        self.entries_max.store(entries_max as u64, Ordering::Relaxed);
    }

    /// Number of keys, expired ones included until they are swept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes what has expired.
    pub fn sweep(&self) {
        let now = Instant::now();
        self.entries.pin().retain(|_, entry| entry.is_live(now));
    }

    /// Carries out one operation.
    ///
    /// # Errors
    /// A key or value over its limit, a full store, an increment of something that is no integer.
    pub fn apply(&self, operation: KvOperation) -> Result<KvValue, String> {
        let now = Instant::now();
        match operation {
            KvOperation::Get { key } => Ok(self.get(&key, now)),
            KvOperation::Set { key, value, ttl, only_if_absent } => {
                let entry = Arc::new(Entry { value, expires: deadline(now, ttl) });
                self.set(key, &entry, only_if_absent, now).map(KvValue::Bool)
            }
            KvOperation::Increment { key, by, ttl } => {
                self.increment(key, by, deadline(now, ttl), now).map(KvValue::Int)
            }
            KvOperation::Delete { key } => {
                let entries = self.entries.pin();
                let removed = entries.remove(&key).is_some_and(|entry| entry.is_live(now));
                Ok(KvValue::Bool(removed))
            }
            KvOperation::Ttl { key } => Ok(KvValue::Int(self.ttl(&key, now))),
        }
    }

    fn get(&self, key: &str, now: Instant) -> KvValue {
        let entries = self.entries.pin();
        match entries.get(key) {
            Some(entry) if entry.is_live(now) => KvValue::Bytes(entry.value.clone()),
            _ => KvValue::Nothing,
        }
    }

    fn set(
        &self,
        key: String,
        entry: &Arc<Entry>,
        only_if_absent: bool,
        now: Instant,
    ) -> Result<bool, String> {
        self.check(&key, &entry.value)?;
        let entries = self.entries.pin();
        let stored = entries.compute(key, |existing| match existing {
            Some((_, old)) if only_if_absent && old.is_live(now) => Operation::Abort(()),
            _ => Operation::Insert(entry.clone()),
        });
        Ok(!matches!(stored, Compute::Aborted(())))
    }

    fn increment(&self, key: String, by: i64, expires: Option<Instant>, now: Instant) -> Result<i64, String> {
        self.check(&key, &Bytes::new())?;
        let entries = self.entries.pin();
        let mut result = 0;
        let computed = entries.compute(key, |existing| {
            let live = existing.map(|(_, old)| old).filter(|old| old.is_live(now));
            let (current, expires) = match live {
                None => (Some(0), expires),
                Some(old) => (integer(&old.value), old.expires),
            };
            match current.map(|current| current.checked_add(by)) {
                Some(Some(sum)) => {
                    result = sum;
                    Operation::Insert(Arc::new(Entry { value: Bytes::from(sum.to_string()), expires }))
                }
                Some(None) => Operation::Abort("the number would overflow"),
                None => Operation::Abort("the value is no integer"),
            }
        });
        match computed {
            Compute::Aborted(reason) => Err(format!("kv::incr: {reason}")),
            _ => Ok(result),
        }
    }

    fn ttl(&self, key: &str, now: Instant) -> i64 {
        let entries = self.entries.pin();
        match entries.get(key).filter(|entry| entry.is_live(now)).map(|entry| entry.expires) {
            None => -2,
            Some(None) => -1,
            Some(Some(expires)) => i64::try_from((expires - now).as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn check(&self, key: &str, value: &Bytes) -> Result<(), String> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(format!("a key has 1 to {KEY_BYTES_MAX} bytes, this one has {}", key.len()));
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(format!("a value has at most {VALUE_BYTES_MAX} bytes, this one has {}", value.len()));
        }
        let full = self.entries.len() as u64 >= self.entries_max.load(Ordering::Relaxed);
        if full && !self.entries.pin().contains_key(key) {
            return Err(
                "the key-value store is full; raise scripts.kv.entries_max or use shorter times to live"
                    .into(),
            );
        }
        Ok(())
    }
}

fn deadline(now: Instant, ttl: Option<Duration>) -> Option<Instant> {
    ttl.and_then(|ttl| now.checked_add(ttl))
}

fn integer(value: &Bytes) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(store: &KvStore, key: &str, value: &str, ttl: Option<Duration>, only_if_absent: bool) -> KvValue {
        let value = Bytes::copy_from_slice(value.as_bytes());
        store.apply(KvOperation::Set { key: key.into(), value, ttl, only_if_absent }).unwrap()
    }

    fn get(store: &KvStore, key: &str) -> KvValue {
        store.apply(KvOperation::Get { key: key.into() }).unwrap()
    }

    #[test]
    fn values_are_stored_once_or_replaced() {
        let store = KvStore::new(10);
        assert_eq!(set(&store, "a", "1", None, true), KvValue::Bool(true));
        assert_eq!(set(&store, "a", "2", None, true), KvValue::Bool(false));
        assert_eq!(get(&store, "a"), KvValue::Bytes("1".into()));
        assert_eq!(set(&store, "a", "3", None, false), KvValue::Bool(true));
        assert_eq!(store.apply(KvOperation::Delete { key: "a".into() }), Ok(KvValue::Bool(true)));
        assert_eq!(get(&store, "a"), KvValue::Nothing);
    }

    #[test]
    fn expired_values_are_absent_and_swept() {
        let store = KvStore::new(10);
        set(&store, "a", "1", Some(Duration::ZERO), false);
        assert_eq!(get(&store, "a"), KvValue::Nothing);
        assert_eq!(store.apply(KvOperation::Ttl { key: "a".into() }), Ok(KvValue::Int(-2)));
        assert_eq!(set(&store, "a", "2", None, true), KvValue::Bool(true));
        set(&store, "b", "1", Some(Duration::ZERO), false);
        store.sweep();
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn counters_count_across_threads() {
        let store = Arc::new(KvStore::new(10));
        let add = |store: Arc<KvStore>| {
            move || {
                for _ in 0..1_000 {
                    store.apply(KvOperation::Increment { key: "n".into(), by: 1, ttl: None }).unwrap();
                }
            }
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(add(store.clone()))).collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(get(&store, "n"), KvValue::Bytes("4000".into()));
    }

    #[test]
    fn a_full_store_refuses_new_keys_only() {
        let store = KvStore::new(1);
        set(&store, "a", "1", None, false);
        let refused = store.apply(KvOperation::Increment { key: "b".into(), by: 1, ttl: None });
        assert!(refused.unwrap_err().contains("full"));
        assert_eq!(set(&store, "a", "2", None, false), KvValue::Bool(true));
    }

    #[test]
    fn text_is_not_incremented() {
        let store = KvStore::new(1);
        set(&store, "a", "x", None, false);
        let refused = store.apply(KvOperation::Increment { key: "a".into(), by: 1, ttl: None });
        assert!(refused.unwrap_err().contains("no integer"));
    }
}
