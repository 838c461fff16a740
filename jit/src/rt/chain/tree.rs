//! Calls through a call expression that is made up for the purpose.
//!
//! The interpreter's entries for calls by name do not take a position, which native functions can ask for. Evaluating
//! a call expression over the values at hand has the right one. This is for first calls only.

use rhai::{Caches, Dynamic, EvalContext, Expr, FnCallExpr, FnCallHashes, FnResolutionCacheEntry, Namespace};

use super::{
    native::{self, Call, SPECIAL, seen_everything},
    walk::Outcome,
};
use crate::rt::{
    calls::callbacks::stand_in,
    context::Context,
    interpret::{arguments::Arguments, evaluate_apart},
    limits::has_limit,
};

/// Whether a call can be made in this way: with an object that is passed by reference, as this is done here.
///
/// The interpreter measures such an object after the call, but not one that is a temporary value. Within limits those
/// are fit only if there is nothing to measure, and for the sake of closures, which see where they are called.
pub(super) fn is_fit(context: &Context<'_>, call: Call<'_>, arguments: &[&mut Dynamic]) -> bool {
    let is_small = |object: &Dynamic| {
        object.is_int() || object.is_bool() || object.is_char() || object.is_float() || object.is_unit()
    };
    call.hash.is_some()
        && (call.is_reference
            || !has_limit(context.engine)
            || arguments.first().is_some_and(|object| is_small(object))
            || arguments.iter().any(|argument| argument.is_fnptr()))
}

/// Calls a native function with its object, and says which one that was.
pub(super) fn resolve(
    context: &mut Context<'_>,
    call: Call<'_>,
    arguments: &mut [&mut Dynamic],
) -> (Outcome, Option<FnResolutionCacheEntry>) {
    // Closures among the arguments are to run compiled.
    let mut callbacks = stand_in(context, call.name, arguments);
    let Some((object, values)) = arguments.split_first_mut() else {
        return native::resolve(context, call, arguments);
    };
    let mut passed = Arguments::new(call.position);
    passed.push_this();
    passed.extend(values.iter_mut().map(|value| value.take()));
    // The call, its arguments and what is counted for a native function.
    let own_operations = passed.operations() + 2;
    let expression = FnCallExpr {
        namespace: Namespace::NONE,
        name: call.name.into(),
        hashes: FnCallHashes::from_native_only(call.hash.unwrap_or_default()),
        args: passed.into_expressions(),
        capture_parent_scope: false,
        op_token: None,
    };
    let expression = Expr::FnCall(Box::new(expression), call.position);
    if let Some(callbacks) = &mut callbacks {
        callbacks.global_mut().level =
            usize::try_from(call.level.saturating_sub(1)).unwrap_or(usize::MAX - 1);
        let mut caches = Caches::new();
        caches.fn_resolution_cache_mut().bloom_filter.clone_from(seen_everything());
        let result = evaluate_apart(context.engine, callbacks, &expression, Some(object), &mut caches);
        let entry = caches.fn_resolution_cache_mut().dict.drain().find_map(|(_, entry)| entry);
        let is_method = entry.as_ref().is_some_and(|entry| entry.func.is_method());
        return (result.map(|value| (value, is_method)), entry);
    }
    let Context { engine, global, caches, scope, .. } = context;
    // The call itself adds the level that the function runs at.
    global.level = usize::try_from(call.level.saturating_sub(1)).unwrap_or(usize::MAX - 1);
    let operations = global.num_operations;
    let depth = caches.fn_resolution_caches_len();
    caches.push_fn_resolution_cache();
    caches.fn_resolution_cache_mut().bloom_filter.clone_from(seen_everything());
    let result = EvalContext::new(engine, global, caches, scope, Some(object))
        .eval_expression_tree(&(&expression).into());
    let entry = caches.fn_resolution_cache_mut().dict.drain().find_map(|(_, entry)| entry);
    caches.rewind_fn_resolution_caches(depth);
    // The call itself is counted by fuel, the made-up parts are not counted.
    global.num_operations = operations.max(global.num_operations.saturating_sub(own_operations));
    let is_method =
        !SPECIAL.contains(&call.name) && entry.as_ref().is_some_and(|entry| entry.func.is_method());
    (result.map(|value| (value, is_method)), entry)
}
