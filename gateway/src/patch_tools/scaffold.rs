//! `forebay patch new`: a project that builds as it is, to begin with.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::patch::artefact::is_name;

/// What to write.
#[derive(Debug)]
pub enum Project {
    /// A Cargo package that depends on the kit: in a folder, or the published one.
    Rust {
        /// Folder of the kit.
        sdk: Option<PathBuf>,
    },
    /// One C file, and the header of the interface.
    C,
}

/// The header, as it belongs to this gateway.
const HEADER: &str = include_str!("../../../patches/abi/include/forebay_patch.h");

/// The kit of the checkout that the current folder belongs to.
pub fn find_sdk() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join("patches/sdk")).find(|sdk| sdk.join("Cargo.toml").is_file())
}

/// Writes a project and says which files.
///
/// # Errors
/// When the name cannot be one of a patch, or a file is there already.
pub fn write(folder: &Path, project: &Project) -> anyhow::Result<Vec<PathBuf>> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_name(name) {
        bail!("{name:?} is no name of a patch: write a lower-case letter, then letters, digits, `_` and `-`");
    }
    let component = name.replace('-', "_");
    let fill = |template: &str| template.replace("COMPONENT", &component).replace("NAME", name);
    let files: Vec<(PathBuf, String)> = match project {
        Project::C => vec![
            (folder.join(format!("{component}.c")), fill(include_str!("scaffold/patch.c.txt"))),
            (folder.join("forebay_patch.h"), HEADER.to_owned()),
        ],
        Project::Rust { sdk } => {
            let kit = match sdk {
                Some(folder) => {
                    let folder = std::fs::canonicalize(folder)
                        .with_context(|| format!("there is no kit in {}", folder.display()))?;
                    format!("{{ path = {:?} }}", folder.display().to_string())
                }
                None => format!("\"{}\"", env!("CARGO_PKG_VERSION")),
            };
            vec![
                (
                    folder.join("Cargo.toml"),
                    fill(include_str!("scaffold/Cargo.toml.txt")).replace("KIT", &kit),
                ),
                (folder.join("src/lib.rs"), fill(include_str!("scaffold/lib.rs.txt"))),
            ]
        }
    };
    if let Some((taken, _)) = files.iter().find(|(path, _)| path.exists()) {
        bail!("{} is there already; nothing was written", taken.display());
    }
    for (path, content) in &files {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}
