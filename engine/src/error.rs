//! What went wrong in a step: kind, message and, for a script, place and its own call stack.

use std::fmt;
use std::sync::Arc;

/// A place in a script, both 1-based; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1; 0 when only the line is known.
    pub column: usize,
}

impl Place {
    /// The place of a Rhai position, if it has one.
    pub fn of(position: rhai::Position) -> Option<Self> {
        Some(Self { line: position.line()?, column: position.position().unwrap_or(0) })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The family an error belongs to; stable words for logs and metrics come from [`ErrorKind::as_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The source does not parse.
    Syntax,
    /// The source parses, but is not a plugin: forbidden statements, wrong parameters, unknown names.
    Check,
    /// A top-level constant could not be computed.
    Constant,
    /// The step's `config` does not fit the schema the script declares.
    Config,
    /// `throw`, or a host function that refused its arguments.
    Runtime,
    /// An operation on a value of another type than it takes.
    Type,
    /// A variable, property, function or module that does not exist.
    NotFound,
    /// Overflow, division by zero and the like.
    Arithmetic,
    /// An index outside of its container.
    Bounds,
    /// Fuel used up: `operations_max`.
    Operations,
    /// Out of time: `wall_time_max`.
    WallTime,
    /// Too much memory held: `memory_bytes_max`.
    Memory,
    /// Calls nested too deeply: `call_depth_max`.
    CallDepth,
    /// A string, array, map or scope over its size limit.
    Size,
    /// The hook returned something that is no verdict.
    Verdict,
    /// The request ended while the script was waiting.
    Cancelled,
    /// A host function or a native step panicked: a bug in Forebay, or in the patch.
    Panic,
}

impl ErrorKind {
    /// Every kind, in the order of their discriminants.
    pub const ALL: [Self; 17] = [
        Self::Syntax,
        Self::Check,
        Self::Constant,
        Self::Config,
        Self::Runtime,
        Self::Type,
        Self::NotFound,
        Self::Arithmetic,
        Self::Bounds,
        Self::Operations,
        Self::WallTime,
        Self::Memory,
        Self::CallDepth,
        Self::Size,
        Self::Verdict,
        Self::Cancelled,
        Self::Panic,
    ];

    /// The stable word for this kind in logs, metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Check => "check",
            Self::Constant => "constant",
            Self::Config => "config",
            Self::Runtime => "runtime",
            Self::Type => "type",
            Self::NotFound => "not_found",
            Self::Arithmetic => "arithmetic",
            Self::Bounds => "bounds",
            Self::Operations => "operations",
            Self::WallTime => "wall_time",
            Self::Memory => "memory",
            Self::CallDepth => "call_depth",
            Self::Size => "size",
            Self::Verdict => "verdict",
            Self::Cancelled => "cancelled",
            Self::Panic => "panic",
        }
    }

    /// Whether a limit ended the call.
    pub fn is_limit(self) -> bool {
        matches!(self, Self::Operations | Self::WallTime | Self::Memory | Self::CallDepth | Self::Size)
    }
}

/// One level of the script's call stack, innermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Name of the script function that was called; `(closure)` for one without a name.
    pub function: String,
    /// Where it was called from.
    pub called_at: Option<Place>,
}

/// An error of a step, with everything its author needs to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// Name of the script (or imported module) the place is in, or of the native step.
    pub script: Arc<str>,
    /// Whether it is a native step, which has no file, place or stack.
    pub native: bool,
    /// The family of the error.
    pub kind: ErrorKind,
    /// What happened, in one line.
    pub message: String,
    /// Where it happened.
    pub place: Option<Place>,
    /// The script functions that were running, innermost first; the hook itself is not listed.
    pub stack: Vec<Frame>,
}

impl ScriptError {
    /// An error without a stack.
    pub fn new(script: &Arc<str>, kind: ErrorKind, message: impl Into<String>, place: Option<Place>) -> Self {
        let (script, message, stack) = (script.clone(), message.into(), Vec::new());
        Self { script, native: false, kind, message, place, stack }
    }

    /// An error of a native step.
    pub fn of_native(step: &Arc<str>, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { native: true, ..Self::new(step, kind, message, None) }
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.script, if self.native { "" } else { ".rhai" })?;
        if let Some(place) = self.place {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}", self.message)?;
        for frame in &self.stack {
            write!(f, "; in {}", frame.function)?;
            if let Some(at) = frame.called_at {
                write!(f, " called at {at}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ScriptError {}
