//! What tests of several passes share: small sources, taken as far as a test needs them.

use std::collections::BTreeMap;

use rhai::{AST, Dynamic, Engine, Scope};

use crate::front::{self, Entry, Source};
use crate::infer::{self, Typed};
use crate::ir::Unit;
use crate::{Options, compile};

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
        host: None,
    })
}

/// As [`typed`], with what tests of types tell.
pub(crate) fn narrowed(source: &str) -> (Unit, Typed) {
    let mut unit = unit(source);
    crate::ir::narrow::narrow(&mut unit);
    let typed = infer::infer(&unit, true, infer::Standard::of(&Engine::new(), &unit));
    (unit, typed)
}

/// The tree of a program with its types.
pub(crate) fn typed(source: &str) -> (Unit, Typed) {
    let unit = unit(source);
    let typed = infer::infer(&unit, true, infer::Standard::of(&Engine::new(), &unit));
    (unit, typed)
}

/// Runs a script in the interpreter, and compiled in all modes: types and layout, layout alone, types alone. Value,
/// error with its place, and what is left in the scope must be the same.
pub(crate) fn agree_in(engine: &Engine, script: &str) {
    let ast = engine.compile(script).expect(script);
    let show = |result: Result<Dynamic, Box<rhai::EvalAltResult>>, scope: &Scope<'_>| match result {
        Ok(value) => format!("{} {value:?} {scope:?}", value.type_name()),
        Err(error) => format!("{error:?} {scope:?}"),
    };
    let mut scope = Scope::new();
    let expected = show(engine.eval_ast_with_scope(&mut scope, &ast), &scope);
    for (specialise, inline_layout) in [(true, true), (false, true), (true, false)] {
        let options = Options { specialise, inline_layout, ..Options::default() };
        let program = compile(engine, &ast, &options).expect(script);
        assert!(program.report().fallbacks.is_empty(), "{script}");
        let mut scope = Scope::new();
        let actual = show(program.run(engine, &mut scope), &scope);
        assert_eq!(actual, expected, "types {specialise}, layout {inline_layout}:\n{script}");
    }
}
