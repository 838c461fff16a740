//! `xml`: documents as maps, in the compact form common in gateways.
//!
//! No DTD, so no entities but the five built in and character references: nothing in a document can make it
//! grow or reach out. Processing instructions and comments are skipped, namespace prefixes stay in the names.

mod read;
mod write;

use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// A document as a map of the root's name to its content. An element with only text is a string (`""` if it
    /// is empty); any other is a map: children by name, an array where a name repeats; attributes as `@name`; text
    /// beside those as `#text`, without the blanks around it. So `<a n="1"><b>x</b><b/></a>` is
    /// `#{a: #{"@n": "1", b: ["x", ""]}}`. At most 64 levels, 10,000 elements and 10,000 attributes; a DTD is an
    /// error.
    Pure Function [xml] parse(text: Str) -> Map = read::parse;
    /// The document of a map with one entry, the root; `parse` tells the form. Text and attributes can be strings,
    /// characters, numbers or bools; `()` leaves an entry out. Names come out sorted. No XML declaration, no
    /// line breaks.
    Pure Function [xml] stringify(document: Map) -> Str = write::stringify;
};

const DEPTH_MAX: usize = 64;
const ELEMENTS_MAX: usize = 10_000;
const ATTRIBUTES_MAX: usize = 10_000;

/// The key of text that stands beside attributes or children.
const TEXT: &str = "#text";

/// Whether a character can stand in a document (XML 1.0, section 2.2).
fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether a text can name an element or attribute (XML 1.0, section 2.3; every letter of Unicode counts).
fn is_name(text: &str) -> bool {
    let is_start = |character: char| character.is_alphabetic() || matches!(character, '_' | ':');
    let is_inner =
        |character: char| is_start(character) || character.is_numeric() || "-.\u{B7}".contains(character);
    text.starts_with(is_start) && text.chars().all(is_inner)
}
