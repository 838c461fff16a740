//! Calls of chains that are bound to functions of the host.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use rhai::Dynamic;

use super::context::Context;
use super::errors::fill;
use super::guard::{panic_error, park};
use super::natives::is_settled;
use super::raw;
use crate::host::HostSite;

/// How a call of a bound chain ended.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAnswer {
    /// The result is there.
    Done = 0,
    /// The error is parked.
    Failed = 1,
    /// The root is of another type, or the arguments are: nothing has happened.
    Other = 2,
}

/// Most values that a bound chain is called with.
pub const ARGUMENTS_MAX: usize = 4;

/// Calls what a chain is bound to. Nothing is taken but what the function asks for.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `site` a live site, `root` points to a valid value and `arguments` to
/// as many pointers to valid values as the site has arguments, which nothing changes meanwhile.
pub unsafe extern "C" fn host_call(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    site: *const HostSite,
    root: *const Dynamic,
    arguments: *const *const Dynamic,
) -> u8 {
    // SAFETY: sites belong to the program that is running.
    let site = unsafe { &*site };
    // SAFETY: the caller's promise.
    let root = unsafe { raw::value_ref(root) };
    // SAFETY: the caller's promise; host functions do not re-enter machine code.
    let context = unsafe { raw::context(context) };
    if root.is_shared() || site.assigns && root.is_read_only() || !is_settled(context) {
        return HostAnswer::Other as u8;
    }
    let kind = root.type_id();
    let Some(binding) = site.bindings.iter().find(|binding| binding.root == kind) else {
        return HostAnswer::Other as u8;
    };
    let mut values = [root; ARGUMENTS_MAX];
    for (index, value) in values.iter_mut().take(site.arguments).enumerate() {
        // SAFETY: the array is that long.
        let argument = unsafe { arguments.add(index) };
        // SAFETY: the caller's promise about the array.
        let argument = unsafe { argument.read() };
        // SAFETY: the caller's promise about what is in it.
        *value = unsafe { raw::value_ref(argument) };
        // The interpreter hands over what is in a cell.
        if value.is_shared() {
            return HostAnswer::Other as u8;
        }
    }
    let call = || (binding.function)(root, &values[..site.arguments]);
    let outcome = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(None) => return HostAnswer::Other as u8,
        Ok(Some(outcome)) => outcome,
        Err(payload) => Err(panic_error(&*payload)),
    };
    context.fuel -= i64::from(binding.operations);
    let checked = outcome.and_then(|value| {
        if !is_scalar(&value) {
            context.engine.ensure_data_size_within_limits(&value)?;
        }
        Ok(value)
    });
    match checked {
        Ok(value) => {
            // SAFETY: the caller's promise.
            unsafe { raw::put(out, value) };
            HostAnswer::Done as u8
        }
        Err(error) => {
            let position = if binding.by_name { site.operator } else { site.position };
            park(context, fill(error, position)) as u8
        }
    }
}

/// Whether the value has no size that could be too large.
fn is_scalar(value: &Dynamic) -> bool {
    value.is_unit() || value.is_bool() || value.is_int() || value.is_float()
}
