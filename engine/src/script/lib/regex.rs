//! `regex`: patterns in linear time, compiled once as constants or on first use.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use rhai::{Array, Dynamic, ImmutableString};

use crate::script::context::{HostResult, fail};
use crate::script::table::{HostFunction, host_functions};

/// Largest compiled pattern, in bytes: `a{1000}{1000}` must be refused, real patterns stay far below.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Arc<Regex>);

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// Compiles a pattern (syntax of the Rust crate `regex`). Do it in a top-level `const`, not per request.
    Pure Function [regex] compile(pattern: Str) -> Regex = compile;
    /// Whether a pattern matches anywhere in the text; compiles it at every call.
    Pure Function [regex] is_match(pattern: Str, text: Str) -> Bool = is_match_once;
    /// The text with every special character escaped, to be part of a pattern.
    Pure Function [regex] escape(text: Str) -> Str = |text: &str| ImmutableString::from(regex::escape(text));
    /// Whether the pattern matches anywhere in the text; anchor it with `^` and `$` for the whole.
    Pure Method [Regex] is_match(text: Str) -> Bool = is_match;
    /// The first match as text, or `()`.
    Pure Method [Regex] find(text: Str) -> Any = find;
    /// All matches as text.
    Pure Method [Regex] find_all(text: Str) -> Array = find_all;
    /// The groups of the first match as an array, the whole match first, `()` for a group that took no part;
    /// or `()` without a match.
    Pure Method [Regex] captures(text: Str) -> Any = captures;
    /// The text with every match replaced; `$1` and `${name}` stand for groups.
    Pure Method [Regex] replace_all(text: Str, replacement: Str) -> Str = replace_all;
    /// The parts of the text between matches.
    Pure Method [Regex] split(text: Str) -> Array = split;
    /// The pattern as it was written.
    Pure Getter [Regex] pattern() -> Str = |pattern: &mut Pattern| ImmutableString::from(pattern.0.as_str());
};

fn compile(pattern: &str) -> HostResult<Pattern> {
    match RegexBuilder::new(pattern).size_limit(COMPILED_BYTES_MAX).build() {
        Ok(compiled) => Ok(Pattern(Arc::new(compiled))),
        Err(error) => fail(format!("bad pattern: {error}")),
    }
}

fn is_match_once(pattern: &str, text: &str) -> HostResult<bool> {
    Ok(compile(pattern)?.0.is_match(text))
}

fn is_match(pattern: &mut Pattern, text: &str) -> bool {
    pattern.0.is_match(text)
}

fn string(text: &str) -> Dynamic {
    ImmutableString::from(text).into()
}

fn find(pattern: &mut Pattern, text: &str) -> Dynamic {
    pattern.0.find(text).map_or(Dynamic::UNIT, |found| string(found.as_str()))
}

fn find_all(pattern: &mut Pattern, text: &str) -> Array {
    pattern.0.find_iter(text).map(|found| string(found.as_str())).collect()
}

fn captures(pattern: &mut Pattern, text: &str) -> Dynamic {
    let Some(groups) = pattern.0.captures(text) else { return Dynamic::UNIT };
    let groups = groups.iter().map(|group| group.map_or(Dynamic::UNIT, |group| string(group.as_str())));
    Dynamic::from_array(groups.collect())
}

fn replace_all(pattern: &mut Pattern, text: &str, replacement: &str) -> ImmutableString {
    pattern.0.replace_all(text, replacement).into_owned().into()
}

fn split(pattern: &mut Pattern, text: &str) -> Array {
    pattern.0.split(text).map(string).collect()
}
