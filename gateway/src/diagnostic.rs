//! A problem in something a person wrote: what is wrong, where, and what to do about it.
//!
//! Configuration files and scripts report through this one type, so that every message has the same look
//! for people (`render`) and the same keys for programs ([`Diagnostic::to_json`]). A diagnostic owns what it
//! shows: it holds an `Arc` of its [`Source`], whose secrets were already taken out. It refuses to know what
//! a configuration or a script is.

mod render;
mod source;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

pub use render::{Style, render_all};
pub use source::Source;

/// A place in a file, both 1-based; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// What was written cannot be used.
    Error,
    /// It can be used, but is probably not what was meant.
    Warning,
}

impl Severity {
    /// The word people and programs see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A marked piece of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Byte range in [`Source::text`].
    pub range: Range<usize>,
    /// What is said about it; may be empty.
    pub text: String,
}

/// One problem.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Stable code such as `E0120`, for searching and for programs.
    pub code: Cow<'static, str>,
    /// Whether it prevents use.
    pub severity: Severity,
    /// What is wrong, in one sentence without a final full stop.
    pub message: String,
    /// The text the labels point into.
    pub source: Option<Arc<Source>>,
    /// Name of the file when there is no text to show, for example because it cannot be read.
    pub file: Option<Box<str>>,
    /// Marked places, the primary one first.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<Box<str>>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Error,
            message: message.into(),
            source: None,
            file: None,
            labels: Vec::new(),
            help: None,
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Names the file only, for problems with the file itself.
    #[must_use]
    pub fn in_file(mut self, name: impl Into<Box<str>>) -> Self {
        self.file = Some(name.into());
        self
    }

    /// Sets the text that the labels point into.
    #[must_use]
    pub fn in_source(mut self, source: &Arc<Source>) -> Self {
        self.source = Some(Arc::clone(source));
        self
    }

    /// Marks a byte range of the source's text; the first mark is the primary one.
    #[must_use]
    pub fn label(mut self, range: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { range, text: text.into() });
        self
    }

    /// Sets the source and marks the word at a line and column of it.
    #[must_use]
    pub fn at(self, source: &Arc<Source>, location: Location, text: impl Into<String>) -> Self {
        let range = source.word_at(location);
        self.in_source(source).label(range, text)
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<Box<str>>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Name of the file, if there is one.
    pub fn file(&self) -> Option<&str> {
        self.source.as_ref().map(|source| source.name()).or(self.file.as_deref())
    }

    /// Line and column of the primary label.
    pub fn location(&self) -> Option<Location> {
        let source = self.source.as_ref()?;
        Some(source.location(self.labels.first()?.range.start))
    }

    /// True for errors, false for warnings.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The problem for programs: `severity`, `code`, `message`, `file`, `line`, `column`, `label`, `help`;
    /// what is not known is null.
    pub fn to_json(&self) -> serde_json::Value {
        let location = self.location();
        serde_json::json!({
            "severity": self.severity.as_str(),
            "code": self.code,
            "message": self.message,
            "file": self.file(),
            "line": location.map(|place| place.line),
            "column": location.map(|place| place.column),
            "label": self.labels.first().map(|label| label.text.as_str()).filter(|text| !text.is_empty()),
            "help": self.help,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Diagnostic {
        let source = Arc::new(Source::new("a.rhai", "let x = 1;\nlet yy = foo();\n"));
        Diagnostic::error("E0001", "unknown function `foo`")
            .at(&source, Location { line: 2, column: 10 }, "not found")
            .help("define it")
    }

    #[test]
    fn json_has_file_line_column_code_message_and_help() {
        let json = sample().to_json();
        assert_eq!(json["file"], "a.rhai");
        assert_eq!((json["line"].as_u64(), json["column"].as_u64()), (Some(2), Some(10)));
        assert_eq!(json["code"], "E0001");
        assert_eq!(json["message"], "unknown function `foo`");
        assert_eq!(json["help"], "define it");
    }

    #[test]
    fn a_line_and_column_marks_the_whole_word() {
        let diagnostic = sample();
        let source = diagnostic.source.as_ref().unwrap();
        assert_eq!(&source.text()[diagnostic.labels[0].range.clone()], "foo");
    }

    #[test]
    fn a_problem_without_source_still_names_its_file() {
        let json = Diagnostic::error("E0100", "cannot read").in_file("x.yaml").to_json();
        assert_eq!(json["file"], "x.yaml");
        assert!(json["line"].is_null());
    }
}
