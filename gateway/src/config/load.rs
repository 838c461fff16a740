//! The stages in order: find, read, parse, interpolate, check the shape, build the configuration.
//!
//! A stage that fails lets the following ones run as far as they can, so that one check shows everything; only
//! a problem of syntax ends it early. Nothing is returned as a configuration while there is an error.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::concealed::{self, Findings};
use super::document::{self, Data, Entry, FILE_BYTES_MAX, Format, Node, Origin};
use super::environment::Environment;
use super::interpolate::Interpolation;
use super::locate::{Located, locate};
use super::problem::{Problem, into_diagnostics};
use super::raw::{self, RawConfig};
use super::read::{self, Kind, ReadError};
use super::validate::{self, Context};
use super::{Config, codes, shape};
use crate::diagnostic::{Diagnostic, Source};

/// The configuration without any file: an echo upstream behind the bundled scripts.
pub(super) const EXAMPLE: &str = include_str!("example.yaml");

/// What a check gave: the configuration unless there were errors, and all problems, warnings included.
type Checked = (Option<Config>, Vec<Diagnostic>);

/// Loads the configuration from a file, or finds it as [`locate`] does.
///
/// Returns all problems if one of them is an error; warnings alone are dropped (see [`check`]).
pub fn load(path: Option<&Path>) -> Result<Config, Vec<Diagnostic>> {
    accept(check(path))
}

/// Loads the configuration and keeps the warnings as well.
pub fn check(path: Option<&Path>) -> (Option<Config>, Vec<Diagnostic>) {
    let environment = Environment::Process;
    match locate(path) {
        Err(problem) => (None, vec![problem]),
        Ok(Located::File(path)) => check_file(&path, &environment),
        Ok(Located::Bundled) => {
            check_text(("bundled example", EXAMPLE), Format::Yaml, Path::new(""), &environment)
        }
    }
}

/// The admin socket of the gateway that runs with this configuration, as far as it can be told.
///
/// Unlike [`load`], this takes a file with problems: reloading is how one finds out about them. In a file that
/// does not even parse, the first `socket` with a value is taken for it; a file without one leaves the default.
pub fn admin_socket(path: Option<&Path>) -> PathBuf {
    let environment = Environment::Process;
    if let Some(socket) = environment.path("FOREBAY_ADMIN_SOCKET") {
        return socket;
    }
    if let Ok(Located::File(path)) = locate(path)
        && let Ok(text) = read::read_text(&path, FILE_BYTES_MAX, Kind::Any)
    {
        let written = match document::parse(&text, Format::of_path(&path).unwrap_or(Format::Yaml)) {
            (Some(mut root), _) => {
                let base = path.parent().unwrap_or(Path::new(""));
                Interpolation::new(&text, base, &environment).run(&mut root);
                root.at("admin").at("socket").text().map(str::to_owned)
            }
            (None, _) => socket_in_broken_text(&text),
        };
        if let Some(socket) = written {
            return path.parent().unwrap_or(Path::new("")).join(socket);
        }
    }
    validate::default_admin_socket(&environment)
}

fn socket_in_broken_text(text: &str) -> Option<String> {
    let pattern = regex::Regex::new(r#"\bsocket"?\s*[:=]\s*"?([^"\s,}]+)"#).ok()?;
    Some(pattern.captures(text)?[1].to_owned())
}

/// Builds a configuration from a text; relative paths start from `base`.
pub fn parse(text: &str, format: Format, base: &Path) -> Result<Config, Vec<Diagnostic>> {
    parse_with(text, format, base, &Environment::Process)
}

/// As [`parse`], with the environment given.
pub fn parse_with(
    text: &str,
    format: Format,
    base: &Path,
    environment: &Environment,
) -> Result<Config, Vec<Diagnostic>> {
    if text.len() > FILE_BYTES_MAX {
        return Err(vec![too_large("configuration")]);
    }
    accept(check_text(("configuration", text), format, base, environment))
}

fn accept((config, diagnostics): Checked) -> Result<Config, Vec<Diagnostic>> {
    config.ok_or(diagnostics)
}

/// Loads one file.
pub(super) fn check_file(path: &Path, environment: &Environment) -> Checked {
    let name = path.display().to_string();
    let format = match (Format::of_path(path), path.extension()) {
        (Some(format), _) => format,
        // Such as /dev/stdin: JSON is also YAML, as far as configurations go.
        (None, None) => Format::Yaml,
        (None, Some(_)) => {
            let problem = Diagnostic::error(codes::UNKNOWN_FORMAT, "the file name does not tell the format");
            return (None, vec![problem.in_file(name).help("name it .yaml, .yml, .toml or .json")]);
        }
    };
    let text = match read::read_text(path, FILE_BYTES_MAX, Kind::Any) {
        Ok(text) => text,
        Err(error) => return (None, vec![unreadable(&name, &error)]),
    };
    let base = path.parent().unwrap_or(Path::new(""));
    let (config, diagnostics) = check_text((&name, &text), format, base, environment);
    (config.map(|config| Config { path: Some(path.to_owned()), ..config }), diagnostics)
}

fn unreadable(name: &str, error: &ReadError) -> Diagnostic {
    let problem = match error {
        ReadError::TooLarge => return too_large(name),
        ReadError::Io(error) => {
            Diagnostic::error(codes::UNREADABLE, format!("the file cannot be read: {error}"))
                .help("check the path and the permissions; `forebay config show` prints an example")
        }
        ReadError::NotAFile => Diagnostic::error(codes::UNREADABLE, "this is a directory, not a file")
            .help("name the file itself"),
        ReadError::NotUtf8 { line } => {
            Diagnostic::error(codes::NOT_UTF8, format!("the file is not UTF-8: line {line} has other bytes"))
                .help("save it as UTF-8")
        }
    };
    problem.in_file(name)
}

fn too_large(name: &str) -> Diagnostic {
    Diagnostic::error(codes::TOO_LARGE, "the file has more than 4 MiB")
        .in_file(name)
        .help("a configuration is a few thousand lines; keep data elsewhere")
}

/// Loads a text with the name that messages use for it.
pub(super) fn check_text(
    (name, text): (&str, &str),
    format: Format,
    base: &Path,
    environment: &Environment,
) -> Checked {
    let (root, mut problems) = document::parse(text, format);
    let Some(mut root) = root else {
        let source = Arc::new(Source::redacted(name, text, &concealed::guess(text)));
        return (None, into_diagnostics(problems, &source));
    };
    let mut pass = Interpolation::new(text, base, environment);
    pass.run(&mut root);
    let (more, inserted) = pass.finish();
    problems.extend(more);
    problems.extend(plain_secrets(&root));
    let Findings { concealed, ranges, .. } = concealed::conceal(&mut root, inserted);
    let source = Arc::new(Source::redacted(name, text, &ranges));
    shape::check(&mut root, raw::schema(), &mut problems);
    let mut context =
        Context { base, environment, source: &source, modes: validate::Modes::default(), problems };
    let config = build(&root, &mut context);
    let problems = context.problems;
    let failed = problems.iter().any(Problem::is_error);
    let config = config.filter(|_| !failed).map(|config| Config { concealed, ..config });
    (config, into_diagnostics(problems, &source))
}

fn build(root: &Node, context: &mut Context<'_>) -> Option<Config> {
    if !matches!(root.data, Data::Map(_)) {
        return None; // reported by the shape check
    }
    match serde_json::from_value::<RawConfig>(root.to_json()) {
        Ok(raw) => Some(validate::validate(raw, root, context)),
        Err(error) => {
            // The schema and the types are generated from one source, so this is a bug; it must not be a panic.
            // The error may quote a value, so only its category is told.
            let message = format!("the configuration cannot be used ({:?} error)", error.classify());
            let problem = Problem::error(codes::SHAPE, root.head(), message, "");
            context.problems.push(problem.help("please report this with the file as a bug of Forebay"));
            None
        }
    }
}

/// Secrets that stand in the file itself are a warning: the file ends up in version control.
fn plain_secrets(root: &Node) -> Vec<Problem> {
    let secrets = root.get("scripts").and_then(|scripts| scripts.get("secrets"));
    let entries: &[Entry] = secrets.map_or(&[], Node::entries);
    let is_plain = |entry: &&Entry| entry.value.origin == Origin::Written && entry.value.text().is_some();
    let written = entries.iter().filter(is_plain);
    let problems = written.map(|entry| {
        let message = format!("the secret `{}` stands in the configuration file", entry.key);
        Problem::error(codes::PLAIN_SECRET, entry.key_span.clone(), message, "")
            .help("put it into a file and write `\"${file:/path}\"`, or into a variable and write `\"${NAME}\"`")
            .into_warning()
    });
    problems.collect()
}
