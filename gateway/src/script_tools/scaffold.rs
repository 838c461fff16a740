//! `script new`: a script and its test to begin with, and definition files for editors.
//!
//! What it writes passes `check` and `test` as it is. It never replaces a script; the definition files below
//! `.rhai/` are generated and are replaced.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use forebay_engine::Hook;
use forebay_engine::script::reference;

use super::{Outcome, Project, testing, usage};

/// Folder of the definition files, below the scripts folder.
const DEFINITIONS: &str = ".rhai";
const SCRIPT_HEAD: &str = include_str!("scaffold/script.rhai");
const TEST_HEAD: &str = include_str!("scaffold/test.rhai");

/// Writes `NAME.rhai` and `NAME_test.rhai` into the scripts folder, with these hooks (`on_request` if none
/// are named), and the definition files.
///
/// # Errors
/// When the report cannot be written.
pub fn new(project: &Project, name: &str, hooks: &[Hook], out: &mut dyn Write) -> io::Result<Outcome> {
    if let Err(message) = check_name(name) {
        return usage(out, &message);
    }
    let script = project.folder.join(format!("{name}.rhai"));
    let test = project.folder.join(format!("{name}_test.rhai"));
    if let Some(existing) = [&script, &test].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return usage(out, &format_args!("{} exists; nothing was written", existing.display()));
    }
    let hooks: Vec<Hook> = match hooks {
        [] => vec![Hook::Request],
        hooks => Hook::ALL.into_iter().filter(|hook| hooks.contains(hook)).collect(),
    };
    let written = fs::create_dir_all(&project.folder)
        .and_then(|()| create(&script, &script_text(name, &hooks)))
        .and_then(|()| create(&test, &test_text(name, &hooks)))
        .and_then(|()| write_definitions(&project.folder));
    let definitions = match written {
        Ok(definitions) => definitions,
        Err(error) => {
            writeln!(out, "error: cannot write into {}: {error}", project.folder.display())?;
            return Ok(Outcome::Failure);
        }
    };
    writeln!(out, "wrote {}", script.display())?;
    writeln!(out, "wrote {}", test.display())?;
    writeln!(out, "wrote {} ({} files for editors)", definitions.display(), count(&definitions))?;
    writeln!(out, "\nnext: forebay script test {}", test.display())?;
    Ok(Outcome::Success)
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !(1..=64).contains(&name.len()) || !name.chars().all(is_plain) || name.starts_with('-') {
        return Err(format!(
            "{name:?} is no name for a script; use 1 to 64 letters, digits, - and _, as in \"check-key\""
        ));
    }
    if name.ends_with("_test") {
        return Err(format!(
            "{name:?} would be a test file; its script is {:?}",
            name.trim_end_matches("_test")
        ));
    }
    Ok(())
}

/// Writes a file that must not exist.
fn create(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn write_definitions(folder: &Path) -> io::Result<PathBuf> {
    let folder = folder.join(DEFINITIONS);
    fs::create_dir_all(&folder)?;
    for (name, text) in reference::definitions() {
        fs::write(folder.join(format!("{name}.d.rhai")), text)?;
    }
    fs::write(folder.join("forebay_test.d.rhai"), testing::definitions())?;
    Ok(folder)
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

fn script_text(name: &str, hooks: &[Hook]) -> String {
    let mut text = SCRIPT_HEAD.replace("NAME", name);
    for hook in hooks {
        text.push_str(match hook {
            Hook::Request => include_str!("scaffold/on_request.rhai"),
            Hook::Response => include_str!("scaffold/on_response.rhai"),
            Hook::Error => include_str!("scaffold/on_error.rhai"),
            Hook::Log => include_str!("scaffold/on_log.rhai"),
        });
    }
    text
}

fn test_text(name: &str, hooks: &[Hook]) -> String {
    let mut text = TEST_HEAD.replace("NAME", name);
    for hook in hooks {
        text.push_str(match hook {
            Hook::Request => include_str!("scaffold/on_request_test.rhai"),
            Hook::Response => include_str!("scaffold/on_response_test.rhai"),
            Hook::Error => include_str!("scaffold/on_error_test.rhai"),
            Hook::Log => include_str!("scaffold/on_log_test.rhai"),
        });
    }
    text
}
