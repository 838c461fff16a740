//! Scripts: from source text to something a chain can run.
//!
//! [`Script::load`] parses and checks one file; [`ScriptStep::new`] joins it with the settings of one step
//! and computes its constants. Both are done when a generation is built; serving only calls [`Call`].
//!
//! [`Call`]: call::Call

pub mod api;
pub mod bind;
pub mod call;
pub mod lib;
pub mod program;
pub mod reference;
pub mod table;
pub mod tools;

mod check;
mod config_schema;
mod constants;
mod context;
mod direct;
mod failure;
mod fiber;
mod imports;
mod interpreter;
mod parse;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, Module, Shared};

use crate::chain::Hook;
use crate::error::{ErrorKind, Place, ScriptError};
use crate::limits::Limits;
use crate::step::OnError;
use crate::verdict::Verdict;
use program::{HookSource, Program, ProgramSlot};

pub use imports::SourceLoader;

/// A script whose source was parsed and checked.
#[derive(Debug)]
pub struct Script {
    name: Arc<str>,
    source: Arc<str>,
    digest: Arc<str>,
    ast: AST,
    /// The bodies of the hooks it defines, by [`Hook`].
    hooks: [Option<HookBody>; 4],
    imports: Vec<imports::Imported>,
    documentation: String,
}

/// The function of one hook, as the statements it consists of.
#[derive(Debug)]
struct HookBody {
    /// What the function calls its parameters.
    parameters: Vec<String>,
    body: AST,
    /// Where its statements begin.
    place: Option<Place>,
}

impl Script {
    /// Parses and checks a script. `import` statements are resolved through `loader`.
    ///
    /// # Errors
    /// Everything that is wrong with it; a source that does not parse gives one error.
    pub fn load(
        name: &str,
        source: &str,
        limits: &Limits,
        loader: &dyn SourceLoader,
    ) -> Result<Self, Vec<ScriptError>> {
        parse::load(name, source, limits, loader)
    }

    /// Name of the script, without folder and ending.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The text it was loaded from.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// SHA-256, in hex, of its text and of everything it imports: equal digests are equal scripts.
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    /// Its functions, as a compiler takes them. The statements in it (constants and imports) are not run by hooks.
    pub fn ast(&self) -> &AST {
        &self.ast
    }

    /// The function of one hook, as a compiler takes it.
    pub fn hook(&self, hook: Hook) -> Option<HookSource<'_>> {
        self.hooks[hook as usize].as_ref().map(HookSource::from)
    }

    /// Whether it defines the function for this hook.
    pub fn has(&self, hook: Hook) -> bool {
        self.hooks[hook as usize].is_some()
    }

    /// The hooks it defines.
    pub fn hooks(&self) -> impl Iterator<Item = Hook> {
        Hook::ALL.into_iter().filter(|hook| self.has(*hook))
    }

    /// The comment block at the top of the file (`//!` lines), without the slashes.
    pub fn documentation(&self) -> &str {
        &self.documentation
    }

    /// The functions it defines, for tools.
    pub fn functions(&self) -> impl Iterator<Item = (&str, usize)> {
        self.ast.iter_functions().map(|function| (function.name, function.params.len()))
    }
}

/// A script joined with one step's settings: its own interpreter with the constants in it, and its program once
/// it has one.
pub struct ScriptStep {
    script: Arc<Script>,
    engine: Engine,
    constants: constants::Constants,
    program: ProgramSlot,
    limits: Limits,
    on_error: OnError,
}

impl std::fmt::Debug for ScriptStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptStep").field("script", &self.script.name).finish_non_exhaustive()
    }
}

impl ScriptStep {
    /// Validates `config` against the schema the script declares and computes the top-level constants, within
    /// the limits and without host powers.
    ///
    /// # Errors
    /// Each setting that does not fit, or the constant that failed.
    pub fn new(
        script: Arc<Script>,
        config: &serde_json::Value,
        limits: &Limits,
        on_error: OnError,
    ) -> Result<Self, Vec<ScriptError>> {
        let (engine, constants) = constants::engine_for(&script, config, limits)?;
        let program = ProgramSlot::default();
        Ok(Self { script, engine, constants, program, limits: limits.clone(), on_error })
    }

    /// The script.
    pub fn script(&self) -> &Arc<Script> {
        &self.script
    }

    /// The limits of one call.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What an error means for the request.
    pub fn on_error(&self) -> OnError {
        self.on_error
    }

    /// The interpreter of this step, with its libraries, imports, constants and limits.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The host's namespaces as this step's interpreter has them: none of those that an import hides.
    pub fn namespaces(&self) -> Vec<(String, Shared<Module>)> {
        let is_hidden = |name: &str| self.script.imports.iter().any(|import| import.alias() == name);
        let namespaces = interpreter::namespaces().iter().filter(|(name, _)| !is_hidden(name));
        namespaces.map(|(name, module)| ((*name).to_owned(), module.clone())).collect()
    }

    /// The top-level constants by name, the step's settings as `config` among them. A bare name means a constant
    /// wherever no variable of that name is in scope; `global::NAME` always does.
    pub fn constants(&self) -> &BTreeMap<String, Dynamic> {
        &self.constants
    }

    /// The program that calls beginning now run; without one they are interpreted.
    pub fn program(&self) -> Option<Arc<Program>> {
        self.program.load()
    }

    /// Puts a program in place, or takes it away, in one atomic step, and returns what was there. Calls under way
    /// keep what they began with. The one that gets the last handle frees the code, so keep one elsewhere.
    pub fn install(&self, program: Option<Arc<Program>>) -> Option<Arc<Program>> {
        self.program.replace(program)
    }

    fn evaluate(
        &self,
        program: Option<&Program>,
        body: &HookBody,
        hook: Hook,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        match program {
            None => interpreter::run_hook(&self.engine, body, hook),
            Some(program) => {
                let mut arguments = interpreter::hook_arguments(hook);
                let count = body.parameters.len().min(arguments.len());
                program.code().run(&self.engine, hook, &mut arguments[..count])
            }
        }
    }

    /// Runs the function for `hook` on the current fiber and context.
    fn run(&self, program: Option<&Program>, hook: Hook) -> Verdict {
        let Some(body) = &self.script.hooks[hook as usize] else { return Verdict::Continue };
        match self.evaluate(program, body, hook) {
            Ok(value) => verdict(value).unwrap_or_else(|found| {
                let message = format!(
                    "{} returned {found}; return () to go on or reply(...) to answer (a function returns the \
                     value of its last statement, semicolon or not: end it with `return;`)",
                    hook.function()
                );
                Verdict::Fail(Box::new(ScriptError::new(
                    &self.script.name,
                    ErrorKind::Verdict,
                    message,
                    body.place,
                )))
            }),
            Err(error) => Verdict::Fail(Box::new(failure::describe(&self.script.name, &error))),
        }
    }
}

fn verdict(value: Dynamic) -> Result<Verdict, &'static str> {
    if value.is_unit() {
        return Ok(Verdict::Continue);
    }
    let found = if value.is_map() { "a map" } else { "a value that is no verdict" };
    value.try_cast::<api::Reply>().map(|reply| Verdict::Reply(reply.0)).ok_or(found)
}
