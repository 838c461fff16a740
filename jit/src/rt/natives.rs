//! Calls of the host's functions.
//!
//! A site remembers for the argument types that it has seen which function the interpreter chose, and calls it
//! directly from then on. A site belongs to one program and so to one engine. Its memory is not used while a module
//! is imported that adds functions to the global namespace, as that may change what a name means.
//!
//! Every call takes one unit of fuel, which is what the interpreter counts for the native call itself.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::any::TypeId;
use std::sync::OnceLock;

use rhai::{
    Dynamic, EvalAltResult, FnArgsVec, FnResolutionCacheEntry, NativeCallContext, Position, RhaiFunc, Token,
};

use super::callbacks;
use super::calls::callbacks::{Callbacks, stand_in};
use super::context::{Context, Status};
use super::errors::fill;
use super::guard::{RhaiResultOf, guard};
use super::interpret::{self, First, NativeName};
use super::raw;
use super::values::given;
use crate::position::unpack;

pub mod qualified;
mod sites;

pub use qualified::{Namespaces, QualifiedSite, call_qualified};
pub use sites::RuntimeSites;
pub(crate) use sites::{native_by_reference, native_operator};

/// A place in a program that calls a function of the host.
#[derive(Debug)]
pub struct CallSite {
    /// What it calls.
    pub(crate) native: NativeName,
    /// With how many arguments.
    arity: usize,
    /// Names that the interpreter treats by itself: they are never called directly.
    is_special: bool,
    found: [OnceLock<Found>; 4],
}

/// What a name means for some types of arguments.
#[derive(Debug)]
struct Found {
    types: Box<[TypeId]>,
    entry: FnResolutionCacheEntry,
}

/// How a call names its first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// As a value: it is used up.
    Value = 0,
    /// As a variable, which the function may change unless it is a constant or a cell.
    Variable = 1,
    /// As `this`, which the function may change unless it is a cell; a constant is refused.
    This = 2,
}

impl Subject {
    fn of(number: u8) -> Self {
        match number {
            0 => Self::Value,
            1 => Self::Variable,
            _ => Self::This,
        }
    }
}

impl CallSite {
    /// A site that calls a function with so many arguments.
    pub fn new(name: &str, arity: usize) -> Self {
        Self::for_operator(name, arity, None)
    }

    /// A site that calls the function of an operator.
    pub(crate) fn for_operator(name: &str, arity: usize, token: Option<Token>) -> Self {
        const SPECIAL: [&str; 10] = [
            "print",
            "debug",
            "type_of",
            "is_shared",
            "is_def_fn",
            "is_def_var",
            "Fn",
            "call",
            "curry",
            "eval",
        ];
        Self {
            native: NativeName::new(name, arity, token),
            arity,
            is_special: SPECIAL.contains(&name),
            found: [const { OnceLock::new() }; 4],
        }
    }

    /// The name of the function.
    pub fn name(&self) -> &str {
        &self.native.name
    }

    fn find(&self, arguments: &[&mut Dynamic]) -> Option<&FnResolutionCacheEntry> {
        let same = |found: &Found| {
            found.types.iter().zip(arguments).all(|(known, argument)| *known == argument.type_id())
        };
        self.found.iter().map_while(OnceLock::get).find(|found| same(found)).map(|found| &found.entry)
    }

    fn remember(&self, types: Box<[TypeId]>, entry: FnResolutionCacheEntry) {
        let mut found = Found { types, entry };
        for slot in &self.found {
            match slot.set(found) {
                Ok(()) => return,
                Err(back) => found = back,
            }
        }
    }
}

/// Calls a native function in the style `f(x, ..)`: script functions are not looked for.
///
/// The arguments are owned, except for the first one when `subject` (a [`Subject`]) says so.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `site` a live site, `arguments` points to as many pointers to valid
/// values as the site has arguments; the values are distinct.
pub unsafe extern "C" fn call_native(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    site: *const CallSite,
    arguments: *const *mut Dynamic,
    subject: u8,
    position: u32,
) -> Status {
    let body = || {
        // SAFETY: the caller's promise.
        let site = unsafe { &*site };
        // SAFETY: the caller's promise.
        let mut arguments = unsafe { collect(arguments, site.arity) };
        // SAFETY: the caller's promise; nothing below re-enters machine code.
        let context = unsafe { raw::context(context) };
        let value = native(context, site, &mut arguments, Subject::of(subject), unpack(position))?;
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, given(context, value)) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { guard(context, body) }
}

/// The arguments behind an array of pointers.
///
/// # Safety
///
/// `arguments` points to `count` pointers to distinct valid values that nothing else refers to for `'x`.
pub(crate) unsafe fn collect<'x>(arguments: *const *mut Dynamic, count: usize) -> FnArgsVec<&'x mut Dynamic> {
    let pointer = |index| {
        // SAFETY: the caller's promise.
        let place = unsafe { arguments.add(index) };
        // SAFETY: the caller's promise.
        unsafe { place.read() }
    };
    // SAFETY: the caller's promise.
    (0..count).map(|index| unsafe { raw::value(pointer(index)) }).collect()
}

/// Calls a native function as the interpreter does for `f(x, ..)`.
pub(crate) fn native(
    context: &mut Context<'_>,
    site: &CallSite,
    arguments: &mut [&mut Dynamic],
    subject: Subject,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    let by_reference = match (subject, arguments.first()) {
        (Subject::Value, _) | (_, None) => false,
        (Subject::Variable, Some(first)) => !first.is_shared() && !first.is_read_only(),
        (Subject::This, Some(first)) => !first.is_shared(),
    };
    match arguments.split_first_mut() {
        Some((first, rest)) if subject != Subject::Value && !by_reference => {
            let mut copy = first.flatten_clone();
            dispatch(context, site, &mut with_first(&mut copy, rest), false, at)
        }
        _ => dispatch(context, site, arguments, by_reference, at),
    }
}

fn dispatch(
    context: &mut Context<'_>,
    site: &CallSite,
    arguments: &mut [&mut Dynamic],
    by_reference: bool,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    if !site.is_special {
        for argument in arguments.iter_mut().skip(usize::from(by_reference)) {
            if argument.is_shared() {
                **argument = argument.take().flatten();
            }
        }
        if is_settled(context) {
            refuse_races(site.name(), arguments, by_reference)?;
            if let Some(entry) = site.find(arguments) {
                return direct(context, site.name(), entry, arguments, by_reference, at);
            }
            if rehearse(context, site, arguments, by_reference, at)
                && let Some(entry) = site.find(arguments)
            {
                return direct(context, site.name(), entry, arguments, by_reference, at);
            }
        }
    }
    context.fuel -= 1;
    resolve(context, site, arguments, by_reference, at)
}

/// Finds out, before the first call, what it is that will call closures: by a call with nothing to call them for.
fn rehearse(
    context: &mut Context<'_>,
    site: &CallSite,
    arguments: &[&mut Dynamic],
    by_reference: bool,
    at: Position,
) -> bool {
    if !callbacks::is_candidate(site.name(), arguments) {
        return false;
    }
    let Some((receiver, rest)) = arguments.split_first() else { return false };
    let types = arguments.iter().map(|argument| argument.type_id()).collect();
    let mut empty = callbacks::rehearsal(receiver);
    interpret::enter(context);
    let rest = rest.iter().map(|argument| (**argument).clone());
    let (_, entry) = if by_reference {
        interpret::call_native(context, &site.native, First::Reference(&mut empty), rest, at, None)
    } else {
        let all = std::iter::once(empty).chain(rest);
        interpret::call_native(context, &site.native, First::Value, all, at, None)
    };
    let is_found = entry.is_some();
    if let Some(entry) = entry {
        site.remember(types, entry);
    }
    is_found
}

/// Whether names mean what they always mean to this program: no import has changed the global namespace.
pub(super) fn is_settled(context: &Context<'_>) -> bool {
    let Some(state) = context.global.touched().filter(|state| state.num_imports() > 0) else { return true };
    !state
        .iter_imports_raw()
        .any(|(_, module)| module.is_indexed() && module.contains_indexed_global_functions())
}

/// An argument that holds a cell which is locked further out is an error.
pub(crate) fn refuse_races(name: &str, arguments: &[&mut Dynamic], by_reference: bool) -> RhaiResultOf<()> {
    let mut owned = arguments.iter().skip(usize::from(by_reference));
    match owned.position(|argument| argument.is_locked()) {
        None => Ok(()),
        Some(index) => {
            let what = format!("argument #{} of function '{name}'", index + 1);
            Err(EvalAltResult::ErrorDataRace(what, Position::NONE).into())
        }
    }
}

/// The first call with arguments of these types: through the interpreter.
fn resolve(
    context: &mut Context<'_>,
    site: &CallSite,
    arguments: &mut [&mut Dynamic],
    by_reference: bool,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    // Types are told before the values are gone. A cell that is locked has none, but then nothing is remembered.
    let is_plain = !site.is_special && is_settled(context);
    let types = is_plain.then(|| arguments.iter().map(|argument| argument.type_id()).collect());
    interpret::enter(context);
    let mut callbacks = if is_plain { stand_in(context, site.name(), arguments) } else { None };
    let (first, owned) = match arguments.split_first_mut() {
        Some((first, rest)) if by_reference => (First::Reference(first), rest),
        _ => (First::Value, arguments),
    };
    let owned = owned.iter_mut().map(|argument| argument.take());
    let (result, entry) = interpret::call_native(context, &site.native, first, owned, at, callbacks.as_mut());
    drop(callbacks);
    if let (Some(types), Some(entry)) = (types, entry) {
        site.remember(types, entry);
    }
    result
}

/// Calls a function that was found earlier, with all that the interpreter does around the call.
pub(crate) fn direct(
    context: &mut Context<'_>,
    name: &str,
    entry: &FnResolutionCacheEntry,
    arguments: &mut [&mut Dynamic],
    by_reference: bool,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    context.fuel -= 1;
    match arguments.split_first_mut() {
        // Such a function uses its first argument up.
        Some((first, rest)) if by_reference && !entry.func.is_method() => {
            let mut copy = first.clone();
            invoke(context, name, entry, &mut with_first(&mut copy, rest), by_reference, at)
        }
        _ => invoke(context, name, entry, arguments, by_reference, at),
    }
}

/// The arguments with another one in the first place.
fn with_first<'v>(first: &'v mut Dynamic, rest: &'v mut [&mut Dynamic]) -> FnArgsVec<&'v mut Dynamic> {
    let mut arguments = FnArgsVec::with_capacity(rest.len() + 1);
    arguments.push(first);
    arguments.extend(rest.iter_mut().map(|argument| &mut **argument));
    arguments
}

fn invoke(
    context: &mut Context<'_>,
    name: &str,
    entry: &FnResolutionCacheEntry,
    arguments: &mut [&mut Dynamic],
    by_reference: bool,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    let FnResolutionCacheEntry { func, source } = entry;
    if !func.is_pure() && arguments.first().is_some_and(|first| first.is_read_only()) {
        return Err(EvalAltResult::ErrorNonPureMethodCallOnConstant(name.to_owned(), at).into());
    }
    interpret::enter(context);
    context.global.level += 1;
    let engine = context.engine;
    let result = match callbacks::run(context, name, arguments, at) {
        Some(result) => result,
        None => enter(context, name, func, source.as_deref(), arguments, at),
    };
    let value = result.map_err(|error| fill(error, at))?;
    engine.ensure_data_size_within_limits(&value).map_err(|error| fill(error, at))?;
    if let Some(first) = arguments.first().filter(|_| by_reference) {
        engine.ensure_data_size_within_limits(first).map_err(|error| fill(error, at))?;
    }
    Ok(value)
}

/// Enters a function of the host.
fn enter(
    context: &mut Context<'_>,
    name: &str,
    function: &RhaiFunc,
    source: Option<&str>,
    arguments: &mut [&mut Dynamic],
    at: Position,
) -> RhaiResultOf<Dynamic> {
    let engine = context.engine;
    let callbacks = stand_in(context, name, arguments);
    let global = callbacks.as_ref().map_or(&*context.global, Callbacks::global);
    let call = function
        .has_context()
        .then(|| NativeCallContext::new_with_all_fields(engine, name, source, global, at));
    match function {
        RhaiFunc::Plugin { func } => func.call(call, arguments),
        RhaiFunc::StaticPlugin { func } => func.call(call, arguments),
        RhaiFunc::Pure { func, .. } | RhaiFunc::Method { func, .. } => func(call, arguments),
        // Only native functions are remembered.
        _ => Err(EvalAltResult::ErrorFunctionNotFound(name.to_owned(), at).into()),
    }
}

#[cfg(test)]
mod tests;
