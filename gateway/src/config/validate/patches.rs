//! The `patches` section, and what `FOREBAY_PATCHES` changes of it.

use std::time::Duration;

use super::super::codes;
use super::super::document::Node;
use super::super::patches::{OnExcess, PatchBudget, PatchSettings, SignaturePolicy, TrialLimits, TrustedKey};
use super::super::problem::Problem;
use super::super::raw::{RawOnExcess, RawPatches, RawSignatures};
use super::{Context, Refusal, duration};

/// The variable that overrides `enabled`, for emergencies.
const VARIABLE: &str = "FOREBAY_PATCHES";

/// Builds the settings.
pub(super) fn validate(raw: RawPatches, root: &Node, context: &mut Context<'_>) -> PatchSettings {
    let node = root.at("patches");
    let trial = raw.trial.unwrap_or_default();
    let default = TrialLimits::default();
    let budget = raw.budget.unwrap_or_default();
    let signatures = match raw.signatures {
        None | Some(RawSignatures::Required) => SignaturePolicy::Required,
        Some(RawSignatures::IfPresent) => SignaturePolicy::IfPresent,
        Some(RawSignatures::Off) => SignaturePolicy::Off,
    };
    PatchSettings {
        enabled: raw.enabled.unwrap_or(true) && !switched_off(root, context),
        folder: match raw.folder {
            Some(folder) => context.path(node.at("folder"), &folder),
            None => context.base.join("patches"),
        },
        signatures,
        trusted_keys: trusted_keys(raw.trusted_keys.unwrap_or_default(), node.at("trusted_keys"), context),
        trial: TrialLimits {
            time_max: duration(trial.time_max, default.time_max),
            cpu_time_max: duration(trial.cpu_time_max, default.cpu_time_max),
            memory_bytes_max: trial.memory_bytes_max.map_or(default.memory_bytes_max, |memory| memory.0),
        },
        budget: PatchBudget {
            time: duration(budget.time, Duration::from_millis(10)),
            excesses_max: budget.excesses_max.unwrap_or(100),
            on_excess: match budget.on_excess {
                None | Some(RawOnExcess::Count) => OnExcess::Count,
                Some(RawOnExcess::Disable) => OnExcess::Disable,
            },
        },
    }
}

fn trusted_keys(written: Vec<String>, node: &Node, context: &mut Context<'_>) -> Vec<TrustedKey> {
    let keys = written.into_iter().enumerate().filter_map(|(index, text)| {
        let help = "write the second line of a minisign .pub file: 56 characters that begin with RW; \
                    `forebay patch keygen` makes a pair of keys";
        let refusal = || Refusal::new(codes::PUBLIC_KEY, "this is no public key of minisign", help);
        context.accept(node.item(index), TrustedKey::parse(&text).ok_or_else(refusal))
    });
    keys.collect()
}

fn switched_off(root: &Node, context: &mut Context<'_>) -> bool {
    match context.environment.text(VARIABLE).ok().as_deref() {
        None | Some("" | "on") => false,
        Some("off") => true,
        Some(_) => {
            let message = format!("the variable {VARIABLE} is neither `on` nor `off`");
            let problem = Problem::error(codes::NOT_ALLOWED, root.head(), message, "");
            context.problems.push(problem.help("unset it, or give it one of these values"));
            false
        }
    }
}
