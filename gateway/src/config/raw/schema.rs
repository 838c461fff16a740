//! The JSON Schema of the configuration file, generated from the raw types.
//!
//! The same schema is published for editors and checked by `shape`, so the two cannot disagree. Subschemas are
//! inlined, and `null` is taken out: a key without a value is a mistake, not a default.

use std::sync::LazyLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::RawConfig;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut schema = schema_of::<RawConfig>();
    add_middleware(&mut schema, &middleware_rules());
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), "Forebay configuration".into());
    }
    schema
});

/// The schema of a type, in the form that the shape check understands.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    simplify(&mut schema);
    schema
}

/// For each built-in middleware: a step that names it has settings of its schema.
fn middleware_rules() -> Value {
    let rule = |(id, mut schema): (&str, Value)| {
        let mut then = Map::new();
        if let Some(settings) = schema.as_object_mut() {
            settings.remove("$schema");
            settings.remove("title");
            if settings.get("required").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty()) {
                then.insert("required".into(), json!(["config"]));
            }
        }
        then.insert("properties".into(), json!({ "config": schema }));
        json!({ "if": { "properties": { "middleware": { "const": id } }, "required": ["middleware"] }, "then": then })
    };
    crate::middleware::schemas().into_iter().map(rule).collect()
}

/// Adds the rules to every schema of a step.
fn add_middleware(schema: &mut Value, rules: &Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| add_middleware(item, rules)),
        Value::Object(object) => {
            let properties = object.get("properties").and_then(Value::as_object);
            if properties.is_some_and(|keys| keys.contains_key("middleware") && keys.contains_key("script")) {
                object.insert("allOf".into(), rules.clone());
                return;
            }
            object.values_mut().for_each(|value| add_middleware(value, rules));
        }
        _ => {}
    }
}

/// The schema of the whole file.
pub(in super::super) fn schema() -> &'static Value {
    &SCHEMA
}

/// Takes out `null` alternatives and folds a single alternative into its parent.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(object) => {
            drop_null(object);
            if let Some(Value::String(description)) = object.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            object.values_mut().for_each(simplify);
        }
        _ => {}
    }
}

fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [single] = types.as_slice() {
            let single = single.clone();
            object.insert("type".into(), single);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else { return };
    choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(single)] = choices.as_slice() {
        let single = single.clone();
        object.remove("anyOf");
        for (key, value) in single {
            // What is said about the field is closer to the reader than what is said about its type.
            object.entry(key).or_insert(value);
        }
        drop_null(object);
    }
}
