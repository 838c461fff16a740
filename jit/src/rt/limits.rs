//! Limits on the size of values.

use rhai::{Dynamic, Engine, EvalAltResult, Position};

use super::guard::RhaiResultOf;

/// How much a value contains, all levels of nesting taken together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Items of arrays and bytes of blobs.
    pub array: usize,
    /// Entries of maps.
    pub map: usize,
    /// Bytes of strings.
    pub string: usize,
}

impl Sizes {
    /// A string of so many bytes.
    pub(crate) fn string(bytes: usize) -> Self {
        Self { string: bytes, ..Self::default() }
    }

    /// A blob of so many bytes.
    pub(crate) fn blob(bytes: usize) -> Self {
        Self { array: bytes, ..Self::default() }
    }

    /// Adds the sizes of a value. A blob inside of something counts as an item of its own as well.
    pub(crate) fn add(&mut self, value: &Dynamic, is_outermost: bool) {
        if value.is_shared() {
            if let Some(inner) = value.read_lock::<Dynamic>() {
                self.add(&inner, is_outermost);
            }
        } else if let Ok(text) = value.as_immutable_string_ref() {
            self.string += text.len();
        } else if let Ok(items) = value.as_array_ref() {
            self.array += items.len();
            items.iter().for_each(|item| self.add(item, false));
        } else if let Ok(entries) = value.as_map_ref() {
            self.map += entries.len();
            entries.values().for_each(|entry| self.add(entry, false));
        } else if let Ok(blob) = value.as_blob_ref() {
            self.array += blob.len() + usize::from(!is_outermost);
        }
    }

    /// Raises the interpreter's error, without a position, if this is too much.
    pub(crate) fn check(self, engine: &Engine) -> RhaiResultOf<()> {
        let above = |size: usize, limit: usize| limit != 0 && size > limit;
        let what = if above(self.string, engine.max_string_size()) {
            "Length of string"
        } else if above(self.array, engine.max_array_size()) {
            "Size of array/BLOB"
        } else if above(self.map, engine.max_map_size()) {
            "Size of object map"
        } else {
            return Ok(());
        };
        Err(EvalAltResult::ErrorDataTooLarge(what.into(), Position::NONE).into())
    }
}

/// Whether the engine limits the size of values at all.
pub(crate) fn has_limit(engine: &Engine) -> bool {
    engine.max_string_size() != 0 || engine.max_array_size() != 0 || engine.max_map_size() != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_the_interpreters() {
        let plain = Engine::new();
        let samples =
            ["[1, [2, 3], \"abc\", blob(3)]", "#{a: 1, b: #{c: \"xyz\"}, d: [1]}", "blob(5)", "\"äö\""];
        for sample in samples {
            let value = plain.eval::<Dynamic>(sample).expect(sample);
            let mut sizes = Sizes::default();
            sizes.add(&value, true);
            for limit in 1..12 {
                for which in 0..3 {
                    let mut engine = Engine::new();
                    match which {
                        0 => engine.set_max_array_size(limit),
                        1 => engine.set_max_map_size(limit),
                        _ => engine.set_max_string_size(limit),
                    };
                    let theirs = engine.ensure_data_size_within_limits(&value);
                    assert_eq!(format!("{:?}", sizes.check(&engine)), format!("{theirs:?}"), "{sample}");
                }
            }
        }
    }
}
