//! Top-level constants: computed once per step, with the step's settings, before anything is served.
//!
//! They are found by every function of the script under their bare names and as `global::NAME`. Rhai itself
//! evaluates them anew for each call, or hides them from functions; here the step's engine owns them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{AST, ASTFlags, Dynamic, Engine, Map, Module, Scope, Stmt};

use super::api::Table;
use super::imports::{self, Resolved};
use super::parse::CONFIG;
use super::{Script, config_schema, context, failure, interpreter};
use crate::error::{ErrorKind, ScriptError};
use crate::limits::Limits;

/// The constant that declares what settings the script takes.
const CONFIG_SCHEMA: &str = "CONFIG_SCHEMA";

/// The top-level constants of one step by name, its settings (`config`) among them.
pub(super) type Constants = Arc<BTreeMap<String, Dynamic>>;

/// An engine for one step: the shared libraries, the script's imports, its constants and the settings.
pub(super) fn engine_for(
    script: &Arc<Script>,
    config: &serde_json::Value,
    limits: &Limits,
) -> Result<(Engine, Constants), Vec<ScriptError>> {
    let mut engine = interpreter::engine(limits);
    imports::register(&mut engine, &script.imports);
    engine.set_module_resolver(Resolved::new(&script.imports));

    let schema = schema(script, &engine, limits).map_err(|error| vec![error])?;
    let settings = config_schema::apply(&script.name, schema.as_ref(), config)?;

    let mut scope = Scope::new();
    scope.push_constant(CONFIG, Table::new(settings));
    evaluate(script, &engine, limits.operations_max, &mut scope, |_| true).map_err(|error| vec![error])?;
    let constants = publish(&mut engine, &scope);
    Ok((engine, constants))
}

/// The schema the script declares, if it does. It is computed alone and first, because the settings it
/// describes may be used by the other constants.
fn schema(script: &Arc<Script>, engine: &Engine, limits: &Limits) -> Result<Option<Map>, ScriptError> {
    let mut scope = Scope::new();
    evaluate(script, engine, limits.operations_max, &mut scope, |constant| constant == CONFIG_SCHEMA)?;
    match scope.get_value::<Dynamic>(CONFIG_SCHEMA) {
        None => Ok(None),
        Some(value) => match value.try_cast::<Map>() {
            Some(schema) => Ok(Some(schema)),
            None => Err(ScriptError::new(
                &script.name,
                ErrorKind::Constant,
                "CONFIG_SCHEMA is a map from setting names to their descriptions",
                None,
            )),
        },
    }
}

/// Runs the imports and the wanted `const` statements of the top level.
fn evaluate(
    script: &Arc<Script>,
    engine: &Engine,
    operations_max: u64,
    scope: &mut Scope<'static>,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), ScriptError> {
    let runs = |statement: &&Stmt| match statement {
        Stmt::Var(variable, flags, _) => {
            flags.intersects(ASTFlags::CONSTANT) && wanted(variable.0.name.as_str())
        }
        Stmt::Import(..) => true,
        _ => false,
    };
    let statements: Vec<Stmt> = script.ast.statements().iter().filter(runs).cloned().collect();
    let ast = AST::new(statements, script.ast.shared_lib().clone());
    let run = || engine.run_ast_with_scope(scope, &ast);
    context::with_fuel(operations_max, run).map_err(|error| {
        let mut error = failure::describe(&script.name, &error);
        if !error.kind.is_limit() {
            error.kind = ErrorKind::Constant;
        }
        error.message = format!("constant cannot be computed: {}", error.message);
        error
    })
}

/// Makes the constants visible in every function.
///
/// A resolver and not a global module, because a closure that uses a bare constant captures it as if it were
/// a variable, and of all of Rhai's look-ups only a resolver can answer for it then. Names with an index are
/// local variables, and a variable in scope hides a constant of its name.
#[expect(deprecated, reason = "on_var is marked so only because it is volatile; rhai is pinned exactly")]
fn publish(engine: &mut Engine, scope: &Scope) -> Constants {
    let mut module = Module::new();
    let mut constants: BTreeMap<String, Dynamic> = BTreeMap::new();
    for (name, _, value) in scope.iter_raw() {
        module.set_var(name, value.clone());
        constants.insert(name.to_owned(), value.clone());
    }
    module.build_index();
    engine.register_static_module("global", module.into());
    let constants = Arc::new(constants);
    let known = constants.clone();
    engine.on_var(move |name, index, context| {
        if index > 0 || context.scope().contains(name) {
            return Ok(None);
        }
        Ok(known.get(name).cloned())
    });
    constants
}
