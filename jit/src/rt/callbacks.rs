//! The library's functions that call closures, such as `map` and `sort`, for closures of the program.
//!
//! The library would call them through the interpreter. These are our own loops, which enter the closures directly:
//! the same values in the same order, the same errors, the same levels. They serve plain arrays and maps and closures
//! that the program has compiled, and only names that the host has not given a meaning of its own; everything else
//! takes the way by [`stand_in`](super::calls::callbacks::stand_in).

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, Map, Position};

use super::calls::callbacks::{Offer, find, is_library};
use super::context::Context;
use super::guard::RhaiResultOf;
use closure::Closure;

mod arrays;
mod closure;
mod maps;
mod sort;

/// Whether this may be a call that [`run`] serves. It is quick to say no.
pub(crate) fn is_candidate(name: &str, arguments: &[&mut Dynamic]) -> bool {
    let Some((receiver, rest)) = arguments.split_first() else { return false };
    (1..=2).contains(&rest.len())
        && rest.iter().any(|argument| !argument.is_shared() && argument.is_fnptr())
        && !receiver.is_shared()
        && Offer::of(name, receiver).is_some()
}

/// An empty container in the place of the receiver: with it the library's function calls nothing, so it can be called
/// just to find out which function it is.
pub(crate) fn rehearsal(receiver: &Dynamic) -> Dynamic {
    if receiver.is_map() { Map::new().into() } else { Array::new().into() }
}

/// Calls the library's function of this name; `None` when it is not one that we can serve, and nothing has happened.
///
/// The name must have been resolved to a native function for the types of the arguments.
pub(crate) fn run(
    context: &mut Context<'_>,
    name: &str,
    arguments: &mut [&mut Dynamic],
    at: Position,
) -> Option<RhaiResultOf<Dynamic>> {
    if !is_candidate(name, arguments) || !is_library(context, name)? {
        return None;
    }
    let (receiver, rest) = arguments.split_first_mut()?;
    let offer = Offer::of(name, receiver)?;
    // `zip` has another array in between.
    let (pointer, other) = match rest {
        [pointer] => (pointer, None),
        [other, pointer] if name == "zip" && other.is_array() => (pointer, Some(other)),
        [pointer, other] if name != "zip" => (pointer, Some(other)),
        _ => return None,
    };
    let outer = context.level;
    let mut closure = {
        let pointer = pointer.read_lock::<FnPtr>().filter(|pointer| pointer.is_anonymous())?;
        let (function, way) = find(context, &pointer, offer)?;
        Closure::new(context, function, way, offer, &pointer, at)
    };
    let result = if receiver.is_map() {
        let mut map = receiver.write_lock::<Map>()?;
        maps::call(name, &mut map, &mut closure)
    } else {
        let mut array = receiver.write_lock::<Array>()?;
        arrays::call(name, &mut array, other.map(|other| &mut **other), &mut closure)
    };
    drop(closure);
    context.level = outer;
    result
}

/// What a library function makes of an error of its closure.
#[expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]
pub(crate) fn wrapped(caller: &str, source: &str, error: Box<EvalAltResult>) -> Box<EvalAltResult> {
    EvalAltResult::ErrorInFunctionCall(caller.to_owned(), source.to_owned(), error, Position::NONE).into()
}

/// Whether a closure has said yes: anything but a truth value means no.
fn is_yes(value: &Dynamic) -> bool {
    value.as_bool().unwrap_or(false)
}

#[cfg(test)]
mod tests;
