//! How a problem of a script is shown: message, place, the line with the place marked, and the stack.
//!
//! The one file of the script tools that draws excerpts. It never prints a control character of a source, so
//! that looking at a script cannot drive the terminal.

use std::fmt::Write;

use forebay_engine::{Place, ScriptError};
use serde_json::{Value, json};

use crate::scripts_folder::ScriptsFolder;

/// Most characters of a source line that are shown.
const LINE_CHARS_MAX: usize = 160;

/// Something to show.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// `error` or `warning`.
    pub(super) severity: &'static str,
    /// The family, such as `syntax`.
    pub(super) kind: String,
    pub(super) message: String,
    /// File as it is shown; empty when it is none.
    pub(super) file: String,
    pub(super) place: Option<Place>,
    /// The text of that file, if it could be read.
    pub(super) source: Option<String>,
    /// Lines below the excerpt.
    pub(super) notes: Vec<String>,
}

impl Finding {
    /// An error of a script; the source is that of the file the error is in.
    pub(super) fn of(error: &ScriptError, folder: &ScriptsFolder) -> Self {
        let notes = error.stack.iter().map(|frame| match frame.called_at {
            Some(at) => format!("in {}, called at {at}", frame.function),
            None => format!("in {}", frame.function),
        });
        Self {
            severity: "error",
            kind: error.kind.as_str().to_owned(),
            message: error.message.clone(),
            file: folder.file(&error.script).display().to_string(),
            place: error.place,
            source: folder.read(&error.script).ok(),
            notes: notes.collect(),
        }
    }

    /// A warning about a place of a script.
    pub(super) fn warning(kind: &str, message: String, file: String, source: &str) -> Self {
        Self {
            severity: "warning",
            kind: kind.to_owned(),
            message,
            file,
            place: None,
            source: Some(source.to_owned()),
            notes: Vec::new(),
        }
    }

    /// An error with a file as a whole.
    pub(super) fn file_error(message: String, file: String) -> Self {
        Self {
            severity: "error",
            kind: "file".into(),
            message,
            file,
            place: None,
            source: None,
            notes: Vec::new(),
        }
    }

    pub(super) fn is_error(&self) -> bool {
        self.severity == "error"
    }

    /// For people; ends with a line break.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}[{}]: {}\n", self.severity, self.kind, printable(&self.message));
        let line =
            self.place.and_then(|place| self.source.as_deref()?.lines().nth(place.line.checked_sub(1)?));
        let number = self.place.map(|place| place.line.to_string()).unwrap_or_default();
        let margin = " ".repeat(number.len());
        if !self.file.is_empty() {
            let place = self.place.map(|place| format!(":{place}")).unwrap_or_default();
            let _ = writeln!(text, "{margin} --> {}{place}", self.file);
        }
        if let (Some(place), Some(line)) = (self.place, line) {
            let (shown, marks) = window(line, place.column);
            let _ = writeln!(text, "{margin}  |\n{number}  | {shown}");
            let _ = writeln!(text, "{margin}  | {marks}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "{margin}  = {}", printable(note));
        }
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "severity": self.severity,
            "kind": self.kind,
            "message": self.message,
            "file": self.file,
            "line": self.place.map(|place| place.line),
            "column": self.place.map(|place| place.column).filter(|column| *column > 0),
            "notes": self.notes,
        })
    }
}

/// The part of a line around a column, and the marks below it.
fn window(line: &str, column: usize) -> (String, String) {
    let characters: Vec<char> = line.chars().collect();
    let at = column.saturating_sub(1).min(characters.len());
    let start = if characters.len() <= LINE_CHARS_MAX { 0 } else { at.saturating_sub(LINE_CHARS_MAX / 2) };
    let end = characters.len().min(start + LINE_CHARS_MAX);
    let shown: String = characters[start..end].iter().map(|&c| visible(c)).collect();
    if column == 0 {
        return (shown.trim_end().to_owned(), "^".into());
    }
    let is_word = |c: &&char| c.is_alphanumeric() || **c == '_';
    let length = characters[at..end].iter().take_while(is_word).count().max(1);
    let indent: String = characters[start..at].iter().map(|&c| if c == '\t' { '\t' } else { ' ' }).collect();
    (shown.trim_end().to_owned(), indent + &"^".repeat(length))
}

fn visible(character: char) -> char {
    if character.is_control() && character != '\t' { '\u{fffd}' } else { character }
}

/// Text that is safe to print: control characters but line breaks and tabs are replaced.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { visible(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str, line: usize, column: usize) -> String {
        let mut finding = Finding::warning("demo", "look".into(), "a.rhai".into(), source);
        finding.place = Some(Place { line, column });
        finding.text()
    }

    #[test]
    fn the_word_at_the_place_is_marked() {
        let expected = "warning[demo]: look\n  --> a.rhai:2:3\n   |\n2  |   word + 1\n   |   ^^^^\n";
        assert_eq!(shown("first\n  word + 1\n", 2, 3), expected);
        assert!(shown("a\n\tb", 2, 2).ends_with("| \tb\n   | \t^\n"));
        assert!(shown("abc", 1, 4).ends_with("| abc\n   |    ^\n"), "past the end of a line");
    }

    #[test]
    fn a_place_outside_of_the_source_shows_no_excerpt() {
        assert_eq!(shown("one", 9, 1), "warning[demo]: look\n  --> a.rhai:9:1\n");
        assert_eq!(shown("one", 0, 0), "warning[demo]: look\n  --> a.rhai:0:0\n");
    }

    #[test]
    fn long_lines_are_cut_and_control_characters_replaced() {
        let text = shown(&format!("{}here{}", "x ".repeat(5_000), " y".repeat(5_000)), 1, 10_001);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[3].find("here"), lines[4].find("^^^^"));
        assert!(lines[3].len() < 200);
        assert!(!shown("\u{1b}[31mred", 1, 1).contains('\u{1b}'));
        assert_eq!(printable("a\u{7}\nb"), "a\u{fffd}\nb");
    }
}
