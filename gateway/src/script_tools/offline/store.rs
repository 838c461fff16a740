//! An in-memory key-value store on the mocked clock.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use forebay_engine::host::{KvOperation, KvValue};
use serde_json::Value;

/// Values with the time they end at, nanoseconds since 1970.
#[derive(Debug, Default)]
pub(in crate::script_tools) struct Store(BTreeMap<String, (Bytes, Option<i128>)>);

impl Store {
    /// A store that holds these values for ever.
    pub(super) fn new(entries: &BTreeMap<String, Value>) -> Result<Self, String> {
        let mut store = Self::default();
        for (key, value) in entries {
            store.0.insert(key.clone(), (stored(key, value)?, None));
        }
        Ok(store)
    }

    /// The values that are not over, as text where they are UTF-8.
    pub(in crate::script_tools) fn entries(&self, now: i128) -> impl Iterator<Item = (&str, &Bytes)> {
        let lives = move |end: &Option<i128>| end.is_none_or(|end| end > now);
        self.0.iter().filter(move |(_, (_, end))| lives(end)).map(|(key, (value, _))| (key.as_str(), value))
    }

    /// Makes the store hold exactly these values; a value that is the same keeps its end.
    pub(in crate::script_tools) fn replace(&mut self, entries: BTreeMap<String, Bytes>) {
        let old = std::mem::take(&mut self.0);
        for (key, value) in entries {
            let end = old.get(&key).filter(|(before, _)| *before == value).and_then(|(_, end)| *end);
            self.0.insert(key, (value, end));
        }
    }

    /// Does one operation at this time.
    ///
    /// # Errors
    /// Why the store refuses it.
    pub(super) fn apply(&mut self, operation: &KvOperation, now: i128) -> Result<KvValue, String> {
        self.0.retain(|_, (_, end)| end.is_none_or(|end| end > now));
        let ends = |ttl: &Option<Duration>| {
            ttl.map(|ttl| now.saturating_add(i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX)))
        };
        Ok(match operation {
            KvOperation::Get { key } => {
                self.0.get(key).map_or(KvValue::Nothing, |(value, _)| KvValue::Bytes(value.clone()))
            }
            KvOperation::Set { key, value, ttl, only_if_absent } => {
                let stores = !(*only_if_absent && self.0.contains_key(key));
                if stores {
                    self.0.insert(key.clone(), (value.clone(), ends(ttl)));
                }
                KvValue::Bool(stores)
            }
            KvOperation::Increment { key, by, ttl } => {
                let (value, end) = self.0.get(key).map_or((Some(0), ends(ttl)), |(value, end)| {
                    (std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok()), *end)
                });
                let value = value.ok_or_else(|| format!("the value of {key} is no integer"))?;
                let sum = value.checked_add(*by).ok_or_else(|| format!("the value of {key} overflows"))?;
                self.0.insert(key.clone(), (sum.to_string().into(), end));
                KvValue::Int(sum)
            }
            KvOperation::Delete { key } => KvValue::Bool(self.0.remove(key).is_some()),
            KvOperation::Ttl { key } => KvValue::Int(match self.0.get(key) {
                None => -2,
                Some((_, None)) => -1,
                Some((_, Some(end))) => i64::try_from((end - now) / 1_000_000).unwrap_or(i64::MAX),
            }),
        })
    }
}

/// The bytes a value is stored as.
fn stored(key: &str, value: &Value) -> Result<Bytes, String> {
    match value {
        Value::String(text) => Ok(text.clone().into()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string().into()),
        _ => Err(format!("kv: the value of {key:?} is a string, number or boolean; write JSON as text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECOND: i128 = 1_000_000_000;

    fn set(key: &str, value: &str, seconds: Option<u64>, only_if_absent: bool) -> KvOperation {
        let ttl = seconds.map(Duration::from_secs);
        KvOperation::Set {
            key: key.into(),
            value: Bytes::copy_from_slice(value.as_bytes()),
            ttl,
            only_if_absent,
        }
    }

    fn get(key: &str) -> KvOperation {
        KvOperation::Get { key: key.into() }
    }

    fn ttl(key: &str) -> KvOperation {
        KvOperation::Ttl { key: key.into() }
    }

    #[test]
    fn values_end_when_their_time_is_over() {
        let mut store = Store::default();
        assert_eq!(store.apply(&set("a", "1", Some(10), false), 0), Ok(KvValue::Bool(true)));
        assert_eq!(store.apply(&set("a", "2", None, true), SECOND), Ok(KvValue::Bool(false)));
        assert_eq!(store.apply(&ttl("a"), 4 * SECOND), Ok(KvValue::Int(6_000)));
        assert_eq!(store.apply(&get("a"), 9 * SECOND), Ok(KvValue::Bytes("1".into())));
        assert_eq!(store.entries(10 * SECOND).count(), 0);
        assert_eq!(store.apply(&get("a"), 10 * SECOND), Ok(KvValue::Nothing));
        assert_eq!(store.apply(&ttl("a"), 10 * SECOND), Ok(KvValue::Int(-2)));
        assert_eq!(store.apply(&set("a", "2", None, true), 10 * SECOND), Ok(KvValue::Bool(true)));
        assert_eq!(store.apply(&ttl("a"), 10 * SECOND), Ok(KvValue::Int(-1)));
    }

    #[test]
    fn counting_begins_at_zero_and_keeps_the_first_time_to_live() {
        let mut store = Store::new(&BTreeMap::from([("text".into(), json!("x"))])).unwrap();
        let add = |key: &str, by, seconds| KvOperation::Increment {
            key: key.into(),
            by,
            ttl: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(store.apply(&add("n", 2, 10), 0), Ok(KvValue::Int(2)));
        assert_eq!(store.apply(&add("n", -5, 99), 9 * SECOND), Ok(KvValue::Int(-3)));
        assert_eq!(store.apply(&add("n", 1, 10), 10 * SECOND), Ok(KvValue::Int(1)));
        assert!(store.apply(&add("n", i64::MAX, 1), 10 * SECOND).unwrap_err().contains("overflows"));
        assert!(store.apply(&add("text", 1, 1), 0).unwrap_err().contains("no integer"));
        assert_eq!(store.apply(&KvOperation::Delete { key: "n".into() }, 0), Ok(KvValue::Bool(true)));
        assert_eq!(store.apply(&KvOperation::Delete { key: "n".into() }, 0), Ok(KvValue::Bool(false)));
    }

    #[test]
    fn values_are_scalars_and_replacing_keeps_what_is_the_same() {
        assert!(Store::new(&BTreeMap::from([("k".into(), json!({}))])).unwrap_err().contains("write JSON"));
        let mut store = Store::default();
        store.apply(&set("a", "1", Some(5), false), 0).unwrap();
        store.apply(&set("b", "1", Some(5), false), 0).unwrap();
        store.replace(BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]));
        assert_eq!(store.apply(&ttl("a"), 0), Ok(KvValue::Int(5_000)));
        assert_eq!(store.apply(&ttl("b"), 0), Ok(KvValue::Int(-1)));
    }
}
