//! The effective configuration: every default filled in, secrets as `***`.
//!
//! Printed in the shape of the file, so that what is shown can be saved and loaded again, apart from the
//! secrets. Keys keep the order of the reference.

mod listen;
mod policies;

use std::net::Ipv6Addr;
use std::time::Duration;

use forebay_engine::OnError;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use super::patches::PatchSettings;
use super::units::{show_duration, show_size};
use super::{
    AccessLog, CompileSettings, Concealed, Config, OnRejection, Route, ScriptSettings, StepConfig, StepKind,
    Target, Upstream, UpstreamKind, ValueMatch,
};
use crate::middleware;
use crate::proxy_protocol::Version;

/// The effective configuration as YAML.
pub fn show(config: &Config) -> String {
    let tree = tree(config);
    // A tree of scalars, lists and maps with text keys has no value that YAML cannot write.
    serde_saphyr::to_string(&tree).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
}

/// The effective configuration as JSON.
pub fn show_json(config: &Config) -> Value {
    serde_json::to_value(tree(config)).unwrap_or(Value::Null)
}

/// A value with the keys of its maps in order.
enum Shown {
    Scalar(Value),
    List(Vec<Shown>),
    Map(Vec<(String, Shown)>),
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scalar(value) => value.serialize(serializer),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

impl Shown {
    /// Masks what must not be printed.
    fn mask(&mut self, path: &mut Vec<String>, concealed: &Concealed) {
        match self {
            Self::Scalar(value) => {
                let text = match &*value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                if concealed.hides(path, &text) {
                    *value = "***".into();
                }
            }
            Self::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    path.push(index.to_string());
                    item.mask(path, concealed);
                    path.pop();
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    path.push(key.clone());
                    value.mask(path, concealed);
                    path.pop();
                }
            }
        }
    }
}

fn tree(config: &Config) -> Shown {
    let client = &config.client;
    let mut entries = vec![
        ("listen", list(config.listeners.iter().map(listen::listener))),
        ("workers", number(config.workers)),
        ("admin", map([("socket", path(&config.admin_socket))])),
    ];
    if let Some(address) = config.status_listener {
        entries.push(("status", map([("listen", text(address.to_string()))])));
    }
    entries.extend([
        ("trusted_proxies", list(config.trusted_proxies.iter().map(|range| text(range.to_string())))),
        (
            "client",
            map([
                ("headers_max", number(client.headers_max)),
                ("header_bytes_max", size(client.header_bytes_max)),
                ("body_bytes_max", text(show_size(client.body_bytes_max))),
                ("handshake_timeout", duration(client.handshake_timeout)),
                ("header_timeout", duration(client.header_timeout)),
                ("idle_timeout", duration(client.idle_timeout)),
                ("body_timeout", duration(client.body_timeout)),
                ("write_timeout", duration(client.write_timeout)),
                ("request_timeout", client.request_timeout.map_or_else(|| text("none"), duration)),
                ("connections_max", number(client.connections_max)),
                ("http2", listen::http2(&client.http2)),
            ]),
        ),
        ("drain_timeout", duration(config.drain_timeout)),
        ("access_log", access_log(&config.access_log)),
        ("scripts", scripts(&config.scripts)),
        ("compile", compile(&config.compile)),
        ("patches", patches(&config.patches)),
        ("state", map([("folder", path(&config.state_folder))])),
        (
            "upstreams",
            named(config.upstreams.iter().map(|(name, group)| (name.to_string(), upstream(group)))),
        ),
        ("routes", list(config.routes.iter().map(route))),
    ]);
    let mut tree = map(entries);
    tree.mask(&mut Vec::new(), &config.concealed);
    tree
}

fn access_log(log: &AccessLog) -> Shown {
    match log {
        AccessLog::Off => text("off"),
        AccessLog::Stdout => text("stdout"),
        AccessLog::File(file) => map([("file", path(file))]),
    }
}

fn scripts(scripts: &ScriptSettings) -> Shown {
    let limits = &scripts.limits;
    let limits = map([
        ("operations_max", Shown::Scalar(limits.operations_max.into())),
        ("wall_time_max", duration(limits.wall_time_max)),
        ("time_slice", duration(limits.time_slice)),
        ("call_depth_max", number(limits.call_depth_max)),
        ("expression_depth_max", number(limits.expression_depth_max)),
        ("string_bytes_max", size(limits.string_bytes_max)),
        ("array_items_max", number(limits.array_items_max)),
        ("map_entries_max", number(limits.map_entries_max)),
        ("variables_max", number(limits.variables_max)),
        ("memory_bytes_max", size(limits.memory_bytes_max)),
    ]);
    let mut http = vec![
        ("allow", list(scripts.http_allow.iter().map(text))),
        ("timeout", duration(scripts.http_timeout)),
    ];
    if let Some(file) = &scripts.http_ca {
        http.push(("ca", path(&file.path)));
    }
    map([
        ("folder", path(&scripts.folder)),
        ("limits", limits),
        ("body_bytes_max", size(scripts.body_bytes_max)),
        ("http", map(http)),
        ("env", list(scripts.env_allow.iter().map(text))),
        ("secrets", named(scripts.secrets.keys().map(|name| (name.clone(), text("***"))))),
        ("kv", map([("entries_max", number(scripts.kv_entries_max))])),
    ])
}

fn compile(compile: &CompileSettings) -> Shown {
    let on_rejection = match compile.on_rejection {
        OnRejection::Fail => "fail",
        OnRejection::Interpret => "interpret",
    };
    let hot = [("calls", Shown::Scalar(compile.hot_calls.into())), ("time", duration(compile.hot_time))];
    let shadow =
        [("every", Shown::Scalar(compile.shadow_every.into())), ("for", duration(compile.shadow_for))];
    map([
        ("enabled", Shown::Scalar(compile.enabled.into())),
        ("mode", text(compile.mode.as_str())),
        ("on_rejection", text(on_rejection)),
        ("queue_max", number(compile.queue_max)),
        ("code_bytes_max", size(compile.code_bytes_max)),
        ("time_max", duration(compile.time_max)),
        ("hot", map(hot)),
        ("trial", map([("samples", number(compile.trial_samples))])),
        ("shadow", map(shadow)),
    ])
}

fn patches(patches: &PatchSettings) -> Shown {
    let trial = &patches.trial;
    let trial = map([
        ("time_max", duration(trial.time_max)),
        ("cpu_time_max", duration(trial.cpu_time_max)),
        (
            "memory_bytes_max",
            trial.memory_bytes_max.map_or_else(|| text("none"), |bytes| text(show_size(bytes))),
        ),
    ]);
    let budget = map([
        ("time", duration(patches.budget.time)),
        ("excesses_max", Shown::Scalar(patches.budget.excesses_max.into())),
        ("on_excess", text(patches.budget.on_excess.as_str())),
    ]);
    map([
        ("enabled", Shown::Scalar(patches.enabled.into())),
        ("folder", path(&patches.folder)),
        ("signatures", text(patches.signatures.as_str())),
        ("trusted_keys", list(patches.trusted_keys.iter().map(|key| text(key.as_str())))),
        ("trial", trial),
        ("budget", budget),
    ])
}

fn upstream(upstream: &Upstream) -> Shown {
    let targets = match &upstream.kind {
        // The settings of connections mean nothing here, and the loader would refuse them.
        UpstreamKind::Echo => return map([("builtin", text("echo"))]),
        UpstreamKind::Targets(targets) => targets,
    };
    let mut entries = vec![
        ("targets", list(targets.iter().map(target))),
        ("connect_timeout", duration(upstream.connect_timeout)),
        ("response_timeout", duration(upstream.response_timeout)),
        ("body_timeout", duration(upstream.body_timeout)),
        ("connections_max", number(upstream.connections_max)),
        ("idle_max", number(upstream.idle_max)),
        ("idle_timeout", duration(upstream.idle_timeout)),
        ("queue_timeout", duration(upstream.queue_timeout)),
        ("preserve_host", Shown::Scalar(upstream.preserve_host.into())),
        ("balance", text(&*upstream.balance)),
        ("protocol", text(upstream.protocol.as_str())),
        ("proxy_protocol", text(upstream.proxy_protocol.map_or("off", Version::as_str))),
        ("upgrades", list(upstream.upgrades.iter().map(text))),
        ("upgrade_idle_timeout", duration(upstream.upgrade_idle_timeout)),
    ];
    if targets.iter().any(|target| target.tls) {
        entries.push(("tls", listen::upstream_tls(&upstream.tls)));
    }
    entries.extend(policies::policies(&upstream.policies));
    map(entries)
}

fn target(target: &Target) -> Shown {
    if target.host.starts_with('/') {
        let url = format!("unix:{}", target.host);
        return map([("url", text(url)), ("weight", Shown::Scalar(target.weight.into()))]);
    }
    let scheme = if target.tls { "https" } else { "http" };
    let url = match target.host.parse::<Ipv6Addr>() {
        Ok(address) => format!("{scheme}://[{address}]:{}", target.port),
        Err(_) => format!("{scheme}://{}:{}", target.host, target.port),
    };
    map([("url", text(url)), ("weight", Shown::Scalar(target.weight.into()))])
}

fn route(route: &Route) -> Shown {
    let matcher = &route.matcher;
    let mut entries = vec![("name", text(&*route.name))];
    if !matcher.hosts.is_empty() {
        entries.push(("hosts", list(matcher.hosts.iter().map(text))));
    }
    entries.push(("path", text(&matcher.path)));
    if !matcher.methods.is_empty() {
        entries.push(("methods", list(matcher.methods.iter().map(|method| text(method.as_str())))));
    }
    for (key, conditions) in [("headers", &matcher.headers), ("query", &matcher.query)] {
        if !conditions.is_empty() {
            entries
                .push((key, named(conditions.iter().map(|(name, value)| (name.clone(), condition(value))))));
        }
    }
    entries.push(("steps", list(route.steps.iter().map(step))));
    if let Some(upstream) = &route.upstream {
        entries.push(("upstream", text(&**upstream)));
    }
    if let Some(prefix) = &route.strip_prefix {
        entries.push(("strip_prefix", text(prefix)));
    }
    map(entries)
}

fn condition(condition: &ValueMatch) -> Shown {
    match condition {
        ValueMatch::Present => text("present"),
        ValueMatch::Absent => text("absent"),
        ValueMatch::Exact(exact) => map([("exact", text(exact))]),
        ValueMatch::Regex(regex) => map([("regex", text(regex.as_str()))]),
    }
}

fn step(step: &StepConfig) -> Shown {
    let on_error = match step.on_error {
        OnError::Closed => "closed",
        OnError::Open => "open",
    };
    match &step.kind {
        StepKind::Script(name) => map([
            ("script", text(name)),
            ("config", free(&step.config)),
            ("on_error", text(on_error)),
            ("mode", text(step.mode.as_str())),
        ]),
        StepKind::Middleware(id) => map([
            ("middleware", text(id)),
            ("config", free(&middleware::effective(id, &step.config))),
            ("on_error", text(on_error)),
        ]),
    }
}

/// Settings of a step, whatever they are.
fn free(value: &Value) -> Shown {
    match value {
        Value::Array(items) => list(items.iter().map(free)),
        Value::Object(entries) => named(entries.iter().map(|(key, value)| (key.clone(), free(value)))),
        scalar => Shown::Scalar(scalar.clone()),
    }
}

/// A text; `$${` stands for `${` in a file.
fn text(text: impl AsRef<str>) -> Shown {
    Shown::Scalar(text.as_ref().replace("${", "$${").into())
}

fn path(path: &std::path::Path) -> Shown {
    text(path.to_string_lossy())
}

fn number(number: usize) -> Shown {
    Shown::Scalar(number.into())
}

fn duration(value: Duration) -> Shown {
    text(show_duration(value))
}

fn size(bytes: usize) -> Shown {
    text(show_size(bytes as u64))
}

fn list(items: impl IntoIterator<Item = Shown>) -> Shown {
    Shown::List(items.into_iter().collect())
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Shown)>) -> Shown {
    named(entries.into_iter().map(|(key, value)| (key.to_owned(), value)))
}

fn named(entries: impl IntoIterator<Item = (String, Shown)>) -> Shown {
    Shown::Map(entries.into_iter().collect())
}
