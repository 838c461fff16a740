//! JSON text straight to script values, without a document in between.

use std::fmt;

use rhai::{Array, Dynamic, Identifier, ImmutableString, Map};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The value that a JSON text stands for: whole numbers that fit become `i64`, others `f64`, null becomes `()`.
///
/// # Errors
/// Where and why it is no JSON.
pub(crate) fn from_slice(text: &[u8]) -> Result<Dynamic, serde_json::Error> {
    serde_json::from_slice::<Value>(text).map(|value| value.0)
}

/// A script value as `serde` makes it.
struct Value(Dynamic);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values).map(Self)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Dynamic;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Dynamic, E> {
        Ok(Dynamic::UNIT)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Dynamic, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Dynamic, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Dynamic, E> {
        #[expect(clippy::cast_precision_loss, reason = "beyond 2^63 the nearest float is what is wanted")]
        let float = value as f64;
        Ok(i64::try_from(value).map_or_else(|_| float.into(), Dynamic::from))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Dynamic, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Dynamic, E> {
        Ok(ImmutableString::from(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Dynamic, A::Error> {
        let mut array = Array::new();
        while let Some(Value(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Dynamic::from_array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Dynamic, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            let Value(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(Dynamic::from_map(map))
    }
}

/// The name of an entry; short ones are stored in place.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Identifier;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Identifier, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Identifier;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Identifier, E> {
        Ok(name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::json_to_dynamic;
    use super::*;

    /// Text, and what comes of it, by way of a document.
    fn by_document(text: &str) -> Result<String, String> {
        let value: Result<serde_json::Value, _> = serde_json::from_str(text);
        value.map(|value| format!("{:?}", json_to_dynamic(value))).map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_what_a_document_would_give() {
        let deep = "[".repeat(200);
        let texts = [
            "null",
            "true",
            "1",
            "-1",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "1.5",
            "-0.0",
            "-0",
            "1e3",
            "1e400",
            "\"\"",
            "\"a\\u00e4\\ud83d\\ude00\"",
            "[]",
            "[1,[2.5,null]]",
            "{}",
            "{\"a\":1,\"b\":{\"c\":[true]},\"a\":2}",
            "{\"\\n\":\"x\"}",
            "",
            " 1 ",
            "1 2",
            "[1,]",
            "{\"a\"}",
            "{1:2}",
            "\"\\ud800\"",
            "nul",
            &deep,
        ];
        for text in texts {
            let direct = from_slice(text.as_bytes());
            let direct = direct.map(|value| format!("{value:?}")).map_err(|error| error.to_string());
            assert_eq!(direct, by_document(text), "{text}");
        }
    }
}
