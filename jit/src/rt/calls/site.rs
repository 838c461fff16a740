//! Places of a program that call closures.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::ptr;
use std::sync::OnceLock;

use rhai::{Dynamic, FnArgsVec, FnPtr};

use super::call_compiled;
use crate::rt::context::{CompiledFunction, Context, Status};
use crate::rt::raw;

/// A place that calls a function pointer. It remembers the closure that it has seen first.
#[derive(Default)]
pub struct PointerSite {
    known: OnceLock<Known>,
}

struct Known {
    /// Keeps the name alive, so that no other can be where it is.
    pointer: FnPtr,
    /// How many values the function was found for, curried ones included.
    count: usize,
    function: CompiledFunction,
}

impl PointerSite {
    fn find(&self, context: &Context<'_>, pointer: &FnPtr, count: usize) -> Option<&CompiledFunction> {
        let known = self.known.get().or_else(|| {
            let function = context.functions.find(pointer.fn_name(), count)?;
            let mut pointer = pointer.clone();
            pointer.set_curry([]);
            let _ = self.known.set(Known { pointer, count, function });
            self.known.get()
        })?;
        // The pointers that one closure expression makes share the text of their name.
        let is_same = known.count == count && ptr::eq(known.pointer.fn_name(), pointer.fn_name());
        is_same.then_some(&known.function)
    }
}

/// What [`call_closure`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Answer {
    /// It was called.
    Done = 0,
    /// It was called and has failed, or may not be called.
    Failed = 1,
    /// It is no closure of the program: nothing has happened.
    Other = 2,
}

/// Calls a closure of the program with values that cells among them stay cells of. It may change them; the caller
/// drops what is left.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `callee` holds a valid value, `row` as many as `count` says; `site`
/// belongs to the program that runs.
pub unsafe extern "C" fn call_closure(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    callee: *const Dynamic,
    row: *mut Dynamic,
    count: usize,
    site: *const PointerSite,
    position: u32,
) -> u8 {
    // SAFETY: the caller's promise; the reference is not used once the function is entered.
    let callee = unsafe { raw::value_ref(callee) };
    if callee.is_shared() {
        return Answer::Other as u8;
    }
    let Some(pointer) = callee.read_lock::<FnPtr>() else { return Answer::Other as u8 };
    // The names of closures are nothing that a host or a script could make a pointer of otherwise.
    if !pointer.is_anonymous() {
        return Answer::Other as u8;
    }
    let curried = pointer.curry();
    // SAFETY: the caller's promise.
    let site = unsafe { &*site };
    // SAFETY: the caller's promise; the reference does not outlive the look-up.
    let found = site.find(unsafe { raw::context(context) }, &pointer, curried.len() + count);
    let Some(function) = found else { return Answer::Other as u8 };
    // SAFETY: the caller's promise.
    let own = unsafe { raw::values(row, count) };
    let status = if curried.is_empty() {
        drop(pointer);
        // SAFETY: the caller's promise; the function was found for so many values.
        unsafe { call_compiled(context, function, ptr::null_mut(), own, out, position) }
    } else {
        let mut values: FnArgsVec<Dynamic> = curried.iter().cloned().collect();
        values.extend(own.iter_mut().map(Dynamic::take));
        drop(pointer);
        // SAFETY: as above.
        unsafe { call_compiled(context, function, ptr::null_mut(), &mut values, out, position) }
    };
    match status {
        Status::Ok => Answer::Done as u8,
        Status::Error => Answer::Failed as u8,
    }
}
