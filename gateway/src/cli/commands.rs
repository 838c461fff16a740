//! What each command does.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::Value;

use super::output::{EXIT_CONFIG, Progress, complain, failed, print, problems};
use crate::admin::client;
use crate::config::{self, Config};
use crate::diagnostic::{Diagnostic, Style};
use crate::generation::build::build;
use crate::patch::codes;
use crate::patch::service::Patches;
use crate::promote::Promotion;
use crate::promote::compile::compiler;
use crate::run::{self, RunError};

/// How long `reload` waits for the build.
const RELOAD_TIMEOUT: Duration = Duration::from_mins(2);
/// How long other calls of the admin socket may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn run(path: Option<&Path>, watch: bool, style: Style) -> ExitCode {
    let config = match config::load(path) {
        Ok(config) => config,
        Err(found) => {
            problems(&found, false, style);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    match run::run(config, path.map(Path::to_owned), watch) {
        Ok(()) => ExitCode::SUCCESS,
        Err(RunError::Config(found)) => {
            problems(&found, false, style);
            ExitCode::from(EXIT_CONFIG)
        }
        Err(RunError::System(error)) => {
            complain(&format!("error: {error:#}"));
            failed()
        }
    }
}

pub(super) fn check(path: Option<&Path>, json: bool, style: Style) -> ExitCode {
    let progress = Progress::start("checking");
    let (config, mut found) = config::check(path);
    let mut summary = None;
    if let Some(config) = config {
        let settings = config.compile.clone();
        let promotion = Promotion::new(compiler(), settings, None, config.workers);
        let built = match Patches::reading(&config.state_folder) {
            Ok(patches) => build(config, 1, &promotion, &patches, None),
            Err(error) => Err(vec![no_copies(&error)]),
        };
        match built {
            Ok(generation) => summary = Some((generation.routes.len(), generation.scripts.len())),
            Err(more) => found.extend(more),
        }
    }
    drop(progress);
    if json || !found.is_empty() {
        problems(&found, json, style);
    }
    match summary {
        Some((routes, scripts)) => {
            if !json {
                print(&format!("ok: {routes} routes, {scripts} scripts"));
            }
            ExitCode::SUCCESS
        }
        None => failed(),
    }
}

/// Patches are examined in a temporary folder.
fn no_copies(error: &std::io::Error) -> Diagnostic {
    let message = format!("there is no place for private copies of patches: {error}");
    Diagnostic::error(codes::PRIVATE_FOLDER, message).help("make the folder for temporary files writable")
}

/// The configuration, or an exit code after its problems were shown.
pub(super) fn load(path: Option<&Path>, json: bool, style: Style) -> Result<Config, ExitCode> {
    config::load(path).map_err(|found| {
        problems(&found, json, style);
        failed()
    })
}

/// The admin socket, even of a configuration with problems: reloading is how one finds out about them.
pub(super) fn admin_socket(path: Option<&Path>) -> std::path::PathBuf {
    config::admin_socket(path)
}

pub(super) fn reload(path: Option<&Path>, json: bool) -> ExitCode {
    let progress = Progress::start("reloading");
    let answer = client::call(&admin_socket(path), Method::POST, "/v1/reload", RELOAD_TIMEOUT);
    drop(progress);
    match answer {
        Err(error) => {
            complain(&format!("error: {error:#}"));
            failed()
        }
        Ok((status, report)) => {
            let published = status == StatusCode::OK;
            if json {
                print(&format!("{report:#}"));
            } else if published {
                print(&format!("reloaded: generation {} in {} ms", report["generation"], report["took_ms"]));
            } else {
                complain(report["rendered"].as_str().unwrap_or_default().trim_end());
                complain(&format!("not reloaded: generation {} goes on serving", report["generation"]));
            }
            if published { ExitCode::SUCCESS } else { failed() }
        }
    }
}

pub(super) fn status(path: Option<&Path>, json: bool) -> ExitCode {
    match client::call(&admin_socket(path), Method::GET, "/v1/status", CALL_TIMEOUT) {
        Err(error) => {
            complain(&format!("error: {error:#}"));
            failed()
        }
        Ok((_, status)) if json => {
            print(&format!("{status:#}"));
            ExitCode::SUCCESS
        }
        Ok((_, status)) => {
            print(&status_text(&status));
            ExitCode::SUCCESS
        }
    }
}

fn status_text(status: &Value) -> String {
    let generation = &status["generation"];
    let retiring = generation["retiring"].as_array().map_or(0, Vec::len);
    let last = match status["last_reload"]["successful"].as_bool() {
        None => "none yet".to_owned(),
        Some(true) => "published".to_owned(),
        Some(false) => format!("refused\n{}", status["last_reload"]["problems"].as_str().unwrap_or_default()),
    };
    format!(
        "forebay {} (pid {}), up {} s, {} workers\n\
         config       {}\n\
         generation   {} ({retiring} old ones still serving, {} freed)\n\
         routes       {}, {} scripts\n\
         connections  {}, {} requests under way\n\
         last reload  {}\n\
         patches      {}{}{}\n\
         {}",
        text(&status["version"]),
        status["pid"],
        status["uptime_seconds"],
        status["workers"],
        status["config"].as_str().unwrap_or("bundled example"),
        generation["number"],
        generation["freed"],
        status["routes"],
        status["scripts"],
        status["connections"],
        status["active_requests"],
        last.trim_end(),
        super::patch::summary(&status["patches"]),
        super::routes::serving_text(&status["serving"]),
        super::upstreams::status_text(&status["upstreams"]),
        super::promotion::status_text(&status["compile"]),
    )
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

pub(super) fn config_show(path: Option<&Path>, json: bool, style: Style) -> ExitCode {
    match load(path, json, style) {
        Err(code) => code,
        Ok(config) if json => {
            print(&format!("{:#}", config::show_json(&config)));
            ExitCode::SUCCESS
        }
        Ok(config) => {
            print(&config::show(&config));
            ExitCode::SUCCESS
        }
    }
}

pub(super) fn config_schema() -> ExitCode {
    print(&format!("{:#}", config::schema()));
    ExitCode::SUCCESS
}
