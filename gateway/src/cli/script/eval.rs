//! `forebay script eval`: needs no configuration and no project, so it is carried out on its own.

use std::io;
use std::num::NonZeroUsize;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Args;

use crate::cli::output::{complain, failed};
use crate::script_tools::Format;
use crate::script_tools::eval::{self, EvalOptions, Tier};

#[derive(Debug, Args)]
pub(in crate::cli) struct EvalArguments {
    /// File with a Rhai program, or with JSON lines like `{"id": "a", "src": "1 + 1"}`; `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "worker")]
    source: Option<String>,
    /// How programs are run
    #[arg(long, value_enum, default_value = "ast")]
    tier: Tier,
    /// How often each program is run; the times are those of the fastest run and of the median
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroUsize,
    /// Most seconds one program may take, repeats included; repeating ends at half of it
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// Take the file as JSON lines, whatever it is called and however it begins
    #[arg(long, conflicts_with = "program")]
    lines: bool,
    /// Take the file as one program
    #[arg(long)]
    program: bool,
    /// Be the process that runs the programs
    #[arg(long, hide = true)]
    worker: bool,
}

/// From a millisecond to a day.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.001..=86_400.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("must be from 0.001 to 86400".to_owned())
    }
}

pub(super) fn run(arguments: &EvalArguments, json: bool) -> ExitCode {
    match carry_out(arguments, json) {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => failed(),
        Err(error) => {
            complain(&format!("error: {error}"));
            failed()
        }
    }
}

fn carry_out(arguments: &EvalArguments, json: bool) -> io::Result<ExitCode> {
    let EvalArguments { source, tier, repeat, timeout, lines, program, worker } = arguments;
    if *worker {
        eval::work(*tier, *repeat, *timeout)?;
        return Ok(ExitCode::SUCCESS);
    }
    let executable = std::env::current_exe()?;
    let worker = || {
        let mut command = Command::new(&executable);
        let tier = format!("--tier={}", tier.name());
        let (repeat, timeout) =
            (format!("--repeat={repeat}"), format!("--timeout={}", timeout.as_secs_f64()));
        command.args(["script", "eval", "--worker", &tier, &repeat, &timeout]);
        command
    };
    let options = EvalOptions {
        source: source.as_deref().unwrap_or("-"),
        lines: (*lines || *program).then_some(*lines),
        tier: *tier,
        repeat: *repeat,
        timeout: *timeout,
        format: if json { Format::Json } else { Format::Text },
    };
    let outcome = eval::eval(&options, &worker, &mut io::stdout().lock())?;
    Ok(ExitCode::from(outcome.exit_code()))
}
