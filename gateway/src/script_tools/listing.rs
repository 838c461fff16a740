//! `script list`: what is in the scripts folder.

use std::io::{self, Write};

use forebay_engine::Hook;
use serde_json::{Value, json};

use super::check::problems;
use super::excerpt::{Finding, printable};
use super::{Format, Located, Outcome, Project, load, usage};
use crate::scripts_folder::ScriptsFolder;
use crate::sentence::first_sentence;

/// One script of the list.
struct Entry {
    name: String,
    hooks: Vec<&'static str>,
    /// First sentence of its documentation.
    summary: String,
    /// Size of the file; `None` if it cannot be read.
    bytes: Option<usize>,
    problems: Vec<Finding>,
}

/// Lists the scripts with their hooks, first sentence of documentation, size and problems. A list with problems
/// in it is [`Outcome::Success`]: judging them is what `check` is for.
///
/// # Errors
/// When the report cannot be written.
pub fn list(project: &Project, format: Format, out: &mut dyn Write) -> io::Result<Outcome> {
    let listed = ScriptsFolder::open(&project.folder).and_then(|folder| Ok((folder.list()?.scripts, folder)));
    let (names, folder) = match listed {
        Ok(listed) => listed,
        Err(error) => return usage(out, &error),
    };
    let entries: Vec<Entry> = names.into_iter().map(|name| entry(project, &folder, name)).collect();
    match format {
        Format::Text => text(out, &entries)?,
        Format::Json => {
            let scripts: Vec<Value> = entries.iter().map(Entry::json).collect();
            writeln!(out, "{}", json!({ "scripts": scripts }))?;
        }
    }
    Ok(Outcome::Success)
}

fn entry(project: &Project, folder: &ScriptsFolder, name: String) -> Entry {
    let located = Located { folder: folder.clone(), name };
    let script = load(project, &located).ok();
    let documentation = script.as_ref().map(|script| script.documentation());
    Entry {
        hooks: script.iter().flat_map(|script| script.hooks()).map(Hook::function).collect(),
        summary: first_sentence(documentation.unwrap_or_default()),
        bytes: folder.read(&located.name).ok().map(|text| text.len()),
        problems: problems(project, &located),
        name: located.name,
    }
}

impl Entry {
    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "hooks": self.hooks,
            "summary": self.summary,
            "bytes": self.bytes,
            "problems": self.problems.iter().map(Finding::json).collect::<Vec<Value>>(),
        })
    }
}

fn text(out: &mut dyn Write, entries: &[Entry]) -> io::Result<()> {
    if entries.is_empty() {
        return writeln!(out, "no scripts; begin one with `forebay script new NAME`");
    }
    let hooks: Vec<String> = entries.iter().map(|entry| entry.hooks.join(" ")).collect();
    let name_width = entries.iter().map(|entry| entry.name.chars().count()).max().unwrap_or(0).max(4);
    let hooks_width = hooks.iter().map(String::len).max().unwrap_or(0).max(5);
    writeln!(out, "{:name_width$}  {:hooks_width$}  {:>6}  ABOUT", "NAME", "HOOKS", "BYTES")?;
    for (entry, hooks) in entries.iter().zip(&hooks) {
        let bytes = entry.bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        let about = match entry.problems.iter().find(|finding| finding.is_error()) {
            Some(first) => format!("error: {}", printable(&first.message)),
            None => printable(&entry.summary),
        };
        let line = format!("{:name_width$}  {hooks:hooks_width$}  {bytes:>6}  {about}", entry.name);
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
