//! Tests of `natives`: each compares with the interpreter.

#![expect(unsafe_code, reason = "calls helpers as machine code does")]

use std::sync::{Arc, Mutex};

use rhai::{Dynamic, Engine, EvalAltResult, Module, NativeCallContext, OptimizationLevel, Scope};

use super::*;
use crate::position::pack;
use crate::rt::testing::{context, show};

type Log = Arc<Mutex<Vec<String>>>;

/// An engine whose functions tell in the log what they see.
fn engine(log: &Log) -> Engine {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    let printed = log.clone();
    engine.on_print(move |text| printed.lock().expect("fine").push(format!("print {text}")));
    let debugged = log.clone();
    engine.on_debug(move |text, source, at| {
        debugged.lock().expect("fine").push(format!("debug {text} {source:?} {at:?}"));
    });
    let seen = log.clone();
    engine.register_fn("see", move |context: NativeCallContext, value: Dynamic| {
        let (at, level) = (context.call_position(), context.call_level());
        let source = context.call_source().map(ToOwned::to_owned);
        let line = format!("{} {at:?} {level} {source:?} {:?}", context.fn_name(), context.fn_source());
        seen.lock().expect("fine").push(line);
        value
    });
    engine.register_fn("double", |value: &mut i64| *value *= 2);
    engine.register_fn("double", |value: &mut String| value.push('!'));
    engine.register_fn("fails", |_: i64| -> Result<i64, Box<EvalAltResult>> { Err("failed".into()) });
    engine.register_fn(
        "fails",
        |context: NativeCallContext, text: &str| -> Result<i64, Box<EvalAltResult>> {
            let at = context.call_position();
            Err(EvalAltResult::ErrorArithmetic(text.into(), at).into())
        },
    );
    engine.register_fn("any", |one: Dynamic, two: i64| format!("{one} any {two}"));
    engine.register_fn("any", |one: i64, two: Dynamic| format!("{one} and {two}"));
    engine.register_fn(
        "backwards",
        |context: NativeCallContext, value: i64| -> Result<Dynamic, Box<EvalAltResult>> {
            context.call_native_fn_raw("fails", false, &mut [&mut value.into()])
        },
    );
    engine
}

/// Calls: the name, the arguments as scripts, and whether the first is a variable.
const CALLS: &[(&str, &[&str])] = &[
    ("len", &["[1, 2, 3]"]),
    ("len", &["\"häuser\""]),
    ("push", &["[1]", "2"]),
    ("push", &["[1]", "[5]"]),
    ("contains", &["\"hello\"", "\"ell\""]),
    ("split", &["\"a,b\"", "\",\""]),
    ("to_string", &["42"]),
    ("to_string", &["#{a: 1}"]),
    ("sub_string", &["\"hello\"", "1", "3"]),
    ("range", &["1", "10", "2"]),
    ("range", &["1", "10", "0"]),
    ("timestamp", &[]),
    ("see", &["7"]),
    ("see", &["[1, 2]"]),
    ("double", &["21"]),
    ("double", &["\"x\""]),
    ("double", &["1.5"]),
    ("fails", &["1"]),
    ("fails", &["\"text\""]),
    ("any", &["1", "2"]),
    ("any", &["\"x\"", "2"]),
    ("any", &["1", "\"x\""]),
    ("any", &["true", "\"x\""]),
    ("backwards", &["1"]),
    ("print", &["7"]),
    ("print", &["\"text\""]),
    ("debug", &["\"text\""]),
    ("debug", &["[1, 'x']"]),
    ("type_of", &["1..2"]),
    ("type_of", &["1", "2"]),
    ("is_def_fn", &["\"f\"", "1"]),
    ("is_def_fn", &["1", "1"]),
    ("is_shared", &["1"]),
    ("abs", &["-9223372036854775807 - 1"]),
    ("no_such", &["1", "\"x\"", "[]"]),
    ("sort", &["[3, 1, 2]"]),
    ("max", &["1", "2.5"]),
    ("map", &["[1, 2]", "|x| x * 2"]),
    ("parse_int", &["\"zz\""]),
];

/// How the interpreter answers: the result, what is left of the first variable, and the log.
fn interpreted(
    engine: &Engine,
    log: &Log,
    script: &str,
    values: &[Dynamic],
) -> (String, String, Vec<String>) {
    let mut ast = engine.compile(script).expect(script);
    ast.set_source("the source");
    let mut scope = Scope::new();
    for (index, value) in values.iter().enumerate() {
        let name = format!("v{index}");
        if value.is_read_only() {
            scope.push_constant_dynamic(name, value.clone());
        } else {
            scope.push_dynamic(name, value.clone());
        }
    }
    let result = engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast);
    let left = scope.get("v0").map(|value| format!("{value:?}")).unwrap_or_default();
    (show(&result), left, std::mem::take(&mut *log.lock().expect("fine")))
}

/// How we answer.
fn ours(
    engine: &Engine,
    log: &Log,
    site: &CallSite,
    values: &[Dynamic],
    (subject, at): (Subject, u32),
) -> (String, String, Vec<String>) {
    let mut context = context(engine);
    context.global.source = Some("the source".into());
    let fuel = context.fuel;
    let keep = |value: &Dynamic| {
        let copy = value.clone();
        // What is passed as a value is a copy, and copies can be written.
        if value.is_read_only() && subject != Subject::Value { copy.into_read_only() } else { copy }
    };
    let mut values: Vec<Dynamic> = values.iter().map(keep).collect();
    let pointers: Vec<*mut Dynamic> = values.iter_mut().map(|value| &raw mut *value).collect();
    let mut out = Dynamic::UNIT;
    let at_context = &raw mut context;
    // SAFETY: pointers to live values.
    let status = unsafe { call_native(at_context, &raw mut out, site, pointers.as_ptr(), subject as u8, at) };
    let result = match status {
        Status::Ok => Ok(out),
        Status::Error => Err(context.error.take().expect("parked")),
    };
    assert_eq!(context.fuel, fuel - 1, "{}", site.name());
    let left = values.first().filter(|_| subject != Subject::Value);
    let left = left.map(|value| format!("{value:?}")).unwrap_or_default();
    (show(&result), left, std::mem::take(&mut *log.lock().expect("fine")))
}

fn check(engine: &Engine, log: &Log, prefix: &str) {
    for (name, arguments) in CALLS {
        let plain = Engine::new();
        let mut values: Vec<Dynamic> =
            arguments.iter().map(|argument| plain.eval(argument).expect(argument)).collect();
        let site = CallSite::new(name, values.len());
        for read_only in [false, true] {
            if read_only {
                values = values.into_iter().map(Dynamic::into_read_only).collect();
            }
            for subject in [Subject::Variable, Subject::Value] {
                let arguments = (0..values.len()).map(|index| match (index, subject) {
                    // A value and not a variable.
                    (0, Subject::Value) => "{ v0 }".to_owned(),
                    _ => format!("v{index}"),
                });
                let call = format!("{name}({})", arguments.collect::<Vec<_>>().join(", "));
                let script = format!("{prefix}{call}");
                let mut theirs = interpreted(engine, log, &script, &values);
                if subject == Subject::Value {
                    theirs.1.clear();
                }
                let column = u16::try_from(prefix.len() + 1).expect("short");
                let at = pack(Position::new(1, column));
                // The first call looks for the function, further ones remember it.
                for round in 0..3 {
                    let ours = ours(engine, log, &site, &values, (subject, at));
                    assert_eq!(ours, theirs, "{script} round {round} {subject:?}");
                }
            }
        }
    }
}

#[test]
fn calls_are_the_interpreters() {
    let log = Log::default();
    check(&engine(&log), &log, "");
}

#[test]
fn calls_are_the_interpreters_within_limits() {
    let log = Log::default();
    let mut engine = engine(&log);
    engine.set_max_array_size(1).set_max_string_size(4);
    check(&engine, &log, "   ");
}

#[test]
fn more_types_than_a_site_remembers_are_fine() {
    let engine = Engine::new();
    let site = CallSite::new("to_string", 1);
    let sources = ["1", "true", "\"x\"", "'c'", "1.5", "()", "[1]", "#{}", "1..2", "1"];
    for source in sources {
        let value = engine.eval::<Dynamic>(source).expect(source);
        let script = format!("to_string({source})");
        let theirs = engine.eval::<Dynamic>(&script).expect("a string");
        let (result, ..) = ours(&engine, &Log::default(), &site, &[value], (Subject::Value, 0));
        assert_eq!(result, show(&Ok(theirs)));
    }
    assert!(site.found.iter().all(|slot| slot.get().is_some()));
}

#[test]
fn an_import_with_global_functions_is_seen() {
    let engine = Engine::new();
    let site = CallSite::new("len", 1);
    let call = |context: &mut Context<'_>| {
        let mut value = Dynamic::from("abc");
        native(context, &site, &mut [&mut value], Subject::Value, Position::NONE).expect("works").as_int()
    };
    let mut context = context(&engine);
    assert_eq!((call(&mut context), call(&mut context)), (Ok(3), Ok(3)));
    let mut module = Module::new();
    let registration = rhai::FuncRegistration::new("len").with_namespace(rhai::FnNamespace::Global);
    registration.set_into_module(&mut module, |_: &str| 99_i64);
    module.build_index();
    // The host's own function comes first, so this one changes nothing: but the interpreter is asked.
    context.global.push_import("m", module);
    assert!(!is_settled(&context));
    assert_eq!(call(&mut context), Ok(3));
    context.global.truncate_imports(0);
    assert!(is_settled(&context));
}

#[test]
fn panics_of_the_host_do_not_pass() {
    let mut engine = Engine::new();
    engine.register_fn("explode", |value: i64| -> i64 { panic!("boom {value}") });
    let site = CallSite::new("explode", 1);
    for _ in 0..2 {
        let value = Dynamic::from_int(3);
        let (result, ..) = ours(&engine, &Log::default(), &site, &[value], (Subject::Value, 0));
        assert!(result.contains("ErrorSystem") && result.contains("boom 3"), "{result}");
    }
}

#[test]
fn modules_are_called_as_in_the_interpreter() {
    let log = Log::default();
    let mut engine = engine(&log);
    let mut inner = Module::new();
    inner.set_native_fn("triple", |value: i64| Ok(value * 3));
    inner.set_native_fn("grow", |value: &mut i64| {
        *value += 1;
        Ok(*value)
    });
    inner.set_native_fn("fail", |text: &str| -> Result<i64, Box<EvalAltResult>> { Err(text.into()) });
    let script = engine.compile("fn add(a, b) { a + b } fn wrong(x) { x / 0 }").expect("compiles");
    let scripted = Module::eval_ast_as_new(Scope::new(), &script, &engine).expect("a module");
    let mut outer = Module::new();
    outer.set_sub_module("inner", inner);
    let namespaces: Namespaces = [("outer", outer), ("scripted", scripted)]
        .map(|(name, mut module)| {
            module.build_index();
            (name.to_owned(), module.into())
        })
        .into();
    for (name, module) in &namespaces {
        engine.register_static_module(name, module.clone());
    }
    let calls: &[(&[&str], &str, &[&str])] = &[
        (&["outer", "inner"], "triple", &["3"]),
        (&["outer", "inner"], "triple", &["\"x\""]),
        (&["outer", "inner"], "grow", &["3"]),
        (&["outer", "inner"], "fail", &["\"oh\""]),
        (&["outer"], "triple", &["3"]),
        (&["nothing"], "triple", &["3"]),
        (&["scripted"], "add", &["1", "2"]),
        (&["scripted"], "wrong", &["1"]),
    ];
    for (path, name, arguments) in calls {
        let values: Vec<Dynamic> =
            arguments.iter().map(|argument| engine.eval(argument).expect(argument)).collect();
        let variables: Vec<_> = (0..values.len()).map(|index| format!("v{index}")).collect();
        let script = format!("{}::{name}({})", path.join("::"), variables.join(", "));
        let theirs = interpreted(&engine, &log, &script, &values);
        let ast = engine.compile_expression(&script).expect("compiles");
        let [rhai::Stmt::Expr(expr)] = ast.statements() else { panic!("an expression") };
        let rhai::Expr::FnCall(call, at) = &**expr else { panic!("a call") };
        let path: Vec<_> = call.namespace.path.iter().map(|ident| (ident.name.as_str(), ident.pos)).collect();
        let site =
            |namespaces| QualifiedSite::new(&path, name, values.len(), call.hashes.native(), namespaces);
        let (bound, unbound) = (site(&namespaces), site(&Vec::new()));
        // The second call meets what the first has found.
        for site in [&bound, &bound, &unbound] {
            let mut context = context(&engine);
            context.global.source = Some("the source".into());
            let mut values = values.clone();
            let pointers: Vec<*mut Dynamic> = values.iter_mut().map(|value| &raw mut *value).collect();
            let mut out = Dynamic::UNIT;
            let at_context = &raw mut context;
            // SAFETY: pointers to live values.
            let status =
                unsafe { call_qualified(at_context, &raw mut out, site, pointers.as_ptr(), 1, pack(*at)) };
            let result = match status {
                Status::Ok => Ok(out),
                Status::Error => Err(context.error.take().expect("parked")),
            };
            let ours = (show(&result), format!("{:?}", values[0]));
            assert_eq!((&ours.0, &ours.1), (&theirs.0, &theirs.1), "{script}");
        }
    }
}
