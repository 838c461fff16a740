//! Chains of properties, indexes and methods: `a.b[c].d(e) op= f`.
//!
//! Machine code evaluates the index values and the method arguments first, in step order, and the root last, as the
//! interpreter does; then it calls [`chain`] once. Short chains of known shape have direct helpers in [`fast`].

#![expect(unsafe_code, reason = "the helper receives raw pointers from machine code")]
#![expect(clippy::unnecessary_box_returns, reason = "the interpreter hands its errors around in boxes")]

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rhai::{Dynamic, EvalAltResult, Target};

use self::walk::Walk;
use crate::{
    ops::BinaryOp,
    rt::{
        context::{Context, Status},
        values::given,
    },
};

mod access;
mod assign;
mod build;
mod compiled;
pub mod fast;
mod guess;
mod index;
mod key;
mod method;
mod native;
mod pointer;
mod property;
mod text;
mod tree;
mod walk;

#[cfg(test)]
mod tests;

pub use build::Parts;
pub use guess::Guess;
pub use key::RuntimeKey;
pub use native::Indexers;

use native::Site;

/// A result with the interpreter's own error.
type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// One chain of a program.
#[derive(Debug)]
pub struct Chain {
    /// The name of the variable at the root, for errors; empty for other roots.
    pub root_name: Box<str>,
    /// Where the root starts.
    pub root_position: u32,
    /// What is done with the root, from left to right; never empty.
    pub steps: Box<[Step]>,
    /// Set when the chain is assigned to.
    pub assign: Option<Assign>,
}

/// What an assignment does to the end of a chain.
#[derive(Debug, Clone, Copy)]
pub struct Assign {
    /// The operator of `op=`; none for a plain `=`.
    pub op: Option<BinaryOp>,
    /// Where the operator stands.
    pub position: u32,
}

/// One step of a chain.
#[derive(Debug)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// `?.` or `?[`: a unit value ends the chain.
    pub null_conditional: bool,
    /// Where the `.` or the `[` stands.
    pub operator_position: u32,
}

/// What a step does.
#[derive(Debug)]
pub enum StepKind {
    /// `[index]`; consumes one argument.
    Index {
        /// Where the index expression starts.
        position: u32,
        /// Of types that are no containers.
        indexers: Indexers,
    },
    /// `.name`.
    Property(Box<Property>),
    /// `.name(arguments)`.
    Method(Box<Method>),
}

/// A property, with everything that its look-up needs.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub key: RuntimeKey,
    /// The name of the function that gets it.
    pub getter: Box<str>,
    /// The name of the function that sets it.
    pub setter: Box<str>,
    /// Where the name stands.
    pub position: u32,
    get: Site,
    set: Site,
    indexers: Indexers,
}

/// A method call.
#[derive(Debug)]
pub struct Method {
    /// The name.
    pub name: Box<str>,
    /// How many arguments it consumes.
    pub arguments: usize,
    /// The position of the first argument (not its start), 0 without any.
    pub first_argument_position: u32,
    /// Where the name stands.
    pub position: u32,
    /// Whether the program may have a function of this name. When it is false, its table is not asked.
    pub scripted: bool,
    /// The interpreter's key of the native function's name and number of arguments, if it is known.
    pub native_hash: Option<u64>,
    site: Site,
}

impl Step {
    /// A step whose operator stands at `operator_position`.
    pub fn new(kind: StepKind, null_conditional: bool, operator_position: u32) -> Self {
        Self { kind, null_conditional, operator_position }
    }
}

impl StepKind {
    /// `[index]`.
    pub fn index(position: u32) -> Self {
        Self::Index { position, indexers: Indexers::default() }
    }

    /// `.name`.
    pub fn property(name: &str, position: u32) -> Self {
        Self::Property(Box::new(Property::new(name, position)))
    }

    /// `.name(arguments)`.
    pub fn method(name: &str, arguments: usize, first_argument_position: u32, position: u32) -> Self {
        Self::Method(Box::new(Method::new(name, arguments, first_argument_position, position)))
    }
}

impl Method {
    /// A method call; the program may have a function of this name.
    pub fn new(name: &str, arguments: usize, first_argument_position: u32, position: u32) -> Self {
        Self {
            name: name.into(),
            arguments,
            first_argument_position,
            position,
            scripted: true,
            native_hash: None,
            site: Site::default(),
        }
    }
}

impl Property {
    /// The property of this name.
    pub fn new(name: &str, position: u32) -> Self {
        Self {
            key: RuntimeKey::new(name),
            getter: format!("get${name}").into(),
            setter: format!("set${name}").into(),
            position,
            get: Site::default(),
            set: Site::default(),
            indexers: Indexers::default(),
        }
    }
}

/// Walks a chain.
///
/// `root_is_reference` is 1 for variables and `this` (the value behind `root` may be shared), 0 for temporary values,
/// which are taken from `root`. `arguments` points to all index values and method arguments in step order; they are
/// consumed: every slot holds unit afterwards. So is `new_value`, which is null unless the chain is assigned to.
/// The result, taken out of its cell if it is in one, replaces what is in `out`; nothing is written to it when the
/// chain fails.
///
/// # Safety
///
/// `context` and `chain` must be valid, nothing else may use them or the values meanwhile; `root`, `out`, `new_value`
/// when it is not null, and as many values at `arguments` as the steps consume must be valid and distinct.
pub unsafe extern "C" fn chain(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    chain: *const Chain,
    root: *mut Dynamic,
    root_is_reference: u8,
    arguments: *mut Dynamic,
    new_value: *mut Dynamic,
) -> Status {
    // SAFETY: the caller hands over a valid context.
    let context = unsafe { &mut *context };
    // SAFETY: chains belong to the program that is running.
    let chain = unsafe { &*chain };
    // SAFETY: the caller hands over a valid value.
    let root = unsafe { &mut *root };
    let count = chain.arguments();
    let arguments = if count == 0 {
        &mut [][..]
    } else {
        // SAFETY: the caller hands over as many values as the steps consume.
        unsafe { std::slice::from_raw_parts_mut(arguments, count) }
    };
    // SAFETY: null, or a valid value.
    let new_value = unsafe { new_value.as_mut() }.map(mem::take);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let root = if root_is_reference == 0 {
            Target::TempValue(mem::take(root).flatten())
        } else {
            Target::try_from(root)?
        };
        let context = &mut *context;
        Walk { context, chain }.run(root, arguments, new_value)
    }))
    .unwrap_or_else(|panic| Err(panic_error(&*panic)));
    arguments.fill_with(Dynamic::default);
    match outcome {
        Ok(value) => {
            // SAFETY: the caller hands over a valid value to be replaced.
            unsafe { *out = given(context, value) };
            Status::Ok
        }
        Err(error) => {
            context.error = Some(error);
            Status::Error
        }
    }
}

impl Chain {
    /// How many values its steps consume.
    pub fn arguments(&self) -> usize {
        self.steps
            .iter()
            .map(|step| match &step.kind {
                StepKind::Index { .. } => 1,
                StepKind::Property(_) => 0,
                StepKind::Method(method) => method.arguments,
            })
            .sum()
    }
}

/// The error that stands for a panic, which must not reach machine code: one that scripts cannot catch.
#[cold]
fn panic_error(panic: &(dyn std::any::Any + Send)) -> Box<EvalAltResult> {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    let message = format!("a host function panicked: {text}");
    EvalAltResult::ErrorSystem(message.clone(), message.into()).into()
}
