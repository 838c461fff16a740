//! The steps of routes: scripts and middleware.
//!
//! Whether a middleware exists is not known here, because patches bring some; of the built-in ones the schema has
//! checked the shape of the settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_engine::OnError;
use serde_json::Value;

use super::super::document::{Data, Node};
use super::super::raw::{RawOnError, RawStep, RawStepSettings};
use super::super::{Location, Places, StepConfig, StepKind, codes};
use super::{Context, Refusal, names};

/// Builds a list of steps, of a route or common to all.
pub(super) fn steps(
    raw: Vec<RawStep>,
    node: &Node,
    route: Option<&Arc<str>>,
    context: &mut Context<'_>,
) -> Vec<StepConfig> {
    let mut steps = Vec::with_capacity(raw.len());
    for (index, raw) in raw.into_iter().enumerate() {
        let item = node.item(index);
        let (settings, place) = match raw {
            RawStep::Name(name) => {
                (RawStepSettings { script: Some(name), ..RawStepSettings::default() }, item)
            }
            RawStep::Settings(settings) => {
                let key = if settings.middleware.is_some() { "middleware" } else { "script" };
                (settings, item.at(key))
            }
        };
        let Some(kind) = kind(&settings, item, place, context) else { continue };
        let start = context.source.shown_range(place.head()).start;
        let mut step = StepConfig {
            places: match &kind {
                StepKind::Script(_) => Places::default(),
                StepKind::Middleware(_) => places(item.at("config"), context),
            },
            kind,
            config: Value::Object(settings.config.unwrap_or_default()),
            on_error: match settings.on_error {
                Some(RawOnError::Open) => OnError::Open,
                Some(RawOnError::Closed) | None => OnError::Closed,
            },
            mode: context.modes.of(settings.mode),
            route: route.cloned(),
            twins_before: 0,
            location: Some(context.source.location(start)),
        };
        let is_twin = |other: &&StepConfig| {
            (&other.kind, &other.config, other.on_error) == (&step.kind, &step.config, step.on_error)
        };
        step.twins_before = steps.iter().filter(is_twin).count();
        steps.push(step);
    }
    steps
}

fn kind(
    settings: &RawStepSettings,
    item: &Node,
    place: &Node,
    context: &mut Context<'_>,
) -> Option<StepKind> {
    match (&settings.script, &settings.middleware) {
        (Some(script), None) => {
            context.accept(place, names::script(script));
            Some(StepKind::Script(script.as_str().into()))
        }
        (None, Some(id)) => {
            context.accept(place, names::middleware(id));
            if item.entry("mode").is_some() {
                let help = "remove `mode`: middleware is machine code already";
                let message = "`mode` says how a script is run, and this step is middleware";
                context.refuse(item.at("mode"), Refusal::new(codes::CONFLICT, message, help));
            }
            Some(StepKind::Middleware(id.as_str().into()))
        }
        (Some(_), Some(_)) => {
            let message = "a step is a `script` or a `middleware`, not both";
            context.refuse(
                item.at("middleware"),
                Refusal::new(codes::CONFLICT, message, "make two steps of it"),
            );
            None
        }
        (None, None) => {
            let is_written = |key: &str| item.entry(key).is_some();
            // One that was written and is not here has been reported, and so has a misspelt one.
            let is_known = |key: &str| ["config", "on_error", "mode"].contains(&key);
            let all_known = item.entries().iter().all(|entry| is_known(&entry.key));
            if !is_written("script") && !is_written("middleware") && all_known {
                let message = "this step has neither `script` nor `middleware`";
                let help = "name the script or the middleware that the step runs";
                context.refuse(item, Refusal::new(codes::MISSING_KEY, message, help));
            }
            None
        }
    }
}

/// Where each value of the settings stands, by JSON pointer.
fn places(node: &Node, context: &Context<'_>) -> Places {
    fn walk(node: &Node, pointer: &str, found: &mut BTreeMap<String, Location>, context: &Context<'_>) {
        let start = context.source.shown_range(node.head()).start;
        found.insert(pointer.to_owned(), context.source.location(start));
        for entry in node.entries().iter().filter(|entry| !matches!(entry.value.data, Data::Invalid)) {
            let key = entry.key.replace('~', "~0").replace('/', "~1");
            walk(&entry.value, &format!("{pointer}/{key}"), found, context);
        }
        for (index, item) in node.valid_items().enumerate() {
            walk(item, &format!("{pointer}/{index}"), found, context);
        }
    }
    let mut found = BTreeMap::new();
    walk(node, "", &mut found, context);
    Places(Arc::new(found))
}
