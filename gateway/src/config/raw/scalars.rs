//! Scalars with a notation of their own: durations and sizes.
//!
//! Their `format` in the schema is what the shape check recognises them by. It carries our name because the
//! standard format `duration` is the one of ISO 8601.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::units::{parse_duration, parse_size, show_duration, show_size};

/// A duration such as `5s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawDuration(pub(crate) Duration);

/// A duration, or the word `none` for no limit.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct RawTimeout(pub(in super::super) Option<Duration>);

/// A size in bytes such as `64KiB`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawSize(pub(crate) u64);

impl<'de> Deserialize<'de> for RawDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(|error| D::Error::custom(error.reason()))
    }
}

impl<'de> Deserialize<'de> for RawTimeout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        if text == "none" {
            return Ok(Self(None));
        }
        let duration = parse_duration(&text).map_err(|error| D::Error::custom(error.reason()))?;
        Ok(Self(Some(duration)))
    }
}

impl<'de> Deserialize<'de> for RawSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => {
                parse_size(&text).map(Self).map_err(|error| D::Error::custom(error.reason()))
            }
        }
    }
}

impl Serialize for RawDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&show_duration(self.0))
    }
}

impl Serialize for RawSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&show_size(self.0))
    }
}

/// Schema of a duration; the pattern is for editors.
fn duration() -> Schema {
    json_schema!({ "type": "string", "format": "forebay-duration", "pattern": "^ *[0-9]+ *(us|µs|ms|s|m|h) *$" })
}

impl JsonSchema for RawDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        duration()
    }
}

impl JsonSchema for RawTimeout {
    fn schema_name() -> Cow<'static, str> {
        "Timeout".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "none" }, duration()] })
    }
}

impl JsonSchema for RawSize {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "format": "forebay-size", "pattern": "^ *[0-9]+ *(B|kB|MB|GB|KiB|MiB|GiB)? *$" },
                { "type": "integer" },
            ],
            "minimum": 1,
        })
    }
}
