//! Which code serves each step of a route, for `routes`, `status` and the admin interface.

use std::fmt;
use std::sync::Arc;

use forebay_engine::{Implementation, Provider};
use serde_json::{Value, json};

use super::middleware_of;
use crate::component::Registry;
use crate::config::{Route, StepConfig, StepKind};

/// What serves one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serves {
    /// What the configuration calls it: a script or a middleware.
    pub step: StepKind,
    /// The code, if it is not the script's own; `None` also for a middleware that does not exist.
    pub implementation: Option<Implementation>,
}

impl Serves {
    /// What serves a step with these components.
    pub fn of(step: &StepConfig, registry: &Registry) -> Self {
        let implementation =
            middleware_of(registry, &step.kind).map(|(implementation, _)| implementation.clone());
        Self { step: step.kind.clone(), implementation }
    }

    /// What serves the steps of a route, in their order.
    pub fn of_route(route: &Route, registry: &Registry) -> Vec<Self> {
        route.steps.iter().map(|step| Self::of(step, registry)).collect()
    }

    /// For programs: `step`, `kind` (`script` or `middleware`), `served_by` (`script`, `built-in`, `patch` or null),
    /// `id`, `version` and `patch`, null where they mean nothing; and
    /// `shown`, the text for people.
    pub fn to_json(&self) -> Value {
        let (served_by, patch): (Option<&str>, Option<&Arc<str>>) = match (&self.implementation, &self.step) {
            (None, StepKind::Script(_)) => (Some("script"), None),
            (None, StepKind::Middleware(_)) => (None, None),
            (Some(Implementation { provider: Provider::BuiltIn, .. }), _) => (Some("built-in"), None),
            (Some(Implementation { provider: Provider::Patch { name }, .. }), _) => {
                (Some("patch"), Some(name))
            }
        };
        let implementation = self.implementation.as_ref();
        json!({
            "step": self.step.name(),
            "kind": match self.step {
                StepKind::Script(_) => "script",
                StepKind::Middleware(_) => "middleware",
            },
            "served_by": served_by,
            "id": implementation.map(|code| &code.id),
            "version": implementation.map(|code| &code.version),
            "patch": patch,
            "shown": self.to_string(),
        })
    }
}

/// `stamp` for a script, `cors 1.0.0` for what is built in, `cors 1.0.1 (patch cors-fix)` for what a patch brings.
impl fmt::Display for Serves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.implementation {
            None => f.write_str(self.step.name()),
            Some(Implementation { id, version, provider: Provider::BuiltIn }) => write!(f, "{id} {version}"),
            Some(code) => write!(f, "{code}"),
        }
    }
}
