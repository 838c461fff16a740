//! Chains against the interpreter: the same value or error, the same variables afterwards.

#![expect(unsafe_code, reason = "the tests call the helper as machine code does")]

use std::ptr;

use rhai::{
    AST, Caches, Dynamic, Engine, EvalContext, Expr, Expression, GlobalRuntimeState, OpAssignment, Scope,
    Stmt,
};

use super::{Assign, Chain, Fallible, chain};
use crate::{
    ops::BinaryOp,
    position::pack,
    rt::{
        context::{Context, Status},
        state::State,
    },
};

mod cases;
mod fast;
mod host;
mod limits;
mod product;
mod program;

/// Variables by name.
type Slots = Vec<(String, Dynamic)>;

/// What a script has done: its result and its variables.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    result: String,
    variables: Vec<String>,
}

impl Done {
    fn new(result: &Fallible<Dynamic>, variables: &[(String, Dynamic)]) -> Self {
        let result = match result {
            Ok(value) => format!("{} ({})", host::show(value), value.type_name()),
            Err(error) => format!("{error:?}"),
        };
        let variables =
            variables.iter().map(|(name, value)| format!("{name} = {}", host::show(value))).collect();
        Self { result, variables }
    }
}

/// The variables of a scope, as slots.
fn slots(scope: Scope<'_>) -> Slots {
    scope.into_iter().map(|(name, value, _)| (name, value)).collect()
}

/// Runs a script whose last statement is a chain, wholly interpreted.
fn interpreted(engine: &Engine, ast: &AST) -> Done {
    let mut scope = host::scope();
    let result = engine.eval_ast_with_scope::<Dynamic>(&mut scope, ast);
    Done::new(&result, &slots(scope))
}

/// Runs a script whose last statement is a chain; the chain goes through the helper. It is kept for the next run.
fn helped(engine: &Engine, ast: &AST, built: &mut Option<Chain>) -> Done {
    let mut scope = host::scope();
    let (last, setup) = ast.statements().split_last().expect("a statement");
    let setup = AST::new(setup.to_vec(), ast.shared_lib().clone());
    engine.run_ast_with_scope(&mut scope, &setup).expect("the preparation succeeds");
    let mut global = engine.new_global_runtime_state();
    global.lib.push(ast.shared_lib().clone());
    let (result, variables) = match last {
        Stmt::Expr(expression) => walk(engine, global, scope, (expression, built), None),
        Stmt::Assignment(parts) => {
            let (operator, sides) = &**parts;
            let value = evaluate(engine, &mut global, &mut scope, &sides.rhs).expect("the value");
            walk(engine, global, scope, (&sides.lhs, built), Some((operator, value)))
        }
        other => panic!("not a chain: {other:?}"),
    };
    Done::new(&result.map(Dynamic::flatten), &variables)
}

/// Evaluates an expression that is not under test.
fn evaluate(
    engine: &Engine,
    global: &mut GlobalRuntimeState,
    scope: &mut Scope<'_>,
    expression: &Expr,
) -> Fallible<Dynamic> {
    let mut caches = Caches::new();
    EvalContext::new(engine, global, &mut caches, scope, None)
        .eval_expression_tree(&Expression::from(expression))
        .map(Dynamic::flatten)
}

/// Hands a chain to the helper.
fn walk(
    engine: &Engine,
    mut global: GlobalRuntimeState,
    mut scope: Scope<'_>,
    (expression, built): (&Expr, &mut Option<Chain>),
    assign: Option<(&OpAssignment, Dynamic)>,
) -> (Fallible<Dynamic>, Slots) {
    let parts = Chain::steps_of(expression).unwrap_or_else(|| panic!("not a chain: {expression:?}"));
    let mut arguments: Vec<Dynamic> = parts
        .arguments
        .iter()
        .map(|argument| evaluate(engine, &mut global, &mut scope, argument).expect("an argument"))
        .collect();
    let root = parts.root;
    let (assign, mut new_value) = match assign {
        None => (None, None),
        Some((operator, value)) => {
            let op = operator.get_op_assignment_info().and_then(|info| BinaryOp::of(info.4));
            (Some(Assign { op, position: pack(operator.position()) }), Some(value))
        }
    };
    let built = &*built.get_or_insert_with(|| parts.into_chain(assign));
    assert_eq!(built.arguments(), arguments.len());
    let mut temporary = match root {
        Expr::Variable(variable, ..) if scope.contains(&variable.1) => Dynamic::UNIT,
        other => evaluate(engine, &mut global, &mut scope, other).expect("the root"),
    };
    let mut variables = slots(scope);
    let name = if let Expr::Variable(variable, ..) = root { variable.1.as_str() } else { "" };
    // Variables of modules are temporary values.
    let (root, is_reference) = match variables.iter_mut().rev().find(|(variable, _)| *variable == name) {
        Some((_, slot)) => (ptr::from_mut(slot), 1),
        None => (&raw mut temporary, 0),
    };
    let mut context = Context {
        fuel: 0,
        stack_limit: 0,
        level_max: engine.max_call_levels() as u64,
        level: 0,
        declared: 0,
        meter: &crate::rt::context::Unlimited,
        error: None,
        caught: Vec::new(),
        engine,
        global: State::made(engine, global),
        caches: Caches::new(),
        scope: Scope::new(),
        functions: &program::Functions,
    };
    let mut out = Dynamic::UNIT;
    let new = new_value.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    let values = arguments.as_mut_ptr();
    // SAFETY: all pointers are to local values that live longer than the call.
    let status = unsafe { chain(&raw mut context, &raw mut out, built, root, is_reference, values, new) };
    assert!(arguments.iter().all(Dynamic::is_unit), "the arguments are consumed");
    assert!(new_value.is_none_or(|value| value.is_unit()), "the new value is consumed");
    assert_eq!(context.level, 0, "the level is restored");
    let result = match status {
        Status::Ok => Ok(out),
        Status::Error => Err(context.error.take().expect("a parked error")),
    };
    (result, variables)
}

/// Compares both ways for every script, and says all differences at once.
fn compare(engine: &Engine, scripts: &[&str]) {
    let mut differences = Vec::new();
    for script in scripts {
        let source = format!("{}\n{script}", program::SOURCE);
        let ast = match engine.compile(&source) {
            Ok(ast) => ast,
            Err(error) => {
                differences.push(format!("{script}: {error}"));
                continue;
            }
        };
        let expected = interpreted(engine, &ast);
        let mut built = None;
        for run in ["first", "second", "third"] {
            let actual = helped(engine, &ast, &mut built);
            if actual != expected {
                differences.push(format!(
                    "{script} ({run} run)\n   interpreted: {expected:?}\n   compiled:    {actual:?}"
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
