//! The tree against the schema: unknown and missing keys, wrong types, ranges, durations and sizes.
//!
//! Every problem is collected; a value with a problem becomes [`Data::Invalid`] and is skipped by everything
//! that follows, so that one mistake is reported once. Understands the part of JSON Schema that `raw` produces,
//! where at most one alternative takes each type of value. Interpolated text becomes a number or boolean here
//! when the schema wants one.

mod describe;
mod elsewhere;

use std::collections::HashMap;

use serde_json::Value;

use super::codes;
use super::document::{Data, Entry, Node, Origin, plain_scalar};
use super::problem::Problem;
use super::suggest::{closest, listed};
use super::units;
use crate::sentence::first_sentence;
pub(super) use describe::found;
use describe::{Kind, alternatives, constant, expected, kinds, wrong_type_help};
use elsewhere::places_of;

/// Number of problems after which no suggestion is searched: far more than are listed.
const EXPLAINED_MAX: usize = 1_000;

/// Checks a tree and marks what is wrong in it.
pub(super) fn check(root: &mut Node, schema: &Value, problems: &mut Vec<Problem>) {
    let mut checker = Checker { root: schema, problems };
    checker.value(root, schema, "the configuration");
}

struct Checker<'a> {
    root: &'a Value,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    /// `name` is how messages call the value: a key in backquotes, or an item of one.
    fn value(&mut self, node: &mut Node, schema: &Value, name: &str) {
        let choices = alternatives(schema);
        coerce(node, &choices);
        let Some(kind) = Kind::of(&node.data) else { return };
        let fitting: Vec<_> =
            choices.iter().copied().filter(|choice| kinds(choice).contains(&kind)).collect();
        let before = self.problems.len();
        match (&mut node.data, fitting.first()) {
            _ if choices.is_empty() => {}
            (_, None) => self.wrong_type(node, schema, name),
            (Data::Map(entries), Some(choice)) => {
                self.entries(entries, choice);
                self.required(node, choice, name);
                self.conditional(node, choice, name);
                return;
            }
            (Data::List(items), Some(choice)) => {
                self.items(items, choice, name);
                self.list(node, schema, choice, name);
                return;
            }
            (Data::Text(_), Some(_)) => self.text(node, schema, &fitting, name),
            (Data::Integer(number), Some(choice)) => {
                let number = *number;
                self.number(node, number, (schema, choice), name);
            }
            _ => {}
        }
        if self.problems.len() > before {
            node.data = Data::Invalid;
        }
    }

    fn wrong_type(&mut self, node: &Node, schema: &Value, name: &str) {
        let message = format!("{name} must be {}", expected(schema));
        let problem =
            Problem::error(codes::WRONG_TYPE, node.head(), message, format!("found {}", found(node)));
        self.problems.push(problem.help(wrong_type_help(node, schema)));
    }

    fn entries(&mut self, entries: &mut [Entry], schema: &Value) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for entry in entries {
            let name = format!("`{}`", entry.key);
            let known = properties.and_then(|properties| properties.get(&entry.key));
            match known.or_else(|| schema.get("additionalProperties")) {
                Some(Value::Bool(false)) => {
                    let keys = properties.into_iter().flat_map(|properties| properties.keys());
                    self.unknown_key(entry, keys.map(String::as_str).collect());
                    entry.value.data = Data::Invalid;
                }
                Some(schema) if schema.is_object() => self.value(&mut entry.value, schema, &name),
                _ => {}
            }
        }
    }

    /// Rules of the form "if this key is that word, then these keys have these schemas".
    fn conditional(&mut self, node: &mut Node, schema: &Value, name: &str) {
        for rule in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let wanted = rule.pointer("/if/properties").and_then(Value::as_object);
            let holds = wanted.is_some_and(|wanted| {
                wanted.iter().all(|(key, schema)| {
                    node.at(key).text().is_some_and(|text| constant(schema) == Some(text))
                })
            });
            let Some(then) = rule.get("then").filter(|_| holds) else { continue };
            if let Data::Map(entries) = &mut node.data {
                for entry in entries {
                    if let Some(schema) = then.get("properties").and_then(|keys| keys.get(&entry.key)) {
                        self.value(&mut entry.value, schema, &format!("`{}`", entry.key));
                    }
                }
            }
            self.required(node, then, name);
        }
    }

    fn unknown_key(&mut self, entry: &Entry, mut keys: Vec<&str>) {
        let message = format!("unknown key `{}`", entry.key);
        if self.problems.len() > EXPLAINED_MAX {
            let problem = Problem::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message, "");
            self.problems.push(problem);
            return;
        }
        keys.retain(|key| *key != "$schema");
        let places = places_of(self.root, &entry.key);
        let help = match closest(&entry.key, keys.iter().copied()) {
            Some(key) => format!("did you mean `{key}`?"),
            None if places.is_empty() => format!("the keys here are {}", listed(keys)),
            None => format!("`{}` belongs in {}", entry.key, places.join(" or ")),
        };
        let problem = Problem::error(codes::UNKNOWN_KEY, entry.key_span.clone(), message, "not known here");
        self.problems.push(problem.help(help));
    }

    fn required(&mut self, node: &Node, schema: &Value, name: &str) {
        for key in strings(schema.get("required")) {
            // A misspelt key was reported already; that it is missing as well is the same mistake.
            let misspelt = node.entries().iter().any(|entry| {
                schema.pointer(&format!("/properties/{}", entry.key)).is_none()
                    && closest(&entry.key, [key]).is_some()
            });
            if node.entry(key).is_some() || misspelt {
                continue;
            }
            let description = schema.pointer(&format!("/properties/{key}/description"));
            let description = description.and_then(Value::as_str).unwrap_or_default();
            let problem = Problem::error(
                codes::MISSING_KEY,
                node.head(),
                format!("the key `{key}` is missing"),
                format!("in {name}"),
            );
            self.problems.push(problem.help(format!("add `{key}` ({})", in_a_sentence(description))));
        }
    }

    fn items(&mut self, items: &mut [Node], schema: &Value, name: &str) {
        let Some(schema) = schema.get("items") else { return };
        let name = format!("an item of {name}");
        for item in items {
            self.value(item, schema, &name);
        }
    }

    fn list(&mut self, node: &Node, schema: &Value, choice: &Value, name: &str) {
        let Data::List(items) = &node.data else { return };
        if items.is_empty() && bound((schema, choice), "minItems").is_some() {
            let message = format!("{name} must not be empty");
            let problem = Problem::error(codes::OUT_OF_RANGE, node.span.clone(), message, "nothing in it");
            self.problems.push(problem.help("write at least one item, or remove the key"));
        }
        if schema.get("uniqueItems").is_none() {
            return;
        }
        let mut seen: HashMap<&str, &Node> = HashMap::new();
        for item in items {
            let Some(text) = item.text() else { continue };
            if let Some(first) = seen.get(text) {
                let message = format!("{name} has one item twice");
                let problem = Problem::error(codes::DUPLICATE, item.span.clone(), message, "again here");
                self.problems
                    .push(problem.also(first.span.clone(), "first here").help("remove one of the two"));
            }
            seen.entry(text).or_insert(item);
        }
    }

    fn text(&mut self, node: &Node, schema: &Value, fitting: &[&Value], name: &str) {
        let Some(text) = node.text() else { return };
        let words: Vec<_> = fitting.iter().filter_map(|choice| constant(choice)).collect();
        if words.contains(&text) {
            return;
        }
        let Some(choice) = fitting.iter().find(|choice| constant(choice).is_none()) else {
            let message = format!("{name} must be {}", expected(schema));
            let label = format!("found {}", found(node));
            let problem = Problem::error(codes::NOT_ALLOWED, node.span.clone(), message, label);
            let near = closest(text, words.iter().copied()).filter(|_| node.origin != Origin::Secret);
            let help = match near {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("write {}", expected(schema)),
            };
            self.problems.push(problem.help(help));
            return;
        };
        match choice.get("format").and_then(Value::as_str) {
            Some("forebay-duration") => self.duration(node, text, schema, name),
            Some("forebay-size") => self.size(node, text, (schema, choice), name),
            _ => {}
        }
    }

    fn duration(&mut self, node: &Node, text: &str, schema: &Value, name: &str) {
        let place = node.span.clone();
        let problem = match units::parse_duration(text) {
            Ok(value) if value.is_zero() => {
                let may_be_none = alternatives(schema).iter().any(|choice| constant(choice).is_some());
                let help = if may_be_none {
                    "zero never means unlimited: write `none` for that"
                } else {
                    "zero never means unlimited; write the longest time that is acceptable"
                };
                let message = format!("{name} must be longer than zero");
                Problem::error(codes::OUT_OF_RANGE, place, message, "a limit of zero stops everything")
                    .help(help)
            }
            Ok(_) => return,
            Err(error) => {
                let message = format!("{name} must be {}", expected(schema));
                let label = format!("found {}: {}", found(node), error.reason());
                Problem::error(codes::DURATION, place, message, label).help(
                    "a duration is a whole number with `us`, `ms`, `s`, `m` or `h`: `500ms`, `5s`, `1m`",
                )
            }
        };
        self.problems.push(problem);
    }

    fn size(&mut self, node: &Node, text: &str, schema: (&Value, &Value), name: &str) {
        match units::parse_size(text) {
            Ok(bytes) => self.number(node, i64::try_from(bytes).unwrap_or(i64::MAX), schema, name),
            Err(error) => {
                let message = format!("{name} must be a size");
                let label = format!("found {}: {}", found(node), error.reason());
                let help = "a size is a whole number of bytes, or one with `B`, `kB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`";
                self.problems.push(Problem::error(codes::SIZE, node.span.clone(), message, label).help(help));
            }
        }
    }

    /// Bounds may stand beside the alternatives or in one of them.
    fn number(&mut self, node: &Node, number: i64, schema: (&Value, &Value), name: &str) {
        let minimum = bound(schema, "minimum");
        let maximum = bound(schema, "maximum");
        if minimum.is_none_or(|bound| number >= bound) && maximum.is_none_or(|bound| number <= bound) {
            return;
        }
        let is_size = alternatives(schema.0)
            .iter()
            .any(|choice| choice.get("format").is_some_and(|format| format == "forebay-size"));
        let show = |number: i64| match u64::try_from(number) {
            Ok(bytes) if is_size => units::show_size(bytes),
            _ => number.to_string(),
        };
        let range = match (minimum, maximum) {
            (Some(low), Some(high)) => format!("between {} and {}", show(low), show(high)),
            (Some(low), None) => format!("at least {}", show(low)),
            (None, Some(high)) => format!("at most {}", show(high)),
            (None, None) => return,
        };
        let message = format!("{name} must be {range}");
        let label = format!("found {}", found(node));
        let help = match number {
            0 if name.contains("_max") => {
                "zero never means unlimited; write the highest number that is acceptable".to_owned()
            }
            _ => format!("write a value {range}"),
        };
        self.problems.push(Problem::error(codes::OUT_OF_RANGE, node.span.clone(), message, label).help(help));
    }
}

/// Interpolated text is read as a number or boolean where text is not wanted.
fn coerce(node: &mut Node, choices: &[&Value]) {
    let Some(text) = node.text().filter(|_| node.origin != Origin::Written) else { return };
    let takes_text = |choice: &&Value| {
        kinds(choice).contains(&Kind::Text) && constant(choice).is_none_or(|word| word == text)
    };
    if choices.iter().any(takes_text) {
        return;
    }
    let scalar = plain_scalar(text.trim());
    let kind = Kind::of(&scalar);
    if choices.iter().any(|choice| kind.is_some_and(|kind| kinds(choice).contains(&kind))) {
        node.data = scalar;
    }
}

fn bound((outer, inner): (&Value, &Value), key: &str) -> Option<i64> {
    outer.get(key).or_else(|| inner.get(key)).and_then(Value::as_i64)
}

fn strings(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The first sentence of a description, as the inside of a sentence.
fn in_a_sentence(description: &str) -> String {
    let first = first_sentence(description);
    let mut chars = first.trim_end_matches('.').chars();
    let initial = chars.next().map(|c| c.to_ascii_lowercase());
    initial.into_iter().chain(chars).collect()
}
