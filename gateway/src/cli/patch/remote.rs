//! `forebay patch apply`, `list`, `disable`, `enable` and `revert`: what a running gateway is asked for. Where none runs,
//! decisions are written down for the next one.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::commands::admin_socket;
use super::super::output::{Progress, complain, failed, print, problems};
use super::{Context, refuse, table};
use crate::admin::client;
use crate::config::Config;
use crate::patch::artefact::{ABI_MAJOR, ARCH, ArtefactName, is_name};
use crate::patch::service::{Change, Patches, decide_offline};
use crate::patch_tools::install::install;
use crate::patch_tools::verify::{Verified, verify};

/// How long a change may take: it is a reload, with a trial of each new patch.
const TIMEOUT: Duration = Duration::from_mins(2);

/// What can be decided about a patch by its name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verb {
    Disable,
    Enable,
    Revert,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Revert => "revert",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Disable => "disabled",
            Self::Enable => "enabled",
            Self::Revert => "reverted",
        }
    }

    fn change(self, name: &str) -> Change {
        let name = name.to_owned();
        match self {
            Self::Disable => Change::Disable { name, reason: "disabled by an operator".to_owned() },
            Self::Enable => Change::Enable { name },
            Self::Revert => Change::Revert { name },
        }
    }
}

/// Whether anybody answers at the admin socket.
fn is_running(context: &Context<'_>) -> bool {
    std::os::unix::net::UnixStream::connect(admin_socket(context.path)).is_ok()
}

fn ask(context: &Context<'_>, target: &str) -> anyhow::Result<(StatusCode, Value)> {
    client::call(&admin_socket(context.path), Method::POST, target, TIMEOUT)
}

pub(super) fn decide(context: &Context<'_>, name: &str, verb: Verb) -> ExitCode {
    // Names of files stand for patches that could not even be examined.
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) || name.is_empty() {
        return refuse(&anyhow::anyhow!("{name:?} is no name of a patch; `forebay patch list` shows them"));
    }
    if !is_running(context) {
        return decide_alone(context, name, verb);
    }
    let progress = Progress::start("reloading");
    let answer = ask(context, &format!("/v1/patches/{name}/{}", verb.word()));
    drop(progress);
    let (status, report) = match answer {
        Ok(answer) => answer,
        Err(error) => return refuse(&error),
    };
    finish(context, status, &report, &format!("not {}", verb.done()), || {
        format!("{}: {name}{}", verb.done(), now_serving(&report, name))
    })
}

/// Which version of a patch serves after a decision.
fn now_serving(report: &Value, name: &str) -> String {
    let patches = report["patches"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut of_name = patches.iter().filter(|patch| patch["name"] == name);
    let active = of_name.find(|patch| patch["state"] == "active");
    match active.and_then(|patch| patch["version"].as_str()) {
        Some(version) => format!("; version {version} serves, generation {}", report["generation"]),
        None => format!("; no version of it serves, generation {}", report["generation"]),
    }
}

fn finish(
    context: &Context<'_>,
    status: StatusCode,
    report: &Value,
    failure: &str,
    success: impl FnOnce() -> String,
) -> ExitCode {
    let is_done = status == StatusCode::OK;
    if context.json {
        print(&format!("{report:#}"));
    } else if is_done {
        print(&success());
    } else if let Some(error) = report["error"].as_str() {
        complain(&format!("{failure}: {error}"));
    } else {
        complain(report["rendered"].as_str().unwrap_or_default().trim_end());
        complain(&format!("{failure}: generation {} goes on serving", report["generation"]));
    }
    if is_done { ExitCode::SUCCESS } else { failed() }
}

fn decide_alone(context: &Context<'_>, name: &str, verb: Verb) -> ExitCode {
    let config = match context.config() {
        Ok(config) => config,
        Err(code) => return code,
    };
    // What cannot be examined can still be switched off: its name is enough then.
    let listed = Patches::reading(&config.state_folder)
        .ok()
        .and_then(|patches| patches.examine(&config.patches).ok())
        .map_or_else(|| names_of_files(&config.patches.folder), |selection| selection.listed);
    if let Err(error) = decide_offline(&config.state_folder, &verb.change(name), &listed) {
        return refuse(&anyhow::anyhow!("not {}: {error}", verb.done()));
    }
    let message = format!("{}: {name}; no gateway is running, the next start heeds it", verb.done());
    print(&if context.json { format!("{:#}", json!({ "message": message })) } else { message });
    ExitCode::SUCCESS
}

/// The artefacts of a folder as far as their names tell.
fn names_of_files(folder: &Path) -> Vec<crate::patch::select::Listed> {
    crate::patch::folder::scan(folder).found.iter().map(crate::patch::select::unexamined).collect()
}

pub(super) fn list(context: &Context<'_>) -> ExitCode {
    if is_running(context) {
        return match client::call(&admin_socket(context.path), Method::GET, "/v1/patches", TIMEOUT) {
            Err(error) => refuse(&error),
            Ok((_, report)) => {
                print(&if context.json { format!("{report:#}") } else { table::patches(&report) });
                ExitCode::SUCCESS
            }
        };
    }
    let config = match context.config() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let progress = Progress::start("trying the patches out");
    let examined = Patches::reading(&config.state_folder)
        .map(|patches| patches.examine(&config.patches).map(|selection| patches.report(&selection)));
    drop(progress);
    match examined {
        Err(error) => refuse(&error.into()),
        Ok(Err(found)) => {
            problems(&found, context.json, context.style);
            failed()
        }
        Ok(Ok(report)) => {
            complain("no gateway is running; this is what one would do with the folder");
            print(&if context.json { format!("{report:#}") } else { table::patches(&report) });
            ExitCode::SUCCESS
        }
    }
}

pub(super) fn apply(context: &Context<'_>, file: &Path) -> ExitCode {
    let config = match context.config() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let progress = Progress::start("trying it out");
    let verified = verify(file, &config.patches);
    drop(progress);
    let verified = match verified {
        Ok(verified) => verified,
        Err(found) => {
            problems(&found, context.json, context.style);
            complain("not applied: nothing was changed");
            return failed();
        }
    };
    if let Some(reason) = verified.inert() {
        return refuse(&anyhow::anyhow!("not applied: it would be inert, because {reason}"));
    }
    match put_and_ask(context, &config, &verified) {
        Ok(code) => code,
        Err(error) => refuse(&error),
    }
}

fn put_and_ask(context: &Context<'_>, config: &Config, verified: &Verified) -> anyhow::Result<ExitCode> {
    let (name, version) = verified.name_and_version();
    anyhow::ensure!(is_name(name), "{name:?} is no name of a patch");
    anyhow::ensure!(config.patches.enabled, "patches are switched off: patches.enabled or FOREBAY_PATCHES");
    let file = ArtefactName {
        name: name.to_owned(),
        version: version.clone(),
        abi_major: ABI_MAJOR,
        arch: ARCH.to_owned(),
    };
    let folder = &config.patches.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let installed = install(&verified.found, folder, &file.to_string())
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    if !is_running(context) {
        let change = Change::Apply { name: name.to_owned(), digest: verified.found.digest };
        if let Err(error) = decide_offline(&config.state_folder, &change, &[]) {
            installed.take_back();
            return Err(anyhow::anyhow!("not applied: {error}"));
        }
        let message = format!("copied: {name} {version}; no gateway is running, the next start loads it");
        print(&if context.json { format!("{:#}", json!({ "message": message })) } else { message });
        return Ok(ExitCode::SUCCESS);
    }
    let progress = Progress::start("applying");
    let answer = ask(context, &format!("/v1/patches/{name}/apply/{}", verified.found.digest));
    drop(progress);
    let (status, report) = match answer {
        Ok(answer) => answer,
        Err(error) => {
            installed.take_back();
            return Err(error);
        }
    };
    if status != StatusCode::OK {
        installed.take_back();
    }
    Ok(finish(context, status, &report, "not applied", || {
        format!(
            "applied: {name} {version} serves, generation {} in {} ms",
            report["generation"], report["took_ms"]
        )
    }))
}
