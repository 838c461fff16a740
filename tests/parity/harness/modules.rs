//! The modules of the test host: `util`, which the engine has, and `lib`, which scripts import.

use std::sync::LazyLock;

use rhai::module_resolvers::StaticModuleResolver;
use rhai::{
    Array, Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString, Module, NativeCallContext,
    Position, Scope, Shared,
};

type HostResult<T> = Result<T, Box<EvalAltResult>>;

/// Names and modules that the engine has, for a compiler to bind.
pub(crate) fn namespaces() -> Vec<(String, Shared<Module>)> {
    static UTIL: LazyLock<Shared<Module>> = LazyLock::new(|| util().into());
    vec![("util".to_owned(), UTIL.clone())]
}

/// Registers the modules.
pub(crate) fn register(engine: &mut Engine) {
    for (name, module) in namespaces() {
        engine.register_static_module(name, module);
    }
    let mut resolver = StaticModuleResolver::new();
    resolver.insert("lib", library(engine));
    engine.set_module_resolver(resolver);
}

fn util() -> Module {
    let mut module = Module::new();
    module.set_native_fn("add", |a: i64, b: i64| -> HostResult<i64> {
        a.checked_add(b)
            .ok_or_else(|| EvalAltResult::ErrorArithmetic("too large".into(), Position::NONE).into())
    });
    module.set_native_fn("half", |a: f64| Ok(a / 2.0));
    module.set_native_fn("join", |a: &str, b: Dynamic| Ok(format!("{a}+{b}")));
    module.set_native_fn("pair", |a: Dynamic, b: Dynamic| Ok(vec![a, b]));
    module.set_native_fn("where", |context: NativeCallContext<'_>| {
        let (level, position) = (context.call_level(), context.call_position());
        Ok(format!("{} {level} {:?} {position:?}", context.fn_name(), context.fn_source()))
    });
    module.set_native_fn("fill", |value: &mut Array| {
        value.push(7.into());
        Ok(())
    });
    module.set_native_fn("fill", |value: &mut ImmutableString| {
        *value += "!";
        Ok(())
    });
    FuncRegistration::new("bump").set_into_module(&mut module, |value: &mut i64| {
        *value = value.wrapping_add(1);
        *value
    });
    let mut inner = Module::new();
    inner.set_native_fn("twice", |value: i64| Ok(value.wrapping_mul(2)));
    module.set_sub_module("inner", inner);
    module.build_index();
    module
}

fn library(engine: &Engine) -> Module {
    const SOURCE: &str = "export const NUMBER = 7; export const LIST = [1, [2], \"three\"];\n\
        fn triple(x) { x * 3 } fn wrap(x) { [x] } fn greet(who) { `hello ${who}` }";
    let ast = engine.compile(SOURCE).expect("it parses");
    Module::eval_ast_as_new(Scope::new(), &ast, engine).expect("it runs")
}
