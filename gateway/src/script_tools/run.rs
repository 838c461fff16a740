//! `script run`: one hook over one request file, and the exchange that comes of it.

mod report;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use forebay_engine::{Exchange, Hook, OnError, ScriptStep, Step, Verdict};
use serde_json::Value;

use super::excerpt::Finding;
use super::offline::{Offline, drive};
use super::scene::{self, Bodies, Scene};
use super::{Format, LoadError, Located, Outcome, Project, load, locate, usage};

/// Most bytes of a request file.
const REQUEST_BYTES_MAX: u64 = 16 << 20;

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct RunOptions<'a> {
    /// Path of a script, or its name in the scripts folder.
    pub script: &'a str,
    /// The request file; without one, `GET /` with nothing around it.
    pub request: Option<&'a Path>,
    /// The hook; without one, the first the script has.
    pub hook: Option<Hook>,
    /// Settings of the step, instead of the file's `config`.
    pub config: Option<&'a str>,
    /// How the result is written.
    pub format: Format,
}

/// What a run came to.
struct Ran {
    hook: Hook,
    exchange: Box<Exchange>,
    bodies: Bodies,
    verdict: Verdict,
    world: Offline,
}

/// Everything a hook needs to run.
pub(super) struct Prepared {
    pub(super) located: Located,
    pub(super) scene: Scene,
    pub(super) hook: Hook,
    pub(super) step: Arc<ScriptStep>,
}

/// Finds and loads the script and the request file; or says why not.
pub(super) fn prepare(
    project: &Project,
    options: &RunOptions<'_>,
    out: &mut dyn Write,
) -> io::Result<Result<Prepared, Outcome>> {
    let located = match locate(project, options.script) {
        Ok(located) => located,
        Err(error) => return usage(out, &error).map(Err),
    };
    let scene = match read_scene(options) {
        Ok(scene) => scene,
        Err(finding) => {
            report::findings(out, options.format, &[*finding])?;
            return Ok(Err(Outcome::Usage));
        }
    };
    let script = match load(project, &located) {
        Ok(script) => script,
        Err(LoadError::File(error)) => return usage(out, &error).map(Err),
        Err(LoadError::Script(errors)) => return refused(&located, &errors, options.format, out).map(Err),
    };
    let Some(hook) = options.hook.or_else(|| script.hooks().next()) else {
        return usage(out, &format_args!("{}.rhai defines no hook", located.name)).map(Err);
    };
    if !script.has(hook) {
        let has: Vec<&str> = script.hooks().map(Hook::function).collect();
        let message = format!("{}.rhai has no {}; it has {}", located.name, hook.function(), has.join(", "));
        return usage(out, &message).map(Err);
    }
    let step = match ScriptStep::new(script, &scene.config, &project.limits, OnError::Closed) {
        Ok(step) => Arc::new(step),
        Err(errors) => return refused(&located, &errors, options.format, out).map(Err),
    };
    Ok(Ok(Prepared { located, scene, hook, step }))
}

/// Runs one hook and writes the resulting exchange. A script that fails, or cannot be loaded, is
/// [`Outcome::Failure`]; files and arguments that do not fit are [`Outcome::Usage`].
///
/// # Errors
/// When the report cannot be written.
pub fn run(project: &Project, options: &RunOptions<'_>, out: &mut dyn Write) -> io::Result<Outcome> {
    let Prepared { located, scene, hook, step } = match prepare(project, options, out)? {
        Ok(prepared) => prepared,
        Err(outcome) => return Ok(outcome),
    };
    let built = scene::build(&scene, hook).and_then(|built| Ok((built, Offline::new(&scene)?)));
    let ((exchange, bodies), world) = match built {
        Ok(built) => built,
        Err(message) => return usage(out, &format_args!("{}: {message}", request_name(options))),
    };
    let (exchange, verdict) = drive(project, &world, &Step::Script(step), hook, exchange, &bodies);
    let ran = Ran { hook, exchange, bodies, verdict, world };
    report::exchange(out, options.format, &located, &ran)?;
    Ok(if matches!(ran.verdict, Verdict::Fail(_)) { Outcome::Failure } else { Outcome::Success })
}

fn refused(
    located: &Located,
    errors: &[forebay_engine::ScriptError],
    format: Format,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let findings: Vec<Finding> = errors.iter().map(|error| Finding::of(error, &located.folder)).collect();
    report::findings(out, format, &findings)?;
    Ok(Outcome::Failure)
}

pub(super) fn request_name(options: &RunOptions<'_>) -> String {
    options.request.map_or_else(|| "request".to_owned(), |path| path.display().to_string())
}

fn read_scene(options: &RunOptions<'_>) -> Result<Scene, Box<Finding>> {
    let name = request_name(options);
    let mut scene = match options.request {
        None => Scene::default(),
        Some(path) => {
            let text = read_bounded(path).map_err(|error| {
                Box::new(Finding::file_error(format!("cannot read the request file: {error}"), name.clone()))
            })?;
            serde_json::from_str(&text).map_err(|error| json_finding(&error, name, &text))?
        }
    };
    if let Some(config) = options.config {
        scene.config = serde_json::from_str::<Value>(config)
            .map_err(|error| json_finding(&error, "--settings".into(), config))?;
    }
    Ok(scene)
}

fn read_bounded(path: &Path) -> io::Result<String> {
    use io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(REQUEST_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > REQUEST_BYTES_MAX {
        return Err(io::Error::other(format!("larger than {REQUEST_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// An error of a JSON text with its place. Serde counts columns in bytes and points behind what it read.
fn json_finding(error: &serde_json::Error, file: String, text: &str) -> Box<Finding> {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    // An unknown key is better shown where it begins.
    let key = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let read = line.get(..error.column().min(line.len())).unwrap_or(line);
    let key = key.and_then(|key| Some(read.rfind(&format!("\"{key}\""))? + 2));
    let before = line.bytes().take(key.unwrap_or(error.column()).saturating_sub(1));
    let column = before.filter(|byte| byte & 0xc0 != 0x80).count() + 1;
    Box::new(Finding {
        severity: "error",
        kind: "request".into(),
        message,
        file,
        place: (error.line() > 0).then_some(forebay_engine::Place { line: error.line(), column }),
        source: Some(text.to_owned()),
        notes: Vec::new(),
    })
}
