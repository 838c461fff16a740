//! `forebay patch ...`: native patches, with and without a running gateway.

mod keys;
mod project;
mod remote;
mod table;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::output::{complain, failed, problems};
use crate::config::{self, Config};
use crate::diagnostic::Style;
pub(super) use table::summary;

#[derive(Debug, Subcommand)]
pub(super) enum PatchCommand {
    /// Write a project of a patch to begin with
    New {
        /// Name of the patch, such as `rate-limit-fix`; also the folder it is written to
        name: PathBuf,
        /// Language
        #[arg(long, value_enum, default_value = "rust")]
        language: Language,
        /// Folder of the Rust kit; default: `patches/sdk` of the checkout this is called in, else the published one
        #[arg(long, value_name = "FOLDER")]
        sdk: Option<PathBuf>,
    },
    /// Build a project, try the library out, and write it with its manifest, and with its signature if there is a key
    Build {
        /// Folder of a Cargo package or of C sources; or one source file, or a library
        #[arg(default_value = ".")]
        project: PathBuf,
        /// Folder for what is built
        #[arg(short, long, default_value = ".", value_name = "FOLDER")]
        out: PathBuf,
        /// Secret key to sign with; a password is asked for, or taken from `$FOREBAY_KEY_PASSWORD`
        #[arg(short, long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Check a patch as the gateway would: signature, kind of file, trial in a process of its own
    Verify {
        /// The library
        file: PathBuf,
    },
    /// Put a patch into the folder of patches and make the running gateway serve it, or change nothing
    Apply {
        /// The library; its signature and manifest are taken along
        file: PathBuf,
    },
    /// The patches of the running gateway, or of the folder if none is running
    List,
    /// Stop serving a patch, in whatever version, until it is enabled
    Disable {
        /// Name of the patch
        name: String,
    },
    /// Forget whatever keeps a patch from serving: disabled, reverted, quarantined
    Enable {
        /// Name of the patch
        name: String,
    },
    /// Take the version that serves back; the one before it serves again, if it is still in the folder
    Revert {
        /// Name of the patch
        name: String,
    },
    /// Make a pair of keys for signing patches
    Keygen {
        /// The keys are written to STEM.key and STEM.pub
        #[arg(default_value = "forebay-patches", value_name = "STEM")]
        stem: PathBuf,
        /// Do not protect the secret key with a password
        #[arg(long)]
        no_password: bool,
    },
    /// The child of a trial
    #[command(hide = true)]
    Try(trial::TryArguments),
}

/// What a project is written in.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Language {
    /// A Cargo package on the safe kit
    Rust,
    /// One C file and the interface's header
    C,
}

pub(super) fn run(command: PatchCommand, path: Option<&Path>, json: bool, style: Style) -> ExitCode {
    let context = Context { path, json, style };
    match command {
        PatchCommand::New { name, language, sdk } => project::new(&name, language, sdk.as_deref(), json),
        PatchCommand::Build { project, out, key } => project::build(&context, &project, &out, key.as_deref()),
        PatchCommand::Verify { file } => project::verify(&context, &file),
        PatchCommand::Apply { file } => remote::apply(&context, &file),
        PatchCommand::List => remote::list(&context),
        PatchCommand::Disable { name } => remote::decide(&context, &name, remote::Verb::Disable),
        PatchCommand::Enable { name } => remote::decide(&context, &name, remote::Verb::Enable),
        PatchCommand::Revert { name } => remote::decide(&context, &name, remote::Verb::Revert),
        PatchCommand::Keygen { stem, no_password } => keys::generate(&stem, no_password, json),
        PatchCommand::Try(arguments) => trial::run(&arguments),
    }
}

/// What every command of this kind needs.
struct Context<'a> {
    /// The configuration file, if one was named.
    path: Option<&'a Path>,
    json: bool,
    style: Style,
}

impl Context<'_> {
    /// The configuration, or the exit code after its problems were shown.
    fn config(&self) -> Result<Config, ExitCode> {
        config::load(self.path).map_err(|found| {
            problems(&found, self.json, self.style);
            failed()
        })
    }
}

/// Shows an error and says that the command failed.
fn refuse(error: &anyhow::Error) -> ExitCode {
    complain(&format!("error: {error:#}"));
    failed()
}
