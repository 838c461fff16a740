//! Middleware: makes steps of a chain from their settings.

use std::sync::Arc;

use forebay_engine::{Implementation, NativeStep, OnError};
use serde_json::Value;

use super::Registry;

/// One kind of step, from which the steps of all routes are made.
pub trait Middleware: Send + Sync + std::fmt::Debug {
    /// Checks the settings of a step and makes it. Called while a generation is built, on the control thread.
    ///
    /// # Errors
    /// Everything that is wrong with the settings; nothing that is served changes.
    fn build(&self, setup: &Setup<'_>) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>>;

    /// Whether a step that a reload does not change goes on with what it knows. One whose meaning depends on other
    /// components than its own is made anew.
    fn survives_reload(&self) -> bool {
        true
    }

    /// The settings with every default filled in, for `config show`. They have been checked.
    fn effective(&self, settings: &Value) -> Value {
        settings.clone()
    }
}

/// What a step is made from.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Name of the step for logs: the middleware's id, or the name of the script it stands for.
    pub name: &'a Arc<str>,
    /// Which code makes it, to be kept by the step.
    pub implementation: &'a Implementation,
    /// What an error of the step means.
    pub on_error: OnError,
    /// The `config` of the step, an object.
    pub settings: &'a Value,
    /// The components of the generation, for middleware that uses others.
    pub registry: &'a Registry,
}

/// Something wrong with a step's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// Where in the settings, as a JSON pointer (RFC 6901) such as `/allow/2`; empty for all of them.
    pub at: String,
    /// What is wrong, in one sentence without a final full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl SettingProblem {
    /// A problem at a place.
    pub fn new(at: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at: at.into(), message: message.into(), help: Some(help.into()) }
    }
}
