//! Calls of native functions by name.
//!
//! A site remembers which function the interpreter chose for the argument types that it has seen, and calls it
//! directly from then on, with everything that the interpreter does around such a call. One call takes one unit of
//! fuel.

use std::{any::TypeId, fmt, sync::OnceLock};

use rhai::{
    BloomFilterU64, Dynamic, Engine, EvalAltResult, EvalContext, FnArgsVec, FnResolutionCacheEntry,
    GlobalRuntimeState, NativeCallContext, Position, RhaiFunc,
};

use super::{
    Fallible,
    access::{check_size, positioned},
    tree,
    walk::Outcome,
};
use crate::rt::{
    callbacks,
    calls::callbacks::{Callbacks, stand_in},
    context::Context,
};

/// How many lists of argument types a site remembers.
const REMEMBERED: usize = 4;

/// Names that the interpreter treats by itself.
pub(super) const SPECIAL: [&str; 10] =
    ["print", "debug", "type_of", "is_shared", "is_def_fn", "is_def_var", "Fn", "call", "curry", "eval"];

/// What a call has found for the types of its arguments. It belongs to one program, and so to one engine.
#[derive(Default)]
pub(super) struct Site {
    found: [OnceLock<Box<Found>>; REMEMBERED],
}

/// The sites of the two indexers that a step may use.
#[derive(Debug, Default)]
pub struct Indexers {
    /// Gets a value.
    pub(super) get: Site,
    /// Sets it.
    pub(super) set: Site,
}

/// The function for some types of arguments.
struct Found {
    types: Box<[TypeId]>,
    entry: FnResolutionCacheEntry,
}

impl fmt::Debug for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.found.iter().filter(|found| found.get().is_some()).count();
        write!(formatter, "Site({known})")
    }
}

impl Site {
    /// The function for arguments of these types.
    fn find(&self, arguments: &[&mut Dynamic]) -> Option<&FnResolutionCacheEntry> {
        let fits = |found: &&Found| {
            found.types.len() == arguments.len()
                && found.types.iter().zip(arguments).all(|(known, argument)| *known == argument.type_id())
        };
        self.found.iter().map_while(OnceLock::get).map(|found| &**found).find(fits).map(|found| &found.entry)
    }

    /// Whether a native function was called with arguments of these types before.
    pub(super) fn knows(&self, arguments: &[&mut Dynamic]) -> bool {
        self.find(arguments).is_some()
    }

    /// Remembers a function, if there is room.
    fn remember(&self, types: Box<[TypeId]>, entry: FnResolutionCacheEntry) {
        let mut found = Box::new(Found { types, entry });
        for slot in &self.found {
            match slot.set(found) {
                Ok(()) => return,
                Err(back) => found = back,
            }
        }
    }
}

/// A call of a native function.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The interpreter's key of the name and the number of arguments.
    pub(super) hash: Option<u64>,
    /// Where to remember the function; only for names and numbers of arguments that do not change.
    pub(super) site: Option<&'a Site>,
    /// Whether the first argument is a reference to a value that goes on living.
    pub(super) is_reference: bool,
    /// Where it is called.
    pub(super) position: Position,
    /// The level that the function runs at.
    pub(super) level: u64,
}

/// Calls a native function; the result says whether it takes its first argument by reference.
pub(super) fn call(context: &mut Context<'_>, call: Call<'_>, arguments: &mut [&mut Dynamic]) -> Outcome {
    ensure_no_data_race(call.name, arguments, call.is_reference)?;
    call_checked(context, call, arguments)
}

/// As [`call`], for arguments that are known not to be in use.
pub(super) fn call_checked(
    context: &mut Context<'_>,
    call: Call<'_>,
    arguments: &mut [&mut Dynamic],
) -> Outcome {
    context.fuel -= 1;
    let site = call.site.filter(|_| is_settled(context) && !SPECIAL.contains(&call.name));
    let Some(site) = site else { return first(context, call, arguments).0 };
    if let Some(entry) = site.find(arguments) {
        return direct(context, call, entry, arguments);
    }
    if rehearse(context, call, site, arguments)
        && let Some(entry) = site.find(arguments)
    {
        return direct(context, call, entry, arguments);
    }
    let types = arguments.iter().map(|argument| argument.type_id()).collect();
    let (outcome, entry) = first(context, call, arguments);
    if let Some(entry) = entry {
        site.remember(types, entry);
    }
    outcome
}

/// Finds out, before the first call, what it is that will call closures: by a call with nothing to call them for.
fn rehearse(context: &mut Context<'_>, call: Call<'_>, site: &Site, arguments: &[&mut Dynamic]) -> bool {
    if !callbacks::is_candidate(call.name, arguments) {
        return false;
    }
    let Some((receiver, rest)) = arguments.split_first() else { return false };
    let types = arguments.iter().map(|argument| argument.type_id()).collect();
    let mut empty = callbacks::rehearsal(receiver);
    let mut rest: FnArgsVec<_> = rest.iter().map(|argument| (**argument).clone()).collect();
    let mut all: FnArgsVec<_> = std::iter::once(&mut empty).chain(rest.iter_mut()).collect();
    let (_, entry) = first(context, call, &mut all);
    let is_found = entry.is_some();
    if let Some(entry) = entry {
        site.remember(types, entry);
    }
    is_found
}

/// Whether names mean what they always mean to this program: no import has changed the global namespace.
fn is_settled(context: &Context<'_>) -> bool {
    let Some(state) = context.global.touched().filter(|state| state.num_imports() > 0) else { return true };
    !state
        .iter_imports_raw()
        .any(|(_, module)| module.is_indexed() && module.contains_indexed_global_functions())
}

/// A filter that has seen everything: the interpreter then remembers what it resolves at the first time.
pub(super) fn seen_everything() -> &'static BloomFilterU64<64> {
    static FILTER: OnceLock<BloomFilterU64<64>> = OnceLock::new();
    FILTER.get_or_init(|| {
        let mut filter = BloomFilterU64::new();
        for hash in 0..512 {
            filter.mark(hash);
        }
        filter
    })
}

/// Calls through the interpreter, in the better way if that is possible.
fn first(
    context: &mut Context<'_>,
    call: Call<'_>,
    arguments: &mut [&mut Dynamic],
) -> (Outcome, Option<FnResolutionCacheEntry>) {
    if tree::is_fit(context, call, arguments) {
        tree::resolve(context, call, arguments)
    } else {
        resolve(context, call, arguments)
    }
}

/// Calls through the interpreter by name, and says which function that was.
pub(super) fn resolve(
    context: &mut Context<'_>,
    call: Call<'_>,
    arguments: &mut [&mut Dynamic],
) -> (Outcome, Option<FnResolutionCacheEntry>) {
    let Context { engine, global, caches, scope, .. } = context;
    // The interpreter's own entry counts a level of its own.
    global.level = usize::try_from(call.level.saturating_sub(1)).unwrap_or(usize::MAX - 1);
    let operations = global.num_operations;
    let depth = caches.fn_resolution_caches_len();
    caches.push_fn_resolution_cache();
    caches.fn_resolution_cache_mut().bloom_filter.clone_from(seen_everything());
    let result = EvalContext::new(engine, global, caches, scope, None).call_native_fn_raw(
        call.name,
        call.is_reference,
        arguments,
    );
    let entry = caches.fn_resolution_cache_mut().dict.drain().find_map(|(_, entry)| entry);
    caches.rewind_fn_resolution_caches(depth);
    // The call itself is counted by fuel.
    global.num_operations = operations.max(global.num_operations.saturating_sub(1));
    let is_method =
        !SPECIAL.contains(&call.name) && entry.as_ref().is_some_and(|entry| entry.func.is_method());
    (result.map(|value| (value, is_method)).map_err(|error| positioned(error, call.position)), entry)
}

/// Calls a function that was found earlier.
fn direct(
    context: &mut Context<'_>,
    call: Call<'_>,
    entry: &FnResolutionCacheEntry,
    arguments: &mut [&mut Dynamic],
) -> Outcome {
    let is_method = entry.func.is_method();
    let value = match arguments.split_first_mut() {
        // Such a function uses its first argument up.
        Some((first, rest)) if call.is_reference && !is_method => {
            let mut copy = first.clone();
            let mut all = FnArgsVec::with_capacity(rest.len() + 1);
            all.push(&mut copy);
            all.extend(rest.iter_mut().map(|argument| &mut **argument));
            invoke(context, call, entry, &mut all)
        }
        _ => invoke(context, call, entry, arguments),
    }?;
    Ok((value, is_method))
}

/// Calls a function with arguments that it may use up.
pub(super) fn invoke(
    context: &mut Context<'_>,
    call: Call<'_>,
    FnResolutionCacheEntry { func, source }: &FnResolutionCacheEntry,
    arguments: &mut [&mut Dynamic],
) -> Fallible<Dynamic> {
    if !func.is_pure() && arguments.first().is_some_and(|first| first.is_read_only()) {
        return Err(
            EvalAltResult::ErrorNonPureMethodCallOnConstant(call.name.to_owned(), call.position).into()
        );
    }
    context.global.level = usize::try_from(call.level).unwrap_or(usize::MAX);
    let own = callbacks::run(context, call.name, arguments, call.position);
    let result = own.unwrap_or_else(|| {
        // Closures among the arguments are to run compiled.
        let callbacks = stand_in(context, call.name, arguments);
        let global = callbacks.as_ref().map_or(&*context.global, Callbacks::global);
        enter(context.engine, global, call, func, source.as_deref(), arguments)
    });
    let value = result.map_err(|error| positioned(error, call.position))?;
    check_size(context, &value, call.position)?;
    if let Some(first) = arguments.first().filter(|_| call.is_reference) {
        check_size(context, first, call.position)?;
    }
    Ok(value)
}

/// Enters a function.
pub(super) fn enter(
    engine: &Engine,
    global: &GlobalRuntimeState,
    call: Call<'_>,
    function: &RhaiFunc,
    source: Option<&str>,
    arguments: &mut [&mut Dynamic],
) -> Fallible<Dynamic> {
    let own = function
        .has_context()
        .then(|| NativeCallContext::new_with_all_fields(engine, call.name, source, global, call.position));
    match function {
        RhaiFunc::Plugin { func } => func.call(own, arguments),
        RhaiFunc::StaticPlugin { func } => func.call(own, arguments),
        RhaiFunc::Pure { func, .. } | RhaiFunc::Method { func, .. } => func(own, arguments),
        // Nothing else is ever remembered.
        _ => Err(EvalAltResult::ErrorFunctionNotFound(call.name.to_owned(), call.position).into()),
    }
}

/// Refuses arguments that are in use already; the interpreter reports them without a position.
pub(super) fn ensure_no_data_race(
    name: &str,
    arguments: &[&mut Dynamic],
    is_reference: bool,
) -> Fallible<()> {
    let first = usize::from(is_reference);
    match arguments.iter().skip(first).position(|argument| argument.is_locked()) {
        None => Ok(()),
        Some(index) => Err(EvalAltResult::ErrorDataRace(
            format!("argument #{} of function '{name}'", index + 1),
            Position::NONE,
        )
        .into()),
    }
}
