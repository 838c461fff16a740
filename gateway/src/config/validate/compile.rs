//! The `compile` and `state` sections, and what `FOREBAY_COMPILE` changes of them.

use std::path::PathBuf;
use std::time::Duration;

use super::super::document::Node;
use super::super::problem::Problem;
use super::super::raw::{RawCompile, RawMode, RawOnRejection, RawState};
use super::super::{CompileMode, CompileSettings, OnRejection, codes};
use super::{Context, duration, size};

/// The variable that overrides the section, for emergencies and for tests.
const VARIABLE: &str = "FOREBAY_COMPILE";

/// How the modes of steps are read.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Modes {
    /// For steps that name none.
    default: CompileMode,
    /// Whether `auto` stands for `jit`.
    compiles_all: bool,
}

impl Modes {
    /// The mode of a step.
    pub(super) fn of(self, written: Option<RawMode>) -> CompileMode {
        let mode = written.map_or(self.default, CompileMode::from);
        if self.compiles_all && mode == CompileMode::Auto { CompileMode::Jit } else { mode }
    }
}

impl From<RawMode> for CompileMode {
    fn from(raw: RawMode) -> Self {
        match raw {
            RawMode::Auto => Self::Auto,
            RawMode::Interpret => Self::Interpret,
            RawMode::Jit => Self::Jit,
        }
    }
}

/// Builds the settings and how modes are read with them.
pub(super) fn validate(raw: &RawCompile, root: &Node, context: &mut Context<'_>) -> (CompileSettings, Modes) {
    let hot = raw.hot.as_ref();
    let shadow = raw.shadow.as_ref();
    let default = raw.mode.map_or(CompileMode::Auto, CompileMode::from);
    let mut settings = CompileSettings {
        enabled: raw.enabled.unwrap_or(true),
        mode: default,
        on_rejection: match raw.on_rejection {
            Some(RawOnRejection::Interpret) => OnRejection::Interpret,
            Some(RawOnRejection::Fail) | None => OnRejection::Fail,
        },
        queue_max: raw.queue_max.unwrap_or(256),
        code_bytes_max: size(raw.code_bytes_max, 64 << 20),
        time_max: duration(raw.time_max, Duration::from_secs(2)),
        hot_calls: hot.and_then(|hot| hot.calls).unwrap_or(1_000),
        hot_time: duration(hot.and_then(|hot| hot.time), Duration::from_millis(100)),
        trial_samples: raw.trial.as_ref().and_then(|trial| trial.samples).unwrap_or(32),
        shadow_every: shadow.and_then(|shadow| shadow.every).unwrap_or(100),
        shadow_for: duration(shadow.and_then(|shadow| shadow.duration), Duration::from_mins(10)),
    };
    let mut compiles_all = false;
    match context.environment.text(VARIABLE).ok().as_deref() {
        None | Some("" | "auto") => {}
        Some("off") => settings.enabled = false,
        Some("all") => {
            compiles_all = true;
            settings.enabled = true;
            settings.on_rejection = OnRejection::Interpret;
        }
        Some(_) => {
            let message = format!("the variable {VARIABLE} is none of `off`, `auto` and `all`");
            let problem = Problem::error(codes::NOT_ALLOWED, root.head(), message, "");
            context.problems.push(problem.help("unset it, or give it one of these values"));
        }
    }
    (settings, Modes { default, compiles_all })
}

/// Where state is kept.
pub(super) fn state_folder(raw: RawState, node: &Node, context: &mut Context<'_>) -> PathBuf {
    match raw.folder {
        Some(folder) => context.path(node.at("folder"), &folder),
        None => match context.environment.path("STATE_DIRECTORY") {
            Some(folder) => folder,
            None => context.base.join(".forebay"),
        },
    }
}
