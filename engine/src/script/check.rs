//! What parsing alone does not find: hooks with wrong parameters, names that exist nowhere.
//!
//! Every problem is collected. What depends on run-time types (which method a value has) is judged only where a hook's
//! parameters say the type, else whether any type has a method of that name.

mod members;
mod outcome;
mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Position, Stmt};

use super::HookBody;
use super::table::{self, Form};
use crate::chain::Hook;
use crate::error::{ErrorKind, Place, ScriptError};

/// Functions of the language that are no library functions.
const KEYWORD_FUNCTIONS: &[&str] =
    &["Fn", "call", "curry", "is_def_var", "is_def_fn", "is_shared", "type_of", "print", "debug", "exit"];

pub(super) fn check(
    script: &Arc<str>,
    ast: &AST,
    hooks: &[Option<HookBody>; 4],
    engine: &Engine,
) -> Vec<ScriptError> {
    let imports = ast.statements().iter().filter(|statement| matches!(statement, Stmt::Import(..)));
    let top_level_imports = imports.map(Stmt::position).collect();
    let names = Names::of(ast, engine);
    let mut checker = Checker { script, names, top_level_imports, errors: Vec::new() };
    checker.hooks(ast);
    checker.outcomes(ast, hooks);
    checker.members(ast, hooks);
    ast.walk(&mut |path: &[ASTNode]| {
        checker.node(path);
        true
    });
    let mut errors = checker.errors;
    errors.sort_by_key(|error| error.place.map(|place| (place.line, place.column)));
    errors.dedup();
    errors
}

/// Every function name a script can use.
struct Names {
    unqualified: BTreeSet<String>,
    namespaces: BTreeMap<&'static str, BTreeMap<&'static str, BTreeSet<usize>>>,
}

impl Names {
    fn of(ast: &AST, engine: &Engine) -> Self {
        let metadata = engine.collect_fn_metadata(None, |info| Some(info.metadata.name.to_string()), true);
        let mut unqualified: BTreeSet<String> = metadata.into_iter().collect();
        unqualified.extend(ast.iter_functions().map(|function| function.name.to_owned()));
        unqualified.extend(KEYWORD_FUNCTIONS.iter().map(|name| (*name).to_owned()));
        let mut namespaces: BTreeMap<_, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
        for row in table::all().filter(|row| row.form == Form::Function) {
            let functions = namespaces.entry(row.owner).or_default();
            functions.entry(row.name).or_default().insert(row.parameters.len());
        }
        Self { unqualified, namespaces }
    }
}

struct Checker<'a> {
    script: &'a Arc<str>,
    names: Names,
    top_level_imports: Vec<Position>,
    errors: Vec<ScriptError>,
}

impl Checker<'_> {
    fn report(&mut self, message: String, position: Position) {
        self.errors.push(ScriptError::new(self.script, ErrorKind::Check, message, Place::of(position)));
    }

    /// Hooks have fixed parameters, and a function that only looks like a hook would never be called.
    fn hooks(&mut self, ast: &AST) {
        for function in ast.iter_functions() {
            let position = first_position(ast, function.name);
            let hook = Hook::ALL.into_iter().find(|hook| hook.function() == function.name);
            match hook {
                Some(hook) if hook.parameters().len() != function.params.len() => {
                    let wanted = hook.parameters().join(", ");
                    self.report(format!("write `fn {}({wanted})`", function.name), position);
                }
                None if function.name.starts_with("on_") => {
                    let known = Hook::ALL.map(Hook::function).join(", ");
                    self.report(format!("{} is no hook; there are {known}", function.name), position);
                }
                _ => {}
            }
        }
    }

    /// A hook that ends with a value by accident fails every request that gets there.
    fn outcomes(&mut self, ast: &AST, hooks: &[Option<HookBody>; 4]) {
        for hook in Hook::ALL {
            let Some(function) = &hooks[hook as usize] else { continue };
            for (call, returns, position) in outcome::accidents(hook, function, ast) {
                let message = format!(
                    "{} ends with {call}, whose {} is no verdict (a function returns the value of its last \
                     statement, semicolon or not): write `return;` after it",
                    hook.function(),
                    returns.name()
                );
                self.report(message, position);
            }
        }
    }

    /// A misspelt member of the gateway's objects would fail only the requests that get there.
    fn members(&mut self, ast: &AST, hooks: &[Option<HookBody>; 4]) {
        for hook in Hook::ALL {
            let Some(function) = &hooks[hook as usize] else { continue };
            let is_function = |name: &str| self.names.unqualified.contains(name);
            for (message, position) in members::unknown(hook, function, ast, &is_function) {
                self.report(message, position);
            }
        }
    }

    fn node(&mut self, path: &[ASTNode]) {
        match path.last() {
            Some(
                ASTNode::Expr(Expr::FnCall(call, position)) | ASTNode::Stmt(Stmt::FnCall(call, position)),
            ) => {
                self.call(call, *position);
            }
            Some(ASTNode::Expr(Expr::MethodCall(call, position))) => {
                self.unqualified(call, *position, "method");
            }
            Some(ASTNode::Stmt(Stmt::Import(_, position))) if !self.top_level_imports.contains(position) => {
                self.report("imports stand at the top level of a script".into(), *position);
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &FnCallExpr, position: Position) {
        if !call.is_qualified() {
            if !call.is_operator_call() {
                self.unqualified(call, position, "function");
            }
            return;
        }
        let namespace = call.namespace.root();
        let Some(functions) = self.names.namespaces.get(namespace) else { return };
        let name = call.name.as_str();
        let message = match functions.get(name) {
            None => {
                let known: Vec<&str> = functions.keys().copied().collect();
                format!("{namespace}::{name} does not exist; {namespace} has {}", known.join(", "))
            }
            Some(counts) if !counts.contains(&call.args.len()) => {
                let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
                format!(
                    "{namespace}::{name} takes {} arguments, not {}",
                    counts.join(" or "),
                    call.args.len()
                )
            }
            Some(_) => return,
        };
        self.report(message, position);
    }

    fn unqualified(&mut self, call: &FnCallExpr, position: Position, what: &str) {
        let name = call.name.as_str();
        let is_known = self.names.unqualified.contains(name);
        // A variable or a map's entry may hold a closure that is called like a method.
        if !is_known && what == "function" {
            self.report(format!("there is no {what} {name}"), position);
        }
    }
}

/// Where the body of a function begins.
fn first_position(ast: &AST, name: &str) -> Position {
    let mut definitions = ast.iter_fn_def().filter(|definition| definition.name == name);
    definitions.next().map_or(Position::NONE, |definition| definition.body.start_position())
}
