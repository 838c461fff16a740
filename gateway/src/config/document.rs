//! Any of the three formats to one tree with positions.
//!
//! A tree is plain data: no aliases, no tags, no dates, nesting and size bounded. Every value knows its byte
//! range in the file. A key twice in one map is a problem here, because no later stage could see it.

mod json;
mod toml;
mod yaml;

use std::ops::Range;
use std::path::Path;

use super::codes;
use super::problem::Problem;

/// Largest configuration file, in bytes.
pub(super) const FILE_BYTES_MAX: usize = 4 << 20;

/// Deepest nesting of lists and maps.
const NESTING_MAX: usize = 64;

/// The format of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2, `.yaml` or `.yml`.
    Yaml,
    /// TOML 1.1, `.toml`.
    Toml,
    /// JSON, `.json`.
    Json,
}

impl Format {
    /// The format a file name's ending stands for.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Byte range in the file.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) data: Data,
    /// Where it came from.
    pub(super) origin: Origin,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// Nothing: `null`, `~` or a key without a value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written.
    Map(Vec<Entry>),
    /// Was reported as a problem; later stages act as if it were not there.
    Invalid,
}

/// One key of a map with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Byte range of the key.
    pub(super) key_span: Range<usize>,
    /// The value.
    pub(super) value: Node,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It stands in the file as it is.
    Written,
    /// Text with at least one `${NAME}` replaced; may be read as a number or boolean.
    Interpolated,
    /// Came from `${file:...}` or stands under `secrets`: must not be printed.
    Secret,
}

impl Node {
    /// A value that stands in the file.
    pub(super) fn new(span: Range<usize>, data: Data) -> Self {
        Self { span, data, origin: Origin::Written }
    }

    /// The value of a key, if the map has it and it was not reported.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !matches!(value.data, Data::Invalid))
    }

    /// The entry of a key, reported or not.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a map; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key for pointing at it, or the map itself.
    pub(super) fn at(&self, key: &str) -> &Node {
        self.entry(key).map_or(self, |entry| &entry.value)
    }

    /// The item of a list for pointing at it, or the value itself. Counts the items that were not reported,
    /// as they are numbered after [`Node::to_json`]; a single value counts as a list of itself.
    pub(super) fn item(&self, index: usize) -> &Node {
        match &self.data {
            Data::List(_) => self.valid_items().nth(index).unwrap_or(self),
            _ => self,
        }
    }

    /// The items of a list that were not reported.
    pub(super) fn valid_items(&self) -> impl Iterator<Item = &Node> {
        let items: &[Node] = match &self.data {
            Data::List(items) => items,
            _ => &[],
        };
        items.iter().filter(|item| !matches!(item.data, Data::Invalid))
    }

    /// Number of items of a list; 0 for anything else.
    pub(super) fn len(&self) -> usize {
        match &self.data {
            Data::List(items) => items.len(),
            _ => 0,
        }
    }

    /// The place to mark for this value: of a map or list that spans lines, its beginning.
    pub(super) fn head(&self) -> Range<usize> {
        match &self.data {
            Data::Map(entries) => entries.first().map_or(self.span.clone(), |entry| entry.key_span.clone()),
            Data::List(items) => items.first().map_or(self.span.clone(), Node::head),
            _ => self.span.clone(),
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value without positions; what was reported is left out.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.data {
            Data::Null | Data::Invalid => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Integer(value) => Value::from(*value),
            Data::Float(value) => Value::from(*value),
            Data::Text(value) => Value::from(value.as_str()),
            Data::List(_) => self.valid_items().map(Node::to_json).collect(),
            Data::Map(entries) => {
                let valid = entries.iter().filter(|entry| !matches!(entry.value.data, Data::Invalid));
                Value::Object(valid.map(|entry| (entry.key.clone(), entry.value.to_json())).collect())
            }
        }
    }
}

/// Parses a text. Without a tree there is at least one problem; a tree may come with problems, such as a key
/// that stands twice.
pub(super) fn parse(text: &str, format: Format) -> (Option<Node>, Vec<Problem>) {
    let mut problems = Vec::new();
    let root = match format {
        Format::Yaml => yaml::parse(text, &mut problems),
        Format::Toml => toml::parse(text, &mut problems),
        Format::Json => json::parse(text, &mut problems),
    };
    if problems.is_empty() && root.as_ref().is_none_or(is_nothing) {
        let problem = Problem::error(codes::EMPTY, 0..0, "the configuration is empty", "");
        problems.push(problem.help("write at least `routes`; `forebay config show` prints an example"));
        return (None, problems);
    }
    (root, problems)
}

fn is_nothing(root: &Node) -> bool {
    match &root.data {
        Data::Null => true,
        Data::Map(entries) => entries.is_empty(),
        _ => false,
    }
}

/// A scalar as YAML 1.2 (core schema) reads it. Also used for interpolated text.
pub(super) fn plain_scalar(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x").filter(|rest| !rest.starts_with(['+', '-'])) {
        return i64::from_str_radix(hex, 16).map_or(Data::Text(text.into()), Data::Integer);
    }
    if let Some(octal) = text.strip_prefix("0o").filter(|rest| !rest.starts_with(['+', '-'])) {
        return i64::from_str_radix(octal, 8).map_or(Data::Text(text.into()), Data::Integer);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Data::Text(text.into());
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Data::Integer(integer);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Data::Float(number),
        _ => Data::Text(text.into()),
    }
}

/// Adds an entry and reports a key that is there already. The second one stays in the tree, so that a secret in
/// it is found and hidden.
fn push_entry(entries: &mut Vec<Entry>, seen: &mut Keys, entry: Entry, problems: &mut Vec<Problem>) {
    match seen.get(&entry.key) {
        Some(first) => problems.push(duplicate_key(&entry, first.clone())),
        None => drop(seen.insert(entry.key.clone(), entry.key_span.clone())),
    }
    entries.push(entry);
}

/// The keys a map has so far and where.
type Keys = std::collections::HashMap<String, Range<usize>>;

fn duplicate_key(entry: &Entry, first: Range<usize>) -> Problem {
    let message = format!("the key `{}` stands twice in one map", entry.key);
    Problem::error(codes::DUPLICATE_KEY, entry.key_span.clone(), message, "again here")
        .also(first, "first here")
        .help("keep one of the two")
}

fn too_deep(span: Range<usize>) -> Problem {
    let message = format!("lists and maps are nested more than {NESTING_MAX} deep");
    Problem::error(codes::UNSUPPORTED, span, message, "").help("flatten the structure")
}

#[cfg(test)]
mod tests;
