//! Path patterns: `/v{major}/users/{id}/{*rest}`.
//!
//! | part | matches |
//! |---|---|
//! | literal segment | the same text, compared percent-decoded |
//! | `{name}` | one segment that is not empty |
//! | `{file}.json`, `v{major}.{minor}` | one segment with literal parts; each parameter takes at least one character, all but the last as few as possible |
//! | `{*rest}` as last segment | everything after the slash before it, nothing included: `/api/{*rest}` takes `/api/x/y` and `/api/`, but not `/api` |
//!
//! A trailing slash counts: `/a` and `/a/` are different paths. Refused is whatever could never match a
//! normalised path, so that a mistake shows when the configuration is loaded.

use std::ops::Range;
use std::sync::Arc;

use super::error::PatternProblem;
use super::trie::Captures;
use crate::path::normalise_path;

/// Most parameters of one pattern.
pub const PARAMS_MAX: usize = 16;
/// Most segments of one pattern; bounds the depth of a lookup.
pub(super) const SEGMENTS_MAX: usize = 64;

/// A parsed path pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) segments: Vec<Segment>,
    /// Names of the parameters from left to right.
    pub(super) names: Vec<Arc<str>>,
}

/// One segment without the names of its parameters: patterns that differ in names only are the same path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(Box<str>),
    Mixed(Mixed),
    Param,
    Tail,
}

/// A segment with literal parts: `prefix {} middle[0] {} middle[1] … {} suffix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mixed {
    prefix: Box<str>,
    middle: Box<[Box<str>]>,
    suffix: Box<str>,
}

/// A piece of a segment as written.
enum Piece {
    Literal(Box<str>),
    Param,
}

impl Pattern {
    /// Parses a pattern.
    pub(super) fn parse(text: &str) -> Result<Self, PatternProblem> {
        let rest = text.strip_prefix('/').ok_or(PatternProblem::Relative)?;
        let mut pattern = Self { segments: Vec::new(), names: Vec::new() };
        let count = rest.split('/').count();
        if count > SEGMENTS_MAX {
            return Err(PatternProblem::TooManySegments);
        }
        for (index, segment) in rest.split('/').enumerate() {
            let is_last = index + 1 == count;
            if segment.is_empty() && !is_last {
                return Err(PatternProblem::NeverMatches);
            }
            let segment = match segment.strip_prefix("{*").and_then(|name| name.strip_suffix('}')) {
                Some(name) if is_last => {
                    pattern.add_name(name)?;
                    Segment::Tail
                }
                _ => pattern.segment(segment)?,
            };
            if matches!(&segment, Segment::Literal(text) if matches!(&**text, "." | "..")) {
                return Err(PatternProblem::NeverMatches);
            }
            pattern.segments.push(segment);
        }
        if pattern.names.len() > PARAMS_MAX {
            return Err(PatternProblem::TooManyParams);
        }
        Ok(pattern)
    }

    fn segment(&mut self, text: &str) -> Result<Segment, PatternProblem> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let close = rest[open..].find('}').filter(|close| *close > 0).ok_or(PatternProblem::Brace)?;
            if open > 0 {
                pieces.push(Piece::Literal(literal(&rest[..open])?));
            } else if matches!(pieces.last(), Some(Piece::Param)) {
                return Err(PatternProblem::Adjacent);
            }
            self.add_name(&rest[open + 1..open + close])?;
            pieces.push(Piece::Param);
            rest = &rest[open + close + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(literal(rest)?));
        }
        Ok(Segment::of(pieces))
    }

    fn add_name(&mut self, name: &str) -> Result<(), PatternProblem> {
        if name.starts_with('*') {
            return Err(PatternProblem::TailPosition);
        }
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || !is_word || name.as_bytes()[0].is_ascii_digit() {
            return Err(PatternProblem::Name(name.to_owned()));
        }
        if self.names.iter().any(|known| **known == *name) {
            return Err(PatternProblem::Twice(name.to_owned()));
        }
        self.names.push(name.into());
        Ok(())
    }
}

/// Literal text of a pattern as it appears in a decoded path.
fn literal(text: &str) -> Result<Box<str>, PatternProblem> {
    // Behind a letter, so that the `.` of `{a}.{b}` is not taken for a dot segment.
    let path = format!("/x{text}");
    let normal = normalise_path(&path)?;
    Ok(super::decode(&normal)["/x".len()..].into())
}

impl Segment {
    fn of(pieces: Vec<Piece>) -> Self {
        if pieces.is_empty() {
            return Self::Literal("".into());
        }
        if let [Piece::Param] = pieces[..] {
            return Self::Param;
        }
        // Parameters and literals alternate: adjacent parameters were refused.
        let starts_literal = matches!(pieces.first(), Some(Piece::Literal(_)));
        let ends_literal = matches!(pieces.last(), Some(Piece::Literal(_)));
        let mut literals: Vec<Box<str>> = pieces
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Literal(text) => Some(text),
                Piece::Param => None,
            })
            .collect();
        if starts_literal && ends_literal && literals.len() == 1 {
            return Self::Literal(literals.swap_remove(0));
        }
        let prefix = if starts_literal { literals.remove(0) } else { "".into() };
        let suffix = if ends_literal { literals.pop().unwrap_or_default() } else { "".into() };
        Self::Mixed(Mixed { prefix, middle: literals.into(), suffix })
    }
}

impl Mixed {
    /// Most specific first: more literal bytes, then fewer parameters.
    pub(super) fn rank(&self) -> (std::cmp::Reverse<usize>, usize) {
        let middle: usize = self.middle.iter().map(|text| text.len()).sum();
        (std::cmp::Reverse(self.prefix.len() + middle + self.suffix.len()), self.middle.len() + 1)
    }

    /// Matches the segment at `range` of `path` and adds what the parameters took to `captures`.
    /// On failure `captures` may hold some of them.
    ///
    /// Taking the leftmost place for each literal in turn is complete: any other fit could be moved left.
    pub(super) fn matches(&self, path: &str, range: Range<usize>, captures: &mut Captures) -> bool {
        let segment = &path[range.clone()];
        let Some(inner) =
            segment.strip_prefix(&*self.prefix).and_then(|rest| rest.strip_suffix(&*self.suffix))
        else {
            return false;
        };
        let mut start = range.start + self.prefix.len();
        let end = start + inner.len();
        for literal in &self.middle {
            // A parameter takes at least one character, which may be several bytes long.
            let Some(first) = path[start..end].chars().next() else { return false };
            let search_from = start + first.len_utf8();
            let Some(found) = path[search_from..end].find(&**literal) else { return false };
            captures.push(start..search_from + found);
            start = search_from + found + literal.len();
        }
        if start == end {
            return false;
        }
        captures.push(start..end);
        true
    }
}
