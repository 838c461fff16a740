//! Methods of function pointers, and function pointers as methods.

use std::{
    fmt::{self, Write},
    mem,
};

use rhai::{Dynamic, FnArgsVec, FnPtr, NativeCallContext, Target};

use super::{
    Fallible, Method,
    access::{check_size, mismatch, positioned},
    compiled::{self, Reached},
    method::{call_by_name, name_of},
    native,
    walk::Outcome,
};
use crate::{
    position::unpack,
    rt::context::{CompiledFunction, Context},
};

/// What a function pointer points to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name.
    Named,
    /// A function of the script.
    Linked,
    /// A host function.
    Native,
}

/// Reads the kind of a pointer off its debugging form, which starts with it; there is no other way to it.
struct KindReader {
    text: [u8; 3],
    length: usize,
}

impl Write for KindReader {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let Some(place) = self.text.get_mut(self.length) else { return Err(fmt::Error) };
            *place = byte;
            self.length += 1;
        }
        Ok(())
    }
}

/// What a pointer points to.
fn kind_of(pointer: &FnPtr) -> Kind {
    let mut reader = KindReader { text: [0; 3], length: 0 };
    // It fails as soon as it has read enough.
    let _ = write!(reader, "{pointer:?}");
    match reader.text[2] {
        b'*' => Kind::Linked,
        b'#' => Kind::Native,
        _ => Kind::Named,
    }
}

/// The function that a linked pointer is linked to.
fn linked(context: &Context<'_>, pointer: &FnPtr, kind: Kind, arguments: usize) -> Option<CompiledFunction> {
    if kind == Kind::Linked { context.functions.find(pointer.fn_name(), arguments) } else { None }
}

/// The curried values of a pointer followed by the arguments.
fn with_curried(pointer: &FnPtr, arguments: &mut [Dynamic]) -> FnArgsVec<Dynamic> {
    pointer.iter_curry().cloned().chain(arguments.iter_mut().map(mem::take)).collect()
}

/// `pointer.call(arguments)`.
pub(super) fn call(
    context: &mut Context<'_>,
    target: &Target<'_>,
    method: &Method,
    arguments: &mut [Dynamic],
) -> Outcome {
    let Some(pointer) = target.as_ref().read_lock::<FnPtr>() else {
        return Err(mismatch::<FnPtr>(context, target.as_ref().type_name(), unpack(method.position)));
    };
    let kind = kind_of(&pointer);
    let position = unpack(method.position);
    let mut values = with_curried(&pointer, arguments);
    if let Some(function) = linked(context, &pointer, kind, values.len()) {
        return compiled::call(context, &function, Reached::ByLink, None, &mut values, position)
            .map(|value| (value, false));
    }
    if kind == Kind::Native {
        return call_host(context, &pointer, None, &mut values, method).map(|value| (value, false));
    }
    let name = name_of(&pointer, kind);
    let mut all: FnArgsVec<_> = values.iter_mut().collect();
    native::ensure_no_data_race(name.text, &all, false)?;
    let function = if name.scripted { context.functions.find(name.text, all.len()) } else { None };
    if let Some(function) = function {
        drop(all);
        return compiled::call(context, &function, Reached::ByName, None, &mut values, position)
            .map(|value| (value, false));
    }
    let call = native::Call {
        name: name.text,
        hash: None,
        site: None,
        is_reference: false,
        position,
        level: context.level + 1,
    };
    native::call(context, call, &mut all)
}

/// `object.call(pointer, arguments)`.
pub(super) fn call_on(
    context: &mut Context<'_>,
    target: &mut Target<'_>,
    method: &Method,
    arguments: &mut [Dynamic],
) -> Outcome {
    let position = unpack(method.position);
    let Some((first, rest)) = arguments.split_first_mut() else {
        let actual = context.engine.map_type_name(target.as_ref().type_name());
        return Err(mismatch::<FnPtr>(context, actual, position));
    };
    let pointer = mem::take(first).try_cast_result::<FnPtr>().map_err(|value| {
        let actual = context.engine.map_type_name(value.type_name());
        mismatch::<FnPtr>(context, actual, unpack(method.first_argument_position))
    })?;
    let kind = kind_of(&pointer);
    let mut values = with_curried(&pointer, rest);
    if let Some(function) = linked(context, &pointer, kind, values.len()) {
        native::ensure_no_data_race(&function.name, &values.iter_mut().collect::<FnArgsVec<_>>(), false)?;
        let this = Some(target.as_mut());
        return compiled::call(context, &function, Reached::ByLink, this, &mut values, position)
            .map(|value| (value, false));
    }
    if kind == Kind::Native {
        return call_host(context, &pointer, Some(target.as_mut()), &mut values, method)
            .map(|value| (value, false));
    }
    call_by_name(context, name_of(&pointer, kind), target, &mut values, method)
}

/// `map.name(arguments)`, where the map holds a pointer under that name.
pub(super) fn call_stored(
    context: &mut Context<'_>,
    target: &mut Target<'_>,
    method: &Method,
    pointer: FnPtr,
    arguments: &mut [Dynamic],
) -> Outcome {
    let mut values;
    let arguments = if pointer.is_curried() {
        values = with_curried(&pointer, arguments);
        &mut values[..]
    } else {
        arguments
    };
    let kind = kind_of(&pointer);
    if let Some(function) = linked(context, &pointer, kind, arguments.len()) {
        let this = Some(target.as_mut());
        return compiled::call(context, &function, Reached::ByLink, this, arguments, unpack(method.position))
            .map(|value| (value, false));
    }
    if kind == Kind::Native {
        return call_host(context, &pointer, Some(target.as_mut()), arguments, method)
            .map(|value| (value, false));
    }
    call_by_name(context, name_of(&pointer, kind), target, arguments, method)
}

/// Calls the host function that a pointer carries, with the object in front of all arguments.
fn call_host(
    context: &mut Context<'_>,
    pointer: &FnPtr,
    object: Option<&mut Dynamic>,
    arguments: &mut [Dynamic],
    method: &Method,
) -> Fallible<Dynamic> {
    let position = unpack(method.position);
    context.global.level = usize::try_from(context.level + 1).unwrap_or(usize::MAX);
    let mut pointer = pointer.clone();
    // The curried values are among the arguments already.
    pointer.set_curry(None);
    let native: NativeCallContext<'_> =
        (context.engine, &*method.name, None, &*context.global, position).into();
    let value = pointer.call_raw(&native, object, arguments).map_err(|error| positioned(error, position))?;
    check_size(context, &value, position)?;
    Ok(value)
}

/// `pointer.curry(arguments)`.
pub(super) fn curry(
    context: &Context<'_>,
    target: &Target<'_>,
    method: &Method,
    arguments: &mut [Dynamic],
) -> Outcome {
    let Some(pointer) = target.as_ref().read_lock::<FnPtr>() else {
        let actual = context.engine.map_type_name(target.as_ref().type_name());
        return Err(mismatch::<FnPtr>(context, actual, unpack(method.position)));
    };
    let mut pointer = pointer.clone();
    pointer.extend(arguments.iter_mut().map(mem::take));
    Ok((pointer.into(), false))
}
