//! What a patch says of itself: in the library, from which it is read in a trial, and in the manifest.

use std::fmt;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

/// A version of the interface between gateway and patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Abi {
    /// Changes when something is taken away: only the same major loads.
    pub major: u32,
    /// Grows when something is added: a patch needs a gateway that has at least its minor.
    pub minor: u32,
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl TryFrom<String> for Abi {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts =
            text.split_once('.').and_then(|(major, minor)| major.parse().ok().zip(minor.parse().ok()));
        let (major, minor) = parts.ok_or("a version of the interface is two numbers such as \"1.0\"")?;
        Ok(Self { major, minor })
    }
}

impl From<Abi> for String {
    fn from(abi: Abi) -> Self {
        abi.to_string()
    }
}

/// What a patch does to the gateway's components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It takes the place of a component that is there.
    Overrides,
    /// It brings a component of a new name.
    Adds,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overrides => "overrides",
            Self::Adds => "adds",
        })
    }
}

/// One component that a patch provides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Kind of component, such as `middleware`.
    pub kind: String,
    /// What happens to the component of this name.
    pub action: Action,
    /// The name, such as `rate_limit`; `script:NAME` for a script.
    pub id: String,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.action, self.kind, self.id)
    }
}

/// What a patch says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// Name of the patch.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Versions of the gateway that it is meant for; in others it is inert.
    pub gateways: VersionReq,
    /// The version of the interface that it was built for.
    pub abi: Abi,
    /// One line for people; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it provides.
    pub components: Vec<Claim>,
}

impl Descriptor {
    /// Why the patch does nothing in a gateway of this version; `None` if it is meant for it.
    ///
    /// A pre-release of the gateway counts as its release here: what is fixed in 1.2.0 is fixed in 1.2.0-rc.1.
    pub fn inert_in(&self, gateway: &Version) -> Option<String> {
        let released = Version::new(gateway.major, gateway.minor, gateway.patch);
        (!self.gateways.matches(&released))
            .then(|| format!("it is meant for gateways {}, and this one is {gateway}", self.gateways))
    }
}

/// The version of this gateway.
pub fn gateway_version() -> Version {
    // Cargo checks the version of a package; a package of another form cannot be built.
    Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or_else(|_| Version::new(0, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_outside_its_range_is_inert_and_says_why() {
        let descriptor = |gateways: &str| Descriptor {
            name: "fix".into(),
            version: Version::new(1, 0, 0),
            gateways: VersionReq::parse(gateways).unwrap(),
            abi: Abi { major: 1, minor: 0 },
            description: String::new(),
            components: Vec::new(),
        };
        let gateway = |text: &str| Version::parse(text).unwrap();
        assert_eq!(descriptor(">=0.1.0, <0.2.0").inert_in(&gateway("0.1.9")), None);
        assert_eq!(descriptor("*").inert_in(&gateway("3.0.0-rc.1")), None);
        let reason = descriptor(">=0.1.0, <0.2.0").inert_in(&gateway("0.2.0-rc.1")).unwrap();
        assert_eq!(reason, "it is meant for gateways >=0.1.0, <0.2.0, and this one is 0.2.0-rc.1");
        assert_eq!(gateway_version().to_string(), env!("CARGO_PKG_VERSION"));
    }
}
