//! The native steps of a generation: made by middleware from their settings, once per place they are written at.
//!
//! A step that a reload does not change is carried over with what it has counted so far. What makes a step the same:
//! the route it is written in, what it runs, the code that serves it, its settings, its policy, and how many like it
//! stand before it in its list.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use forebay_engine::{Implementation, NativeStep, OnError};

use super::Generation;
use crate::component::{Kind, Middleware, Registry, SettingProblem, Setup};
use crate::config::{StepConfig, StepKind, closest, listed};

/// The native steps of a generation.
#[derive(Default)]
pub(super) struct Natives(HashMap<Key, Option<Native>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    route: Option<Arc<str>>,
    kind: StepKind,
    settings: String,
    on_error: OnError,
    twins_before: usize,
    implementation: Implementation,
}

#[derive(Clone)]
struct Native {
    step: Arc<dyn NativeStep>,
    /// The code it was made by; two patches of one name and version may differ.
    code: Arc<dyn Middleware>,
}

/// Why a step cannot be made.
pub(super) enum NotMade {
    /// There is no such middleware; this is what to do.
    Unknown(String),
    /// Its settings are wrong.
    Settings(Vec<SettingProblem>),
    /// It was reported before.
    Reported,
}

/// What serves a step instead of the interpreter, if anything does: the middleware it names, or a component that
/// takes the place of its script.
pub fn middleware_of<'a>(
    registry: &'a Registry,
    kind: &StepKind,
) -> Option<(&'a Implementation, &'a Arc<dyn Middleware>)> {
    match kind {
        StepKind::Script(name) => registry.instead_of_script(name),
        StepKind::Middleware(id) => registry.middleware(id),
    }
}

/// What to do about a middleware that does not exist.
fn unknown(registry: &Registry, id: &str) -> String {
    let ids = || registry.ids(Kind::Middleware).map(|id| &**id);
    match closest(id, ids()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("there are {}; a patch can bring more", listed(ids())),
    }
}

impl Natives {
    /// The step for this place; `None` if a script serves it.
    pub(super) fn step(
        &mut self,
        step: &StepConfig,
        registry: &Registry,
        previous: Option<&Generation>,
    ) -> Result<Option<Arc<dyn NativeStep>>, NotMade> {
        let Some((implementation, code)) = middleware_of(registry, &step.kind) else {
            return match &step.kind {
                StepKind::Script(_) => Ok(None),
                StepKind::Middleware(id) => Err(NotMade::Unknown(unknown(registry, id))),
            };
        };
        let key = Key {
            route: step.route.clone(),
            kind: step.kind.clone(),
            settings: step.config.to_string(),
            on_error: step.on_error,
            twins_before: step.twins_before,
            implementation: implementation.clone(),
        };
        let place = match self.0.entry(key) {
            Entry::Occupied(made) => {
                return made.get().as_ref().map(|made| Some(made.step.clone())).ok_or(NotMade::Reported);
            }
            Entry::Vacant(place) => place,
        };
        let carried_over = previous
            .and_then(|previous| previous.natives.0.get(place.key())?.clone())
            .filter(|old| code.survives_reload() && Arc::ptr_eq(&old.code, code));
        let made = match carried_over {
            Some(native) => Ok(native),
            None => code
                .build(&Setup {
                    name: step.kind.name(),
                    implementation,
                    on_error: step.on_error,
                    settings: &step.config,
                    registry,
                })
                .map(|step| Native { step, code: code.clone() }),
        };
        match made {
            Ok(native) => {
                let step = native.step.clone();
                place.insert(Some(native));
                Ok(Some(step))
            }
            Err(problems) => {
                place.insert(None);
                Err(NotMade::Settings(problems))
            }
        }
    }
}
