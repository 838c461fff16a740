//! Everything that can be observed of one run of a program.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rhai::{AST, Dynamic, Engine, EvalAltResult, Scope};

use super::host;
use super::tiers::Tier;

/// What one run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The value, the error, or the panic.
    pub(crate) end: String,
    /// The variables that are left.
    pub(crate) scope: Vec<String>,
    /// Calls of host functions, `print` and `debug`, in their order.
    pub(crate) trace: Vec<String>,
    /// Counters that exist after everything was dropped.
    pub(crate) leaked: i64,
}

impl Outcome {
    /// Whether the run hit a limit that is there only to end it.
    pub(crate) fn hit_a_limit(&self) -> bool {
        self.end.contains("ErrorTooManyOperations") || self.end.contains("ErrorDataTooLarge")
    }

    /// Whether the run took its thread down.
    pub(crate) fn panicked(&self) -> bool {
        self.end.starts_with("panic")
    }

    /// Whether the run ended in an error.
    pub(crate) fn failed(&self) -> bool {
        self.end.starts_with("error")
    }
}

/// Runs a program and tells what it did.
pub(crate) fn observe(engine: &Engine, ast: &AST, tier: &dyn Tier) -> Outcome {
    host::reset();
    let mut scope = Scope::new();
    let run = catch_unwind(AssertUnwindSafe(|| tier.run(engine, ast, &mut scope)));
    let end = match run {
        Ok(Ok(value)) => format!("value {}", shown_result(value)),
        Ok(Err(error)) => format!("error {}", shown_error(&error)),
        Err(panic) => format!("panic {}", panic_text(&*panic)),
    };
    let variables = scope.iter_raw().map(|(name, constant, value)| {
        format!("{}{name} = {}", if constant { "const " } else { "" }, shown(value))
    });
    let variables = variables.collect();
    drop(scope);
    Outcome { end, scope: variables, trace: host::take_trace(), leaked: host::live() }
}

/// The Debug text of a value with its type, and its tag if it has one. Whether the value of the whole program is in a
/// cell makes no difference to a host, which takes it out.
fn shown_result(value: Dynamic) -> String {
    shown(&value.flatten())
}

/// The Debug text of a value with its type, and its tag if it has one.
fn shown(value: &Dynamic) -> String {
    let tag = value.tag();
    let tag = if tag == 0 { String::new() } else { format!(" tag {tag}") };
    format!("{}: {value:?}{tag}", value.type_name())
}

/// Debug tells kind, texts, positions and what is nested; Display is what people read.
fn shown_error(error: &EvalAltResult) -> String {
    format!("{error:?} / {error}")
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text")
}
