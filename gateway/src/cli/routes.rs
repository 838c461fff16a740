//! `routes list` and `routes match`, and what serves each step.

use std::path::Path;
use std::process::ExitCode;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde_json::{Value, json};

use super::commands::{load, text};
use super::output::{complain, failed, print};
use crate::component::Registry;
use crate::config;
use crate::diagnostic::{Style, render_all};
use crate::generation::Serves;
use crate::patch::service::Patches;
use crate::path;
use crate::route::{RequestHead, Router};

/// Most routes that `status` lists for people.
const LISTED_MAX: usize = 32;

/// Which code serves the steps of each route, as lines of `status`.
pub(super) fn serving_text(routes: &Value) -> String {
    let routes = routes.as_array().map(Vec::as_slice).unwrap_or_default();
    let with_steps: Vec<&Value> = routes
        .iter()
        .filter(|route| route["steps"].as_array().is_some_and(|steps| !steps.is_empty()))
        .collect();
    let mut lines: Vec<String> = with_steps
        .iter()
        .take(LISTED_MAX)
        .map(|route| {
            let steps = route["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
            let shown: Vec<&str> = steps.iter().map(|step| text(&step["shown"])).collect();
            format!("\nsteps        {}: {}", text(&route["route"]), shown.join(", "))
        })
        .collect();
    if with_steps.len() > LISTED_MAX {
        lines.push(format!(
            "\nsteps        and of {} more routes: see `routes list`",
            with_steps.len() - LISTED_MAX
        ));
    }
    lines.concat()
}

pub(super) fn routes_list(path: Option<&Path>, json: bool, style: Style) -> ExitCode {
    let config = match load(path, json, style) {
        Ok(config) => config,
        Err(code) => return code,
    };
    let registry = registry(&config, style);
    if json {
        let routes: Vec<Value> = config.routes.iter().map(|route| route_json(route, &registry)).collect();
        print(&format!("{:#}", json!({ "routes": routes })));
        return ExitCode::SUCCESS;
    }
    for route in &config.routes {
        let value = route_json(route, &registry);
        let steps: Vec<String> = Serves::of_route(route, &registry).iter().map(ToString::to_string).collect();
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
            steps.join(","),
            route.upstream.as_deref().unwrap_or("(steps answer)"),
        ));
    }
    ExitCode::SUCCESS
}

/// The components that a gateway with this configuration would have. Where its patches have problems, those are said
/// and the patches left out.
fn registry(config: &config::Config, style: Style) -> Registry {
    let patches = match Patches::reading(&config.state_folder) {
        Ok(patches) => patches,
        Err(error) => {
            complain(&format!("patches are left out: {error}"));
            return Registry::builtin();
        }
    };
    match patches.prepare(&config.patches, &config.scripts_run()) {
        Ok(selection) => selection.registry,
        Err(found) => {
            complain(render_all(&found, style).trim_end());
            complain("patches are left out");
            Registry::builtin()
        }
    }
}

fn route_json(route: &config::Route, registry: &Registry) -> Value {
    let matcher = &route.matcher;
    json!({
        "name": route.name,
        "hosts": matcher.hosts,
        "path": matcher.path,
        "methods": matcher.methods.iter().map(Method::as_str).collect::<Vec<_>>(),
        "headers": matcher.headers.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "query": matcher.query.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "steps": Serves::of_route(route, registry).iter().map(Serves::to_json).collect::<Vec<_>>(),
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
    let route = config.routes.iter().find(|route| Some(&route.name) == taken.as_ref());
    let steps = route.map(|route| Serves::of_route(route, &registry(&config, style))).unwrap_or_default();
    if json {
        let steps: Vec<Value> = steps.iter().map(Serves::to_json).collect();
        let considered: Vec<Value> = explanation
            .considered
            .iter()
            .map(|route| json!({ "route": route.name, "verdict": route.verdict.to_string() }))
            .collect();
        print(&format!("{:#}", json!({ "route": taken, "steps": steps, "considered": considered })));
    } else {
        let steps: Vec<String> = steps.iter().map(|step| format!("\n  step {step}")).collect();
        print(&explanation.to_string().replacen('\n', &format!("{}\n", steps.concat()), 1));
    }
    if taken.is_some() { ExitCode::SUCCESS } else { failed() }
}
