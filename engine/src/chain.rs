//! The ordered steps of a route, and the order each hook visits them in.

use crate::step::Step;

/// The four points of an exchange at which steps run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// Before the upstream is asked; steps in the order written.
    Request,
    /// After the upstream answered; steps in reverse order.
    Response,
    /// The gateway itself is about to answer an error; steps in reverse order.
    Error,
    /// After the last byte; steps in the order written.
    Log,
}

impl Hook {
    /// Every hook, in the order an exchange meets them.
    pub const ALL: [Self; 4] = [Self::Request, Self::Response, Self::Error, Self::Log];

    /// Name of the script function.
    pub fn function(self) -> &'static str {
        match self {
            Self::Request => "on_request",
            Self::Response => "on_response",
            Self::Error => "on_error",
            Self::Log => "on_log",
        }
    }

    /// Names of its parameters.
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Request => &["req"],
            Self::Response => &["req", "res"],
            Self::Error => &["req", "err"],
            Self::Log => &["req", "res", "log"],
        }
    }
}

/// The steps of a route.
#[derive(Debug, Default)]
pub struct Chain {
    steps: Vec<Step>,
    present: [bool; 4],
}

impl Chain {
    /// A chain of these steps, in the order written.
    pub fn new(steps: Vec<Step>) -> Self {
        let present = Hook::ALL.map(|hook| steps.iter().any(|step| step.has(hook)));
        Self { steps, present }
    }

    /// Whether any step acts at this hook. A hook nobody has costs this one look.
    pub fn has(&self, hook: Hook) -> bool {
        self.present[hook as usize]
    }

    /// All steps, in the order written.
    pub fn all(&self) -> &[Step] {
        &self.steps
    }

    /// The steps that act at this hook, in its order, each with its index in the order written.
    pub fn steps(&self, hook: Hook) -> impl Iterator<Item = (usize, &Step)> {
        let count = self.steps.len();
        (0..count)
            .map(move |index| match hook {
                Hook::Request | Hook::Log => index,
                Hook::Response | Hook::Error => count - 1 - index,
            })
            .map(|index| (index, &self.steps[index]))
            .filter(move |(_, step)| step.has(hook))
    }
}
