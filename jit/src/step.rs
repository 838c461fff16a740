//! A script step of the gateway, compiled: the bodies of its hooks and the functions of its script.

use std::collections::BTreeMap;

use rhai::{AST, Dynamic, Engine, EvalAltResult};

use crate::front::{Entry, Source};
use crate::host::Host;
use crate::ir::FunctionId;
use crate::program::{Grant, Listings, Options, Program, Rejection, Report, compile_source};
use crate::rt::guard::HostPanic;

/// What a compiler needs to know of a step.
#[derive(Clone, Copy)]
pub struct StepUnit<'a> {
    /// The step's interpreter. Whatever runs the program later must be this one.
    pub engine: &'a Engine,
    /// The functions of the script.
    pub library: &'a AST,
    /// For each hook that the script defines: its name, the names of its parameters, and its body as statements.
    pub hooks: [Option<(&'a str, &'a [String], &'a AST)>; 4],
    /// The constants that the engine's resolver answers for.
    pub constants: &'a BTreeMap<String, Dynamic>,
    /// What chains on the engine's own values are bound to.
    pub host: Option<&'a dyn Host>,
}

/// The program of a step.
#[derive(Debug)]
pub struct StepProgram {
    program: Program,
    entries: [Option<FunctionId>; 4],
}

/// Compiles a step. Operations are always charged.
///
/// # Errors
/// Why it cannot be compiled; the interpreter goes on running it.
pub fn compile_step(unit: &StepUnit<'_>, options: &Options) -> Result<StepProgram, Rejection> {
    let mut entries = [None; 4];
    let mut bodies = Vec::new();
    for (entry, hook) in entries.iter_mut().zip(unit.hooks) {
        let Some((name, parameters, body)) = hook else { continue };
        *entry = FunctionId::try_from(bodies.len()).ok();
        bodies.push(Entry { name, parameters: parameters.to_vec(), statements: body.statements() });
    }
    let constants = unit.constants.clone();
    let source =
        Source { library: unit.library, entries: bodies, constants, is_program: false, host: unit.host };
    let program = compile_source(unit.engine, &source, options, true)?;
    if program.is_interpreted() {
        // Hooks are bodies with parameters, which the interpreter runs better where it always did.
        return Err(Rejection::Engine("part of the script needs the interpreter"));
    }
    Ok(StepProgram { program, entries })
}

impl StepProgram {
    /// Runs a hook, by its number in the unit, if the step has it.
    ///
    /// # Errors
    /// What the interpreter would have ended with.
    ///
    /// # Panics
    /// When a host function does, as the interpreter would have.
    pub fn run(
        &self,
        engine: &Engine,
        hook: usize,
        arguments: &mut [Dynamic],
        grant: &Grant<'_>,
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        let Some(entry) = self.entries.get(hook).copied().flatten() else { return Ok(Dynamic::UNIT) };
        let result = self.program.enter(engine, entry, arguments, grant, None);
        if let Err(error) = &result
            && let EvalAltResult::ErrorSystem(_, cause) = &**error
            && let Some(panic) = cause.downcast_ref::<HostPanic>()
        {
            // Machine code is behind us, so it can go on its way.
            std::panic::resume_unwind(Box::new(panic.message.clone()));
        }
        result
    }

    /// Whether a hook, by its number in the unit, neither waits nor takes long.
    pub fn is_calm(&self, hook: usize) -> bool {
        self.entries.get(hook).copied().flatten().is_none_or(|entry| self.program.is_calm(entry))
    }

    /// The functions in memory: a name and the instructions of each.
    pub fn symbols(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.program.symbols()
    }

    /// What compilation had to tell.
    pub fn report(&self) -> &Report {
        self.program.report()
    }

    /// Texts for people; empty unless they were asked for.
    pub fn listings(&self) -> &Listings {
        self.program.listings()
    }

    /// The source of the script with notes on what became of each line. There are none unless listings were asked for.
    pub fn explain(&self, source: &str) -> String {
        self.program.explain(source)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::rt::context::Unlimited;

    #[test]
    fn a_panic_of_the_host_leaves_a_program_as_it_leaves_the_interpreter_and_the_next_call_works() {
        let mut engine = Engine::new();
        engine.register_fn("may_break", |value: i64| {
            assert!(value != 13, "broken by {value}");
            value
        });
        let body = engine.compile("try { may_break(x) } catch { 0 }").expect("compiles");
        let (library, constants) = (AST::empty(), BTreeMap::new());
        let parameters = ["x".to_owned()];
        let hooks = [Some(("hook", &parameters[..], &body)), None, None, None];
        let unit = StepUnit { engine: &engine, library: &library, hooks, constants: &constants, host: None };
        let program = compile_step(&unit, &Options::default()).expect("compiles");
        let grant = Grant { meter: &Unlimited, fuel: i64::MAX, stack_floor: 0 };
        let run = |value: i64| {
            let call = || program.run(&engine, 0, &mut [value.into()], &grant);
            catch_unwind(AssertUnwindSafe(call))
        };
        for _ in 0..2 {
            let panic = run(13).expect_err("it panics");
            assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("broken by 13"));
            assert_eq!(run(12).expect("no panic").expect("no error").as_int(), Ok(12));
        }
    }
}
