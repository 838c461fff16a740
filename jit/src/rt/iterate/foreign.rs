//! Iterators of the host.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rhai::packages::{Package, StandardPackage};
use rhai::{
    Dynamic, Engine, EvalAltResult, EvalContext, Expr, FlowControl, FnCallExpr, FnCallHashes, FnPtr,
    GlobalRuntimeState, Ident, ImmutableString, Namespace, Position, Scope, Shared, Stmt, StmtBlock,
};

use crate::rt::context::Context;
use crate::rt::errors::fill;
use crate::rt::guard::RhaiResultOf;
use crate::rt::interpret::{enter, function_hash};

type Items = Box<dyn Iterator<Item = RhaiResultOf<Dynamic>>>;

/// A state of the interpreter whose only purpose is to look for iterators in modules.
pub(crate) fn look_up(modules: impl IntoIterator<Item = Shared<rhai::Module>>) -> GlobalRuntimeState {
    let mut state = Engine::new_raw().new_global_runtime_state();
    for module in modules {
        let mut module = Shared::unwrap_or_clone(module);
        if !module.is_indexed() {
            module.build_index();
        }
        state.push_import("", module);
    }
    state
}

/// The iterators of the standard library.
fn library() -> &'static GlobalRuntimeState {
    static LIBRARY: LazyLock<GlobalRuntimeState> =
        LazyLock::new(|| look_up([StandardPackage::new().as_shared_module()]));
    &LIBRARY
}

/// The host's iterator over a value.
pub(super) fn iterator(context: &mut Context<'_>, iterable: Dynamic, start: Position) -> RhaiResultOf<Items> {
    let kind = iterable.type_id();
    let known = context.functions.sites().and_then(|sites| sites.iterators.get_iter(kind));
    let found = known.or_else(|| library().get_iter(kind)).or_else(|| context.global.get_iter(kind));
    match found {
        Some(make) => Ok(make(iterable)),
        None => harvest(context, iterable, start),
    }
}

/// Lets the interpreter walk through a value, and keeps what it finds.
fn harvest(context: &mut Context<'_>, iterable: Dynamic, start: Position) -> RhaiResultOf<Items> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let into = found.clone();
    #[expect(deprecated, reason = "marked so because it may change, which the pinned version does not")]
    let sink = FnPtr::from_fn("sink", move |_, arguments| {
        let mut items = into.lock().unwrap_or_else(PoisonError::into_inner);
        items.extend(arguments.iter_mut().map(|item| item.take()));
        Ok(Dynamic::UNIT)
    })?;
    let mut scope = Scope::new();
    scope.push("sink", sink);
    enter(context);
    let counted = context.global.num_operations;
    let result = EvalContext::new(context.engine, &mut context.global, &mut context.caches, &mut scope, None)
        .eval_expression_tree(&(&walk(iterable)).into());
    // The loop's own code counts its rounds.
    context.global.num_operations = counted;
    let items = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    let end = match result {
        Ok(_) => None,
        Err(error) if items.is_empty() && matches!(*error, EvalAltResult::ErrorFor(_)) => {
            return Err(fill(error, start));
        }
        // Whatever it is, it comes when the loop gets there.
        Err(error) => Some(Err(error)),
    };
    Ok(Box::new(items.into_iter().map(Ok).chain(end)))
}

/// `for item in iterable { call(sink, item) }`, without positions: those are filled in later.
fn walk(iterable: Dynamic) -> Expr {
    static CALL: LazyLock<u64> = LazyLock::new(|| function_hash("call", 2));
    const NOWHERE: Position = Position::NONE;
    let variable =
        |name: &str| Expr::Variable(Box::new((None, name.into(), Namespace::NONE, 0)), None, NOWHERE);
    let call = FnCallExpr {
        namespace: Namespace::NONE,
        name: "call".into(),
        hashes: FnCallHashes::from_hash(*CALL),
        args: [variable("sink"), variable("item")].into_iter().collect(),
        capture_parent_scope: false,
        op_token: None,
    };
    let body = [Stmt::FnCall(Box::new(call), NOWHERE)];
    let item = Ident { name: ImmutableString::from("item"), pos: NOWHERE };
    let flow = FlowControl {
        expr: Expr::DynamicConstant(Box::new(iterable), NOWHERE),
        body: StmtBlock::new(body, NOWHERE, NOWHERE),
        branch: StmtBlock::NONE,
    };
    let walk = Stmt::For(Box::new((item, None, flow)), NOWHERE);
    Expr::Stmt(Box::new(StmtBlock::new([walk], NOWHERE, NOWHERE)))
}
