//! JSON to the tree.
//!
//! `serde_json` decides what is well-formed, and its errors name line and column. It does not say where values
//! stand, so the text it accepted is walked once more here; the walk therefore need not check syntax.

use std::ops::Range;

use super::super::codes;
use super::super::problem::Problem;
use super::{Data, Entry, Keys, NESTING_MAX, Node, push_entry, too_deep};

/// Parses JSON; `None` after a problem of syntax.
pub(super) fn parse(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    if text.trim().is_empty() {
        return Some(Node::new(0..0, Data::Null));
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let start = offset_of(text, error.line(), error.column());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let message = format!("this is not well-formed JSON: {message}");
        let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
        let help = "JSON has no comments and no trailing commas; YAML has comments and needs fewer quotes";
        problems.push(Problem::error(codes::SYNTAX, start..end, message, "here").help(help));
        return None;
    }
    let mut walk = Walk { text, at: 0, problems };
    walk.value(0)
}

/// `serde_json` counts lines from 1 and columns in bytes, with the column of the last byte read.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Walks well-formed JSON.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn value(&mut self, depth: usize) -> Option<Node> {
        let start = self.next_token();
        if depth > NESTING_MAX {
            self.problems.push(too_deep(start..start + 1));
            return None;
        }
        let data = match self.peek()? {
            b'{' => Data::Map(self.entries(depth)?),
            b'[' => Data::List(self.items(depth)?),
            b'"' => Data::Text(self.string()?.0),
            _ => self.word(),
        };
        Some(Node::new(start..self.at, data))
    }

    fn entries(&mut self, depth: usize) -> Option<Vec<Entry>> {
        let (mut entries, mut seen) = (Vec::new(), Keys::new());
        self.at += 1;
        loop {
            self.next_token();
            match self.peek()? {
                b'}' => break,
                b',' => self.at += 1,
                _ => {
                    let (key, key_span) = self.string()?;
                    self.next_token();
                    self.at += 1; // the colon
                    let value = self.value(depth + 1)?;
                    push_entry(&mut entries, &mut seen, Entry { key, key_span, value }, self.problems);
                }
            }
        }
        self.at += 1;
        Some(entries)
    }

    fn items(&mut self, depth: usize) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.next_token();
            match self.peek()? {
                b']' => break,
                b',' => self.at += 1,
                _ => items.push(self.value(depth + 1)?),
            }
        }
        self.at += 1;
        Some(items)
    }

    fn string(&mut self) -> Option<(String, Range<usize>)> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let span = start..self.at;
        let text = serde_json::from_str(self.text.get(span.clone())?).ok()?;
        Some((text, span))
    }

    /// `null`, `true`, `false` or a number.
    fn word(&mut self) -> Data {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, ',' | ']' | '}'));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        super::plain_scalar(word)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next_token(&mut self) -> usize {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.at
    }
}
