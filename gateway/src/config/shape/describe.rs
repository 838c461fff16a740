//! What a schema expects and what a value is, in words.

use serde_json::Value;

use super::super::document::{Data, Node, Origin, plain_scalar};

/// Longest piece of a value quoted in a message, in characters.
const QUOTE_MAX: usize = 40;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Integer,
    /// Another number.
    Number,
    /// Text.
    Text,
    /// A list.
    List,
    /// A map.
    Map,
}

impl Kind {
    /// The type of a value; `None` for one that was reported already.
    pub(super) fn of(data: &Data) -> Option<Self> {
        Some(match data {
            Data::Null => Self::Null,
            Data::Bool(_) => Self::Bool,
            Data::Integer(_) => Self::Integer,
            Data::Float(_) => Self::Number,
            Data::Text(_) => Self::Text,
            Data::List(_) => Self::List,
            Data::Map(_) => Self::Map,
            Data::Invalid => return None,
        })
    }
}

/// The alternatives of a schema, nested ones included; none when it takes everything.
pub(super) fn alternatives(schema: &Value) -> Vec<&Value> {
    match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
        Some(choices) => choices.iter().flat_map(alternatives).collect(),
        None if schema.get("type").is_some() || schema.get("const").is_some() => vec![schema],
        None => Vec::new(),
    }
}

/// The types of value that one alternative takes.
pub(super) fn kinds(choice: &Value) -> &'static [Kind] {
    match choice.get("type").and_then(Value::as_str) {
        Some("string") => &[Kind::Text],
        Some("integer") => &[Kind::Integer],
        Some("number") => &[Kind::Integer, Kind::Number],
        Some("boolean") => &[Kind::Bool],
        Some("array") => &[Kind::List],
        Some("object") => &[Kind::Map],
        _ if constant(choice).is_some() => &[Kind::Text],
        _ => &[],
    }
}

/// The one word that an alternative takes, if it is that kind of alternative.
pub(super) fn constant(choice: &Value) -> Option<&str> {
    choice.get("const").and_then(Value::as_str)
}

/// What a schema takes, as the end of "must be".
pub(super) fn expected(schema: &Value) -> String {
    let mut words: Vec<String> = Vec::new();
    for choice in alternatives(schema) {
        let word = one_expected(choice);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    // Words come before types: "`auto` or a whole number".
    words.sort_by_key(|word| !word.starts_with('`'));
    match words.split_last() {
        None => "a value".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn one_expected(choice: &Value) -> String {
    if let Some(word) = constant(choice) {
        return format!("`{word}`");
    }
    let format = choice.get("format").and_then(Value::as_str);
    match (choice.get("type").and_then(Value::as_str), format) {
        (_, Some("forebay-duration")) => "a duration such as `500ms` or `5s`".to_owned(),
        (_, Some("forebay-size")) => "a size such as `64KiB`".to_owned(),
        (Some("string"), _) => "a string".to_owned(),
        (Some("integer"), _) => "a whole number".to_owned(),
        (Some("number"), _) => "a number".to_owned(),
        (Some("boolean"), _) => "`true` or `false`".to_owned(),
        (Some("array"), _) => format!("a list{}", choice.get("items").map(of_items).unwrap_or_default()),
        (Some("object"), _) => format!("a map{}", with_keys(choice)),
        _ => "a value".to_owned(),
    }
}

fn of_items(items: &Value) -> String {
    let mut words = Vec::new();
    for choice in alternatives(items) {
        let word = match choice.get("type").and_then(Value::as_str) {
            Some("string") => "strings",
            Some("integer" | "number") => "numbers",
            Some("object") => "maps",
            _ => "values",
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    format!(" of {}", words.join(" or "))
}

/// The keys of a small map, which tell what kind of map is wanted.
fn with_keys(choice: &Value) -> String {
    let properties = choice.get("properties").and_then(Value::as_object);
    let keys: Vec<_> = properties.into_iter().flatten().map(|(key, _)| format!("`{key}`")).collect();
    match keys.as_slice() {
        [one] => format!(" with {one}"),
        [first, second] => format!(" with {first} or {second}"),
        _ => String::new(),
    }
}

/// What a value is, as the end of "found". Never quotes a secret.
pub(in super::super) fn found(node: &Node) -> String {
    match &node.data {
        Data::Null => "nothing".to_owned(),
        Data::List(_) => "a list".to_owned(),
        Data::Map(_) => "a map".to_owned(),
        Data::Invalid => "a value".to_owned(),
        _ if node.origin == Origin::Secret => "a secret value".to_owned(),
        Data::Bool(value) => format!("`{value}`"),
        Data::Integer(number) => format!("the number {number}"),
        Data::Float(number) => format!("the number {number}"),
        Data::Text(text) => format!("the string {}", quoted(text)),
    }
}

/// A text in double quotes, cut short.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTE_MAX) {
        Some((index, _)) => format!("{:?}...", &text[..index]),
        None => format!("{text:?}"),
    }
}

fn is_duration(choice: &Value) -> bool {
    choice.get("format").is_some_and(|format| format == "forebay-duration")
}

/// What to do about a value of the wrong type.
pub(super) fn wrong_type_help(node: &Node, schema: &Value) -> String {
    specific_help(node, schema).unwrap_or_else(|| format!("write {}", expected(schema)))
}

fn specific_help(node: &Node, schema: &Value) -> Option<String> {
    let choices = alternatives(schema);
    let takes = |kind: Kind| choices.iter().any(|choice| kinds(choice).contains(&kind));
    let hidden = node.origin == Origin::Secret;
    match &node.data {
        Data::Null => Some("write a value, or remove the key to get its default".to_owned()),
        Data::Text(_) if takes(Kind::List) && hidden => Some("put it in brackets: `[...]`".to_owned()),
        Data::Text(text) if takes(Kind::List) => Some(format!("put it in brackets: `[{}]`", quoted(text))),
        Data::Text(text) if !takes(Kind::Text) => {
            let bare = Kind::of(&plain_scalar(text));
            bare.filter(|kind| takes(*kind)).map(|_| "remove the quotes".to_owned())
        }
        Data::Integer(number) if !hidden && choices.iter().any(|choice| is_duration(choice)) => {
            Some(format!("add the unit: `{number}s` or `{number}ms`"))
        }
        Data::Integer(_) | Data::Float(_) | Data::Bool(_) if takes(Kind::Text) => {
            let has_words = choices.iter().any(|choice| constant(choice).is_some());
            let quoted = node.to_json();
            (!has_words).then(|| {
                if hidden {
                    "put it in quotes".to_owned()
                } else {
                    format!("put it in quotes: `\"{quoted}\"`")
                }
            })
        }
        Data::List(_) if !takes(Kind::List) && (takes(Kind::Text) || takes(Kind::Integer)) => {
            Some("write one value without brackets".to_owned())
        }
        _ => None,
    }
}
