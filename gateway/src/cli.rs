//! The command line: what can be asked of `forebay`, and which function answers.

mod commands;
mod output;
mod patch;
mod promotion;
mod routes;
mod script;
mod upstreams;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// An API gateway that its users extend and patch while it runs.
#[derive(Debug, Parser)]
#[command(name = "forebay", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Common {
    /// Configuration file (.yaml, .toml or .json); default: `$FOREBAY_CONFIG`, else `./forebay.yaml`, else the
    /// bundled example
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Level of the log on standard error: error, warn, info, debug, trace, or a filter such as
    /// "info,script=debug"; default: `$FOREBAY_LOG`, else info
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Format of the log
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    log_format: LogFormat,
    /// Print machine-readable JSON where there is something to read
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    /// One line per event, for people
    Text,
    /// One JSON object per event
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until a signal ends it: HUP reloads, TERM drains, QUIT drains without deadline
    Run {
        /// Reload when the configuration file or a script changes
        #[arg(long)]
        watch: bool,
    },
    /// Check the configuration and every script, without serving
    Check,
    /// Make a running gateway reload, and say how that went
    Reload,
    /// Show what a running gateway serves
    Status,
    /// Make a running gateway compile a script to machine code, and say how that went
    Promote {
        /// Name of the script
        name: String,
    },
    /// Make a running gateway interpret a script again, until it is promoted; lifts a quarantine
    Demote {
        /// Name of the script
        name: String,
    },
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at the routes
    #[command(subcommand)]
    Routes(RoutesCommand),
    /// Write, check, run and test scripts, without a gateway
    #[command(subcommand)]
    Script(script::ScriptCommand),
    /// Replace parts of the gateway while it runs: write, build, sign, apply and revert native patches
    #[command(subcommand)]
    Patch(patch::PatchCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// The configuration in effect, with every default filled in and secrets hidden
    Show,
    /// The JSON Schema of the configuration file, for editors
    Schema,
}

#[derive(Debug, Subcommand)]
enum RoutesCommand {
    /// All routes with their steps and upstreams
    List,
    /// Which route takes a request, and why the others do not
    Match {
        /// Method
        #[arg(short = 'X', long, default_value = "GET")]
        method: String,
        /// Header field, such as "x-version: 2"; may be repeated
        #[arg(short = 'H', long, value_name = "FIELD")]
        header: Vec<String>,
        /// URL or path, such as `http://api.example.com/orders/7?page=1`
        url: String,
    },
}

/// Parses the command line and carries it out.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    output::start_log(cli.common.log.as_deref(), cli.common.log_format);
    let Common { config, json, .. } = cli.common;
    let config = config.as_deref();
    let style = output::style();
    match cli.command {
        Command::Run { watch } => commands::run(config, watch, style),
        Command::Check => commands::check(config, json, style),
        Command::Reload => commands::reload(config, json),
        Command::Status => commands::status(config, json),
        Command::Promote { name } => promotion::promote(config, &name, json),
        Command::Demote { name } => promotion::demote(config, &name, json),
        Command::Config(ConfigCommand::Show) => commands::config_show(config, json, style),
        Command::Config(ConfigCommand::Schema) => commands::config_schema(),
        Command::Script(command) => script::run(&command, config, json, style),
        Command::Patch(command) => patch::run(command, config, json, style),
        Command::Routes(RoutesCommand::List) => routes::routes_list(config, json, style),
        Command::Routes(RoutesCommand::Match { method, header, url }) => {
            routes::routes_match(config, &routes::Question { method, header, url }, json, style)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
