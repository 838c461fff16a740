//! The Rhai engine as Forebay sets it up. The only file that configures one.

use std::sync::LazyLock;

use rhai::Shared;
use rhai::packages::{Package, StandardPackage};
use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, Module, OptimizationLevel, Scope};

use super::HookBody;
use super::api::{self, Log, RequestHandle, ResponseHandle};
use super::context::{self, HostResult};
use super::lib;
use super::table::{self, Form};
use crate::chain::Hook;
use crate::host::LogLevel;
use crate::limits::Limits;

/// Rhai's standard library, shared by every engine.
static STANDARD: LazyLock<Shared<Module>> = LazyLock::new(|| StandardPackage::new().as_shared_module());

/// The objects' members and the global functions, shared by every engine.
static OBJECTS: LazyLock<Shared<Module>> = LazyLock::new(|| {
    let mut module = Module::new();
    api::set_types(&mut module);
    lib::set_types(&mut module);
    for row in table::all().filter(|row| row.form != Form::Function) {
        (row.register)(row, &mut module);
    }
    set_sleep(&mut module);
    module.build_index();
    module.into()
});

/// The namespaces, shared by every engine.
static NAMESPACES: LazyLock<Vec<(&'static str, Shared<Module>)>> = LazyLock::new(|| {
    let mut modules: Vec<(&'static str, Module)> = Vec::new();
    for row in table::all().filter(|row| row.form == Form::Function) {
        let index = modules.iter().position(|(name, _)| *name == row.owner).unwrap_or_else(|| {
            modules.push((row.owner, Module::new()));
            modules.len() - 1
        });
        (row.register)(row, &mut modules[index].1);
    }
    let finish = |(name, mut module): (&'static str, Module)| {
        module.build_index();
        (name, module.into())
    };
    modules.into_iter().map(finish).collect()
});

/// The namespaces by their names.
pub(super) fn namespaces() -> &'static [(&'static str, Shared<Module>)] {
    &NAMESPACES
}

/// Rhai's own `sleep` blocks the thread; this one waits like any other host call.
fn set_sleep(module: &mut Module) {
    let seconds = |seconds: f64| lib::time::sleep_seconds(seconds);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sleep is bounded by the wall time, far below 2^52 seconds"
    )]
    let whole = move |whole: i64| lib::time::sleep_seconds(whole as f64);
    FuncRegistration::new("sleep")
        .in_global_namespace()
        .with_volatility(true)
        .set_into_module(module, seconds);
    FuncRegistration::new("sleep").in_global_namespace().with_volatility(true).set_into_module(module, whole);
}

/// An engine with the language set of Forebay and nothing that needs a running call: Rhai as shipped, without `eval`,
/// every limit set, the standard library, the objects and the namespaces.
pub(super) fn bounded(limits: &Limits) -> Engine {
    let mut engine = Engine::new_raw();
    // Under `sync` the string interner is one lock shared by every thread that evaluates.
    engine.set_max_strings_interned(0);
    engine.set_optimization_level(OptimizationLevel::None);
    engine.disable_symbol("eval");
    engine.set_max_call_levels(limits.call_depth_max);
    engine.set_max_expr_depths(limits.expression_depth_max, limits.expression_depth_max);
    engine.set_max_string_size(limits.string_bytes_max);
    engine.set_max_array_size(limits.array_items_max);
    engine.set_max_map_size(limits.map_entries_max);
    engine.set_max_variables(limits.variables_max);
    engine.set_max_functions(1_000);
    engine.set_max_modules(64);
    register_libraries(&mut engine);
    engine
}

/// The engine of a script: [`bounded`], metered by the running call.
pub(super) fn engine(limits: &Limits) -> Engine {
    let mut engine = bounded(limits);
    engine.on_progress(|_| context::progress());
    engine.on_print(|text| log(LogLevel::Info, text));
    engine.on_debug(|text, source, position| {
        log(LogLevel::Debug, &format!("{} @ {position}: {text}", source.unwrap_or("script")));
    });
    engine
}

/// Rhai's standard library, the objects and the namespaces.
fn register_libraries(engine: &mut Engine) {
    // Modules registered later are searched first: ours shadow the standard library's `sleep`.
    engine.register_global_module(STANDARD.clone());
    engine.register_global_module(OBJECTS.clone());
    for (name, module) in namespaces() {
        engine.register_static_module(*name, module.clone());
    }
}

fn log(level: LogLevel, text: &str) {
    // Outside of a request, while constants are computed, there is no log to write to and nobody to tell.
    let _written: HostResult<()> = lib::log::write_text(level, text);
}

/// Runs the body of a hook with its parameters in scope.
///
/// The body is run as the statements it consists of and not by calling the function, because Rhai gives errors
/// of limits the place of the outermost call, and a call from outside of the script has none.
pub(super) fn run_hook(
    engine: &Engine,
    function: &HookBody,
    hook: Hook,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let mut scope = Scope::new();
    for (name, value) in function.parameters.iter().zip(hook_arguments(hook)) {
        scope.push_dynamic(name.as_str(), value);
    }
    engine.eval_ast_with_scope(&mut scope, &function.body)
}

/// What a hook is called with; those that it does not take are unit.
pub(super) fn hook_arguments(hook: Hook) -> [Dynamic; 3] {
    let request = Dynamic::from(RequestHandle);
    match hook {
        Hook::Request => [request, Dynamic::UNIT, Dynamic::UNIT],
        Hook::Response => [request, Dynamic::from(ResponseHandle), Dynamic::UNIT],
        Hook::Error => [request, api::failure_map(), Dynamic::UNIT],
        Hook::Log => [request, Dynamic::from(ResponseHandle), Dynamic::from(Log)],
    }
}
