//! Calls that helpers make on their own account.

use std::collections::HashSet;
use std::sync::OnceLock;

use rhai::{Dynamic, FUNC_TO_STRING, GlobalRuntimeState, Module, Position, Shared, Token};

use super::{CallSite, Subject, native};
use crate::ops::BinaryOp;
use crate::rt::context::Context;
use crate::rt::guard::RhaiResultOf;
use crate::rt::iterate::foreign::look_up;

/// What the helpers of a program remember of the host's functions. One per program.
#[derive(Debug)]
pub struct RuntimeSites {
    /// The conversion of what is interpolated.
    pub(crate) to_string: CallSite,
    /// The functions of binary operators, by the operator's number.
    pub(crate) binary: Vec<CallSite>,
    /// The functions of unary operators, by the operator's number.
    pub(crate) unary: [CallSite; 3],
    /// Names that the host has functions of its own for; not the library's.
    pub(crate) own_functions: OnceLock<HashSet<String>>,
    /// Whether values of constants are about, which are read-only within containers too.
    pub(crate) reads_globals: bool,
    /// Where iterators of the host are looked for.
    pub(crate) iterators: GlobalRuntimeState,
}

impl RuntimeSites {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self::with_iterators([])
    }

    /// Remembers nothing yet but the modules of the host in which types may have their iterators.
    pub fn with_iterators(modules: impl IntoIterator<Item = Shared<Module>>) -> Self {
        let binary = |op: &BinaryOp| match op {
            // The function looks for its second argument in its first.
            BinaryOp::In => CallSite::new("contains", 2),
            _ => CallSite::for_operator(op.syntax(), 2, Token::lookup_symbol_from_syntax(op.syntax())),
        };
        Self {
            to_string: CallSite::new(FUNC_TO_STRING, 1),
            binary: BinaryOp::ALL.iter().map(binary).collect(),
            unary: [("-", Token::UnaryMinus), ("+", Token::UnaryPlus), ("!", Token::Bang)]
                .map(|(name, token)| CallSite::for_operator(name, 1, Some(token))),
            own_functions: OnceLock::new(),
            reads_globals: true,
            iterators: look_up(modules),
        }
    }
}

impl Default for RuntimeSites {
    fn default() -> Self {
        Self::new()
    }
}

/// Calls a native function on a value by reference.
pub(crate) fn native_by_reference(
    context: &mut Context<'_>,
    site: impl Fn(&RuntimeSites) -> &CallSite,
    name: &str,
    value: &mut Dynamic,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    let functions = context.functions;
    match functions.sites() {
        Some(sites) => native(context, site(sites), &mut [value], Subject::This, at),
        None => native(context, &CallSite::new(name, 1), &mut [value], Subject::This, at),
    }
}

/// Calls the function of an operator.
pub(crate) fn native_operator<const N: usize>(
    context: &mut Context<'_>,
    site: impl Fn(&RuntimeSites) -> &CallSite,
    operands: [&Dynamic; N],
    at: Position,
) -> RhaiResultOf<Dynamic> {
    let mut operands = operands.map(Dynamic::clone);
    let mut operands = operands.each_mut();
    let functions = context.functions;
    match functions.sites() {
        Some(sites) => native(context, site(sites), &mut operands, Subject::Value, at),
        None => native(context, site(&RuntimeSites::new()), &mut operands, Subject::Value, at),
    }
}
