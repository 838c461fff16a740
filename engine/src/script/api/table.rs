//! `Table`: an immutable map that is shared instead of copied. A step's `config` is one, and constants that
//! hold many entries should be: reading an entry of a constant map copies the whole map first.

use std::sync::Arc;

use rhai::{Array, Dynamic, Map};

use crate::script::table::{HostFunction, host_functions};

/// A shared, immutable map with string keys.
#[derive(Debug, Clone, Default)]
pub struct Table(Arc<Map>);

impl Table {
    /// A table with these entries.
    pub fn new(entries: Map) -> Self {
        Self(Arc::new(entries))
    }

    /// A copy of the entries.
    pub fn to_map(&self) -> Map {
        (*self.0).clone()
    }
}

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// An immutable copy of a map that is cheap to read from inside functions, however large it is.
    Pure Global [_] table(entries: Map) -> Table = Table::new;
    /// The entry of that name, or `()`; also `table.name`.
    Pure IndexGetter [Table] index(name: Str) -> Any = get;
    /// Whether there is such an entry; also `name in table`.
    Pure Method [Table] contains(name: Str) -> Bool = contains;
    /// The names of all entries, sorted.
    Pure Method [Table] keys() -> Array = keys;
    /// The values of all entries, in the order of the names.
    Pure Method [Table] values() -> Array = values;
    /// A map with the same entries, to change.
    Pure Method [Table] to_map() -> Map = to_map;
    /// Number of entries.
    Pure Getter [Table] len() -> Int = len;
};

fn get(table: &mut Table, name: &str) -> Dynamic {
    table.0.get(name).cloned().unwrap_or(Dynamic::UNIT)
}

fn contains(table: &mut Table, name: &str) -> bool {
    table.0.contains_key(name)
}

fn keys(table: &mut Table) -> Array {
    table.0.keys().map(|key| Dynamic::from(key.to_string())).collect()
}

fn values(table: &mut Table) -> Array {
    table.0.values().cloned().collect()
}

fn to_map(table: &mut Table) -> Map {
    table.to_map()
}

fn len(table: &mut Table) -> i64 {
    i64::try_from(table.0.len()).unwrap_or(i64::MAX)
}
