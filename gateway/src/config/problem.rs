//! A problem while it still points into the original text.
//!
//! Secrets are known only after the whole file was parsed, so problems are collected with byte ranges of the
//! original and become [`Diagnostic`]s, which point into the redacted text, at the very end.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Severity, Source};

/// Most problems reported of one file. Beyond this, one cause usually has many faces.
const PROBLEMS_MAX: usize = 100;

/// One problem, in byte ranges of the original text.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    code: &'static str,
    severity: Severity,
    message: String,
    /// Ranges with what is said about them, the primary one first.
    labels: Vec<(Range<usize>, String)>,
    help: Option<String>,
}

impl Problem {
    /// An error at a place; `label` is said about the place and may be empty.
    pub(super) fn error(
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: vec![(span, label.into())],
            help: None,
        }
    }

    /// The same as a warning.
    pub(super) fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Says what to do.
    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Marks a second place.
    pub(super) fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.labels.push((span, label.into()));
        self
    }

    /// True for errors, false for warnings.
    pub(super) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    fn start(&self) -> usize {
        self.labels.first().map_or(0, |(range, _)| range.start)
    }

    fn into_diagnostic(self, source: &Arc<Source>) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.code, self.message).in_source(source);
        diagnostic.severity = self.severity;
        diagnostic.help = self.help.map(Into::into);
        for (range, text) in self.labels {
            diagnostic = diagnostic.label(source.shown_range(range), text);
        }
        diagnostic
    }
}

/// Orders problems by place, errors and warnings mixed, and cuts a long list short.
pub(super) fn into_diagnostics(mut problems: Vec<Problem>, source: &Arc<Source>) -> Vec<Diagnostic> {
    problems.sort_by_key(Problem::start);
    let left_out = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    let mut diagnostics: Vec<_> =
        problems.into_iter().map(|problem| problem.into_diagnostic(source)).collect();
    if left_out > 0 {
        let message = format!("and {left_out} more problems");
        let more = Diagnostic::error(super::codes::TOO_MANY, message).in_file(source.name());
        diagnostics.push(more.help("mend the ones above first, then check again"));
    }
    diagnostics
}
