//! What the compiler may ask of the host about chains on the host's own values, such as `req.headers["x"]`.
//!
//! A chain is bound when the script is compiled: to the functions that it can mean, one for each type that its root may
//! be of. At run time one test of the root's type is left, and one call with borrowed arguments. Where nothing fits,
//! the runtime walks the chain as any other.

use std::any::TypeId;

use rhai::{Dynamic, EvalAltResult, Position};

/// One step of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostStep<'a> {
    /// `.name`.
    Property(&'a str),
    /// `[index]`, with the index if it is a constant string.
    Index(Option<&'a str>),
    /// `.name(arguments)`, with their number.
    Method(&'a str, usize),
}

/// Takes the value at the root and the arguments of the last step, with the assigned value at the end. `None` when the
/// arguments are of other types; nothing has happened then.
pub type HostFunction =
    Box<dyn Fn(&Dynamic, &[&Dynamic]) -> Option<Result<Dynamic, Box<EvalAltResult>>> + Send + Sync>;

/// What a chain means on values of one type.
pub struct HostBinding {
    /// The type of the root.
    pub root: TypeId,
    /// How many native calls the interpreter makes for the chain.
    pub operations: u32,
    /// The function, for people.
    pub name: String,
    /// Whether it may wait for something.
    pub waits: bool,
    /// Whether a name is handed to an indexer, because there is no such property.
    pub by_name: bool,
    /// The function.
    pub function: HostFunction,
}

/// Binds chains. The functions of the engine must not be other ones than those that it knows of.
pub trait Host: Sync {
    /// What a chain of these steps may mean; empty when it is not for the host to say.
    fn bind(&self, steps: &[HostStep<'_>], assigns: bool) -> Vec<HostBinding>;

    /// Whether a function that is called by this name alone is one of the host's that never waits.
    fn is_calm(&self, name: &str, arguments: usize) -> bool;
}

/// A chain of a program that is bound.
pub struct HostSite {
    /// By type of the root; never empty.
    pub bindings: Vec<HostBinding>,
    /// How many values it is called with, that which is assigned included.
    pub arguments: usize,
    /// Whether it assigns.
    pub assigns: bool,
    /// Where errors of the last member belong.
    pub position: Position,
    /// Where those of an indexer belong.
    pub operator: Position,
}

impl std::fmt::Debug for HostSite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HostSite").field(&self.names()).finish()
    }
}

impl HostSite {
    /// What it is bound to, for people.
    pub fn names(&self) -> String {
        let mut names: Vec<&str> = self.bindings.iter().map(|binding| binding.name.as_str()).collect();
        // Requests and responses have members alike.
        names.dedup();
        names.join(" or ")
    }
}
