//! The settings a script declares in `CONFIG_SCHEMA`, and the check of a step's `config` against them.
//!
//! ```rhai
//! const CONFIG_SCHEMA = #{
//!     percent: #{ type: "int", initial: 10, min: 0, max: 100, doc: "share of the traffic" },
//!     header: #{ type: "string", required: true, pattern: "^x-" },
//! };
//! ```
//! Keys of a description: `type` (`string`, `int`, `float`, `bool`, `array`, `map`, `any`), `items` (type of an
//! array's elements), `initial` (used when the setting is
//! missing; `default` is a keyword of the language), `required`, `min`, `max`, `values`, `pattern`, `doc`. A script without a schema
//! takes any settings.

use std::sync::Arc;

use regex::Regex;
use rhai::{Array, Dynamic, Map};
use serde_json::Value;

use super::api::json_to_dynamic;
use crate::error::{ErrorKind, ScriptError};

const DESCRIPTION_KEYS: &[&str] =
    &["type", "items", "initial", "required", "min", "max", "values", "pattern", "doc"];
const TYPES: &[&str] = &["string", "int", "float", "bool", "array", "map", "any"];

/// The settings with defaults filled in.
///
/// # Errors
/// Every setting that is unknown, missing or does not fit its description.
pub(super) fn apply(
    script: &Arc<str>,
    schema: Option<&Map>,
    config: &Value,
) -> Result<Map, Vec<ScriptError>> {
    let fail = |message: String| ScriptError::new(script, ErrorKind::Config, message, None);
    let mut settings = match json_to_dynamic(config.clone()) {
        empty if empty.is_unit() => Map::new(),
        other => other
            .try_cast::<Map>()
            .ok_or_else(|| vec![fail("config is a map from setting names to values".into())])?,
    };
    let Some(schema) = schema else { return Ok(settings) };
    let mut problems = Vec::new();
    for name in settings.keys().filter(|name| !schema.contains_key(*name)) {
        let known: Vec<&str> = schema.keys().map(rhai::Identifier::as_str).collect();
        problems.push(format!("unknown setting `{name}`; {script} takes {}", known.join(", ")));
    }
    for (name, description) in schema {
        let Some(description) = description.read_lock::<Map>() else {
            problems.push(format!(
                "CONFIG_SCHEMA: the description of `{name}` is a map such as #{{type: \"int\"}}"
            ));
            continue;
        };
        if let Err(problem) = describes(name, &description) {
            problems.push(problem);
            continue;
        }
        match settings.get(name) {
            Some(value) => problems.extend(fits(name, &description, value).err()),
            None => match description.get("initial") {
                Some(initial) => {
                    settings.insert(name.clone(), initial.clone());
                }
                None if description.get("required").is_some_and(|flag| flag.as_bool() == Ok(true)) => {
                    problems.push(format!("setting `{name}` is missing; {script} requires it"));
                }
                None => {}
            },
        }
    }
    if problems.is_empty() { Ok(settings) } else { Err(problems.into_iter().map(fail).collect()) }
}

/// Whether a description is one.
fn describes(name: &str, description: &Map) -> Result<(), String> {
    if let Some(key) = description.keys().find(|key| !DESCRIPTION_KEYS.contains(&key.as_str())) {
        return Err(format!(
            "CONFIG_SCHEMA: `{name}` has the unknown key `{key}`; there are {}",
            DESCRIPTION_KEYS.join(", ")
        ));
    }
    for key in ["type", "items"] {
        let kind = description.get(key).map(Dynamic::to_string);
        if let Some(kind) = kind.filter(|kind| !TYPES.contains(&kind.as_str())) {
            return Err(format!(
                "CONFIG_SCHEMA: `{name}` has the unknown {key} {kind:?}; there are {}",
                TYPES.join(", ")
            ));
        }
    }
    Ok(())
}

fn fits(name: &str, description: &Map, value: &Dynamic) -> Result<(), String> {
    let kind = description.get("type").map_or_else(|| "any".to_owned(), Dynamic::to_string);
    let is_kind = |value: &Dynamic, kind: &str| match kind {
        "string" => value.is_string(),
        "int" => value.is_int(),
        "float" => value.is_float() || value.is_int(),
        "bool" => value.is_bool(),
        "array" => value.is_array(),
        "map" => value.is_map(),
        _ => true,
    };
    if !is_kind(value, &kind) {
        return Err(format!("setting `{name}` is {}, expected {kind}", value.type_name()));
    }
    if let (Some(items), Some(elements)) = (description.get("items"), value.read_lock::<Array>()) {
        let items = items.to_string();
        if let Some(index) = elements.iter().position(|element| !is_kind(element, &items)) {
            return Err(format!(
                "setting `{name}`: element {index} is {}, expected {items}",
                elements[index].type_name()
            ));
        }
    }
    let number = |value: &Dynamic| {
        #[expect(clippy::cast_precision_loss, reason = "a bound is compared, not computed with")]
        value.as_float().or_else(|_| value.as_int().map(|whole| whole as f64)).ok()
    };
    for (key, beyond) in [("min", f64::lt as fn(&f64, &f64) -> bool), ("max", f64::gt)] {
        if let (Some(limit), Some(found)) = (description.get(key).and_then(number), number(value))
            && beyond(&found, &limit)
        {
            return Err(format!("setting `{name}` is {found}, but {key} is {limit}"));
        }
    }
    if let Some(values) = description.get("values").and_then(Dynamic::read_lock::<Array>) {
        let found = value.to_string();
        if !values.iter().any(|allowed| allowed.to_string() == found) {
            let allowed: Vec<String> = values.iter().map(Dynamic::to_string).collect();
            return Err(format!("setting `{name}` is {found:?}, expected one of {}", allowed.join(", ")));
        }
    }
    if let Some(pattern) = description.get("pattern").map(Dynamic::to_string) {
        let compiled = Regex::new(&pattern)
            .map_err(|_| format!("CONFIG_SCHEMA: the pattern of `{name}` is no regular expression"))?;
        if !compiled.is_match(&value.to_string()) {
            return Err(format!("setting `{name}` does not match {pattern}"));
        }
    }
    Ok(())
}
