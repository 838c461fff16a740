//! The functions of a script with the statements of their bodies.

use rhai::{AST, ASTNode, Module, ScriptFuncDef, Shared, Stmt};

/// A function of the script.
pub(super) struct Definition {
    pub(super) def: Shared<ScriptFuncDef>,
    pub(super) statements: Vec<Stmt>,
}

/// All functions, in a stable order.
pub(super) fn definitions(library: &AST) -> Vec<Definition> {
    let mut all: Vec<Definition> = library
        .iter_fn_def()
        .map(|def| Definition { def: def.clone(), statements: statements(def) })
        .collect();
    let key = |definition: &Definition| {
        let def = &definition.def;
        let place = def.body.start_position();
        (place.line(), place.position(), def.name.to_string(), def.params.len())
    };
    all.sort_by_key(key);
    all
}

/// The type of a function's body has no public name; walking a tree that holds only this function does without it.
fn statements(def: &Shared<ScriptFuncDef>) -> Vec<Stmt> {
    let mut module = Module::new();
    module.set_script_fn(def.clone());
    let alone = AST::new(Vec::<Stmt>::new(), module);
    let mut statements = Vec::new();
    alone.walk(&mut |path: &[ASTNode<'_>]| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements
}
