//! What tests of several passes share: small sources, taken as far as a test needs them.

use std::collections::BTreeMap;

use rhai::{AST, Engine};

use crate::front::{self, Entry, Source};
use crate::infer::{self, Typed};
use crate::ir::Unit;

/// Parses without the engine's own simplifications, which would leave little to look at.
pub(crate) fn parse(source: &str) -> AST {
    let mut engine = Engine::new();
    engine.set_optimization_level(rhai::OptimizationLevel::None);
    engine.compile(source).unwrap_or_else(|error| panic!("{error} in {source}"))
}

/// The tree of a program.
pub(crate) fn unit(source: &str) -> Unit {
    of(&parse(source))
}

fn of(ast: &AST) -> Unit {
    front::build(&Source {
        library: ast,
        entries: vec![Entry { name: "", parameters: Vec::new(), statements: ast.statements() }],
        constants: BTreeMap::new(),
        is_program: true,
    })
}

/// The tree of a program with its types.
pub(crate) fn typed(source: &str) -> (Unit, Typed) {
    let unit = unit(source);
    let typed = infer::infer(&unit, true, infer::Standard::of(&Engine::new(), &unit));
    (unit, typed)
}
