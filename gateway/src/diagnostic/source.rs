//! The text that diagnostics point into, with secrets taken out before anything can print it.
//!
//! Relies on byte ranges at character boundaries. A redacted piece becomes `***` whatever its length was, so
//! offsets shift; lines and columns still count the file as it was written.

use std::fmt;
use std::ops::Range;

use super::Location;

/// What stands in for a secret.
const MASK: &str = "***";

/// A named text.
#[derive(Clone)]
pub struct Source {
    name: String,
    text: String,
    /// Byte offset of the first character of each line.
    line_starts: Vec<usize>,
    /// Redacted pieces, in order; none spans a line break.
    cuts: Vec<Cut>,
}

/// A piece of the original that was replaced by [`MASK`].
#[derive(Debug, Clone)]
struct Cut {
    original: Range<usize>,
    shown: Range<usize>,
    /// Characters of the original piece.
    original_chars: usize,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Source {
    /// A text without secrets.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = line_starts(&text);
        Self { name: name.into(), text, line_starts, cuts: Vec::new() }
    }

    /// A text with the given byte ranges taken out. Ranges may overlap and come in any order; the parts of a
    /// range that lie outside the text or inside a character are rounded outwards.
    pub fn redacted(name: impl Into<String>, original: &str, secrets: &[Range<usize>]) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut cuts = Vec::new();
        let mut copied = 0;
        for piece in pieces(original, secrets) {
            text.push_str(&original[copied..piece.start]);
            let start = text.len();
            text.push_str(MASK);
            copied = piece.end;
            let original_chars = original[piece.clone()].chars().count();
            cuts.push(Cut { original: piece, shown: start..text.len(), original_chars });
        }
        text.push_str(&original[copied..]);
        let line_starts = line_starts(&text);
        Self { name: name.into(), text, line_starts, cuts }
    }

    /// Name of the file, as given by whoever named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text as it may be shown.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The range of [`Source::text`] for a range of the original text.
    pub fn shown_range(&self, original: Range<usize>) -> Range<usize> {
        let start = self.shown_offset(original.start, |cut| cut.shown.start);
        let end = self.shown_offset(original.end, |cut| cut.shown.end);
        start..end.max(start)
    }

    fn shown_offset(&self, original: usize, inside: impl Fn(&Cut) -> usize) -> usize {
        let following = self.cuts.partition_point(|cut| cut.original.start < original);
        let shown = match following.checked_sub(1).map(|index| &self.cuts[index]) {
            None => original,
            Some(cut) if original < cut.original.end => inside(cut),
            Some(cut) => cut.shown.end + (original - cut.original.end),
        };
        shown.min(self.text.len())
    }

    /// Line and column, in the file as written, of a byte offset of [`Source::text`].
    pub fn location(&self, offset: usize) -> Location {
        let offset = floor_boundary(&self.text, offset);
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts[line - 1];
        let mut column = self.text[start..offset].chars().count() + 1;
        for cut in self.cuts_of_line(start).take_while(|cut| cut.shown.end <= offset) {
            column = column + cut.original_chars - MASK.len();
        }
        Location { line, column }
    }

    /// Byte offset in [`Source::text`] of a line and column of the file as written; a place beyond the end of
    /// its line or of the text gives that end.
    pub fn offset(&self, location: Location) -> usize {
        let Some(start) = self.line_starts.get(location.line.max(1) - 1).copied() else {
            return self.text.len();
        };
        let mut skip = location.column.max(1) - 1;
        for cut in self.cuts_of_line(start) {
            let begins = self.location(cut.shown.start).column;
            if location.column < begins {
                break;
            }
            if location.column < begins + cut.original_chars {
                return cut.shown.start;
            }
            skip = skip + MASK.len() - cut.original_chars;
        }
        let line = self.line(start);
        start + line.char_indices().nth(skip).map_or(line.len(), |(index, _)| index)
    }

    /// The word that stands at a place, or the single character when it is no word.
    pub fn word_at(&self, location: Location) -> Range<usize> {
        let start = self.offset(location);
        let rest = &self.text[start..];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let one = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
        start..start + word.max(one)
    }

    /// Byte range of the lines that a range touches, without the last line break, and the first line's number.
    pub(super) fn window(&self, range: &Range<usize>) -> (Range<usize>, usize) {
        let first = self.location(range.start).line;
        let last = self.location(range.end.max(range.start)).line;
        let end = self.line_starts[last - 1] + self.line(self.line_starts[last - 1]).len();
        (self.line_starts[first - 1]..end, first)
    }

    /// The line that starts at an offset, without its line break.
    fn line(&self, start: usize) -> &str {
        let rest = &self.text[start..];
        rest.split('\n').next().unwrap_or(rest)
    }

    fn cuts_of_line(&self, line_start: usize) -> impl Iterator<Item = &Cut> {
        let line_end = line_start + self.line(line_start).len();
        let from = self.cuts.partition_point(|cut| cut.shown.start < line_start);
        self.cuts[from..].iter().take_while(move |cut| cut.shown.end <= line_end)
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(index, _)| index + 1)).collect()
}

/// Splits ranges at line breaks, orders them and makes them disjoint.
fn pieces(text: &str, secrets: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut ranges: Vec<_> =
        secrets.iter().map(|r| floor_boundary(text, r.start)..ceil_boundary(text, r.end)).collect();
    ranges.sort_by_key(|range| range.start);
    let mut pieces = Vec::new();
    let mut done = 0;
    for range in ranges {
        let mut start = range.start.max(done);
        while start < range.end {
            let end = text[start..range.end].find('\n').map_or(range.end, |index| start + index);
            let kept = text[start..end].trim_end_matches('\r');
            // Indentation is not secret, and keeping it keeps the excerpt readable.
            let from = start + kept.len() - kept.trim_start().len();
            if from < start + kept.len() {
                pieces.push(from..start + kept.len());
            }
            start = end + 1;
        }
        done = done.max(range.end);
    }
    pieces
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn ceil_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset += 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_gone_whatever_its_length_and_positions_still_count_the_original() {
        let original = "a: hunter2, b: x\nc: über\n";
        let source = Source::redacted("f", original, &vec![3..10; 1]);
        assert_eq!(source.text(), "a: ***, b: x\nc: über\n");
        let b = original.find('b').unwrap();
        let shown = source.shown_range(b..b + 1);
        assert_eq!(&source.text()[shown.clone()], "b");
        assert_eq!(source.location(shown.start), Location { line: 1, column: 13 });
        assert_eq!(source.offset(Location { line: 1, column: 13 }), shown.start);
    }

    #[test]
    fn a_range_inside_a_secret_marks_the_whole_mask() {
        let source = Source::redacted("f", "key: hunter2", &vec![5..12; 1]);
        assert_eq!(&source.text()[source.shown_range(7..9)], "***");
    }

    #[test]
    fn secrets_over_several_lines_keep_the_lines() {
        let source = Source::redacted("f", "k: |\n  one\n  two\nz: 1\n", &vec![3..16; 1]);
        assert_eq!(source.text(), "k: ***\n  ***\n  ***\nz: 1\n");
    }

    #[test]
    fn columns_count_characters() {
        let source = Source::new("f", "ä: ö\n");
        assert_eq!(source.location("ä: ".len()), Location { line: 1, column: 4 });
        assert_eq!(source.offset(Location { line: 1, column: 4 }), "ä: ".len());
    }

    #[test]
    fn places_outside_the_text_are_clamped() {
        let source = Source::new("f", "ab");
        assert_eq!(source.offset(Location { line: 9, column: 9 }), 2);
        assert_eq!(source.location(99), Location { line: 1, column: 3 });
        assert_eq!(source.word_at(Location { line: 9, column: 1 }), 2..2);
    }

    proptest::proptest! {
        #[test]
        fn no_ranges_panic_and_no_location_is_lost(
            text in "[a-zä\n ]{0,40}",
            ranges in proptest::collection::vec((0usize..50, 0usize..50), 0..4),
            probe in 0usize..60,
        ) {
            let ranges: Vec<_> = ranges.into_iter().map(|(a, b)| a.min(b)..a.max(b)).collect();
            let source = Source::redacted("f", &text, &ranges);
            let shown = source.shown_range(probe..probe + 1);
            proptest::prop_assert!(source.text().len() >= shown.end);
            let place = source.location(shown.start);
            proptest::prop_assert!(source.text().is_char_boundary(source.offset(place)));
        }
    }
}
