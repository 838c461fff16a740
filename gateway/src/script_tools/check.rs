//! `script check`: loads scripts, libraries and tests, and tells everything that is wrong with them.
//!
//! What depends on a step's settings cannot be judged here: settings that are required are taken to be there,
//! and a constant that fails while it uses `config` is a warning. Warnings about unused things are judged by
//! the names in the text, so a name in a comment silences one; there are no false alarms the other way.

mod unused;

use std::io::{self, Write};

use forebay_engine::{ErrorKind, OnError, Script, ScriptError, ScriptStep};
use serde_json::{Value, json};

use super::excerpt::Finding;
use super::testing::check_test_file;
use super::{Format, LoadError, Located, Outcome, Project, load, locate_all, usage};

/// Checks scripts, files or folders by path, or scripts by name; the scripts folder if there are none.
/// Warnings alone are [`Outcome::Success`].
///
/// # Errors
/// When the report cannot be written.
pub fn check(
    project: &Project,
    paths: &[String],
    format: Format,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let everything = |listing: crate::scripts_folder::Listing| {
        [listing.scripts, listing.libraries, listing.tests].concat()
    };
    let files = match locate_all(project, paths, everything) {
        Ok(files) if files.is_empty() => return usage(out, &"there are no scripts to check"),
        Ok(files) => files,
        Err(error) => return usage(out, &error),
    };
    let mut findings: Vec<Finding> = files.iter().flat_map(|located| problems(project, located)).collect();
    // A broken library is found once by itself and once by each script that imports it.
    let mut seen = std::collections::HashSet::new();
    findings.retain(|finding| seen.insert(finding.text()));
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len() - errors;
    match format {
        Format::Text => {
            for finding in &findings {
                writeln!(out, "{}", finding.text())?;
            }
            writeln!(out, "{} files checked: {errors} errors, {warnings} warnings", files.len())?;
        }
        Format::Json => {
            let problems: Vec<Value> = findings.iter().map(Finding::json).collect();
            let report = json!({
                "files": files.len(), "errors": errors, "warnings": warnings, "problems": problems,
            });
            writeln!(out, "{report}")?;
        }
    }
    Ok(if errors == 0 { Outcome::Success } else { Outcome::Failure })
}

/// Everything that is wrong with one file.
pub(super) fn problems(project: &Project, located: &Located) -> Vec<Finding> {
    if located.name.ends_with("_test") {
        return check_test_file(project, located).err().map(|finding| *finding).into_iter().collect();
    }
    match load(project, located) {
        Ok(script) => {
            let mut findings = constant_problems(project, located, &script);
            if !located.name.starts_with("lib/") {
                findings.extend(unused::warnings(&script, &located.folder));
            }
            findings
        }
        Err(LoadError::File(error)) => {
            let file = located.folder.file(&located.name).display().to_string();
            vec![Finding::file_error(error.to_string(), file)]
        }
        Err(LoadError::Script(errors)) => {
            errors.iter().map(|error| Finding::of(error, &located.folder)).collect()
        }
    }
}

/// Computes the constants as a step without settings would.
fn constant_problems(project: &Project, located: &Located, script: &std::sync::Arc<Script>) -> Vec<Finding> {
    let step = ScriptStep::new(script.clone(), &Value::Null, &project.limits, OnError::Closed);
    let Err(errors) = step else { return Vec::new() };
    let uses_config = unused::count(script.source(), "config") > 0;
    let finding = |error: &ScriptError| {
        let mut finding = Finding::of(error, &located.folder);
        match error.kind {
            // A setting that is missing is the configuration's affair, a wrong schema the script's.
            ErrorKind::Config if !error.message.starts_with("CONFIG_SCHEMA") => return None,
            ErrorKind::Constant if uses_config => {
                finding.severity = "warning";
                finding.notes.push("tried without settings; it may be right with those of a step".into());
            }
            _ => {}
        }
        Some(finding)
    };
    errors.iter().filter_map(finding).collect()
}
