//! The manifest beside a library: what it says of itself, to be read without running any of its code.
//!
//! It may be missing, because the library says the same. Where it is there it must agree with the library, and its
//! digest binds it to those bytes, so it cannot be made to describe another file.

use std::path::Path;
use std::sync::Arc;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::codes;
use super::descriptor::{Abi, Claim, Descriptor};
use super::digest::Digest;
use crate::diagnostic::{Diagnostic, Location, Source};

/// Largest manifest that is read, in bytes.
pub const BYTES_MAX: u64 = 64 << 10;

/// What stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the patch.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Versions of the gateway that it is meant for.
    pub gateways: VersionReq,
    /// The version of the interface that it was built for.
    pub abi: Abi,
    /// The processor it was built for, as the file name has it.
    pub arch: String,
    /// SHA-256 of the library.
    pub sha256: Digest,
    /// One line for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it provides.
    #[serde(default, rename = "component")]
    pub components: Vec<Claim>,
}

impl Manifest {
    /// The manifest of a library that says this of itself.
    pub fn new(descriptor: Descriptor, arch: &str, sha256: Digest) -> Self {
        let Descriptor { name, version, gateways, abi, description, components } = descriptor;
        Self { name, version, gateways, abi, arch: arch.to_owned(), sha256, description, components }
    }

    /// What it says of the patch, without what it says of the file.
    pub fn descriptor(&self) -> Descriptor {
        let Self { name, version, gateways, abi, description, components, .. } = self.clone();
        Descriptor { name, version, gateways, abi, description, components }
    }

    /// Reads one; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Box<Diagnostic>> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let source = Arc::new(Source::new(path.display().to_string(), text.to_owned()));
            let message = format!("the manifest cannot be understood: {}", error.message());
            let problem = Diagnostic::error(codes::BAD_MANIFEST, message);
            let problem = match error.span() {
                Some(range) => problem.in_source(&source).label(range, ""),
                None => problem.at(&source, Location { line: 1, column: 1 }, ""),
            };
            Box::new(problem.help("`forebay patch build` writes it; or delete it, the library says the same"))
        })
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        // Text, numbers and lists of them can always be written as TOML.
        let body = toml::to_string(self).unwrap_or_default();
        format!(
            "# What this patch is; written by `forebay patch build`, must agree with the library.\n{body}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::Action;
    use super::*;
    use crate::diagnostic::{Style, render_all};

    fn sample() -> Manifest {
        let claim = Claim { kind: "middleware".into(), action: Action::Overrides, id: "rate_limit".into() };
        let descriptor = Descriptor {
            name: "fix".into(),
            version: Version::new(1, 2, 3),
            gateways: VersionReq::parse(">=0.1.0, <0.2.0").unwrap(),
            abi: Abi { major: 1, minor: 0 },
            description: String::new(),
            components: vec![claim],
        };
        Manifest::new(descriptor, "x86_64", Digest::of(b"x"))
    }

    #[test]
    fn a_manifest_is_written_and_read_alike() {
        let text = sample().to_text();
        assert!(text.contains("name = \"fix\"") && text.contains("abi = \"1.0\""), "{text}");
        assert!(text.contains("[[component]]") && text.contains("action = \"overrides\""), "{text}");
        assert_eq!(Manifest::parse(&text, Path::new("m")).unwrap(), sample());
    }

    #[test]
    fn mistakes_are_shown_where_they_stand() {
        let text = sample().to_text();
        for (from, to, place) in [
            ("version = \"1.2.3\"", "version = \"one\"", "m.toml:3:11"),
            ("arch", "arhc", "m.toml:6:1"),
            ("abi = \"1.0\"", "abi = 1", "m.toml:5:7"),
        ] {
            let problem = Manifest::parse(&text.replace(from, to), Path::new("m.toml")).unwrap_err();
            let shown = render_all(&[*problem], Style::Plain);
            assert!(shown.contains(place) && shown.contains("forebay patch build"), "{shown}");
        }
    }
}
