//! The `scripts` section: limits that fit each other, and what scripts may reach.

use std::collections::BTreeMap;
use std::time::Duration;

use forebay_engine::Limits;

use super::super::document::Node;
use super::super::interpolate::is_variable_name;
use super::super::raw::{RawLimits, RawScripts};
use super::super::{ScriptSettings, Secret, codes};
use super::{Context, Refusal, addresses, duration, listen, names, size};

/// Builds the settings.
pub(super) fn validate(raw: RawScripts, node: &Node, context: &mut Context<'_>) -> ScriptSettings {
    let http = raw.http.unwrap_or_default();
    let allow = node.at("http").at("allow");
    let http_allow = http.allow.unwrap_or_default().into_iter().enumerate().filter_map(|(index, written)| {
        let outcome = addresses::allowed_host(&written);
        context.accept(allow.item(index), outcome)
    });
    let http_allow = http_allow.collect();
    let env_allow = raw.env.unwrap_or_default();
    for (index, name) in env_allow.iter().enumerate() {
        if !is_variable_name(name) {
            let help = "use letters, digits and `_`, not starting with a digit; write the name without `$`";
            let refusal = Refusal::new(codes::NAME, "this is not the name of a variable", help);
            context.refuse(node.at("env").item(index), refusal);
        }
    }
    ScriptSettings {
        folder: match raw.folder {
            Some(folder) => context.path(node.at("folder"), &folder),
            None => context.base.join("scripts"),
        },
        limits: limits(&raw.limits.unwrap_or_default(), node.at("limits"), context),
        body_bytes_max: size(raw.body_bytes_max, 1 << 20),
        http_allow,
        http_ca: http.ca.map(|written| listen::authorities(&written, node.at("http").at("ca"), context)),
        http_timeout: duration(http.timeout, Duration::from_secs(3)),
        env_allow,
        secrets: secrets(raw.secrets.unwrap_or_default(), node.at("secrets"), context),
        kv_entries_max: raw.kv.and_then(|kv| kv.entries_max).unwrap_or(100_000),
    }
}

/// A limit that was left out gives way to one that was written; two that were written must agree.
fn limits(raw: &RawLimits, node: &Node, context: &mut Context<'_>) -> Limits {
    let default = Limits::default();
    let wall_time_max = duration(raw.wall_time_max, default.wall_time_max);
    let memory_bytes_max = size(raw.memory_bytes_max, default.memory_bytes_max);
    let limits = Limits {
        operations_max: raw.operations_max.unwrap_or(default.operations_max),
        wall_time_max,
        time_slice: duration(raw.time_slice, default.time_slice.min(wall_time_max)),
        call_depth_max: raw.call_depth_max.unwrap_or(default.call_depth_max),
        expression_depth_max: raw.expression_depth_max.unwrap_or(default.expression_depth_max),
        string_bytes_max: size(raw.string_bytes_max, default.string_bytes_max.min(memory_bytes_max)),
        array_items_max: raw.array_items_max.unwrap_or(default.array_items_max),
        map_entries_max: raw.map_entries_max.unwrap_or(default.map_entries_max),
        variables_max: raw.variables_max.unwrap_or(default.variables_max),
        memory_bytes_max,
    };
    if limits.time_slice > limits.wall_time_max {
        let refusal = Refusal::new(
            codes::CONFLICT,
            "`time_slice` is longer than the whole call may take (`wall_time_max`)",
            "make `time_slice` shorter, about 1ms",
        );
        context.refuse(node.at("time_slice"), refusal);
    }
    if limits.string_bytes_max > limits.memory_bytes_max {
        let refusal = Refusal::new(
            codes::CONFLICT,
            "`string_bytes_max` is more than a call may hold (`memory_bytes_max`)",
            "make `string_bytes_max` smaller or `memory_bytes_max` larger",
        );
        context.refuse(node.at("string_bytes_max"), refusal);
    }
    limits
}

fn secrets(
    raw: BTreeMap<String, String>,
    node: &Node,
    context: &mut Context<'_>,
) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    for (name, value) in raw {
        context.accept(node.at(&name), names::name(&name, "a secret"));
        if value.is_empty() {
            let help = "check the file or variable it comes from";
            let message = format!("the secret `{name}` is empty");
            context.refuse(node.at(&name), Refusal::new(codes::EMPTY_VALUE, message, help));
        }
        secrets.insert(name, Secret(value));
    }
    secrets
}
