//! Rhai's bytecode machine as a tier, for comparison only: the gateway never serves with it.

use std::sync::Arc;

use forebay_engine::{Hook, HookProgram, Program, ProgramView, ScriptStep};
use rhai::grain::{Compiler, Program as Bytecode, Vm};
use rhai::{Dynamic, Engine, EvalAltResult, Scope};

/// The hooks of a step as bytecode.
pub(super) fn grain(step: &ScriptStep) -> Arc<Program> {
    let hooks = Hook::ALL.map(|hook| {
        let source = step.script().hook(hook)?;
        Some((source.parameters.to_vec(), Compiler::new().compile(source.body)))
    });
    Program::new(Grain { hooks })
}

struct Grain {
    hooks: [Option<(Vec<String>, Bytecode<'static>)>; 4],
}

impl HookProgram for Grain {
    fn run(
        &self,
        engine: &Engine,
        hook: Hook,
        arguments: &mut [Dynamic],
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        let Some((parameters, program)) = &self.hooks[hook as usize] else { return Ok(Dynamic::UNIT) };
        let mut scope = Scope::new();
        for (name, value) in parameters.iter().zip(arguments) {
            scope.push_dynamic(name.as_str(), std::mem::take(value));
        }
        Vm::new(engine).eval_with_scope(&mut scope, program)
    }

    fn code_bytes(&self) -> usize {
        0
    }

    fn explain(&self, _view: ProgramView) -> String {
        String::new()
    }
}
