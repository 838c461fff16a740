//! The compiler of this build, as the promotion service takes it: the one place where the gateway meets it.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::Arc;

use forebay_engine::script::tools::{self, Allowance};
use forebay_engine::{Hook, HookProgram, Program, ProgramView, ScriptStep};
use forebay_jit::rt::context::Meter;
use forebay_jit::{Grant, StepProgram, StepUnit, compile_step};
use rhai::{Dynamic, Engine, EvalAltResult, Position};

use super::compile::{CODE_SPACE, Compiler, NO_EXECUTABLE_MEMORY, Options, Rejection};

/// What the code generator says where memory cannot become executable.
const FORBIDDEN: &str = "unable to make memory readable+executable";

/// Compiles to machine code.
pub(super) struct Machine;

impl Compiler for Machine {
    fn compile(&self, step: &ScriptStep, options: Options) -> Result<Arc<Program>, Rejection> {
        if options.code_bytes_max == 0 {
            let message = "no room left for machine code within compile.code_bytes_max";
            return Err(Rejection::new(CODE_SPACE, message));
        }
        let script = step.script();
        let hooks = Hook::ALL
            .map(|hook| script.hook(hook).map(|source| (hook.function(), source.parameters, source.body)));
        let unit =
            StepUnit { engine: step.engine(), library: script.ast(), hooks, constants: step.constants() };
        let settings = forebay_jit::Options {
            listings: options.listings,
            namespaces: step.namespaces(),
            ..forebay_jit::Options::default()
        };
        let program = compile_step(&unit, &settings).map_err(|error| rejection(&error))?;
        Ok(Program::new(Compiled(program)))
    }
}

fn rejection(error: &forebay_jit::Rejection) -> Rejection {
    let message = error.to_string();
    if message.contains(FORBIDDEN) {
        let message = "this system forbids executable memory (such as MemoryDenyWriteExecute= of systemd)";
        return Rejection::new(NO_EXECUTABLE_MEMORY, message);
    }
    Rejection::new(error.reason(), message)
}

/// The program of one step.
struct Compiled(StepProgram);

impl HookProgram for Compiled {
    fn run(
        &self,
        engine: &Engine,
        hook: Hook,
        arguments: &mut [Dynamic],
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        let Allowance { operations, stack_floor } = tools::allowance();
        let meter = CallMeter { granted: Cell::new(operations) };
        let grant = Grant { meter: &meter, fuel: signed(operations), stack_floor };
        self.0.run(engine, hook as usize, arguments, &grant)
    }

    fn code_bytes(&self) -> usize {
        self.0.report().code_bytes
    }

    fn explain(&self, view: ProgramView) -> String {
        let listings = self.0.listings();
        match view {
            ProgramView::Types => summary(&self.0),
            ProgramView::Ir => listings.ir.join("\n"),
            ProgramView::Clif => joined(listings.code.iter().map(|(clif, _)| clif.as_str())),
            ProgramView::Assembly => joined(listings.code.iter().map(|(_, assembly)| assembly.as_str())),
        }
    }
}

fn joined<'a>(listings: impl Iterator<Item = &'a str>) -> String {
    listings.collect::<Vec<_>>().join("\n")
}

/// What was compiled, and what stayed generic and why; then each function with its types and calls.
fn summary(program: &StepProgram) -> String {
    let report = program.report();
    let mut text = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        text,
        "{} of {} functions native, in {} instances",
        report.native_functions, report.functions, report.instances
    );
    for fallback in &report.fallbacks {
        let function = if fallback.function.is_empty() { "top level" } else { &fallback.function };
        let _ = writeln!(text, "interpreted in {function} at {}: {}", fallback.position, fallback.reason);
    }
    for listing in &program.listings().ir {
        let _ = write!(text, "\n{listing}");
    }
    text
}

/// Grants the operations of the running call a few at a time, and checks its limits in between.
struct CallMeter {
    /// What was granted last; charged when it is used up.
    granted: Cell<u64>,
}

impl Meter for CallMeter {
    fn refuel(&self, fuel: i64, position: Position) -> Result<i64, Box<EvalAltResult>> {
        // What is left is negative by what was used beyond the grant.
        let used = self.granted.get().saturating_add_signed(fuel.saturating_neg());
        if let Some(token) = tools::spend(used) {
            return Err(EvalAltResult::ErrorTerminated(token, position).into());
        }
        let Allowance { operations, .. } = tools::allowance();
        self.granted.set(operations);
        Ok(signed(operations))
    }
}

fn signed(operations: u64) -> i64 {
    i64::try_from(operations).unwrap_or(i64::MAX)
}
