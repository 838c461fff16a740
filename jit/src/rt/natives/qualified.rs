//! Calls of functions in modules: `module::function(..)`.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, Ident, Namespace, Position};

use super::{Subject, collect};
use crate::position::unpack;
use crate::rt::context::{Context, Status};
use crate::rt::guard::{RhaiResultOf, guard};
use crate::rt::interpret::{self, First, QualifiedName};
use crate::rt::raw;

/// A place in a program that calls a function in a module.
///
/// The module may be one that the script has imported under this name or one that the engine has registered; the
/// interpreter looks for it at each call, in this order.
#[derive(Debug)]
pub struct QualifiedSite {
    function: QualifiedName,
    arity: usize,
}

impl QualifiedSite {
    /// A site. `path` is the module's path with the position of each name, `hash` the interpreter's key of the
    /// qualified name, as the call in the tree has it.
    pub fn new(path: &[(&str, Position)], name: &str, arity: usize, hash: u64) -> Self {
        let mut namespace = Namespace::NONE;
        namespace.path = path.iter().map(|(name, pos)| Ident { name: (*name).into(), pos: *pos }).collect();
        Self { function: QualifiedName { namespace, name: name.into(), hash }, arity }
    }
}

/// Calls a function in a module, which may be native or of a script.
///
/// The arguments are owned, except for the first one when `subject` (a [`Subject`]) says so.
///
/// # Safety
///
/// As for [`super::call_native`].
pub unsafe extern "C" fn call_qualified(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    site: *const QualifiedSite,
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
        let value = qualified(context, site, &mut arguments, Subject::of(subject), unpack(position))?;
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, value) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { guard(context, body) }
}

fn qualified(
    context: &mut Context<'_>,
    site: &QualifiedSite,
    arguments: &mut [&mut Dynamic],
    subject: Subject,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    let mut copied = None;
    let (first, owned) = match arguments.split_first_mut() {
        Some((first, rest)) if subject != Subject::Value => {
            if first.is_shared() {
                copied = Some(first.flatten_clone());
                (First::Value, rest)
            } else {
                (First::Reference(first), rest)
            }
        }
        _ => (First::Value, arguments),
    };
    let owned = copied.into_iter().chain(owned.iter_mut().map(|argument| argument.take().flatten()));
    interpret::call_qualified(context, &site.function, first, owned, at)
}
