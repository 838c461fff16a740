//! Builds a generation aside: configuration and scripts in, everything that serves out, or all problems.

mod components;
mod secured;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use forebay_engine::{ErrorKind, OnError, Script, ScriptError, ScriptStep, Step};

use super::natives::Natives;
use super::{Generation, Route};
use crate::component::Registry;
use crate::config::{CompileMode, Config, OnRejection, StepConfig, StepKind};
use crate::diagnostic::{Diagnostic, Location, Source};
use crate::patch::service::Patches;
use crate::promote::{Promotion, Watch};
use crate::route::{RouteError, Router};
use crate::scripts_folder::ScriptsFolder;
use crate::tls::SystemRoots;
use crate::upstream::Allow;

pub use components::conflicts;

/// A script could not be read.
const UNREADABLE_SCRIPT: &str = "E0200";
/// A script has problems.
const BAD_SCRIPT: &str = "E0201";
/// A step's settings do not fit its script.
const BAD_SETTINGS: &str = "E0202";
/// Routes contradict each other.
const BAD_ROUTES: &str = "E0203";
/// The script of a step defines no hook.
const NO_HOOK: &str = "E0208";
/// A script of mode `jit` cannot be compiled.
const NOT_COMPILED: &str = "E0205";
/// An entry of `scripts.http.allow` cannot be understood.
const BAD_ALLOW: &str = "E0204";

/// Builds the generation of this number from the gateway's components and those of patches. Steps that `previous` has as well are taken from it,
/// with their programs and counts.
///
/// # Errors
/// Every problem found; nothing of the failed generation is left behind.
pub fn build(
    config: Config,
    number: u64,
    promotion: &Promotion,
    patches: &Patches,
    previous: Option<&Generation>,
) -> Result<Generation, Vec<Diagnostic>> {
    let patches = patches.prepare(&config.patches, &config.scripts_run())?;
    let registry = patches.registry.clone();
    let mut builder = Builder::new(&config, promotion, &registry, previous);
    let router = builder.router();
    let routes: Vec<Route> = config.routes.iter().map(|route| builder.route(route)).collect();
    let allow = builder.allow();
    let upstreams = builder.upstreams();
    let scripts_tls = builder.scripts_tls();
    let (tls, tickets) = builder.tls();
    builder.compile();
    let watches = builder.watches();
    let Builder { scripts, natives, problems, .. } = builder;
    let (Some(router), Some(allow), true) = (router, allow, problems.is_empty()) else {
        return Err(problems);
    };
    let scripts = scripts.into_iter().filter_map(|(name, script)| Some((name, script?))).collect();
    let mut generation = Generation {
        number,
        built: SystemTime::now(),
        config,
        router,
        upstreams,
        scripts,
        watches,
        secret_parameters: components::secret_parameters(&routes),
        routes,
        natives,
        registry: registry.clone(),
        tls,
        tickets,
        allow,
        scripts_tls,
        patches,
    };
    generation.connect_upstreams();
    Ok(generation)
}

impl Generation {
    /// Gives every route the upstream its configuration names; validation has made sure that it exists.
    fn connect_upstreams(&mut self) {
        for (route, configured) in self.routes.iter_mut().zip(&self.config.routes) {
            route.upstream = configured.upstream.as_ref().and_then(|name| self.upstreams.get(name).cloned());
        }
    }
}

struct Builder<'a> {
    config: &'a Config,
    folder: Option<ScriptsFolder>,
    /// Every script met so far; `None` for one with problems, which are reported once.
    scripts: BTreeMap<Arc<str>, Option<Arc<Script>>>,
    promotion: &'a Promotion,
    registry: &'a Registry,
    previous: Option<&'a Generation>,
    natives: Natives,
    /// Script steps by script, settings, policy and mode: common steps of many routes are built once.
    steps: HashMap<StepKey, Option<Built>>,
    /// The system's authorities, read once for all upstreams that need them.
    roots: SystemRoots,
    problems: Vec<Diagnostic>,
}

type StepKey = (Arc<str>, String, OnError, CompileMode);

/// A step of a route with what watches it, if it is a script.
type Watched = (Step, Option<Arc<Watch>>);

/// A step of this generation.
#[derive(Clone)]
struct Built {
    watch: Arc<Watch>,
    /// Where the configuration names it first.
    location: Option<Location>,
}

impl<'a> Builder<'a> {
    fn new(
        config: &'a Config,
        promotion: &'a Promotion,
        registry: &'a Registry,
        previous: Option<&'a Generation>,
    ) -> Self {
        let mut problems = Vec::new();
        let needs_folder = config.routes.iter().flat_map(|route| &route.steps).any(
            |step| matches!(&step.kind, StepKind::Script(name) if registry.instead_of_script(name).is_none()),
        );
        let folder = match ScriptsFolder::open(&config.scripts.folder) {
            Ok(folder) => Some(folder),
            Err(error) => {
                if needs_folder {
                    let help = "set scripts.folder to the folder that holds the scripts";
                    problems.push(Diagnostic::error(UNREADABLE_SCRIPT, error.to_string()).help(help));
                }
                None
            }
        };
        let (scripts, steps, natives) = (BTreeMap::new(), HashMap::new(), Natives::default());
        let roots = SystemRoots::default();
        Self { config, folder, scripts, promotion, registry, previous, natives, steps, roots, problems }
    }

    fn router(&mut self) -> Option<Router> {
        match Router::build(&self.config.routes) {
            Ok(router) => Some(router),
            Err(errors) => {
                for error in errors {
                    let problem = Diagnostic::error(BAD_ROUTES, error.to_string());
                    self.problems.push(self.at(problem, self.location_of(&error)));
                }
                None
            }
        }
    }

    /// Where the route with the problem stands; of two, the later one.
    fn location_of(&self, error: &RouteError) -> Option<Location> {
        let name = match error {
            RouteError::Pattern { route, .. }
            | RouteError::Host { route, .. }
            | RouteError::HeaderName { route, .. } => route,
            RouteError::Conflict { second, .. } => second,
        };
        self.config.routes.iter().find(|route| route.name == *name).and_then(|route| route.location)
    }

    fn at(&self, problem: Diagnostic, location: Option<Location>) -> Diagnostic {
        match location {
            Some(location) => problem.at(&self.config.source, location, ""),
            None => problem.in_source(&self.config.source),
        }
    }

    fn allow(&mut self) -> Option<Allow> {
        match Allow::parse(&self.config.scripts.http_allow) {
            Ok(allow) => Some(allow),
            Err(error) => {
                self.problems.push(Diagnostic::error(BAD_ALLOW, format!("scripts.http.allow: {error}")));
                None
            }
        }
    }

    fn step(&mut self, step: &StepConfig) -> Option<Watched> {
        match self.natives.step(step, self.registry, self.previous) {
            Ok(Some(native)) => Some((Step::Native(native), None)),
            Ok(None) => {
                let watch = self.script_step(step)?;
                Some((Step::Script(watch.step().clone()), Some(watch)))
            }
            Err(reason) => {
                self.report_native(step, reason);
                None
            }
        }
    }

    fn script_step(&mut self, step: &StepConfig) -> Option<Arc<Watch>> {
        let key = (step.kind.name().clone(), step.config.to_string(), step.on_error, step.mode);
        if let Some(built) = self.steps.get(&key) {
            return built.as_ref().map(|built| built.watch.clone());
        }
        let watch = self.script(step).and_then(|script| self.watch(script, step, &key.1));
        let location = step.location;
        self.steps.insert(key, watch.clone().map(|watch| Built { watch, location }));
        watch
    }

    fn watch(&mut self, script: Arc<Script>, step: &StepConfig, settings: &str) -> Option<Arc<Watch>> {
        if let Some(watch) = self.carried_over(&script, step, settings) {
            return Some(watch);
        }
        match ScriptStep::new(script, &step.config, &self.config.scripts.limits, step.on_error) {
            Ok(built) => {
                let shown: Arc<str> = settings.into();
                Some(self.promotion.watch(built.into(), shown, step.mode, &self.config.compile))
            }
            Err(errors) => {
                self.report(step, &errors);
                None
            }
        }
    }

    /// The same step of the generation before: same text with its imports, settings, limits, policy and mode.
    fn carried_over(&self, script: &Script, step: &StepConfig, settings: &str) -> Option<Arc<Watch>> {
        let is_same = |watch: &&Arc<Watch>| {
            let old = watch.step();
            old.script().name() == script.name()
                && old.script().digest() == script.digest()
                && old.on_error() == step.on_error
                && *old.limits() == self.config.scripts.limits
                && watch.mode() == step.mode
                && watch.settings() == settings
        };
        let previous = self.previous?;
        let samples_max = self.config.compile.trial_samples;
        if previous.config.compile.trial_samples != samples_max {
            return None;
        }
        previous.watches.iter().find(is_same).cloned()
    }

    /// The steps of the generation, each once.
    fn watches(&self) -> Vec<Arc<Watch>> {
        let mut watches: Vec<_> = self.steps.values().flatten().map(|built| built.watch.clone()).collect();
        watches.sort_by(|one, other| one.order().cmp(&other.order()));
        watches
    }

    /// Compiles the steps of mode `jit`, once everything else is in order.
    fn compile(&mut self) {
        if !self.problems.is_empty() {
            return;
        }
        let is_due =
            |built: &&Built| built.watch.mode() == CompileMode::Jit && built.watch.step().program().is_none();
        let mut due: Vec<Built> = self.steps.values().flatten().filter(is_due).cloned().collect();
        due.sort_by(|one, other| one.watch.order().cmp(&other.watch.order()));
        for Built { watch, location } in due {
            let Err(rejection) = self.promotion.prepare(&watch, &self.config.compile) else { continue };
            let script = watch.step().script().name();
            let message = format!("script {script} cannot be compiled: {}", rejection.message);
            match self.config.compile.on_rejection {
                OnRejection::Interpret => tracing::warn!(reason = rejection.reason, "{message}"),
                OnRejection::Fail => {
                    let problem = self.at(Diagnostic::error(NOT_COMPILED, message), location);
                    let help =
                        "write `mode: auto`, or `compile.on_rejection: interpret`, to serve it interpreted";
                    self.problems.push(problem.help(help));
                }
            }
        }
    }

    fn script(&mut self, step: &StepConfig) -> Option<Arc<Script>> {
        if let Some(script) = self.scripts.get(step.kind.name()) {
            return script.clone();
        }
        let loaded = self.load(step);
        self.scripts.insert(step.kind.name().clone(), loaded.clone());
        loaded
    }

    fn load(&mut self, step: &StepConfig) -> Option<Arc<Script>> {
        let folder = self.folder.as_ref()?;
        let text = match folder.read(step.kind.name()) {
            Ok(text) => text,
            Err(error) => {
                let problem = Diagnostic::error(UNREADABLE_SCRIPT, error.to_string());
                let problem =
                    self.at(problem, step.location).help("a step names a file of the scripts folder");
                self.problems.push(problem);
                return None;
            }
        };
        match Script::load(step.kind.name(), &text, &self.config.scripts.limits, folder) {
            Ok(script) if script.hooks().next().is_none() => {
                self.problems.push(without_hook(folder, step, &text));
                None
            }
            Ok(script) => Some(Arc::new(script)),
            Err(errors) => {
                self.report(step, &errors);
                None
            }
        }
    }

    fn report(&mut self, step: &StepConfig, errors: &[ScriptError]) {
        for error in errors {
            let problem = match (&self.folder, error.kind) {
                (_, ErrorKind::Config) => {
                    let message = format!("script {}: {}", step.kind.name(), error.message);
                    self.at(Diagnostic::error(BAD_SETTINGS, message), step.location)
                }
                (Some(folder), _) => script_problem(folder, error),
                (None, _) => Diagnostic::error(BAD_SCRIPT, error.to_string()),
            };
            self.problems.push(problem);
        }
    }
}

/// A step that would do nothing is refused: more often than not it is a file that an editor has just emptied and
/// not yet filled again, and publishing it would take a check away from a route.
fn without_hook(folder: &ScriptsFolder, step: &StepConfig, text: &str) -> Diagnostic {
    let message = if text.trim().is_empty() {
        "the script is empty"
    } else {
        "the script defines no hook, so its step would do nothing"
    };
    Diagnostic::error(NO_HOOK, message)
        .in_file(folder.file(step.kind.name()).display().to_string())
        .help("define on_request, on_response, on_error or on_log, or take the step out of the configuration")
}

/// A problem of a script with its source text.
pub fn script_problem(folder: &ScriptsFolder, error: &ScriptError) -> Diagnostic {
    let mut problem = Diagnostic::error(BAD_SCRIPT, error.message.clone());
    if !error.stack.is_empty() {
        let calls: Vec<String> =
            error.stack.iter().map(|frame| format!("in function {}", frame.function)).collect();
        problem = problem.help(calls.join(", "));
    }
    let file = folder.file(&error.script).display().to_string();
    match (folder.read(&error.script), error.place) {
        (Ok(text), Some(place)) => {
            let source = Arc::new(Source::new(file, text));
            problem.at(&source, Location { line: place.line, column: place.column.max(1) }, "")
        }
        _ => problem.in_file(file),
    }
}
