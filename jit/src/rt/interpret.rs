//! Calls that go through the interpreter, by way of a tree that is made for the purpose.
//!
//! The interpreter's own entry points for calls are not public, and those of its public ones that call by name lose
//! the position of the call, which natives can see and which errors carry. Evaluating a call expression over the
//! values at hand has the exact meaning at the right position. This is the slow path: sites remember what was found.
//!
//! The operations that the made-up tree costs are taken back, so that only what the call itself does is counted.

use std::sync::LazyLock;

use rhai::{
    Caches, Dynamic, Engine, EvalContext, Expr, FnCallExpr, FnCallHashes, FnResolutionCacheEntry,
    ImmutableString, Module, Namespace, Position, Scope, Token,
};

use super::calls::callbacks::Callbacks;
use super::context::Context;
use super::guard::RhaiResultOf;

pub(crate) mod arguments;

use arguments::Arguments;

/// A function of the host, as a call names it.
#[derive(Debug)]
pub(crate) struct NativeName {
    /// Its name.
    pub name: ImmutableString,
    /// The interpreter's key of the name and the number of arguments.
    pub hash: u64,
    /// The operator that it is called for.
    pub token: Option<Token>,
}

impl NativeName {
    pub(crate) fn new(name: &str, arity: usize, token: Option<Token>) -> Self {
        Self { name: name.into(), hash: function_hash(name, arity), token }
    }
}

/// The interpreter's key of a function: its hash of the name and the number of parameters.
///
/// There is no public function for it, but a module tells the key of a function that is put into it.
pub(crate) fn function_hash(name: &str, parameters: usize) -> u64 {
    static SAMPLE: LazyLock<Option<rhai::Shared<rhai::ScriptFuncDef>>> = LazyLock::new(|| {
        let ast = Engine::new_raw().compile("fn f() {}").ok()?;
        ast.iter_fn_def().next().cloned()
    });
    let Some(sample) = SAMPLE.as_deref() else { return 0 };
    let mut definition = sample.clone();
    definition.name = name.into();
    definition.params = (0..parameters).map(|index| index.to_string().into()).collect();
    Module::new().set_script_fn(definition)
}

/// How the first argument reaches the function.
pub(crate) enum First<'v> {
    /// Like all others: as a value that is used up.
    Value,
    /// As a reference to a variable or to `this`, which is not shared.
    Reference(&'v mut Dynamic),
}

/// Calls a native function by name; the caller takes the fuel for it. Gives back what the name was resolved to as well, for the site to remember.
pub(crate) fn call_native(
    context: &mut Context<'_>,
    native: &NativeName,
    first: First<'_>,
    arguments: impl Iterator<Item = Dynamic>,
    at: Position,
    callbacks: Option<&mut Callbacks>,
) -> (RhaiResultOf<Dynamic>, Option<FnResolutionCacheEntry>) {
    let mut caches = Caches::new();
    // With all bits set, the interpreter caches a function the first time that it looks for it.
    let filter = &mut caches.fn_resolution_cache_mut().bloom_filter;
    (0..512).for_each(|bit| {
        filter.mark(bit);
    });
    let arguments = first.with(arguments, at);
    // The call, its arguments and what is counted for a native function.
    let own = arguments.operations() + 2;
    let call = FnCallExpr {
        namespace: Namespace::NONE,
        name: native.name.clone(),
        hashes: FnCallHashes::from_native_only(native.hash),
        args: arguments.into_expressions(),
        capture_parent_scope: false,
        op_token: native.token.clone(),
    };
    let expression = Expr::FnCall(Box::new(call), at);
    let result = match callbacks {
        None => evaluate(context, &expression, first.this(), &mut caches, own),
        Some(callbacks) => evaluate_apart(context.engine, callbacks, &expression, first.this(), &mut caches),
    };
    let mut found = caches.fn_resolution_cache_mut().dict.drain().filter_map(|(_, entry)| entry);
    let entry = found.next().filter(|entry| entry.func.is_native());
    // Anything but one entry was not resolved by this call alone.
    let entry = entry.filter(|_| found.next().is_none());
    (result, entry)
}

/// A function in a module, as a call names it.
#[derive(Debug)]
pub(crate) struct QualifiedName {
    /// The path of the module.
    pub namespace: Namespace,
    /// The name of the function.
    pub name: ImmutableString,
    /// The interpreter's key of the path, the name and the number of arguments.
    pub hash: u64,
}

/// Calls a function in a module.
pub(crate) fn call_qualified(
    context: &mut Context<'_>,
    function: &QualifiedName,
    first: First<'_>,
    arguments: impl Iterator<Item = Dynamic>,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    let arguments = first.with(arguments, at);
    let own = arguments.operations() + 1;
    let call = FnCallExpr {
        namespace: function.namespace.clone(),
        name: function.name.clone(),
        hashes: FnCallHashes::from_hash(function.hash),
        args: arguments.into_expressions(),
        capture_parent_scope: false,
        op_token: None,
    };
    let expression = Expr::FnCall(Box::new(call), at);
    let mut caches = std::mem::take(&mut context.caches);
    let result = evaluate(context, &expression, first.this(), &mut caches, own);
    context.caches = caches;
    result
}

impl<'v> First<'v> {
    /// The arguments of a call with this first one, if it is a reference.
    fn with(&self, values: impl Iterator<Item = Dynamic>, at: Position) -> Arguments {
        let mut arguments = Arguments::new(at);
        if matches!(self, First::Reference(_)) {
            arguments.push_this();
        }
        arguments.extend(values);
        arguments
    }

    fn this(self) -> Option<&'v mut Dynamic> {
        match self {
            First::Value => None,
            First::Reference(value) => Some(value),
        }
    }
}

/// Evaluates an expression in the interpreter. `own` operations are those of the expression's made-up parts.
pub(crate) fn evaluate(
    context: &mut Context<'_>,
    expression: &Expr,
    this: Option<&mut Dynamic>,
    caches: &mut Caches,
    own: u64,
) -> RhaiResultOf<Dynamic> {
    enter(context);
    let Context { engine, global, scope, .. } = context;
    let before = global.num_operations;
    let start = before.saturating_sub(own);
    global.num_operations = start;
    let mut interpreter = EvalContext::new(engine, global, caches, scope, this);
    let result = interpreter.eval_expression_tree(&expression.into());
    // Without a limit nothing was counted.
    let counted = global.num_operations.saturating_sub(start);
    global.num_operations = before + counted.saturating_sub(own);
    result
}

/// As [`evaluate`], for a call during which compiled closures are called back and use the context.
pub(crate) fn evaluate_apart(
    engine: &Engine,
    callbacks: &mut Callbacks,
    expression: &Expr,
    this: Option<&mut Dynamic>,
    caches: &mut Caches,
) -> RhaiResultOf<Dynamic> {
    let mut scope = Scope::new();
    let mut interpreter = EvalContext::new(engine, callbacks.global_mut(), caches, &mut scope, this);
    interpreter.eval_expression_tree(&expression.into())
}

/// Tells the interpreter's state the level of calls that machine code is at.
pub(crate) fn enter(context: &mut Context<'_>) {
    context.global.level = usize::try_from(context.level).unwrap_or(usize::MAX);
}
