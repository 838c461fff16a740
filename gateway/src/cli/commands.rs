//! What each command does.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::output::{EXIT_CONFIG, Progress, complain, failed, print, problems};
use crate::admin::client;
use crate::config::{self, Config};
use crate::diagnostic::Style;
use crate::generation::build::build;
use crate::path;
use crate::promote::Promotion;
use crate::promote::compile::compiler;
use crate::route::{RequestHead, Router};
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
        match build(config, 1, &promotion, None) {
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

/// The configuration, or an exit code after its problems were shown.
fn load(path: Option<&Path>, json: bool, style: Style) -> Result<Config, ExitCode> {
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
        super::promotion::status_text(&status["compile"]),
    )
}

fn text(value: &Value) -> &str {
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

pub(super) fn routes_list(path: Option<&Path>, json: bool, style: Style) -> ExitCode {
    let config = match load(path, json, style) {
        Ok(config) => config,
        Err(code) => return code,
    };
    if json {
        let routes: Vec<Value> = config.routes.iter().map(route_json).collect();
        print(&format!("{:#}", json!({ "routes": routes })));
        return ExitCode::SUCCESS;
    }
    for route in &config.routes {
        let value = route_json(route);
        let list = |key: &str| {
            let items = value[key].as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().map(text).collect::<Vec<_>>().join(",")
        };
        let or = |list: String, empty: &str| if list.is_empty() { empty.to_owned() } else { list };
        print(&format!(
            "{:<20} {} {}{}  [{}] -> {}",
            route.name,
            or(list("methods"), "any"),
            or(list("hosts"), "*"),
            route.matcher.path,
            list("steps"),
            route.upstream.as_deref().unwrap_or("(steps answer)"),
        ));
    }
    ExitCode::SUCCESS
}

fn route_json(route: &config::Route) -> Value {
    let matcher = &route.matcher;
    json!({
        "name": route.name,
        "hosts": matcher.hosts,
        "path": matcher.path,
        "methods": matcher.methods.iter().map(Method::as_str).collect::<Vec<_>>(),
        "headers": matcher.headers.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "query": matcher.query.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "steps": route.steps.iter().map(|step| &*step.script).collect::<Vec<_>>(),
        "upstream": route.upstream,
    })
}

/// A request to find the route of.
pub(super) struct Question {
    pub(super) method: String,
    pub(super) header: Vec<String>,
    pub(super) url: String,
}

impl Question {
    fn head(&self) -> anyhow::Result<(Method, Uri, HeaderMap)> {
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| anyhow::anyhow!("{:?} is no method", self.method))?;
        let mut headers = HeaderMap::new();
        for field in &self.header {
            let Some((name, value)) = field.split_once(':') else {
                anyhow::bail!("{field:?} is no header field; write \"name: value\"");
            };
            headers.append(
                HeaderName::from_bytes(name.trim().as_bytes())?,
                HeaderValue::from_str(value.trim())?,
            );
        }
        let uri: Uri =
            self.url.parse().map_err(|error| anyhow::anyhow!("{:?} is no URL: {error}", self.url))?;
        Ok((method, uri, headers))
    }
}

pub(super) fn routes_match(path: Option<&Path>, question: &Question, json: bool, style: Style) -> ExitCode {
    let config = match load(path, json, style) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let answer = question.head().and_then(|(method, uri, headers)| {
        let host_field = headers.get(http::header::HOST);
        let target = path::normalise(&method, uri, host_field)
            .map_err(|error| anyhow::anyhow!("the gateway refuses this request: {error}"))?;
        let router = Router::build(&config.routes).map_err(|errors| {
            anyhow::anyhow!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })?;
        let (path, query) = (target.uri.path(), target.uri.query());
        let head = RequestHead { host: &target.host, path, query, method: &method, headers: &headers };
        Ok(router.explain(&head))
    });
    let explanation = match answer {
        Ok(explanation) => explanation,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            return failed();
        }
    };
    let taken = explanation.taken().map(|route| route.name.clone());
    if json {
        let considered: Vec<Value> = explanation
            .considered
            .iter()
            .map(|route| json!({ "route": route.name, "verdict": route.verdict.to_string() }))
            .collect();
        print(&format!("{:#}", json!({ "route": taken, "considered": considered })));
    } else {
        print(&explanation.to_string());
    }
    if taken.is_some() { ExitCode::SUCCESS } else { failed() }
}
