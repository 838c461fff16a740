//! `forebay patch keygen`: a pair of keys for signing patches.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::patch::keys::{KeyError, Pair};

/// The files of a new pair.
#[derive(Debug)]
pub struct Made {
    /// The secret key, for its owner's eyes only.
    pub secret: PathBuf,
    /// The public key.
    pub public: PathBuf,
    /// The public key as it stands in the configuration.
    pub key: String,
}

/// Makes `STEM.key` and `STEM.pub`. Refuses to replace either.
///
/// # Errors
/// When a file is there already or cannot be written.
pub fn make(stem: &Path, password: Option<String>) -> anyhow::Result<Made> {
    let with = |ending: &str| {
        let mut name = stem.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (secret, public) = (with(".key"), with(".pub"));
    let mut secret_file = create(&secret, 0o600)?;
    let mut public_file = create(&public, 0o644).inspect_err(|_| drop(std::fs::remove_file(&secret)))?;
    let pair = Pair::generate(password).map_err(|error: KeyError| anyhow::anyhow!("{error}"))?;
    secret_file.write_all(pair.secret_box.as_bytes()).with_context(|| secret.display().to_string())?;
    public_file.write_all(pair.public_box.as_bytes()).with_context(|| public.display().to_string())?;
    Ok(Made { secret, public, key: pair.public })
}

fn create(path: &Path, mode: u32) -> anyhow::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(|error| {
        let path = path.display();
        match error.kind() {
            io::ErrorKind::AlreadyExists => {
                anyhow::anyhow!(
                    "{path} is there already; a lost key cannot be made again, so it is left alone"
                )
            }
            _ => anyhow::anyhow!("cannot write {path}: {error}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_pair_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("release");
        let made = make(&stem, None).unwrap();
        assert_eq!(std::fs::metadata(&made.secret).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(std::fs::read_to_string(&made.public).unwrap().contains(&made.key));
        let before = std::fs::read(&made.secret).unwrap();
        assert!(make(&stem, None).unwrap_err().to_string().contains("is there already"));
        std::fs::remove_file(&made.secret).unwrap();
        assert!(make(&stem, None).unwrap_err().to_string().contains("release.pub is there already"));
        assert!(!made.secret.exists(), "half a pair is worse than none");
        assert!(!before.is_empty());
    }
}
