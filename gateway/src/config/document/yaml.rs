//! YAML 1.2 to the tree, from the parser's events.
//!
//! Aliases are expanded under a budget, so that a few lines cannot become gigabytes. Tags, several documents,
//! merge keys and keys that are not scalars are refused: no setting needs them, and each would be a second way
//! to write something.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::super::codes;
use super::super::problem::Problem;
use super::{Data, Entry, FILE_BYTES_MAX, Keys, NESTING_MAX, Node, plain_scalar, push_entry, too_deep};

/// What one copied value counts against the alias budget besides its text, in bytes.
const NODE_WEIGHT: usize = 64;

/// Parses YAML; `None` after a problem that ends parsing.
pub(super) fn parse(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let options = granit_parser::options! { emit_comments: false };
    let mut builder =
        Builder { problems, open: Vec::new(), anchors: HashMap::new(), copied: 0, root: None, documents: 0 };
    for next in Parser::new_from_str_with_options(text, options) {
        let outcome = match next {
            Ok((event, span)) => builder.event(event, &span),
            Err(error) => Err(syntax(text, &error)),
        };
        if let Err(problem) = outcome {
            builder.problems.push(problem);
            return None;
        }
    }
    Some(builder.root.unwrap_or_else(|| Node::new(0..0, Data::Null)))
}

fn syntax(text: &str, error: &ScanError) -> Problem {
    let mut start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    let line_start = text[..start].rfind('\n').map_or(0, |index| index + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let help = if line.contains("${") && line.contains(['{', '[']) {
        "inside brackets and braces, put `${...}` in double quotes"
    } else {
        "look at the indentation and the quotes of this line and the one before"
    };
    let message = format!("this is not well-formed YAML: {}", error.info());
    Problem::error(codes::SYNTAX, start..end, message, "here").help(help)
}

/// A list or map that is not closed yet.
struct Open {
    start: Range<usize>,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: Keys, key: Option<(String, Range<usize>)> },
}

/// Builds the tree from events.
struct Builder<'a> {
    problems: &'a mut Vec<Problem>,
    open: Vec<Open>,
    /// Finished values by anchor; an anchor that is still open cannot be referred to.
    anchors: HashMap<usize, Node>,
    /// Weight of everything copied so far for anchors and aliases, in bytes.
    copied: usize,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Problem> {
        let range = span.byte_range().unwrap_or(0..0);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(refused(range, "several YAML documents in one file", "keep one document"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.is_some(), &range)?;
                return self.scalar(&text, style, anchor, range);
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_tag(tag.is_some(), &range)?;
                self.open(range, anchor, Content::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_tag(tag.is_some(), &range)?;
                let content = Content::Map { entries: Vec::new(), seen: Keys::new(), key: None };
                self.open(range, anchor, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(range.end),
            Event::Alias(id) => return self.alias(id, range),
            _ => {}
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        range: Range<usize>,
    ) -> Result<(), Problem> {
        if let Some(Open { content: Content::Map { key: key @ None, .. }, .. }) = self.open.last_mut() {
            if text == "<<" && style == ScalarStyle::Plain {
                return Err(refused(range, "merge keys (`<<`)", "repeat the settings"));
            }
            *key = Some((text.to_owned(), range));
            return Ok(());
        }
        let plain = style == ScalarStyle::Plain;
        let data = if plain { plain_scalar(text) } else { Data::Text(text.to_owned()) };
        self.add(Node::new(range, data), anchor)
    }

    fn open(&mut self, start: Range<usize>, anchor: usize, content: Content) -> Result<(), Problem> {
        if let Some(Open { content: Content::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(refused(start, "a list or map as a key", "write a word as the key"));
        }
        if self.open.len() >= NESTING_MAX {
            return Err(too_deep(start));
        }
        self.open.push(Open { start, anchor, content });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Problem> {
        let Some(Open { start, anchor, content }) = self.open.pop() else { return Ok(()) };
        let data = match content {
            Content::List(items) => Data::List(items),
            Content::Map { entries, .. } => Data::Map(entries),
        };
        self.add(Node::new(start.start..end.max(start.start), data), anchor)
    }

    fn alias(&mut self, id: usize, range: Range<usize>) -> Result<(), Problem> {
        if let Some(Open { content: Content::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(refused(range, "an alias as a key", "write the key itself"));
        }
        let Some(target) = self.anchors.get(&id) else {
            return Err(refused(range, "a value that contains itself", "write the value without the alias"));
        };
        let (weight, depth) = measure(target);
        if depth + self.open.len() > NESTING_MAX {
            return Err(too_deep(range));
        }
        let copy = target.clone();
        self.charge(weight, &range)?;
        self.add(copy, 0)
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        if anchor != 0 {
            self.charge(measure(&node).0, &node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, seen, key }) => {
                if let Some((key, key_span)) = key.take() {
                    let mut node = node;
                    if node.span.is_empty() {
                        node.span = key_span.clone(); // a key without a value: there is nothing else to mark
                    }
                    push_entry(entries, seen, Entry { key, key_span, value: node }, self.problems);
                }
            }
        }
        Ok(())
    }

    fn charge(&mut self, weight: usize, range: &Range<usize>) -> Result<(), Problem> {
        self.copied += weight;
        if self.copied <= FILE_BYTES_MAX {
            return Ok(());
        }
        let message = "anchors and aliases of this file stand for more than 4 MiB";
        let problem = Problem::error(codes::UNSUPPORTED, range.clone(), message, "too much from here on");
        Err(problem.help("write out what is needed, or use fewer aliases"))
    }
}

fn refuse_tag(present: bool, range: &Range<usize>) -> Result<(), Problem> {
    if present {
        return Err(refused(range.clone(), "a YAML tag (`!`)", "remove the tag; put text in quotes"));
    }
    Ok(())
}

fn refused(range: Range<usize>, what: &str, help: &str) -> Problem {
    Problem::error(codes::UNSUPPORTED, range, format!("the configuration cannot use {what}"), "").help(help)
}

/// Weight in bytes and depth of a value.
fn measure(node: &Node) -> (usize, usize) {
    let mut depth = 0;
    let mut weight = NODE_WEIGHT;
    let mut include = |child: &Node| {
        let (child_weight, child_depth) = measure(child);
        weight += child_weight;
        depth = depth.max(child_depth);
    };
    match &node.data {
        Data::Text(text) => return (NODE_WEIGHT + text.len(), 0),
        Data::List(items) => items.iter().for_each(include),
        Data::Map(entries) => {
            let mut keys = 0;
            for entry in entries {
                include(&entry.value);
                keys += entry.key.len() + NODE_WEIGHT;
            }
            return (weight + keys, depth + 1);
        }
        _ => return (NODE_WEIGHT, 0),
    }
    (weight, depth + 1)
}
