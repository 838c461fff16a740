//! TOML to the tree.
//!
//! The parser recovers after errors, so all problems of syntax are reported together. Dates have no use in a
//! configuration of this gateway and are refused.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::codes;
use super::super::problem::Problem;
use super::{Data, Entry, NESTING_MAX, Node, too_deep};

/// Parses TOML; `None` after a problem of syntax.
pub(super) fn parse(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let problem = if message.starts_with("duplicate key") {
            Problem::error(codes::DUPLICATE_KEY, span, "the key stands twice in one table", "again here")
                .help("keep one of the two")
        } else {
            let message = format!("this is not well-formed TOML: {message}");
            Problem::error(codes::SYNTAX, span, message, "here").help("see https://toml.io for the syntax")
        };
        problems.push(problem);
    }
    if !errors.is_empty() {
        return None;
    }
    let span = table.span();
    Some(Node::new(span, Data::Map(entries(table.into_inner(), 0, problems))))
}

/// The parser sorts tables by key; the order written comes back from the positions.
fn entries(table: DeTable<'_>, depth: usize, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut entries: Vec<_> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span(),
            key: key.into_inner().into_owned(),
            value: node(value, depth + 1, problems),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn node(value: Spanned<DeValue<'_>>, depth: usize, problems: &mut Vec<Problem>) -> Node {
    let span = value.span();
    if depth > NESTING_MAX {
        problems.push(too_deep(span.clone()));
        return Node::new(span, Data::Invalid);
    }
    let data = match value.into_inner() {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Data::Integer(integer),
            Err(_) => unusable(&span, "a whole number must fit 64 bits", "write a smaller number", problems),
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Data::Float(number),
            _ => unusable(&span, "a number must be finite", "write a number such as `1.5`", problems),
        },
        DeValue::Boolean(value) => Data::Bool(value),
        DeValue::Datetime(_) => {
            unusable(&span, "dates are not used in the configuration", "put it in quotes", problems)
        }
        DeValue::Array(items) => {
            Data::List(items.into_iter().map(|item| node(item, depth + 1, problems)).collect())
        }
        DeValue::Table(table) => Data::Map(entries(table, depth, problems)),
    };
    Node::new(span, data)
}

fn unusable(span: &Range<usize>, message: &str, help: &str, problems: &mut Vec<Problem>) -> Data {
    problems.push(Problem::error(codes::UNSUPPORTED, span.clone(), message, "").help(help));
    Data::Invalid
}
