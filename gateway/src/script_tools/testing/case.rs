//! One test: an engine, a scope and a world of its own, and limits that end what does not end by itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use forebay_engine::script::tools;
use forebay_engine::{ErrorKind, Limits, Place, Script, ScriptError};
use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, Scope};

use super::api;
use super::failure::Failure;
use super::imports::FolderImports;
use crate::script_tools::Project;
use crate::script_tools::excerpt::Finding;
use crate::script_tools::offline::Offline;
use crate::scripts_folder::ScriptsFolder;

/// Most bytes of printed text that are kept.
const PRINTED_BYTES_MAX: usize = 64 << 10;

/// A test file that parses.
pub(super) struct TestFile {
    /// Name without ending, such as `key_test`.
    pub(super) name: Arc<str>,
    pub(super) folder: ScriptsFolder,
    ast: AST,
}

/// A test function.
pub(super) struct TestFunction {
    pub(super) name: String,
    pub(super) place: Option<Place>,
    parameters: usize,
}

/// What a running test can reach.
pub(super) struct Case {
    pub(super) project: Project,
    pub(super) script: Arc<Script>,
    fuel: AtomicU64,
    ends: Instant,
    /// The world made last, for its log.
    world: Mutex<Option<Offline>>,
    printed: Mutex<String>,
}

/// How a test went.
pub(super) struct Ran {
    pub(super) took: Duration,
    pub(super) failure: Option<CaseFailure>,
    /// What the test printed and the script logged.
    pub(super) output: Vec<String>,
}

/// Why a test failed: the place in the test first, then the place in the script if it failed there.
pub(super) struct CaseFailure {
    pub(super) findings: Vec<Finding>,
    pub(super) compared: Option<(String, String)>,
}

impl Case {
    /// Remembers a world of this test.
    pub(super) fn add_world(&self, world: &Offline) {
        *self.world.lock().unwrap_or_else(PoisonError::into_inner) = Some(world.clone());
    }

    fn print(&self, text: &str) {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        if printed.len() + text.len() < PRINTED_BYTES_MAX {
            printed.push_str(text);
            printed.push('\n');
        }
    }

    /// Called at every operation of the test's own code; a value ends it.
    fn progress(&self) -> Option<Dynamic> {
        let fuel = self.fuel.load(Ordering::Relaxed);
        if fuel == 0 {
            return Some(Dynamic::from(ErrorKind::Operations.as_str()));
        }
        self.fuel.store(fuel - 1, Ordering::Relaxed);
        // Each operation may have been a whole hook, so the clock is looked at every time.
        (Instant::now() > self.ends).then(|| {
            format!("out of time: the test took longer than {:?}", self.project.test_time_max).into()
        })
    }

    fn output(&self) -> Vec<String> {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: Vec<String> = printed.lines().map(str::to_owned).collect();
        if let Some(world) = &*self.world.lock().unwrap_or_else(PoisonError::into_inner) {
            let state = world.state();
            lines.extend(state.log.entries.iter().map(|line| format!("{}: {}", line.level, line.message)));
            lines
                .extend(state.http.missing.entries.iter().map(|call| format!("call without a mock: {call}")));
        }
        lines
    }
}

/// An engine for test code: Rhai with the script libraries and the test API, within the limits.
fn engine(limits: &Limits, folder: &ScriptsFolder) -> Engine {
    let mut engine = tools::bounded_engine(limits);
    engine.register_global_module(api::module());
    engine.set_module_resolver(FolderImports::new(folder));
    engine
}

impl TestFile {
    /// Reads and parses a test file.
    pub(super) fn load(limits: &Limits, folder: &ScriptsFolder, name: &str) -> Result<Self, Box<Finding>> {
        let text = folder.read(name).map_err(|error| {
            Finding::file_error(error.to_string(), folder.file(name).display().to_string())
        })?;
        let name: Arc<str> = name.into();
        let mut ast = engine(limits, folder)
            .compile(&text)
            .map_err(|error| Finding::of(&tools::describe_parse(&name, &error), folder))?;
        ast.set_source(&*name);
        Ok(Self { name, folder: folder.clone(), ast })
    }

    /// The tests in the order written.
    pub(super) fn functions(&self) -> Vec<TestFunction> {
        let tests = self.ast.iter_fn_def().filter(|function| function.name.starts_with("test_"));
        let mut tests: Vec<TestFunction> = tests
            .map(|function| TestFunction {
                name: function.name.to_string(),
                place: Place::of(function.body.start_position()),
                parameters: function.params.len(),
            })
            .collect();
        tests.sort_by_key(|test| test.place.map(|place| (place.line, place.column)));
        tests
    }

    /// Runs one test.
    pub(super) fn run(&self, project: &Project, script: &Arc<Script>, test: &TestFunction) -> Ran {
        let started = Instant::now();
        let case = Arc::new(Case {
            project: project.clone(),
            script: script.clone(),
            fuel: AtomicU64::new(project.limits.operations_max),
            ends: started + project.test_time_max,
            world: Mutex::default(),
            printed: Mutex::default(),
        });
        let failure = if test.parameters > 0 {
            let message = format!("a test takes no parameters; write `fn {}()`", test.name);
            let error = ScriptError::new(&self.name, ErrorKind::Check, message, test.place);
            Some(CaseFailure { findings: vec![Finding::of(&error, &self.folder)], compared: None })
        } else {
            self.evaluate(&case, &test.name).err().map(|error| self.failure(test, &error))
        };
        Ran { took: started.elapsed(), failure, output: case.output() }
    }

    /// Evaluates the constants of the file, then the test.
    fn evaluate(&self, case: &Arc<Case>, test: &str) -> Result<(), Box<EvalAltResult>> {
        let mut engine = engine(&case.project.limits, &self.folder);
        engine.set_default_tag(Dynamic::from(case.clone()));
        let progress = case.clone();
        engine.on_progress(move |_| progress.progress());
        let print = case.clone();
        engine.on_print(move |text| print.print(text));
        let debug = case.clone();
        engine.on_debug(move |text, _, position| debug.print(&format!("{position}: {text}")));
        let mut scope = Scope::new();
        engine.run_ast_with_scope(&mut scope, &self.ast)?;
        publish(&mut engine, &scope);
        let options = CallFnOptions::new().eval_ast(false);
        let result = engine.call_fn_with_options(options, &mut Scope::new(), &self.ast, test, ());
        result.map(|_: Dynamic| ())
    }

    fn failure(&self, test: &TestFunction, error: &EvalAltResult) -> CaseFailure {
        let mut place = tools::describe(&self.name, error);
        // Limits end a test anywhere; then the test as a whole is shown.
        if place.script == self.name {
            place.place = place.place.or(test.place);
        }
        // The outermost frame is the test itself.
        place.stack.retain(|frame| frame.called_at.is_some());
        let Some(failure) = Failure::in_error(error) else {
            return CaseFailure { findings: vec![Finding::of(&place, &self.folder)], compared: None };
        };
        place.message = failure.message;
        let mut finding = Finding::of(&place, &self.folder);
        finding.kind = failure.kind.into();
        let mut notes = failure.notes;
        if let Some((found, expected)) = &failure.compared {
            notes.insert(0, format!("expected: {expected}"));
            notes.insert(0, format!("found:    {found}"));
        }
        finding.notes.splice(0..0, notes);
        let script = failure.script.map(|error| Finding::of(&error, &self.folder));
        CaseFailure { findings: [finding].into_iter().chain(script).collect(), compared: failure.compared }
    }
}

/// Makes top-level constants visible in every function, as they are in scripts.
#[expect(deprecated, reason = "on_var is marked so only because it is volatile; rhai is pinned exactly")]
fn publish(engine: &mut Engine, scope: &Scope) {
    let constants: BTreeMap<String, Dynamic> =
        scope.iter_raw().map(|(name, _, value)| (name.to_owned(), value.clone())).collect();
    engine.on_var(move |name, index, context| {
        if index > 0 || context.scope().contains(name) {
            return Ok(None);
        }
        Ok(constants.get(name).cloned())
    });
}
