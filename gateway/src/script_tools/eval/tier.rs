//! The ways a program can be run, behind one trait: the interpreter, Rhai's bytecode machine, the compiler.

use rhai::grain::{Compiler, SharedProgram, Vm};
use rhai::{AST, Dynamic, Engine, EvalAltResult, Position, Scope};
use serde::{Deserialize, Serialize};

/// A way to run a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Rhai's interpreter, which walks the syntax tree
    Ast,
    /// Rhai's bytecode machine
    Grain,
    /// Forebay's compiler to machine code
    Jit,
}

/// What became of a program in its tier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Coverage {
    /// Parts that the interpreter still evaluates, in a tier that is not the interpreter.
    pub(super) fallbacks: Vec<Fallback>,
    /// Functions of the program, the top level included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) functions: Option<usize>,
    /// Those without a fallback.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) native_functions: Option<usize>,
    /// Size of the machine code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) code_bytes: Option<usize>,
}

/// A part that the interpreter evaluates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fallback {
    /// The function it is in; empty for the top level or the whole program.
    pub(super) function: String,
    pub(super) reason: String,
    pub(super) line: Option<usize>,
    pub(super) column: Option<usize>,
}

impl Fallback {
    fn new(function: &str, reason: impl ToString, position: Position) -> Self {
        Self {
            function: function.to_owned(),
            reason: reason.to_string(),
            line: position.line(),
            column: position.position(),
        }
    }
}

/// A program that is ready to run any number of times.
pub(super) trait Prepared {
    fn run(&self, engine: &Engine, scope: &mut Scope<'static>) -> Result<Dynamic, Box<EvalAltResult>>;
    fn coverage(&self) -> Coverage;
}

impl Tier {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ast => "ast",
            Self::Grain => "grain",
            Self::Jit => "jit",
        }
    }

    /// Makes a program ready. Every tier can run every program: what it cannot do itself is a fallback.
    pub(super) fn prepare(self, engine: &Engine, ast: &AST) -> Box<dyn Prepared> {
        match self {
            Self::Ast => Box::new(Interpreted { ast: ast.clone(), rejection: None }),
            Self::Grain => Box::new(Bytecode::new(ast)),
            Self::Jit => compile(engine, ast),
        }
    }
}

struct Interpreted {
    ast: AST,
    /// Why the compiler left the whole program to the interpreter.
    rejection: Option<String>,
}

impl Prepared for Interpreted {
    fn run(&self, engine: &Engine, scope: &mut Scope<'static>) -> Result<Dynamic, Box<EvalAltResult>> {
        engine.eval_ast_with_scope::<Dynamic>(scope, &self.ast)
    }

    fn coverage(&self) -> Coverage {
        let reason = self.rejection.iter();
        let fallbacks = reason.map(|reason| Fallback::new("", reason, Position::NONE)).collect();
        Coverage { fallbacks, ..Coverage::default() }
    }
}

struct Bytecode(SharedProgram);

impl Bytecode {
    fn new(ast: &AST) -> Self {
        Self(Compiler::new().compile(ast).into_shared())
    }
}

impl Prepared for Bytecode {
    fn run(&self, engine: &Engine, scope: &mut Scope<'static>) -> Result<Dynamic, Box<EvalAltResult>> {
        Vm::new(engine).eval_with_callbacks(scope, &self.0)
    }

    /// The bytecode machine counts its fallbacks but names only the first.
    fn coverage(&self) -> Coverage {
        let (reason, position) = self.0.first_unsupported().unwrap_or(("", Position::NONE));
        let fallback = Fallback::new("", reason, position);
        Coverage { fallbacks: vec![fallback; self.0.residual_count()], ..Coverage::default() }
    }
}

struct Native(forebay_jit::Program);

impl Prepared for Native {
    fn run(&self, engine: &Engine, scope: &mut Scope<'static>) -> Result<Dynamic, Box<EvalAltResult>> {
        self.0.run(engine, scope)
    }

    fn coverage(&self) -> Coverage {
        let report = self.0.report();
        let fallbacks = report.fallbacks.iter();
        Coverage {
            fallbacks: fallbacks
                .map(|fallback| Fallback::new(&fallback.function, &fallback.reason, fallback.position))
                .collect(),
            functions: Some(report.functions),
            native_functions: Some(report.native_functions),
            code_bytes: Some(report.code_bytes),
        }
    }
}

fn compile(engine: &Engine, ast: &AST) -> Box<dyn Prepared> {
    match forebay_jit::compile(engine, ast, &forebay_jit::Options::default()) {
        Ok(program) => Box::new(Native(program)),
        Err(rejection) => Box::new(Interpreted { ast: ast.clone(), rejection: Some(rejection.to_string()) }),
    }
}
