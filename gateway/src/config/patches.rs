//! The settings of native patches: where they are, and what they must pass before they serve.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of native patches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchSettings {
    /// Whether the folder is looked at.
    pub enabled: bool,
    /// Folder that holds the artefacts. It need not exist.
    pub folder: PathBuf,
    /// Which signatures are asked for.
    pub signatures: SignaturePolicy,
    /// Keys whose signatures count.
    pub trusted_keys: Vec<TrustedKey>,
    /// Bounds on the child process in which a patch is tried out.
    pub trial: TrialLimits,
    /// How long a patch may keep a worker for itself.
    pub budget: PatchBudget,
}

/// Which signatures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignaturePolicy {
    /// No patch without a valid signature of a trusted key.
    #[default]
    Required,
    /// No patch with a signature that is not valid.
    IfPresent,
    /// Signatures are not looked at.
    Off,
}

impl SignaturePolicy {
    /// The word for it in configurations and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::IfPresent => "if-present",
            Self::Off => "off",
        }
    }
}

/// A public key of minisign: 56 characters of base64, checked when the configuration was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey(Box<str>);

impl TrustedKey {
    /// The key, if the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        minisign_verify::PublicKey::from_base64(text).ok()?;
        Some(Self(text.into()))
    }

    /// The key as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bounds on the child process in which a patch is tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialLimits {
    /// Whole time.
    pub time_max: Duration,
    /// Time on the processor.
    pub cpu_time_max: Duration,
    /// Bytes of address space on top of what the process has before it loads the patch; `None` is unlimited.
    pub memory_bytes_max: Option<u64>,
}

impl Default for TrialLimits {
    fn default() -> Self {
        let (time_max, cpu_time_max) = (Duration::from_secs(10), Duration::from_secs(5));
        Self { time_max, cpu_time_max, memory_bytes_max: Some(512 << 20) }
    }
}

/// How long a patch may keep a worker for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchBudget {
    /// Time one call may take; a longer one is an excess.
    pub time: Duration,
    /// Excesses within one minute that are put up with.
    pub excesses_max: u64,
    /// What more of them lead to.
    pub on_excess: OnExcess,
}

/// What too many excesses lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnExcess {
    /// They are counted and shown.
    #[default]
    Count,
    /// The patch is disabled.
    Disable,
}

impl OnExcess {
    /// The word for it in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Disable => "disable",
        }
    }
}
