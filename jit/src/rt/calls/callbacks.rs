//! Closures that are handed to functions of the standard library, such as `map` and `sort`.
//!
//! The library calls them through the interpreter. So for the time of such a call each closure is replaced by a
//! pointer to a host function, which calls the compiled code. That the stand-in is another pointer cannot be seen:
//! these functions do nothing with a pointer but call it.
//!
//! The library offers the values that it has in several ways until one fits the number of parameters: bound to
//! `this`, as an argument, with an index besides. A stand-in knows what will come and takes the first offer that leads
//! to the same call; see [`Offer`] and [`Way`].
#![expect(unsafe_code, reason = "re-enters machine code from within a host function")]

use std::collections::HashSet;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rhai::{
    Dynamic, Engine, EvalAltResult, FnArgsVec, FnPtr, GlobalRuntimeState, NativeCallContext, Position,
};

use super::call_compiled_value;
use crate::position::pack;
use crate::rt::context::{CompiledFunction, Context};
use crate::rt::guard::RhaiResultOf;
use crate::rt::raw;

/// What a library function offers to its closure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    /// Values that are always arguments.
    pub(crate) arguments: usize,
    /// Values that come after those when nothing fits without them.
    extras: usize,
    /// Whether a value is offered as `this`.
    this: bool,
    /// At which place that value becomes an argument if `this` does not fit.
    pub(crate) moved: Option<usize>,
}

impl Offer {
    const fn item(extras: usize) -> Self {
        Self { arguments: 0, extras, this: true, moved: Some(0) }
    }

    const fn plain(arguments: usize, extras: usize) -> Self {
        Self { arguments, extras, this: false, moved: None }
    }

    /// What the function of this name offers when it is called on a value.
    pub(crate) fn of(name: &str, receiver: &Dynamic) -> Option<Self> {
        if receiver.is_array() {
            return Some(match name {
                "map" | "filter" | "find" | "find_map" | "some" | "all" | "index_of" | "drain" | "retain" => {
                    Self::item(1)
                }
                "for_each" => Self { moved: None, ..Self::item(1) },
                "reduce" | "reduce_rev" => Self { arguments: 1, moved: Some(1), ..Self::item(1) },
                "sort" | "sort_by" | "order" | "order_by" | "dedup" => Self::plain(2, 0),
                "zip" => Self::plain(2, 1),
                _ => return None,
            });
        }
        let on_map = receiver.is_map() && matches!(name, "map" | "filter" | "drain" | "retain");
        on_map.then_some(Self { arguments: 1, moved: Some(1), ..Self::item(0) })
    }
}

/// How a closure takes what is offered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// The first value is `this`, the others are the arguments; there are so many in all.
    This(usize),
    /// The first value becomes an argument at this place; there are so many in all.
    Moved(usize, usize),
    /// All values are arguments, of which there are so many.
    Plain(usize),
}

impl Way {
    /// How many values the closure waits for.
    fn count(self) -> usize {
        match self {
            Self::This(count) | Self::Moved(_, count) | Self::Plain(count) => count,
        }
    }
}

/// The compiled function of a closure and the way that it is called in.
pub(crate) fn find(context: &Context<'_>, pointer: &FnPtr, offer: Offer) -> Option<(CompiledFunction, Way)> {
    let Offer { arguments, extras, this, moved } = offer;
    let curried = pointer.curry().len();
    let function = |parameters: usize| context.functions.find(pointer.fn_name(), curried + parameters);
    let with = |parameters: usize, way: Way| function(parameters).map(|function| (function, way));
    if !this {
        return with(arguments, Way::Plain(arguments))
            .or_else(|| with(arguments + extras, Way::Plain(arguments + extras)));
    }
    let bound = with(arguments, Way::This(arguments + 1));
    let all = arguments + extras;
    match moved {
        Some(place) => bound
            .or_else(|| with(arguments + 1, Way::Moved(place, arguments + 1)))
            .or_else(|| with(all + 1, Way::Plain(all + 1))),
        None => bound.or_else(|| with(all, Way::This(all + 1))),
    }
}

/// Stand-ins at work. When it is dropped they no longer are.
pub(crate) struct Callbacks {
    is_open: Arc<AtomicBool>,
    /// The interpreter's state for the library function: the real one is in use by the closures.
    global: GlobalRuntimeState,
}

impl Callbacks {
    /// The state that the library function is to get.
    pub(crate) fn global(&self) -> &GlobalRuntimeState {
        &self.global
    }

    /// The state that the interpreter is to get when it calls the library function.
    pub(crate) fn global_mut(&mut self) -> &mut GlobalRuntimeState {
        &mut self.global
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        self.is_open.store(false, Ordering::Relaxed);
    }
}

/// Puts stand-ins into the place of the closures among the arguments of a library function. None when there are none;
/// otherwise the function must be called with the state of the [`Callbacks`], and without any use of the context
/// until they are dropped.
pub(crate) fn stand_in(
    context: &mut Context<'_>,
    name: &str,
    arguments: &mut [&mut Dynamic],
) -> Option<Callbacks> {
    let (receiver, rest) = arguments.split_first_mut()?;
    if !rest.iter().any(|argument| argument.is_fnptr()) {
        return None;
    }
    let offer = Offer::of(name, receiver)?;
    if !is_library(context, name)? {
        return None;
    }
    let is_open = Arc::new(AtomicBool::new(true));
    let mut found = false;
    for argument in rest {
        let stand_in =
            argument.read_lock::<FnPtr>().filter(|pointer| pointer.is_anonymous()).and_then(|pointer| {
                let (function, way) = find(context, &pointer, offer)?;
                let curried = pointer.curry().to_vec();
                Callback::new(context, function, way, curried, is_open.clone()).pointer()
            });
        if let Some(stand_in) = stand_in {
            **argument = stand_in.into();
            found = true;
        }
    }
    found.then(|| Callbacks { is_open, global: (*context.global).clone() })
}

/// Whether a name means the library's function alone. Unknown without the memory of a program.
pub(crate) fn is_library(context: &Context<'_>, name: &str) -> Option<bool> {
    let sites = context.functions.sites()?;
    Some(!sites.own_functions.get_or_init(|| own_functions(context.engine)).contains(name))
}

/// Names that the host has functions of its own for. Those may do with a closure what they like.
fn own_functions(engine: &Engine) -> HashSet<String> {
    engine.collect_fn_metadata(None, |info| Some(info.metadata.name.to_string()), false).into_iter().collect()
}

/// A stand-in for one closure.
struct Callback {
    /// The address of the context.
    context: usize,
    function: CompiledFunction,
    way: Way,
    curried: Vec<Dynamic>,
    is_open: Arc<AtomicBool>,
}

impl Callback {
    fn new(
        context: &mut Context<'_>,
        function: CompiledFunction,
        way: Way,
        curried: Vec<Dynamic>,
        is_open: Arc<AtomicBool>,
    ) -> Self {
        let context = ptr::from_mut(context).expose_provenance();
        Self { context, function, way, curried, is_open }
    }

    fn pointer(self) -> Option<FnPtr> {
        // What the closure's own name begins with: the library compares names of functions that are not found.
        #[expect(deprecated, reason = "marked so because it may change, which the pinned version does not")]
        FnPtr::from_fn("anon", move |call, values| self.run(&call, values)).ok()
    }

    fn run(&self, call: &NativeCallContext<'_>, values: &mut [&mut Dynamic]) -> RhaiResultOf<Dynamic> {
        if !self.is_open.load(Ordering::Relaxed) || values.len() != self.way.count() {
            // The library then makes its next offer.
            return Err(EvalAltResult::ErrorFunctionNotFound("anon".into(), Position::NONE).into());
        }
        let context = ptr::with_exposed_provenance_mut::<Context<'_>>(self.context);
        let mut arguments: FnArgsVec<Dynamic> = self.curried.iter().cloned().collect();
        let mut this = None;
        match (self.way, values) {
            (Way::This(_), [first, rest @ ..]) => {
                arguments.extend(rest.iter_mut().map(|value| value.take()));
                this = Some(&mut **first);
            }
            (Way::Moved(place, _), [first, rest @ ..]) => {
                let place = arguments.len() + place;
                arguments.extend(rest.iter_mut().map(|value| value.take()));
                arguments.insert(place.min(arguments.len()), (**first).clone());
            }
            (_, values) => arguments.extend(values.iter_mut().map(|value| value.take())),
        }
        // SAFETY: the callbacks are open, so the context is alive and whoever called the library function does not use
        // it; the reference ends here.
        let outer = unsafe { set_level(context, call.call_level() as u64) };
        let at = pack(call.call_position());
        // SAFETY: as above; the function was found for this number of arguments.
        let result = unsafe { call_compiled_value(context, &self.function, this, &mut arguments, at) };
        // SAFETY: as above.
        unsafe { set_level(context, outer) };
        result
    }
}

/// Sets the level of the context and gives back what it was.
///
/// # Safety
///
/// The context is alive and nothing else refers to it.
unsafe fn set_level(context: *mut Context<'_>, level: u64) -> u64 {
    // SAFETY: the caller's promise.
    std::mem::replace(&mut unsafe { raw::context(context) }.level, level)
}
