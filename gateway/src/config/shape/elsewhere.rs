//! Where else a key has a meaning, for keys that were written in the wrong section.

use serde_json::Value;

use super::describe::alternatives;

/// Most places named in a message.
const PLACES_MAX: usize = 3;

/// The sections that know a key, as a person would name them: `upstreams.NAME`, `routes[]`.
pub(super) fn places_of(schema: &Value, key: &str) -> Vec<String> {
    let mut places = Vec::new();
    collect_places(schema, key, "", &mut places);
    places.truncate(PLACES_MAX);
    places
}

fn collect_places(schema: &Value, key: &str, path: &str, places: &mut Vec<String>) {
    for choice in alternatives(schema) {
        if let Some(properties) = choice.get("properties").and_then(Value::as_object) {
            if properties.contains_key(key) {
                places.push(match path {
                    "" => "the top level of the file".to_owned(),
                    path => format!("`{path}`"),
                });
            }
            for (name, property) in properties {
                let dot = if path.is_empty() { "" } else { "." };
                collect_places(property, key, &format!("{path}{dot}{name}"), places);
            }
        }
        if let Some(value) = choice.get("additionalProperties").filter(|value| value.is_object()) {
            collect_places(value, key, &format!("{path}.NAME"), places);
        }
        if let Some(items) = choice.get("items") {
            collect_places(items, key, &format!("{path}[]"), places);
        }
    }
}
