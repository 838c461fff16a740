//! CPU time, and the tiers that run in this process.

use std::hint::black_box;
use std::time::Duration;

use forebay_jit::{Options, Program};
use rhai::grain::{Compiler, SharedProgram, Vm};
use rhai::{AST, Dynamic, Engine, Scope};
use rustix::time::{ClockId, clock_gettime};

use crate::native;
use crate::peer::Peer;

/// What one measurement gave.
pub(crate) struct Sample {
    /// CPU seconds of one run.
    pub(crate) seconds: f64,
    /// What the program made of it.
    pub(crate) result: String,
}

/// One way to run a program.
pub(crate) enum Tier {
    /// The interpreter.
    Interpreted,
    /// Its bytecode machine.
    Grain,
    /// Machine code.
    Promoted,
    /// The same program in Rust.
    Native,
    /// Another language.
    Peer(Peer),
}

/// A program, ready for every tier of ours.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) size: i64,
    pub(crate) program: Program,
    engine: Engine,
    ast: AST,
    bytecode: SharedProgram,
}

/// CPU time of this thread so far.
pub(crate) fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// An engine without limits but on the depth of calls, as the other languages have none.
pub(crate) fn engine() -> Engine {
    let mut engine = Engine::new();
    engine.set_max_call_levels(1000);
    engine.set_max_expr_depths(0, 0);
    engine
}

impl Subject {
    /// Parses and compiles.
    pub(crate) fn new(source: &str, name: &'static str, size: i64) -> Self {
        let engine = engine();
        let ast = engine.compile(format!("{source}\n{name}({size})")).expect("the programs are well-formed");
        let program = forebay_jit::compile(&engine, &ast, &Options::default()).expect("they can be compiled");
        let fallbacks = &program.report().fallbacks;
        assert!(fallbacks.is_empty(), "{name} is left to the interpreter: {fallbacks:?}");
        let bytecode = Compiler::new().compile(&ast).into_shared();
        Self { name, size, program, engine, ast, bytecode }
    }

    /// CPU seconds of one run and its result, over at least this many seconds.
    pub(crate) fn sample(&self, tier: &mut Tier, seconds: f64) -> Sample {
        if let Tier::Peer(peer) = tier {
            return peer.run(self.name, self.size, seconds);
        }
        let began = cpu_time();
        let mut runs = 0;
        loop {
            let result = black_box(self.once(tier));
            runs += 1;
            let spent = cpu_time().saturating_sub(began).as_secs_f64();
            if spent >= seconds {
                return Sample { seconds: spent / f64::from(runs), result: result.to_string() };
            }
        }
    }

    fn once(&self, tier: &Tier) -> i64 {
        let mut scope = Scope::new();
        let value = match tier {
            Tier::Interpreted => self.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast),
            Tier::Grain => Vm::new(&self.engine).eval_with_callbacks(&mut scope, &self.bytecode),
            Tier::Promoted => self.program.run(&self.engine, &mut scope),
            Tier::Native => return native::run(self.name, self.size),
            Tier::Peer(_) => unreachable!("it runs elsewhere"),
        };
        let value = value.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        value.as_int().expect("every program makes an integer")
    }
}
