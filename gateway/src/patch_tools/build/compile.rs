//! From sources to a library: `cargo` for a Rust package, `cc` or `c++` for C and C++.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

/// Endings of C++ sources.
const CPLUSPLUS: [&str; 3] = ["cc", "cpp", "cxx"];

/// A library that was built.
#[derive(Debug)]
pub(super) struct Compiled {
    /// Where it is.
    pub(super) library: PathBuf,
    /// The folder it is in, where that goes with the value.
    _folder: Option<Scratch>,
}

/// A folder that goes with the value.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Builds a project.
///
/// # Errors
/// When there is nothing to build or the compiler refuses; its messages went to standard error.
pub(super) fn compile(project: &Path) -> anyhow::Result<Compiled> {
    let ending = project.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if project.is_file() && ending == "so" {
        return Ok(Compiled { library: project.to_owned(), _folder: None });
    }
    if project.is_file() {
        return with_cc(&[project.to_owned()], project.parent().unwrap_or(Path::new(".")));
    }
    if project.join("Cargo.toml").is_file() {
        return with_cargo(project);
    }
    let entries = std::fs::read_dir(project).with_context(|| format!("cannot read {}", project.display()))?;
    let mut sources: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_c(path) || is_cplusplus(path)).collect();
    sources.sort();
    if sources.is_empty() {
        bail!(
            "{} holds neither Cargo.toml nor C sources; `forebay patch new` writes a project to begin with",
            project.display()
        );
    }
    with_cc(&sources, project)
}

fn is_c(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "c")
}

fn is_cplusplus(path: &Path) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| CPLUSPLUS.contains(&ending))
}

fn program(variable: &str, default: &str) -> String {
    std::env::var(variable).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

fn with_cc(sources: &[PathBuf], include: &Path) -> anyhow::Result<Compiled> {
    let (variable, default, flags) = if sources.iter().any(|path| is_cplusplus(path)) {
        ("CXX", "c++", "CXXFLAGS")
    } else {
        ("CC", "cc", "CFLAGS")
    };
    let mut random = [0_u8; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| anyhow::anyhow!("no randomness"))?;
    let folder = std::env::temp_dir().join(format!("forebay-build-{:016x}", u64::from_ne_bytes(random)));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let folder = Scratch(folder);
    let library = folder.0.join("patch.so");
    let compiler = program(variable, default);
    let mut command = Command::new(&compiler);
    command.args(["-shared", "-fPIC", "-O2", "-g", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wl,-z,defs"]);
    command.arg("-I").arg(include).args(program(flags, "").split_whitespace());
    command.args(sources).arg("-o").arg(&library);
    // What compilers print belongs to standard error, where nobody reads JSON.
    let status = command.stdout(Stdio::from(std::io::stderr())).status();
    let status = status
        .with_context(|| format!("cannot run the compiler {compiler}; install one, or set {variable}"))?;
    if !status.success() {
        bail!("{compiler} did not build the library ({status})");
    }
    Ok(Compiled { library, _folder: Some(folder) })
}

fn with_cargo(project: &Path) -> anyhow::Result<Compiled> {
    let cargo = program("CARGO", "cargo");
    let mut command = Command::new(&cargo);
    command.current_dir(project).args(["build", "--release", "--message-format=json-render-diagnostics"]);
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {cargo}; install Rust with rustup"))?;
    let wanted = std::fs::canonicalize(project.join("Cargo.toml"))?;
    let mut library = None;
    if let Some(stdout) = process.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            library = library_of(&line?, &wanted).or(library);
        }
    }
    let status = process.wait()?;
    if !status.success() {
        bail!("cargo did not build the library ({status})");
    }
    let Some(library) = library else {
        bail!(
            "{} builds no library for C; write `[lib] crate-type = [\"cdylib\"]` into it",
            wanted.display()
        );
    };
    Ok(Compiled { library, _folder: None })
}

/// The library that a message of cargo is about, if it is one of this package.
fn library_of(line: &str, manifest: &Path) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_ours = message["reason"] == "compiler-artifact"
        && message["manifest_path"].as_str().map(Path::new) == Some(manifest)
        && message["target"]["crate_types"].as_array()?.iter().any(|kind| kind == "cdylib");
    let files = message["filenames"].as_array().filter(|_| is_ours)?;
    let mut files = files.iter().filter_map(Value::as_str);
    files.find(|file| Path::new(file).extension().is_some_and(|ending| ending == "so")).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_is_compiled_and_mistakes_are_said() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("fix.c");
        std::fs::write(&source, "int forebay_patch_v1(void) { return 0; }").unwrap();
        let compiled = compile(folder.path()).unwrap();
        assert!(std::fs::read(&compiled.library).unwrap().starts_with(b"\x7fELF"));
        let library = compiled.library.clone();
        drop(compiled);
        assert!(!library.exists());
        // A missing function is an error here, and not when the patch is loaded.
        std::fs::write(&source, "int nowhere(void); int forebay_patch_v1(void) { return nowhere(); }")
            .unwrap();
        assert!(compile(&source).unwrap_err().to_string().contains("did not build the library"));
        std::fs::remove_file(&source).unwrap();
        assert!(
            compile(folder.path())
                .unwrap_err()
                .to_string()
                .contains("holds neither Cargo.toml nor C sources")
        );
    }

    #[test]
    fn the_library_of_the_package_is_found_in_cargos_messages() {
        let message = |manifest: &str, kind: &str| {
            serde_json::json!({
                "reason": "compiler-artifact", "manifest_path": manifest,
                "target": { "crate_types": [kind] }, "filenames": ["/t/libfix.rlib", "/t/libfix.so"],
            })
            .to_string()
        };
        let of = |line: &str| library_of(line, Path::new("/p/Cargo.toml"));
        assert_eq!(of(&message("/p/Cargo.toml", "cdylib")), Some("/t/libfix.so".into()));
        assert_eq!(of(&message("/p/Cargo.toml", "lib")), None);
        assert_eq!(of(&message("/other/Cargo.toml", "cdylib")), None);
        assert_eq!(of("not json"), None);
    }
}
