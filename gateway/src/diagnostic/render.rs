//! Diagnostics for people: the excerpt with the place marked, as rustc shows it.
//!
//! Only the lines that labels touch are handed to the renderer, so that the cost does not depend on the size
//! of the file. Control characters of messages are escaped: what a file contains cannot steer a terminal.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Label, Severity, Source};

/// Most lines between the first and the last label shown in one excerpt; farther labels are left out.
const WINDOW_LINES_MAX: usize = 200;

/// Whether the text may contain colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text only, for files and pipes.
    Plain,
    /// With ANSI colours, for terminals.
    Coloured,
}

impl Diagnostic {
    /// The problem with its excerpt, without a final line break.
    pub fn render(&self, style: Style) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(printable(&self.message)).id(self.code.as_ref());
        let mut group = match (&self.source, self.labels.first()) {
            (Some(source), Some(primary)) => title.element(self.snippet(source, primary)),
            _ => match self.file() {
                Some(file) => title.element(Origin::path(printable(file))),
                None => annotate_snippets::Group::with_title(title),
            },
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(printable(help)));
        }
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        renderer.render(&[group])
    }

    fn snippet<'a>(&'a self, source: &'a Source, primary: &'a Label) -> Snippet<'a, Annotation<'a>> {
        let (mut window, mut first) = source.window(&one_line(source, &primary.range));
        let mut marked = vec![(AnnotationKind::Primary, primary)];
        for label in &self.labels[1..] {
            let (lines, start) = source.window(&one_line(source, &label.range));
            if start.abs_diff(first) <= WINDOW_LINES_MAX {
                window = window.start.min(lines.start)..window.end.max(lines.end);
                first = first.min(start);
                marked.push((AnnotationKind::Context, label));
            }
        }
        let annotations = marked.into_iter().map(|(kind, label)| {
            let range = one_line(source, &label.range);
            let span = range.start - window.start..range.end - window.start;
            let text = Some(printable(&label.text)).filter(|text| !text.is_empty());
            kind.span(span).label(text)
        });
        let annotations: Vec<_> = annotations.collect();
        Snippet::source(&source.text()[window])
            .line_start(first)
            .path(printable(source.name()))
            .annotations(annotations)
    }
}

/// All problems, one blank line between, and a closing line that counts them; empty for none.
pub fn render_all(diagnostics: &[Diagnostic], style: Style) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&diagnostic.render(style));
        text.push_str("\n\n");
    }
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let parts = [(errors, "error"), (diagnostics.len() - errors, "warning")];
    let parts: Vec<_> = parts.iter().filter(|(count, _)| *count > 0).collect();
    for (index, (count, noun)) in parts.iter().enumerate() {
        let joint = if index == 0 { "" } else { ", " };
        let plural = if *count == 1 { "" } else { "s" };
        text.extend([joint, &count.to_string(), " ", noun, plural]);
    }
    if !parts.is_empty() {
        text.push('\n');
    }
    text
}

/// The part of a range on its first line: a mark over a whole block would hide what it is about.
fn one_line(source: &Source, range: &Range<usize>) -> Range<usize> {
    let text = source.text();
    let start = range.start.min(text.len());
    let end = range.end.clamp(start, text.len());
    let marked = text.get(start..end).unwrap_or_default();
    start..start + marked.find('\n').unwrap_or(marked.len())
}

/// Escapes control characters, except line breaks and tabs.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' && c != '\t' {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Location;

    #[test]
    fn the_excerpt_shows_file_line_column_mark_and_help() {
        let source = Arc::new(Source::new("forebay.yaml", "a: 1\nworkers: many\nb: 2\n"));
        let diagnostic = Diagnostic::error("E0122", "`workers` must be a number")
            .at(&source, Location { line: 2, column: 10 }, "found text")
            .help("write a number");
        let expected = "\
error[E0122]: `workers` must be a number
 --> forebay.yaml:2:10
  |
2 | workers: many
  |          ^^^^ found text
  |
  = help: write a number";
        assert_eq!(diagnostic.render(Style::Plain), expected);
        assert!(diagnostic.render(Style::Coloured).contains('\u{1b}'));
    }

    #[test]
    fn a_file_cannot_steer_the_terminal() {
        let source = Arc::new(Source::new("f", "\u{1b}[31mred"));
        let text = Diagnostic::error("E1", "key \u{1b}[2J")
            .at(&source, Location { line: 1, column: 1 }, "\u{7}")
            .render(Style::Plain);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
    }

    #[test]
    fn the_count_stands_at_the_end() {
        let all =
            [Diagnostic::error("E1", "a"), Diagnostic::error("E2", "b"), Diagnostic::warning("W1", "c")];
        assert!(render_all(&all, Style::Plain).ends_with("\n2 errors, 1 warning\n"));
        assert_eq!(render_all(&[], Style::Plain), "");
    }
}
