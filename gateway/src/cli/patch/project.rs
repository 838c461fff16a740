//! `forebay patch new`, `build` and `verify`: what needs no gateway.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::super::output::{Progress, failed, print, problems};
use super::{Context, Language, keys, refuse};
use crate::config;
use crate::patch_tools::build::{self, BuildOptions, Built};
use crate::patch_tools::scaffold::{self, Project};
use crate::patch_tools::verify::{Verified, verify as verify_file};

pub(super) fn new(folder: &Path, language: Language, sdk: Option<&Path>, json: bool) -> ExitCode {
    let project = match language {
        Language::Rust => {
            Project::Rust { sdk: sdk.map_or_else(scaffold::find_sdk, |sdk| Some(sdk.to_owned())) }
        }
        Language::C => Project::C,
    };
    match scaffold::write(folder, &project) {
        Err(error) => refuse(&error),
        Ok(files) if json => {
            print(&format!("{:#}", json!({ "files": files })));
            ExitCode::SUCCESS
        }
        Ok(files) => {
            let lines: Vec<String> = files.iter().map(|file| format!("wrote {}", file.display())).collect();
            print(&format!("{}\nnext: forebay patch build {}", lines.join("\n"), folder.display()));
            ExitCode::SUCCESS
        }
    }
}

pub(super) fn build(context: &Context<'_>, project: &Path, out: &Path, key: Option<&Path>) -> ExitCode {
    let key = match key.map(|key| build::read_key(key, keys::password)).transpose() {
        Ok(key) => key,
        Err(error) => return refuse(&error),
    };
    // Only for the limits of the trial: a project is built where there need be no gateway.
    let limits = match config::load(context.path) {
        Ok(config) => config.patches.trial,
        Err(found) if context.path.is_some() => {
            problems(&found, context.json, context.style);
            return failed();
        }
        Err(_) => config::TrialLimits::default(),
    };
    let progress = Progress::start("building");
    let built = build::build(&BuildOptions { project, out, key, limits });
    drop(progress);
    match built {
        Err(error) => refuse(&error),
        Ok(built) => {
            print(&if context.json { built_json(&built) } else { built_text(&built) });
            ExitCode::SUCCESS
        }
    }
}

fn built_json(built: &Built) -> String {
    let value = json!({
        "library": built.library,
        "manifest": built.manifest,
        "signature": built.signature,
        "sha256": built.digest,
        "patch": built.descriptor,
    });
    format!("{value:#}")
}

fn built_text(built: &Built) -> String {
    let described = &built.descriptor;
    let components: Vec<String> = described.components.iter().map(ToString::to_string).collect();
    let signature = match &built.signature {
        Some(path) => path.display().to_string(),
        None => "none; sign it with --key, or with minisign -S".to_owned(),
    };
    format!(
        "built {} {}: {}\n  library    {}\n  manifest   {}\n  signature  {signature}\n  sha256     {}\n  gateways   {}",
        described.name,
        described.version,
        components.join(", "),
        built.library.display(),
        built.manifest.display(),
        built.digest,
        described.gateways,
    )
}

pub(super) fn verify(context: &Context<'_>, file: &Path) -> ExitCode {
    let config = match context.config() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let progress = Progress::start("trying it out");
    let verified = verify_file(file, &config.patches);
    drop(progress);
    match verified {
        Err(found) => {
            problems(&found, context.json, context.style);
            failed()
        }
        Ok(verified) => {
            let text = if context.json {
                format!("{:#}", verified.listed.to_json())
            } else {
                verified_text(&verified)
            };
            print(&text);
            ExitCode::SUCCESS
        }
    }
}

fn verified_text(verified: &Verified) -> String {
    let (name, version) = verified.name_and_version();
    let described = &verified.descriptor;
    let components: Vec<String> = described.components.iter().map(ToString::to_string).collect();
    let provenance =
        verified.listed.provenance.as_ref().map_or_else(|| "not checked".to_owned(), ToString::to_string);
    let would = match verified.inert() {
        None => "it would serve".to_owned(),
        Some(reason) => format!("it would be inert: {reason}"),
    };
    format!(
        "ok: {name} {version}, {would}\n  does       {}\n  signature  {provenance}\n  interface  {}\n  gateways   {}\n  sha256     {}",
        components.join(", "),
        described.abi,
        described.gateways,
        verified.found.digest,
    )
}
