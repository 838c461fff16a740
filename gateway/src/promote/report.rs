//! What promotion tells people about a script.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::compile::Rejection;
use super::watch::Counts;

/// Where a script stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The interpreter runs it.
    Interpreted,
    /// It waits for the compiler; the interpreter runs it.
    Queued,
    /// It is being compiled; the interpreter runs it.
    Compiling,
    /// Its program is tried over records; the interpreter runs it.
    Trial,
    /// Its program runs.
    Installed,
    /// It could not be compiled; the interpreter runs it.
    Rejected(Rejection),
    /// Its program did something else than the interpreter, which runs it again.
    Quarantined {
        /// What differed.
        message: String,
        /// Where the evidence is, unless it could not be written.
        evidence: Option<PathBuf>,
    },
}

impl State {
    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Interpreted => "interpreted",
            Self::Queued => "queued",
            Self::Compiling => "compiling",
            Self::Trial => "trial",
            Self::Installed => "installed",
            Self::Rejected(_) => "rejected",
            Self::Quarantined { .. } => "quarantined",
        }
    }

    /// Whether nothing more will happen by itself soon.
    pub fn is_settled(&self) -> bool {
        !matches!(self, Self::Queued | Self::Compiling | Self::Trial)
    }

    /// The stable word for the reason, and the reason in a sentence.
    fn reason(&self) -> (Option<&'static str>, Option<&str>) {
        match self {
            Self::Rejected(rejection) => (Some(rejection.reason), Some(&rejection.message)),
            Self::Quarantined { message, .. } => (Some(super::compile::MISMATCH), Some(message)),
            _ => (None, None),
        }
    }
}

/// One script's line in `status`, and the answer to `promote` and `demote`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the script.
    pub script: String,
    /// The modes of its steps, without repetition.
    pub modes: Vec<&'static str>,
    /// Where it stands.
    pub state: State,
    /// When it came to stand there.
    pub since: SystemTime,
    /// Its calls, all steps together.
    pub counts: Counts,
    /// Bytes of machine code in use, all steps together.
    pub code_bytes: usize,
    /// Time the compiler took for it.
    pub compile_time: Duration,
    /// Recorded calls that its program was tried with.
    pub trial_runs: usize,
}

impl Report {
    /// The report for programs.
    pub fn to_json(&self) -> Value {
        let (reason, message) = self.state.reason();
        let evidence = match &self.state {
            State::Quarantined { evidence, .. } => evidence.as_ref(),
            _ => None,
        };
        let since = self.since.duration_since(UNIX_EPOCH).unwrap_or_default();
        json!({
            "script": self.script,
            "mode": self.modes.join(","),
            "state": self.state.as_str(),
            "reason": reason,
            "message": message,
            "evidence": evidence,
            "since_unix": since.as_secs(),
            "calls": {
                "interpreted": self.counts.interpreted,
                "compiled": self.counts.compiled,
                "shadowed": self.counts.shadowed,
            },
            "interpreter_us": u64::try_from(self.counts.interpreter.as_micros()).unwrap_or(u64::MAX),
            "code_bytes": self.code_bytes,
            "compile_us": u64::try_from(self.compile_time.as_micros()).unwrap_or(u64::MAX),
            "trial_runs": self.trial_runs,
        })
    }
}

/// Why a command about a script was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No step of the serving generation runs it.
    #[error("no route runs a script of this name")]
    Unknown,
    /// The configuration wants it interpreted.
    #[error("every step that runs it has `mode: interpret`; change that in the configuration")]
    Interpreted,
    /// Its program was wrong before.
    #[error("quarantined: {0}; `forebay demote` lifts the quarantine once you have looked at the evidence")]
    Quarantined(String),
    /// Nothing is compiled.
    #[error("compiling is switched off: `compile.enabled`, or FOREBAY_COMPILE=off")]
    Disabled,
    /// Nothing can be compiled here.
    #[error("nothing can be compiled here: {0}")]
    Unavailable(String),
    /// Too many wait.
    #[error("too many scripts wait for the compiler (`compile.queue_max`); try again later")]
    QueueFull,
}
