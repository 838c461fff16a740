//! The tiers, behind one trait. The compiler is plugged in here and nowhere else.

use super::modules;
use forebay_jit::{Options, Report};
use rhai::grain::{Compiler, Vm};
use rhai::{AST, Dynamic, Engine, EvalAltResult, Scope};

type RunResult = Result<Dynamic, Box<EvalAltResult>>;

/// A way to run a program.
pub(crate) trait Tier {
    /// How it is called in reports.
    fn name(&self) -> &'static str;

    /// Runs a program with a scope, which keeps the top-level variables.
    fn run(&self, engine: &Engine, ast: &AST, scope: &mut Scope<'static>) -> RunResult;
}

/// The interpreter: what it does is right.
#[derive(Debug)]
pub(crate) struct Interpreter;

impl Tier for Interpreter {
    fn name(&self) -> &'static str {
        "ast"
    }

    fn run(&self, engine: &Engine, ast: &AST, scope: &mut Scope<'static>) -> RunResult {
        engine.eval_ast_with_scope::<Dynamic>(scope, ast)
    }
}

/// Rhai's bytecode machine, whose known differences from the interpreter are none of ours.
#[derive(Debug)]
pub(crate) struct Grain;

impl Tier for Grain {
    fn name(&self) -> &'static str {
        "grain"
    }

    fn run(&self, engine: &Engine, ast: &AST, scope: &mut Scope<'static>) -> RunResult {
        let program = Compiler::new().compile(ast).into_shared();
        Vm::new(engine).eval_with_callbacks(scope, &program)
    }
}

/// The compiler, set up in one of the ways in which it must be right.
#[derive(Debug)]
pub(crate) struct Compiled {
    name: &'static str,
    options: Options,
}

impl Tier for Compiled {
    fn name(&self) -> &'static str {
        self.name
    }

    /// A program that the compiler refuses shows as one that ends in another error.
    fn run(&self, engine: &Engine, ast: &AST, scope: &mut Scope<'static>) -> RunResult {
        let program = forebay_jit::compile(engine, ast, &self.options)
            .map_err(|rejection| format!("not compiled: {rejection}"))?;
        program.run(engine, scope)
    }
}

/// What the compiler tells about a program; `None` if it refuses it.
pub(crate) fn coverage(engine: &Engine, ast: &AST) -> Option<Report> {
    let program = forebay_jit::compile(engine, ast, &Options::default()).ok()?;
    Some(program.report().clone())
}

/// The compiler as it is, with all types unknown, and without a look at the layout of values.
fn compiled_tiers() -> [Compiled; 4] {
    let compiled = |name, specialise, inline_layout| Compiled {
        name,
        options: Options {
            specialise,
            inline_layout,
            namespaces: modules::namespaces(),
            ..Options::default()
        },
    };
    [
        compiled("jit", true, true),
        compiled("jit-unspecialised", false, true),
        compiled("jit-helpers", true, false),
        compiled("jit-unspecialised-helpers", false, false),
    ]
}

/// The tiers that must agree with the interpreter. It must agree with itself, too.
pub(crate) fn equal_tiers() -> Vec<Box<dyn Tier>> {
    let mut tiers: Vec<Box<dyn Tier>> = vec![Box::new(Interpreter)];
    tiers.extend(compiled_tiers().map(|tier| Box::new(tier) as Box<dyn Tier>));
    tiers
}
