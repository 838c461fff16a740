//! Script values that several libraries take or make: data, numbers, maps of options, repeated fields.

use std::ops::Deref;

use rhai::{Array, Blob, Dynamic, ImmutableString, Map};

use crate::script::context::{HostResult, fail};

/// The bytes of a string or blob argument, without copying them.
pub(super) enum Data {
    Text(ImmutableString),
    Bytes(Blob),
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The bytes of a string (UTF-8) or blob. `what` names the argument in the error.
pub(super) fn data(what: &str, value: Dynamic) -> HostResult<Data> {
    // A value that closures captured is shared; flattening takes it out of its lock.
    let value = value.flatten();
    if value.is_blob() {
        return Ok(Data::Bytes(value.into_blob().unwrap_or_default()));
    }
    match value.into_immutable_string() {
        Ok(text) => Ok(Data::Text(text)),
        Err(found) => fail(format!("{what} is a string or a blob, not {found}")),
    }
}

/// An integer or float argument as a finite float.
pub(super) fn number(what: &str, value: &Dynamic) -> HostResult<f64> {
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 the nearest float is what is wanted")]
    let number = value.as_int().map(|whole| whole as f64).or_else(|_| value.as_float());
    match number {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(number) => fail(format!("{what} is a finite number, not {number}")),
        Err(found) => fail(format!("{what} is a number, not {found}")),
    }
}

/// Adds a field to a map; a name that is there already gets an array of its values. `value` is no array.
pub(super) fn add_field(fields: &mut Map, name: &str, value: Dynamic) {
    let Some(there) = fields.get_mut(name) else {
        fields.insert(name.into(), value);
        return;
    };
    if let Some(mut values) = there.write_lock::<Array>() {
        values.push(value);
        return;
    }
    *there = Dynamic::from_array(vec![there.take(), value]);
}

/// A map of options, of which each one that is taken out was understood.
pub(super) struct Options {
    function: &'static str,
    entries: Map,
}

impl Options {
    /// `function` names the callee in errors, as a script writes it.
    pub(super) fn new(function: &'static str, entries: Map) -> Self {
        Self { function, entries }
    }

    /// The value of an option; `None` if it is missing or `()`.
    pub(super) fn take(&mut self, name: &str) -> Option<Dynamic> {
        self.entries.remove(name).map(Dynamic::flatten).filter(|value| !value.is_unit())
    }

    pub(super) fn text(&mut self, name: &str) -> HostResult<Option<ImmutableString>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.into_immutable_string() {
            Ok(text) => Ok(Some(text)),
            Err(found) => self.refuse(name, "a string", found),
        }
    }

    /// An integer within bounds, both inclusive.
    pub(super) fn whole(&mut self, name: &str, low: i64, high: i64) -> HostResult<Option<i64>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.as_int() {
            Ok(whole) if (low..=high).contains(&whole) => Ok(Some(whole)),
            Ok(whole) => fail(format!("{}: {name} is {low} to {high}, not {whole}", self.function)),
            Err(found) => self.refuse(name, "an integer", found),
        }
    }

    pub(super) fn map(&mut self, name: &str) -> HostResult<Option<Map>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.try_cast_result::<Map>() {
            Ok(map) => Ok(Some(map)),
            Err(other) => self.refuse(name, "a map", other.type_name()),
        }
    }

    /// One string or an array of strings.
    pub(super) fn texts(&mut self, name: &str) -> HostResult<Option<Vec<ImmutableString>>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let items = match value.try_cast_result::<Array>() {
            Ok(items) => items,
            Err(single) => vec![single],
        };
        let text = |item: Dynamic| match item.flatten().into_immutable_string() {
            Ok(text) => Ok(text),
            Err(found) => self.refuse(name, "a string or an array of strings", found),
        };
        items.into_iter().map(text).collect::<HostResult<_>>().map(Some)
    }

    /// Refuses options that nobody took: a misspelt one must not be silently without effect.
    pub(super) fn finish(self, known: &str) -> HostResult<()> {
        match self.entries.keys().next() {
            None => Ok(()),
            Some(name) => fail(format!("{}: no option {name:?} here; there are {known}", self.function)),
        }
    }

    fn refuse<T>(&self, name: &str, wanted: &str, found: &str) -> HostResult<T> {
        fail(format!("{}: {name} is {wanted}, not {found}", self.function))
    }
}
