//! `${NAME}`, `${NAME:-default}` and `${file:PATH}` inside scalars.
//!
//! Runs after parsing, so that a value cannot add structure to the file. `$${` stands for a literal `${`; a
//! lone `$` is itself. Keys are never touched. What comes from a file is secret: it is kept apart so that
//! nothing prints it.

use std::ops::Range;
use std::path::Path;

use super::codes;
use super::document::{Data, FILE_BYTES_MAX, Node, Origin};
use super::environment::{Environment, VariableError};
use super::problem::Problem;
use super::read::{self, Kind, ReadError};

/// Largest file that `${file:...}` reads, in bytes.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// Replaces every expression of a tree.
pub(super) struct Interpolation<'a> {
    /// The file's text, for pointing at an expression inside a scalar.
    text: &'a str,
    /// Folder that relative paths start from.
    base: &'a Path,
    /// Where variables come from.
    environment: &'a Environment,
    /// What was wrong.
    problems: Vec<Problem>,
    /// The contents of files that were put in.
    concealed: Vec<String>,
    /// Bytes put in so far; bounded, because one variable may be used many times.
    inserted: usize,
}

impl<'a> Interpolation<'a> {
    /// Nothing replaced yet.
    pub(super) fn new(text: &'a str, base: &'a Path, environment: &'a Environment) -> Self {
        Self { text, base, environment, problems: Vec::new(), concealed: Vec::new(), inserted: 0 }
    }

    /// What was wrong, and the contents of files that were put in.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<String>) {
        (self.problems, self.concealed)
    }

    /// Replaces the expressions below a value.
    pub(super) fn run(&mut self, node: &mut Node) {
        match &mut node.data {
            Data::List(items) => items.iter_mut().for_each(|item| self.run(item)),
            Data::Map(entries) => entries.iter_mut().for_each(|entry| self.run(&mut entry.value)),
            Data::Text(text) if text.contains("${") => match self.replace(text, &node.span) {
                Ok((replaced, origin)) => {
                    node.data = Data::Text(replaced);
                    node.origin = origin;
                }
                Err(problem) => {
                    self.problems.push(*problem);
                    node.data = Data::Invalid;
                }
            },
            _ => {}
        }
    }

    fn replace(&mut self, text: &str, span: &Range<usize>) -> Result<(String, Origin), Box<Problem>> {
        let mut out = String::with_capacity(text.len());
        let mut origin = Origin::Written;
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if rest[..start].ends_with('$') {
                out.push_str(&rest[..start]);
                out.push('{');
                rest = &rest[start + 2..];
                continue;
            }
            out.push_str(&rest[..start]);
            let expression = &rest[start..];
            let Some(end) = expression.find('}') else {
                let place = self.place_of(expression, span);
                let problem =
                    Problem::error(codes::EXPRESSION, place, "`${` is not closed", "no `}` follows");
                return Err(Box::new(problem.help(EXPRESSION_HELP)));
            };
            let place = self.place_of(&expression[..=end], span);
            let (value, from) = self.value(&expression[2..end], place.clone())?;
            if origin != Origin::Secret {
                origin = from;
            }
            self.inserted += value.len();
            if self.inserted > FILE_BYTES_MAX {
                let message = "the values put in for `${...}` are more than 4 MiB together";
                return Err(Box::new(Problem::error(
                    codes::TOO_LARGE,
                    place,
                    message,
                    "too much from here on",
                )));
            }
            out.push_str(&value);
            rest = &expression[end + 1..];
        }
        out.push_str(rest);
        Ok((out, origin))
    }

    fn value(&mut self, inner: &str, place: Range<usize>) -> Result<(String, Origin), Box<Problem>> {
        if let Some(path) = inner.strip_prefix("file:") {
            let value = self.file(path, place)?;
            if !value.is_empty() {
                self.concealed.push(value.clone());
            }
            return Ok((value, Origin::Secret));
        }
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        if !is_variable_name(name) {
            let message = "`${...}` holds neither the name of a variable nor `file:` and a path";
            let problem = Problem::error(codes::EXPRESSION, place, message, "");
            return Err(Box::new(problem.help(EXPRESSION_HELP)));
        }
        match (self.environment.text(name), default) {
            (Ok(value), None) => Ok((value, Origin::Interpolated)),
            (Ok(value), Some(_)) if !value.is_empty() => Ok((value, Origin::Interpolated)),
            (Ok(_) | Err(VariableError::Unset), Some(default)) => {
                Ok((default.to_owned(), Origin::Interpolated))
            }
            (Err(VariableError::Unset), None) => {
                let message = format!("the environment variable `{name}` is not set");
                let help = format!("set it, or give a default: `${{{name}:-default}}`");
                Err(Box::new(Problem::error(codes::VARIABLE_UNSET, place, message, "").help(help)))
            }
            (Err(VariableError::NotUtf8), _) => {
                let message = format!("the environment variable `{name}` is not UTF-8");
                Err(Box::new(
                    Problem::error(codes::VARIABLE_UNSET, place, message, "").help("set it to text"),
                ))
            }
        }
    }

    /// The text of a file without its last line break, which editors and `echo` add.
    fn file(&self, written: &str, place: Range<usize>) -> Result<String, Box<Problem>> {
        let refuse = |what: String, help: &str| {
            Box::new(Problem::error(codes::VALUE_FILE, place.clone(), what, "").help(help.to_owned()))
        };
        if written.trim().is_empty() {
            return Err(refuse("`${file:}` names no file".to_owned(), EXPRESSION_HELP));
        }
        let path = self.base.join(written.trim());
        let shown = path.display();
        let text = read::read_text(&path, VALUE_BYTES_MAX, Kind::Regular).map_err(|error| match error {
            ReadError::Io(error) => refuse(
                format!("the file `{shown}` cannot be read: {error}"),
                "check the path and the permissions; relative paths start from the configuration file",
            ),
            ReadError::TooLarge => {
                refuse(format!("the file `{shown}` has more than 64 KiB"), "a value is a short text")
            }
            ReadError::NotUtf8 { .. } => {
                refuse(format!("the file `{shown}` is not UTF-8"), "store binary values as base64")
            }
            ReadError::NotAFile => {
                refuse(format!("`{shown}` is not a regular file"), "name a file that holds the value")
            }
        })?;
        let trimmed = text.strip_suffix('\n').unwrap_or(&text);
        Ok(trimmed.strip_suffix('\r').unwrap_or(trimmed).to_owned())
    }

    /// Where an expression stands in the file; the whole scalar when escapes hide it.
    fn place_of(&self, expression: &str, span: &Range<usize>) -> Range<usize> {
        let written = self.text.get(span.clone()).unwrap_or_default();
        match written.find(expression) {
            Some(index) => span.start + index..span.start + index + expression.len(),
            None => span.clone(),
        }
    }
}

const EXPRESSION_HELP: &str =
    "write `${NAME}`, `${NAME:-default}` or `${file:/path}`; for a literal `${` write `$${`";

/// The name of an environment variable: letters, digits and `_`, not starting with a digit.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests;
