//! `.name(arguments)`.

use std::iter::once;

use rhai::{Dynamic, FnArgsVec, FnPtr, Map, Target};

use super::{
    Method,
    compiled::{self, Reached},
    native,
    pointer::{self, Kind},
    walk::{Outcome, Walk},
};
use crate::{
    position::unpack,
    rt::context::{CompiledFunction, Context},
};

impl Walk<'_, '_> {
    /// Calls a method of a target. What it does to a part of a value is written back to that value.
    pub(super) fn call_method(
        &mut self,
        target: &mut Target<'_>,
        method: &Method,
        arguments: &mut [Dynamic],
    ) -> Outcome {
        let context = &mut *self.context;
        let (value, changed) = match &*method.name {
            "call" if target.as_ref().is_fnptr() => pointer::call(context, target, method, arguments),
            "call" => pointer::call_on(context, target, method, arguments),
            "curry" => pointer::curry(context, target, method, arguments),
            "is_shared" if arguments.is_empty() => Ok((target.is_shared().into(), false)),
            name => {
                if let Some(stored) = stored_pointer(target.as_ref(), name) {
                    pointer::call_stored(context, target, method, stored, arguments)
                } else {
                    let name = Name { text: name, scripted: method.scripted, typed: method.scripted };
                    call_by_name(context, name, target, arguments, method)
                }
            }
        }?;
        if changed {
            target.propagate_changed_value(unpack(method.position))?;
        }
        Ok((value, changed))
    }
}

/// A function pointer in a map, called like a method of the map.
fn stored_pointer(object: &Dynamic, name: &str) -> Option<FnPtr> {
    if !object.is_map() {
        return None;
    }
    let map = object.read_lock::<Map>()?;
    let pointer = map.get(name)?.read_lock::<FnPtr>()?;
    Some(pointer.clone())
}

/// The name of a method, and where it is looked up.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    /// The name.
    pub(super) text: &'a str,
    /// Whether the program's functions are asked.
    pub(super) scripted: bool,
    /// Whether its typed methods are asked, too.
    pub(super) typed: bool,
}

/// The function of the program that a method name means.
pub(super) fn resolve(
    context: &Context<'_>,
    name: Name<'_>,
    object: &Dynamic,
    arguments: usize,
) -> Option<CompiledFunction> {
    if !name.scripted {
        return None;
    }
    let typed = if name.typed {
        let type_name = context.engine.map_type_name(object.type_name());
        context.functions.find_method(type_name, name.text, arguments)
    } else {
        None
    };
    typed.or_else(|| context.functions.find(name.text, arguments))
}

/// Calls a function of the program, or else a native one, with the target as its object.
pub(super) fn call_by_name(
    context: &mut Context<'_>,
    name: Name<'_>,
    target: &mut Target<'_>,
    arguments: &mut [Dynamic],
    method: &Method,
) -> Outcome {
    let is_reference = target.is_ref();
    let position = unpack(method.position);
    // A name or a number of arguments that a pointer has brought may be another one next time.
    let is_own = name.text == &*method.name && arguments.len() == method.arguments;
    let function = {
        let all: FnArgsVec<_> = once(target.as_mut()).chain(arguments.iter_mut()).collect();
        native::ensure_no_data_race(name.text, &all, is_reference)?;
        // The program's functions go first: if a native one was called for these types, there are none.
        if is_own && method.site.knows(&all) { None } else { resolve(context, name, all[0], all.len() - 1) }
    };
    if let Some(function) = function {
        let this = Some(target.as_mut());
        return compiled::call(context, &function, Reached::ByName, this, arguments, position)
            .map(|value| (value, false));
    }
    let mut all: FnArgsVec<_> = once(target.as_mut()).chain(arguments.iter_mut()).collect();
    let call = native::Call {
        name: name.text,
        hash: is_own.then_some(method.native_hash).flatten(),
        site: is_own.then_some(&method.site),
        is_reference,
        position,
        level: context.level + 1,
    };
    native::call_checked(context, call, &mut all)
}

/// How a pointer of this kind finds its function.
pub(super) fn name_of(pointer: &FnPtr, kind: Kind) -> Name<'_> {
    let text = pointer.fn_name();
    let scripted = pointer.is_anonymous() || rhai::is_valid_identifier(text);
    Name { text, scripted, typed: scripted && kind != Kind::Linked }
}
