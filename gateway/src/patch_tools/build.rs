//! `forebay patch build`: from a project to an artefact: library, manifest, signature.
//!
//! The name, the version and all else that the artefact says come from the built library itself, which is tried out for
//! that, so a project states them once, in its code. What is built depends on the interface, not on this gateway.

mod compile;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::try_out;
use crate::config::TrialLimits;
use crate::diagnostic::{Diagnostic, Style, render_all};
use crate::patch::artefact::{ARCH, ArtefactName, MANIFEST, SIGNATURE};
use crate::patch::descriptor::Descriptor;
use crate::patch::digest::Digest;
use crate::patch::elf;
use crate::patch::keys::sign;
use crate::patch::manifest::Manifest;

/// What to build, and where to put it.
pub struct BuildOptions<'a> {
    /// Folder of a Cargo package or of C sources; or one source file, or a library that was built by other means.
    pub project: &'a Path,
    /// Folder for the artefact.
    pub out: &'a Path,
    /// The text of the secret key to sign with, and its password.
    pub key: Option<(String, Option<String>)>,
    /// Bounds on the trial.
    pub limits: TrialLimits,
}

/// An artefact that was built.
#[derive(Debug)]
pub struct Built {
    /// The library.
    pub library: PathBuf,
    /// The manifest beside it.
    pub manifest: PathBuf,
    /// The signature beside it.
    pub signature: Option<PathBuf>,
    /// What the patch says of itself.
    pub descriptor: Descriptor,
    /// The library's content.
    pub digest: Digest,
}

/// Builds, tries out, names, describes and signs.
///
/// # Errors
/// What went wrong. The compiler's own messages went to standard error.
pub fn build(options: &BuildOptions<'_>) -> anyhow::Result<Built> {
    let compiled = compile::compile(options.project)?;
    let bytes = std::fs::read(&compiled.library)
        .with_context(|| format!("cannot read {}", compiled.library.display()))?;
    let shown = &compiled.library;
    elf::check(shown, &bytes).map_err(refusal)?;
    let descriptor = try_out(&bytes, shown, &options.limits).map_err(refusal)?;
    let name = ArtefactName {
        name: descriptor.name.clone(),
        version: descriptor.version.clone(),
        abi_major: descriptor.abi.major,
        arch: ARCH.to_owned(),
    };
    let name = name.to_string();
    let digest = Digest::of(&bytes);
    let signature = match &options.key {
        None => None,
        Some((key, password)) => {
            let comment = format!("file:{name}\tsha256:{digest}");
            Some(sign(key, password.clone(), &bytes, &comment)?)
        }
    };
    std::fs::create_dir_all(options.out).with_context(|| options.out.display().to_string())?;
    let put = |ending: &str, content: &[u8]| {
        let path = options.out.join(format!("{name}{ending}"));
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        Ok::<_, anyhow::Error>(path)
    };
    let manifest = put(MANIFEST, Manifest::new(descriptor.clone(), ARCH, digest).to_text().as_bytes())?;
    // One of an earlier build would not fit.
    let _ = std::fs::remove_file(options.out.join(format!("{name}{SIGNATURE}")));
    let signature = signature.map(|text| put(SIGNATURE, text.as_bytes())).transpose()?;
    let library = options.out.join(&name);
    // Renamed into place: the old one may be in use.
    let unfinished = put(".new", &bytes)?;
    std::fs::rename(&unfinished, &library).with_context(|| format!("cannot write {}", library.display()))?;
    Ok(Built { library, manifest, signature, descriptor, digest })
}

#[expect(clippy::boxed_local, reason = "problems travel boxed, as the large side of a result")]
fn refusal(problem: Box<Diagnostic>) -> anyhow::Error {
    anyhow::anyhow!("it was built, but it is no patch:\n{}", render_all(&[*problem], Style::Plain).trim_end())
}

/// The text of a secret key with its password, which `ask` is asked for if the key is protected.
///
/// # Errors
/// When the file cannot be read or no password is given.
pub fn read_key(
    path: &Path,
    ask: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<(String, Option<String>)> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the key {}", path.display()))?;
    if !text.starts_with("untrusted comment:") {
        bail!("{} is no secret key of minisign; `forebay patch keygen` makes one", path.display());
    }
    let password = if crate::patch::keys::is_unprotected(&text) { None } else { Some(ask()?) };
    Ok((text, password))
}
