//! One element of a chain. What kind runs is decided when a generation is built, never per request.

use std::rc::Rc;
use std::sync::Arc;

use crate::chain::Hook;
use crate::exchange::Exchange;
use crate::host::Host;
use crate::native::NativeStep;
use crate::script::ScriptStep;
use crate::script::call::Call;

/// What an error inside a step means for the request it happened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnError {
    /// The request is answered 500 with its id. The default: a failed check must not let traffic through.
    #[default]
    Closed,
    /// The error is logged and counted, and the request goes on as if the step were not there.
    Open,
}

/// The kinds of step.
#[derive(Debug, Clone)]
pub enum Step {
    /// A script with its settings, run by the interpreter or by its program.
    Script(Arc<ScriptStep>),
    /// Middleware of the gateway or of a patch, with its settings.
    Native(Arc<dyn NativeStep>),
}

impl Step {
    /// Name for logs and metrics.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Script(step) => step.script().name(),
            Self::Native(step) => step.name(),
        }
    }

    /// Whether the step acts at this hook.
    pub fn has(&self, hook: Hook) -> bool {
        match self {
            Self::Script(step) => step.script().has(hook),
            Self::Native(step) => step.has(hook),
        }
    }

    /// What an error of the step means.
    pub fn on_error(&self) -> OnError {
        match self {
            Self::Script(step) => step.on_error(),
            Self::Native(step) => step.on_error(),
        }
    }

    /// Begins one call of the step; the caller drives it with [`Call::resume`].
    pub fn begin(&self, hook: Hook, exchange: Box<Exchange>, host: &Rc<dyn Host>) -> Call {
        match self {
            Self::Script(step) => Call::begin(step.clone(), hook, exchange, host.clone()),
            Self::Native(step) => Call::native(step.clone(), hook, exchange, host.clone()),
        }
    }
}
