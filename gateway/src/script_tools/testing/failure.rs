//! What makes a test fail, as a value that travels through Rhai's errors.

use std::sync::Arc;

use forebay_engine::ScriptError;
use rhai::{Dynamic, EvalAltResult, Position};

/// Result of a function of the test API.
pub(super) type TestResult<T> = Result<T, Box<EvalAltResult>>;

/// A failed assertion, or an error of the script under test.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// `assertion`, `usage` (of the test API) or `script`.
    pub(super) kind: &'static str,
    /// What did not hold.
    pub(super) message: String,
    /// Lines that explain it.
    pub(super) notes: Vec<String>,
    /// What was found and what was expected, as shown.
    pub(super) compared: Option<(String, String)>,
    /// The error of the script, if it was one.
    pub(super) script: Option<Arc<ScriptError>>,
}

impl Failure {
    /// A failure with this message.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { kind: "assertion", message: message.into(), notes: Vec::new(), compared: None, script: None }
    }

    /// The script under test failed where it should not.
    pub(super) fn of_script(what: &str, error: ScriptError) -> Self {
        let message = format!("{what}: {}", error.message);
        Self { kind: "script", script: Some(Arc::new(error)), ..Self::new(message) }
    }

    /// The failure inside of a Rhai error, however deep in calls it happened.
    pub(super) fn in_error(error: &EvalAltResult) -> Option<Self> {
        match error.unwrap_inner() {
            EvalAltResult::ErrorRuntime(value, _) => value.read_lock::<Self>().map(|failure| failure.clone()),
            _ => None,
        }
    }

    /// Ends the test, unless the error is caught.
    pub(super) fn raise<T>(self) -> TestResult<T> {
        // The place of the call is filled in by Rhai.
        Err(EvalAltResult::ErrorRuntime(Dynamic::from(self), Position::NONE).into())
    }
}

/// Ends the test with a message about how the test API was used.
pub(super) fn misuse<T>(message: impl Into<String>) -> TestResult<T> {
    Failure { kind: "usage", ..Failure::new(message) }.raise()
}
