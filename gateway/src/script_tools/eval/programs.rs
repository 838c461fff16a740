//! Where programs come from: a file or standard input, holding one program or a JSON object per line.

use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A program and how it is called in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    /// Its name; unique if the author of the file made it so.
    pub(super) id: String,
    /// Its text.
    pub(super) src: String,
}

/// Why there are no programs to run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProgramsError {
    #[error("cannot read {source_name}: {error}")]
    Read { source_name: String, error: io::Error },
    #[error(
        "{source_name}, line {line}: {error}; each line is an object like {{\"id\": \"a\", \"src\": \"1 + 1\"}}"
    )]
    Line { source_name: String, line: usize, error: serde_json::Error },
    #[error("{0} holds no program")]
    Nothing(String),
}

/// Reads the programs of a file, or of standard input for `-`.
pub(super) fn read(source: &str, lines: Option<bool>) -> Result<Vec<Program>, ProgramsError> {
    let text = if source == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(source)
    };
    let text = text.map_err(|error| ProgramsError::Read { source_name: source.to_owned(), error })?;
    split(source, text, lines)
}

fn split(source: &str, text: String, lines: Option<bool>) -> Result<Vec<Program>, ProgramsError> {
    if !lines.unwrap_or_else(|| is_json_lines(source, &text)) {
        return Ok(vec![Program { id: source.to_owned(), src: text }]);
    }
    let filled = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let programs: Vec<Program> = filled
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| ProgramsError::Line {
                source_name: source.to_owned(),
                line: at + 1,
                error,
            })
        })
        .collect::<Result<_, _>>()?;
    if programs.is_empty() { Err(ProgramsError::Nothing(source.to_owned())) } else { Ok(programs) }
}

/// A Rhai program may begin with `{` too, so the first line has to be a whole object of the right shape.
fn is_json_lines(source: &str, text: &str) -> bool {
    let extension = Path::new(source).extension();
    let named_so = extension.is_some_and(|extension| extension == "jsonl" || extension == "ndjson");
    let first = text.lines().find(|line| !line.trim().is_empty());
    named_so || first.is_some_and(|line| serde_json::from_str::<Program>(line).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_a_program() {
        let ids = |source: &str, text: &str, lines| {
            let programs = split(source, text.to_owned(), lines).unwrap();
            programs.into_iter().map(|program| program.id).collect::<Vec<_>>()
        };
        let lines = "\n{\"id\": \"a\", \"src\": \"1\"}\n\n{\"id\": \"b\", \"src\": \"2\", \"chapter\": 3}\n";
        assert_eq!(ids("x.txt", lines, None), ["a", "b"]);
        assert_eq!(ids("x.txt", "{ let x = 1; x }", None), ["x.txt"]);
        assert_eq!(ids("x.txt", lines, Some(false)), ["x.txt"]);
        assert!(split("x.jsonl", "{ let x = 1; x }".to_owned(), None).is_err());
        assert!(split("x.jsonl", "\n".to_owned(), None).is_err());
        assert!(split("x.txt", "1 + 1".to_owned(), Some(true)).is_err());
    }
}
