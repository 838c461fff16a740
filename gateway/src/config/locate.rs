//! Which configuration file is meant.

use std::path::{Path, PathBuf};

use super::codes;
use super::environment::Environment;
use crate::diagnostic::Diagnostic;

/// Names looked for in the current directory.
const NAMES: [&str; 4] = ["forebay.yaml", "forebay.yml", "forebay.toml", "forebay.json"];

/// Where the configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// This file; whether it can be read is not known yet.
    File(PathBuf),
    /// No file: the example that is part of the program.
    Bundled,
}

/// The file to load: the one given, else the one named by `FOREBAY_CONFIG`, else `forebay.yaml`, `.yml`,
/// `.toml` or `.json` in the current directory, else the bundled example. Several such files in the directory
/// are an error, because one would be ignored in silence.
pub fn locate(given: Option<&Path>) -> Result<Located, Diagnostic> {
    locate_in(Path::new(""), given, &Environment::Process)
}

pub(super) fn locate_in(
    folder: &Path,
    given: Option<&Path>,
    environment: &Environment,
) -> Result<Located, Diagnostic> {
    if let Some(path) = given {
        return Ok(Located::File(path.to_owned()));
    }
    if let Some(path) = environment.path("FOREBAY_CONFIG") {
        return Ok(Located::File(path));
    }
    let found: Vec<_> = NAMES.iter().filter(|name| folder.join(name).exists()).collect();
    match found.as_slice() {
        [] => Ok(Located::Bundled),
        [name] => Ok(Located::File(folder.join(name))),
        [first, second, ..] => {
            let message = format!("both {first} and {second} are in this directory");
            let problem = Diagnostic::error(codes::UNKNOWN_FORMAT, message);
            Err(problem.help(format!("remove one of them, or name the one to use: `--config {first}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_goes_from_the_explicit_to_the_bundled() {
        let folder = tempfile::tempdir().unwrap();
        let none = Environment::given([]);
        let set = Environment::given([("FOREBAY_CONFIG", "/etc/f.toml")]);
        let locate = |given: Option<&str>, environment: &Environment| {
            locate_in(folder.path(), given.map(Path::new), environment)
        };
        assert_eq!(locate(None, &none).unwrap(), Located::Bundled);
        std::fs::write(folder.path().join("forebay.toml"), "").unwrap();
        let found = Located::File(folder.path().join("forebay.toml"));
        assert_eq!(locate(None, &none).unwrap(), found);
        assert_eq!(locate(None, &set).unwrap(), Located::File("/etc/f.toml".into()));
        assert_eq!(locate(Some("x.yaml"), &set).unwrap(), Located::File("x.yaml".into()));
        std::fs::write(folder.path().join("forebay.json"), "").unwrap();
        assert!(locate(None, &none).unwrap_err().message.contains("forebay.json"));
    }
}
