//! `script eval`: plain Rhai programs in one tier, with what they did and how long that took.
//!
//! A program here is no plugin: it has no hooks, meets the stock engine (`Engine::new()`) and nothing of the
//! gateway. So anyone can compare the tiers with each other and with Rhai itself. Programs are run by a child
//! process, the worker: one that never ends, or takes the process down, costs only its own result.

mod measure;
mod programs;
mod report;
mod supervise;
mod tier;
mod worker;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::time::Duration;

pub use tier::Tier;
pub use worker::work;

use super::{Format, Outcome, usage};
use supervise::Supervisor;

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct EvalOptions<'a> {
    /// A file, or `-` for standard input.
    pub source: &'a str,
    /// Whether the source is JSON lines; `None` decides by its name and first line.
    pub lines: Option<bool>,
    /// The tier.
    pub tier: Tier,
    /// How often each program is run.
    pub repeat: NonZeroUsize,
    /// Most time one program may take.
    pub timeout: Duration,
    /// How the report is written.
    pub format: Format,
}

/// Runs the programs and reports on each as soon as it has ended. [`Outcome::Success`] if all ended in a value.
///
/// `worker` starts a process that calls [`work`] with the same tier, repeat and timeout.
///
/// # Errors
/// When the report cannot be written or no worker can be started.
pub fn eval(
    options: &EvalOptions<'_>,
    worker: &dyn Fn() -> Command,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let programs = match programs::read(options.source, options.lines) {
        Ok(programs) => programs,
        Err(error) => return usage(out, &error),
    };
    let start = || {
        let mut command = worker();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    };
    let mut supervisor = Supervisor::new(&start, options.timeout);
    let mut outcome = Outcome::Success;
    let many = programs.len() > 1;
    for program in programs {
        let report = supervisor.run(program, options.tier)?;
        if !report.ended_in_a_value() {
            outcome = Outcome::Failure;
        }
        match options.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string(&report)?)?,
            Format::Text => report.text(many, out)?,
        }
        out.flush()?;
    }
    Ok(outcome)
}
