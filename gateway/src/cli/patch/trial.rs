//! `forebay patch try`, hidden: the child of a trial.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::patch::trial::child;

#[derive(Debug, Args)]
pub(in super::super) struct TryArguments {
    /// The private copy of the library
    library: PathBuf,
    /// Seconds on the processor
    #[arg(long)]
    cpu_seconds: u64,
    /// Bytes of memory on top of what the process has
    #[arg(long)]
    memory_bytes: Option<u64>,
}

pub(super) fn run(arguments: &TryArguments) -> ExitCode {
    child::run(&arguments.library, arguments.cpu_seconds, arguments.memory_bytes)
}
