//! The compiler of this build, as the promotion service takes it: the one place where the gateway meets it.

use std::cell::Cell;
use std::sync::Arc;

use forebay_engine::script::bind::{Bound, Member, bind, is_calm};
use forebay_engine::script::tools::{self, Allowance};
use forebay_engine::{Hook, HookProgram, Program, ProgramView, ScriptStep};
use forebay_jit::rt::context::Meter;
use forebay_jit::{Grant, Host, HostBinding, HostStep, StepProgram, StepUnit, compile_step};
use rhai::{Dynamic, Engine, EvalAltResult, Position};

use super::compile::{CODE_SPACE, Compiler, NO_EXECUTABLE_MEMORY, Options, Rejection};
use super::profile::{self, Symbol};

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
        let unit = StepUnit {
            engine: step.engine(),
            library: script.ast(),
            hooks,
            constants: step.constants(),
            host: Some(&ScriptApi),
        };
        let settings = forebay_jit::Options {
            listings: options.listings,
            namespaces: step.namespaces(),
            ..forebay_jit::Options::default()
        };
        let program = compile_step(&unit, &settings).map_err(|error| rejection(&error))?;
        let name = script.name();
        profile::announce(
            program
                .symbols()
                .map(|(function, code)| Symbol { name: format!("script:{name}:{function}"), code }),
        );
        Ok(Program::new(Compiled { program, source: script.source().clone() }))
    }
}

/// The objects that scripts meet, for chains on them.
struct ScriptApi;

impl Host for ScriptApi {
    fn bind(&self, steps: &[HostStep<'_>], assigns: bool) -> Vec<HostBinding> {
        let members: Vec<Member<'_>> = steps
            .iter()
            .map(|step| match *step {
                HostStep::Property(name) => Member::Property(name),
                HostStep::Index(name) => Member::Index(name),
                HostStep::Method(name, arguments) => Member::Method(name, arguments),
            })
            .collect();
        let binding = |bound: Bound| HostBinding {
            root: bound.root,
            operations: bound.operations,
            name: bound.signature.clone(),
            waits: bound.waits,
            by_name: bound.by_name,
            function: Box::new(move |root, arguments| bound.call(root, arguments)),
        };
        bind(&members, assigns).into_iter().map(binding).collect()
    }

    fn is_calm(&self, name: &str, arguments: usize) -> bool {
        is_calm(name, arguments)
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
struct Compiled {
    program: StepProgram,
    /// The text of the script.
    source: Arc<str>,
}

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
        self.program.run(engine, hook as usize, arguments, &grant)
    }

    fn may_wait(&self, hook: Hook) -> bool {
        !self.program.is_calm(hook as usize)
    }

    fn code_bytes(&self) -> usize {
        self.program.report().code_bytes
    }

    fn explain(&self, view: ProgramView) -> String {
        let listings = self.program.listings();
        match view {
            ProgramView::Types => summary(&self.program, &self.source),
            ProgramView::Ir => listings.ir.join("\n"),
            ProgramView::Clif => joined(listings.code.iter().map(|(clif, _)| clif.as_str())),
            ProgramView::Assembly => joined(listings.code.iter().map(|(_, assembly)| assembly.as_str())),
        }
    }
}

fn joined<'a>(listings: impl Iterator<Item = &'a str>) -> String {
    listings.collect::<Vec<_>>().join("\n")
}

/// How much was compiled; then the source, with what became of each line.
fn summary(program: &StepProgram, source: &str) -> String {
    let report = program.report();
    format!(
        "{} of {} functions native, in {} instances\n\n{}",
        report.native_functions,
        report.functions,
        report.instances,
        program.explain(source)
    )
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
