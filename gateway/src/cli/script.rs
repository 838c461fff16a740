//! `forebay script ...`: the offline tools for scripts.

mod eval;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use forebay_engine::{Hook, ProgramView};

use super::output::{Progress, complain, failed, problems};
use crate::config;
use crate::diagnostic::Style;
use crate::memory;
use crate::promote::compile::compiler;
use crate::script_tools::run::RunOptions;
use crate::script_tools::testing::TestOptions;
use crate::script_tools::{Format, Outcome, Project, bench, check, explain, listing, run, scaffold, testing};

#[derive(Debug, Subcommand)]
pub(super) enum ScriptCommand {
    #[command(flatten)]
    OfProject(ProjectCommand),
    /// Run plain Rhai programs in one tier: what they come to, and how long that takes
    Eval(eval::EvalArguments),
}

/// The commands about scripts of a project: the configuration says where they are and what bounds them.
#[derive(Debug, Subcommand)]
pub(super) enum ProjectCommand {
    /// Write a new script with its test, and definition files for editors
    New {
        /// Name of the script, such as `api_key`
        name: String,
        /// Hooks to begin with; may be repeated
        #[arg(long = "hook", value_enum, value_name = "HOOK")]
        hooks: Vec<HookName>,
    },
    /// Check scripts: syntax, names, parameters, constants
    Check {
        /// Files, folders or script names; the scripts folder if there are none
        paths: Vec<String>,
    },
    /// Run one hook offline and print the resulting exchange
    Run {
        /// File or name of the script
        script: String,
        /// JSON file that describes the request and the world around it; `GET /` without
        #[arg(long, value_name = "FILE")]
        request: Option<PathBuf>,
        /// The hook; the first that the script has if it is not named
        #[arg(long, value_enum)]
        hook: Option<HookName>,
        /// Settings of the step, as JSON
        #[arg(long, value_name = "JSON")]
        settings: Option<String>,
    },
    /// Run `*_test.rhai` files
    Test {
        /// Files, folders or script names; the scripts folder if there are none
        paths: Vec<String>,
        /// Only tests whose `NAME::test_...` holds this text
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
        /// Also write the results as JUnit XML
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// List scripts with their hooks
    List,
    /// Compile a script and show what became of it
    Explain {
        /// File or name of the script
        script: String,
        /// The compiler's own intermediate form, instead of source lines with types and calls
        #[arg(long, group = "view")]
        ir: bool,
        /// The code generator's input
        #[arg(long, group = "view")]
        clif: bool,
        /// Machine instructions
        #[arg(long, group = "view")]
        asm: bool,
        /// Settings of the step, as JSON
        #[arg(long, value_name = "JSON")]
        settings: Option<String>,
    },
    /// Measure one hook in each tier on this machine: interpreter, bytecode (grain), program
    Bench {
        /// File or name of the script
        script: String,
        /// JSON file that describes the request and the world around it; `GET /` without
        #[arg(long, value_name = "FILE")]
        request: Option<PathBuf>,
        /// The hook; the first that the script has if it is not named
        #[arg(long, value_enum)]
        hook: Option<HookName>,
        /// Settings of the step, as JSON
        #[arg(long, value_name = "JSON")]
        settings: Option<String>,
        /// Time to measure each tier for, in milliseconds
        #[arg(long, default_value_t = 1_000, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=600_000))]
        time: u64,
    },
}

/// A hook as it is written on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names are what scripts call their functions")]
pub(super) enum HookName {
    OnRequest,
    OnResponse,
    OnError,
    OnLog,
}

impl From<HookName> for Hook {
    fn from(name: HookName) -> Self {
        match name {
            HookName::OnRequest => Self::Request,
            HookName::OnResponse => Self::Response,
            HookName::OnError => Self::Error,
            HookName::OnLog => Self::Log,
        }
    }
}

pub(super) fn run(command: &ScriptCommand, path: Option<&Path>, json: bool, style: Style) -> ExitCode {
    let command = match command {
        ScriptCommand::OfProject(command) => command,
        ScriptCommand::Eval(arguments) => return eval::run(arguments, json),
    };
    let settings = match config::load(path) {
        Ok(config) => config.scripts,
        Err(found) => {
            problems(&found, json, style);
            return failed();
        }
    };
    let project = Project {
        limits: settings.limits,
        body_bytes_max: settings.body_bytes_max,
        heap_bytes: memory::held_bytes,
        ..Project::new(settings.folder)
    };
    let format = if json { Format::Json } else { Format::Text };
    match carry_out(command, &project, format) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            complain(&format!("error: {error}"));
            failed()
        }
    }
}

fn carry_out(command: &ProjectCommand, project: &Project, format: Format) -> io::Result<Outcome> {
    let mut report = Vec::new();
    let out: &mut dyn Write = &mut report;
    let outcome = match command {
        ProjectCommand::New { name, hooks } => {
            let hooks: Vec<Hook> = hooks.iter().map(|&hook| hook.into()).collect();
            scaffold::new(project, name, &hooks, out)?
        }
        ProjectCommand::Check { paths } => check::check(project, paths, format, out)?,
        ProjectCommand::Run { script, request, hook, settings } => {
            let options = RunOptions {
                script,
                request: request.as_deref(),
                hook: hook.map(Hook::from),
                config: settings.as_deref(),
                format,
            };
            run::run(project, &options, out)?
        }
        ProjectCommand::Test { paths, filter, junit } => {
            let _progress = Progress::start("testing");
            let options = TestOptions { paths, filter: filter.as_deref(), junit: junit.as_deref(), format };
            testing::test(project, &options, out)?
        }
        ProjectCommand::List => listing::list(project, format, out)?,
        ProjectCommand::Explain { script, ir, clif, asm, settings } => {
            let view = match (ir, clif, asm) {
                (true, ..) => ProgramView::Ir,
                (_, true, _) => ProgramView::Clif,
                (.., true) => ProgramView::Assembly,
                _ => ProgramView::Types,
            };
            let options = RunOptions { script, config: settings.as_deref(), format, ..RunOptions::default() };
            explain::explain(project, &*compiler(), &options, view, out)?
        }
        ProjectCommand::Bench { script, request, hook, settings, time } => {
            let _progress = Progress::start("measuring");
            let options = RunOptions {
                script,
                request: request.as_deref(),
                hook: hook.map(Hook::from),
                config: settings.as_deref(),
                format,
            };
            bench::bench(project, &*compiler(), &options, Duration::from_millis(*time), out)?
        }
    };
    let written = io::stdout().lock().write_all(&report);
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(outcome),
        Err(error) => Err(error),
        Ok(()) => Ok(outcome),
    }
}
