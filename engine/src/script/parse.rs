//! From text to a checked [`Script`].
//!
//! The source is parsed twice: once leniently to learn the names of its imports and constants, then in strict
//! mode with those names known, so that a misspelt variable is an error of the load, not of a request.

use std::sync::Arc;

use rhai::{AST, ASTFlags, ASTNode, Expr, Position, Scope, Stmt};

use super::imports::{Import, Importer, SourceLoader};
use super::{HookBody, Script, check, failure, interpreter};
use crate::chain::Hook;
use crate::error::{ErrorKind, Place, ScriptError};
use crate::limits::{Limits, SCRIPT_BYTES_MAX};

/// Name under which a step's settings are visible to its script.
pub(super) const CONFIG: &str = "config";

/// What stands at the top level of a file, beside functions.
pub(super) struct TopLevel {
    pub(super) imports: Vec<Import>,
    pub(super) constants: Vec<String>,
}

pub(super) fn load(
    name: &str,
    source: &str,
    limits: &Limits,
    loader: &dyn SourceLoader,
) -> Result<Script, Vec<ScriptError>> {
    let name: Arc<str> = name.into();
    if source.len() > SCRIPT_BYTES_MAX {
        let message = format!("{} bytes; a script has at most {SCRIPT_BYTES_MAX}", source.len());
        return Err(vec![ScriptError::new(&name, ErrorKind::Check, message, None)]);
    }
    let mut engine = interpreter::engine(limits);
    let parse = |error| vec![failure::describe_parse(&name, &error)];
    let lenient = engine.compile(source).map_err(parse)?;
    let top = top_level(&name, &lenient).map_err(|error| vec![error])?;
    let importer = Importer::new(limits, loader);
    let imports = importer.register_imports(&mut engine, &name, &top.imports).map_err(|error| vec![error])?;
    let digest = importer.digest(source);

    let mut known = Scope::new();
    known.push_constant(CONFIG, ());
    for constant in &top.constants {
        known.push_constant(constant.as_str(), ());
    }
    engine.set_strict_variables(true);
    let mut ast = engine.compile_with_scope(&known, source).map_err(parse)?;
    ast.set_source(&*name);
    let hooks = Hook::ALL.map(|hook| body(&ast, hook));
    let errors = check::check(&name, &ast, &hooks, &engine);
    if !errors.is_empty() {
        return Err(errors);
    }
    let documentation = documentation(source);
    Ok(Script { name, source: source.into(), digest: digest.into(), ast, hooks, imports, documentation })
}

/// The function of a hook, taken apart.
fn body(ast: &AST, hook: Hook) -> Option<HookBody> {
    let definition = ast.iter_fn_def().find(|function| function.name == hook.function())?;
    let parameters = definition.params.iter().map(ToString::to_string).collect();
    // The type of a function's body has no public name; walking a tree that holds only this function does.
    let mut alone = ast.clone();
    alone.clear_statements().retain_functions(|_, _, name, _| name == hook.function());
    let mut statements: Vec<Stmt> = Vec::new();
    alone.walk(&mut |path: &[ASTNode]| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    let mut body = AST::new(statements, ast.shared_lib().clone());
    body.set_source(ast.source().unwrap_or_default());
    let place = Place::of(definition.body.start_position());
    Some(HookBody { parameters, body, place })
}

/// Collects the imports and constants of a file and refuses every other statement.
pub(super) fn top_level(name: &Arc<str>, ast: &AST) -> Result<TopLevel, ScriptError> {
    let mut top = TopLevel { imports: Vec::new(), constants: Vec::new() };
    let refuse = |message: &str, position: Position| {
        Err(ScriptError::new(name, ErrorKind::Check, message, Place::of(position)))
    };
    for statement in ast.statements() {
        match statement {
            Stmt::Noop(_) => {}
            Stmt::Var(variable, flags, position) => {
                let constant = variable.0.name.as_str();
                if !flags.intersects(ASTFlags::CONSTANT) {
                    return refuse(
                        "only `const` values can stand outside of functions; nothing shares a `let` between requests: use kv",
                        *position,
                    );
                }
                if constant == CONFIG {
                    return refuse("`config` is the step's own settings and cannot be redefined", *position);
                }
                top.constants.push(constant.to_owned());
            }
            Stmt::Import(import, position) => match &import.0 {
                Expr::StringConstant(path, _) if !import.1.name.is_empty() => top.imports.push(Import {
                    path: path.to_string(),
                    alias: import.1.name.to_string(),
                    position: *position,
                }),
                _ => return refuse("an import is written `import \"file\" as name;`", *position),
            },
            other => {
                return refuse(
                    "only `const`, `import` and functions can stand at the top level of a script",
                    other.position(),
                );
            }
        }
    }
    Ok(top)
}

/// The `//!` lines at the top of a file.
fn documentation(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.trim().strip_prefix("//!"));
    lines.map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}
