//! Compiled programs against the interpreter, in all modes, on maps of all sizes and shapes.

use rhai::{AST, Dynamic, Engine, Scope};

use crate::{Options, compile};

mod guesses;
mod shapes;
mod sizes;
mod types;

/// Types and layout, layout alone, types alone.
const MODES: [(bool, bool); 3] = [(true, true), (false, true), (true, false)];

fn show(result: Result<Dynamic, Box<rhai::EvalAltResult>>, scope: &Scope<'_>) -> String {
    match result {
        Ok(value) => format!("{} {value:?} {scope:?}", value.type_name()),
        Err(error) => format!("{error:?} {scope:?}"),
    }
}

fn expected(engine: &Engine, ast: &AST) -> String {
    let mut scope = Scope::new();
    let result = engine.eval_ast_with_scope(&mut scope, ast);
    show(result, &scope)
}

/// Runs a script in the interpreter, and twice in each mode, and compares.
fn agree_in(engine: &Engine, script: &str) {
    let ast = engine.compile(script).expect(script);
    let expected = expected(engine, &ast);
    for (specialise, inline_layout) in MODES {
        let options = Options { specialise, inline_layout, ..Options::default() };
        let program = compile(engine, &ast, &options).expect(script);
        assert!(program.report().fallbacks.is_empty(), "{script}");
        for round in 0..2 {
            let mut scope = Scope::new();
            let actual = show(program.run(engine, &mut scope), &scope);
            assert_eq!(
                actual, expected,
                "round {round}, types {specialise}, layout {inline_layout}:\n{script}"
            );
        }
    }
}

fn agree(script: &str) {
    agree_in(&Engine::new(), script);
}

fn agree_all(scripts: &[&str]) {
    for script in scripts {
        agree(script);
    }
}
