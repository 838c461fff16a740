//! The file name of a patch: `NAME-VERSION-abiN-ARCH.so`, with `.minisig` and `.toml` appended for its signature and its
//! manifest.
//!
//! Three files rather than one archive: the library is what is mapped, byte for byte, so the signature is over exactly
//! that and any minisign can check it; the manifest is for people and for what has to be known before code runs.
//! The name is a claim. What counts is what the library says of itself, and the two must agree.

use std::fmt;

use semver::Version;

/// Major version of the interface between gateway and patches that this gateway speaks.
pub const ABI_MAJOR: u32 = 1;
/// The processor this gateway was built for, as it stands in file names.
pub const ARCH: &str = std::env::consts::ARCH;
/// Longest name of a patch, in characters.
pub const NAME_MAX: usize = 64;
/// What is appended to a library's file name for its signature.
pub const SIGNATURE: &str = ".minisig";
/// What is appended to a library's file name for its manifest.
pub const MANIFEST: &str = ".toml";

/// A file name taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtefactName {
    /// Name of the patch.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Major version of the interface it was built for.
    pub abi_major: u32,
    /// The processor it was built for.
    pub arch: String,
}

impl ArtefactName {
    /// Takes a file name apart; `None` for one of another form, which says nothing then.
    pub fn parse(file: &str) -> Option<Self> {
        let (rest, arch) = file.strip_suffix(".so")?.rsplit_once('-')?;
        let (rest, abi) = rest.rsplit_once("-abi")?;
        // Both parts may hold hyphens: the version begins behind the first one after which everything is a version.
        let (name, version) = rest.match_indices('-').find_map(|(at, _)| {
            let version = Version::parse(&rest[at + 1..]).ok()?;
            Some((&rest[..at], version))
        })?;
        let abi_major = abi.parse().ok()?;
        is_name(name).then(|| Self { name: name.to_owned(), version, abi_major, arch: arch.to_owned() })
    }
}

impl fmt::Display for ArtefactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, abi_major, arch } = self;
        write!(f, "{name}-{version}-abi{abi_major}-{arch}.so")
    }
}

/// Whether a text can name a patch: `[a-z][a-z0-9_-]*`. It becomes a word of commands, a part of file names and a label.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    text.len() <= NAME_MAX && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_taken_apart_and_put_together() {
        for (file, name, version) in [
            ("fix-1.0.0-abi1-x86_64.so", "fix", "1.0.0"),
            ("rate-limit-2-fix-1.2.3-rc.1-abi1-aarch64.so", "rate-limit-2-fix", "1.2.3-rc.1"),
            ("a-abi2-0.1.0-abi1-x86_64.so", "a-abi2", "0.1.0"),
        ] {
            let parsed = ArtefactName::parse(file).unwrap();
            assert_eq!((parsed.name.as_str(), parsed.version.to_string().as_str()), (name, version));
            assert_eq!((parsed.abi_major, parsed.to_string().as_str()), (1, file));
        }
        for other in
            ["fix.so", "fix-1.0-abi1-x86_64.so", "-1.0.0-abi1-x86_64.so", "fix-1.0.0-abix-x86_64.so", "x"]
        {
            assert_eq!(ArtefactName::parse(other), None, "{other}");
        }
    }
}
