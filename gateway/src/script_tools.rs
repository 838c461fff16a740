//! Scripts without a gateway: run a hook, run tests, check, begin a new script, list, run plain programs.
//!
//! Each tool is one function that writes its report to a writer and returns an [`Outcome`]; the command line
//! only parses arguments. The tools use the engine as the gateway does, with the same limits, and serve what
//! a script waits for from what the author wrote down: no network, no store, no environment is touched.
//! They refuse nothing a gateway would accept, and accept nothing it would refuse.

pub mod bench;
pub mod check;
pub mod eval;
pub mod explain;
pub mod listing;
pub(crate) mod rehearsal;
pub mod run;
pub mod scaffold;
pub mod testing;

mod excerpt;
#[cfg(test)]
mod golden;
mod offline;
mod scene;
mod view;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use forebay_engine::{Limits, Script, ScriptError, SourceLoader};

use crate::scripts_folder::{ScriptFileError, ScriptsFolder};

/// Where the scripts are and what bounds them, as the configuration says.
#[derive(Debug, Clone)]
pub struct Project {
    /// The scripts folder.
    pub folder: PathBuf,
    /// Limits of one hook call, and of the code of one test.
    pub limits: Limits,
    /// Most bytes of a body that a script may read.
    pub body_bytes_max: usize,
    /// Real time one test may take, all its calls together.
    pub test_time_max: Duration,
    /// Heap bytes the current thread holds; only differences are used. `|| 0` where nothing counts them, and
    /// then `memory_bytes_max` does not act.
    pub heap_bytes: fn() -> i64,
}

impl Project {
    /// A project with the default limits.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            limits: Limits::default(),
            body_bytes_max: 1 << 20,
            test_time_max: Duration::from_mins(1),
            heap_bytes: || 0,
        }
    }
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object for programs.
    Json,
}

/// What a tool came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as it should be.
    Success,
    /// A script or a test has a fault.
    Failure,
    /// The tool could not begin: nothing to do, or an argument that does not fit.
    Usage,
}

impl Outcome {
    /// The exit code of the process.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
        }
    }
}

/// A script that was named on the command line, and the folder its imports come from.
#[derive(Debug, Clone)]
struct Located {
    folder: ScriptsFolder,
    name: String,
}

/// Finds a script by path (`dir/name.rhai`) or by its name in the scripts folder. A file outside of that
/// folder imports from the folder it is in.
fn locate(project: &Project, argument: &str) -> Result<Located, ScriptFileError> {
    let path = Path::new(argument);
    let Some(stem) = argument.strip_suffix(".rhai") else {
        return Ok(Located { folder: ScriptsFolder::open(&project.folder)?, name: argument.to_owned() });
    };
    if let Ok(folder) = ScriptsFolder::open(&project.folder)
        && let Some(name) = folder.name_of(path)
    {
        return Ok(Located { folder, name });
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = ScriptsFolder::open(parent)?;
    let name = folder.name_of(path).ok_or_else(|| ScriptFileError::Name(stem.to_owned()))?;
    Ok(Located { folder, name })
}

/// Every place of `arguments` that names scripts: files by name, folders by what `choose` takes of them; no
/// arguments stand for the scripts folder.
fn locate_all(
    project: &Project,
    arguments: &[String],
    choose: fn(crate::scripts_folder::Listing) -> Vec<String>,
) -> Result<Vec<Located>, ScriptFileError> {
    let mut found: Vec<Located> = Vec::new();
    let add_folder = |found: &mut Vec<Located>, path: &Path| {
        let folder = ScriptsFolder::open(path)?;
        let names = choose(folder.list()?);
        found.extend(names.into_iter().map(|name| Located { folder: folder.clone(), name }));
        Ok(())
    };
    if arguments.is_empty() {
        add_folder(&mut found, &project.folder)?;
    }
    for argument in arguments {
        let path = Path::new(argument);
        if path.is_dir() {
            add_folder(&mut found, path)?;
        } else {
            found.push(locate(project, argument)?);
        }
    }
    Ok(found)
}

/// Why a script could not be loaded.
enum LoadError {
    File(ScriptFileError),
    Script(Vec<ScriptError>),
}

fn load(project: &Project, located: &Located) -> Result<Arc<Script>, LoadError> {
    let source = located.folder.read(&located.name).map_err(LoadError::File)?;
    let loader: &dyn SourceLoader = &located.folder;
    Script::load(&located.name, &source, &project.limits, loader).map(Arc::new).map_err(LoadError::Script)
}

/// Reports that the tool cannot begin.
fn usage(out: &mut dyn Write, message: &dyn std::fmt::Display) -> io::Result<Outcome> {
    writeln!(out, "error: {message}")?;
    Ok(Outcome::Usage)
}
