//! What is told about one program: the shape of a JSON line, and its text form.
//!
//! The order of the fields is the order in the JSON, and both are described in `docs/eval.md`.

use std::io::{self, Write};

use rhai::{Dynamic, Engine, EvalAltResult, Position};
use serde::{Deserialize, Serialize};

use super::tier::{Coverage, Fallback, Tier};
use crate::script_tools::excerpt::printable;

/// The report on one program.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) id: String,
    pub(super) tier: Tier,
    #[serde(flatten)]
    pub(super) end: End,
    pub(super) output: Vec<Output>,
    /// Whether there was more output than is kept.
    pub(super) output_truncated: bool,
    #[serde(flatten)]
    pub(super) coverage: Coverage,
    /// How often it ran; 0 when it did not get so far.
    pub(super) runs: usize,
    pub(super) parse_ns: Option<Times>,
    pub(super) compile_ns: Option<Times>,
    pub(super) run_ns: Option<Times>,
}

/// How a program ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum End {
    /// With a value.
    Value { value: Value },
    /// With an error, of parsing or of running.
    Error { error: Failure },
    /// Not within its time.
    Timeout { message: String },
    /// By taking the tier, or the process, down with it.
    Crash { message: String },
}

/// A value as text.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Value {
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// The Debug form of Rhai's `Dynamic`.
    pub(super) text: String,
}

impl Value {
    pub(super) fn new(engine: &Engine, value: &Dynamic) -> Self {
        let type_name = engine.map_type_name(value.type_name()).to_owned();
        Self { type_name, text: format!("{value:?}") }
    }
}

/// An error of Rhai.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    /// The variant of `EvalAltResult`, such as `ErrorArithmetic`.
    pub(super) kind: String,
    pub(super) message: String,
    pub(super) line: Option<usize>,
    pub(super) column: Option<usize>,
    /// Kind and place of the innermost error: they differ where functions were being called.
    pub(super) inner_kind: String,
    pub(super) inner_line: Option<usize>,
    pub(super) inner_column: Option<usize>,
    /// The Debug form of `EvalAltResult`: everything, nested.
    pub(super) debug: String,
}

impl Failure {
    pub(super) fn new(error: &EvalAltResult) -> Self {
        let inner = error.unwrap_inner();
        let (place, inner_place) = (error.position(), inner.position());
        Self {
            kind: kind(error),
            message: error.to_string(),
            line: place.line(),
            column: place.position(),
            inner_kind: kind(inner),
            inner_line: inner_place.line(),
            inner_column: inner_place.position(),
            debug: format!("{error:?}"),
        }
    }
}

/// The name of the variant: Debug is derived, so it comes first.
fn kind(error: &EvalAltResult) -> String {
    let text = format!("{error:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

/// Something a program printed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Output {
    /// By `print`.
    Print { print: String },
    /// By `debug`.
    Debug { debug: String, line: Option<usize>, column: Option<usize> },
}

impl Output {
    pub(super) fn debug(text: &str, position: Position) -> Self {
        Self::Debug { debug: text.to_owned(), line: position.line(), column: position.position() }
    }

    pub(super) fn bytes(&self) -> usize {
        let (Self::Print { print: text } | Self::Debug { debug: text, .. }) = self;
        text.len()
    }
}

/// Times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Times {
    pub(super) min: u64,
    pub(super) median: u64,
}

impl Times {
    /// `None` if nothing was timed.
    pub(super) fn of(mut times: Vec<u64>) -> Option<Self> {
        times.sort_unstable();
        Some(Self { min: *times.first()?, median: times[times.len() / 2] })
    }
}

impl Report {
    pub(super) fn ended_in_a_value(&self) -> bool {
        matches!(self.end, End::Value { .. })
    }

    /// A report on a program that left nothing to tell but its end.
    pub(super) fn cut_short(id: String, tier: Tier, end: End) -> Self {
        Self {
            id,
            tier,
            end,
            output: Vec::new(),
            output_truncated: false,
            coverage: Coverage::default(),
            runs: 0,
            parse_ns: None,
            compile_ns: None,
            run_ns: None,
        }
    }

    /// The report for people; with the name of the program if it is one of many.
    pub(super) fn text(&self, named: bool, out: &mut dyn Write) -> io::Result<()> {
        if named {
            writeln!(out, "== {}", printable(&self.id))?;
        }
        for output in &self.output {
            match output {
                Output::Print { print } => writeln!(out, "print     {}", indented(print))?,
                Output::Debug { debug, line, column } => {
                    writeln!(out, "debug     {}{}", place(*line, *column), indented(debug))?;
                }
            }
        }
        if self.output_truncated {
            writeln!(out, "          (more output was not kept)")?;
        }
        let (end, text) = match &self.end {
            End::Value { value } => ("value", format!("{}: {}", value.type_name, value.text)),
            End::Error { error } => ("error", format!("{}: {}", error.kind, error.message)),
            End::Timeout { message } => ("timeout", message.clone()),
            End::Crash { message } => ("crash", message.clone()),
        };
        writeln!(out, "{end:<10}{}", indented(&text))?;
        for fallback in &self.coverage.fallbacks {
            let Fallback { function, reason, line, column } = fallback;
            let function = if function.is_empty() { String::new() } else { format!("in {function}: ") };
            writeln!(out, "fallback  {}{function}{}", place(*line, *column), indented(reason))?;
        }
        self.figures(out)
    }

    fn figures(&self, out: &mut dyn Write) -> io::Result<()> {
        let Coverage { fallbacks, functions, native_functions, code_bytes } = &self.coverage;
        let mut figures = Vec::new();
        if self.tier != Tier::Ast && self.compile_ns.is_some() {
            figures.push(format!("fallbacks {}", fallbacks.len()));
        }
        if let (Some(native), Some(all)) = (native_functions, functions) {
            figures.push(format!("{native} of {all} functions native"));
        }
        figures.extend(code_bytes.map(|bytes| format!("{bytes} bytes of code")));
        figures.extend(self.parse_ns.map(|times| format!("parse {}", micros(times.median))));
        figures.extend(self.compile_ns.map(|times| format!("compile {}", micros(times.median))));
        if let Some(times) = self.run_ns {
            let Times { min, median } = times;
            figures.push(format!("run min {}, median {} of {}", micros(min), micros(median), self.runs));
        }
        if figures.is_empty() { Ok(()) } else { writeln!(out, "measured  {}", figures.join(", ")) }
    }
}

/// Further lines stand under the first.
fn indented(text: &str) -> String {
    printable(text).replace('\n', "\n          ")
}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("{line}:{column} "),
        (Some(line), None) => format!("{line} "),
        _ => String::new(),
    }
}

fn micros(nanos: u64) -> String {
    format!("{}.{:01} us", nanos / 1_000, nanos % 1_000 / 100)
}
