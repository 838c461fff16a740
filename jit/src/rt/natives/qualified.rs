//! Calls of functions in modules: `module::function(..)`.
//!
//! Modules that the compiler was told of are searched by the site itself, once for the argument types that it sees,
//! in the interpreter's order and without a call. Functions of scripts, and modules that a script has imported under
//! the same name, are left to the interpreter.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use std::any::TypeId;
use std::sync::OnceLock;

use rhai::{
    Dynamic, Engine, EvalAltResult, FuncRegistration, GlobalRuntimeState, Ident, Module, Namespace,
    NativeCallContext, Position, RhaiFunc, Shared,
};

use super::{Subject, collect, with_first};
use crate::position::unpack;
use crate::rt::context::{Context, Status};
use crate::rt::errors::fill;
use crate::rt::guard::{RhaiResultOf, guard};
use crate::rt::interpret::{self, First, QualifiedName, function_hash};
use crate::rt::raw;
use crate::rt::values::given;

/// Modules of an engine by the names that they are registered under.
pub type Namespaces = Vec<(String, Shared<Module>)>;

/// The interpreter tries the unknown type in place of so many parameters at most, as counted from the first.
const DYNAMIC_PARAMETERS_MAX: usize = 16;

/// A place in a program that calls a function in a module.
///
/// The module may be one that the script has imported under this name or one that the engine has registered; the
/// interpreter looks for it at each call, in this order.
pub struct QualifiedSite {
    function: QualifiedName,
    arity: usize,
    /// The module of the engine, if its functions can be bound.
    module: Option<GlobalRuntimeState>,
    /// What that module is called.
    source: String,
    found: [OnceLock<Bound>; 4],
}

/// The function for some types of arguments.
struct Bound {
    types: Box<[TypeId]>,
    function: RhaiFunc,
}

impl QualifiedSite {
    /// A site. `path` is the module's path with the position of each name, `hash` the interpreter's key of the
    /// qualified name, as the call in the tree has it. The function is looked for in `namespaces` first.
    pub fn new(
        path: &[(&str, Position)],
        name: &str,
        arity: usize,
        hash: u64,
        namespaces: &Namespaces,
    ) -> Self {
        let mut namespace = Namespace::NONE;
        namespace.path = path.iter().map(|(name, pos)| Ident { name: (*name).into(), pos: *pos }).collect();
        let root = path.first().map_or("", |(root, _)| root);
        let module = namespaces.iter().find(|(name, module)| name == root && module.is_indexed());
        // One without a name of its own is given that which it is registered under.
        let source = module.map_or("", |(name, module)| module.id().unwrap_or(name)).to_owned();
        let module = module.map(|(_, module)| {
            let mut state = Engine::new_raw().new_global_runtime_state();
            state.push_import("", module.clone());
            state
        });
        Self {
            function: QualifiedName { namespace, name: name.into(), hash },
            arity,
            // A function of a script has this key, and goes before all others.
            module: module.filter(|module| module.get_qualified_fn(hash, false).is_none()),
            source,
            found: [const { OnceLock::new() }; 4],
        }
    }

    /// The host function for these arguments. None leaves the call to the interpreter.
    fn bind(&self, context: &Context<'_>, arguments: &[&mut Dynamic]) -> Option<&Bound> {
        let module = self.module.as_ref()?;
        let root = self.function.namespace.root();
        if context.global.touched().is_some_and(|state| state.find_import(root).is_some()) {
            return None;
        }
        let is_same = |bound: &&Bound| {
            bound.types.iter().zip(arguments).all(|(known, argument)| *known == argument.type_id())
        };
        let known = self.found.iter().map_while(OnceLock::get).find(is_same);
        known.or_else(|| {
            let types: Box<[_]> = arguments.iter().map(|argument| argument.type_id()).collect();
            let function = self.look_up(module, &types)?;
            let mut bound = Bound { types, function };
            for place in &self.found {
                match place.set(bound) {
                    Ok(()) => return place.get(),
                    Err(back) => bound = back,
                }
            }
            None
        })
    }

    /// In the interpreter's order: for the types as they are, then with the unknown type in place of some, the last
    /// parameters first.
    fn look_up(&self, module: &GlobalRuntimeState, types: &[TypeId]) -> Option<RhaiFunc> {
        let wild = types.len().min(DYNAMIC_PARAMETERS_MAX);
        let keys = (0..1_usize << wild).map(|mask| {
            let unknown = |index: usize| index < wild && mask & (1 << (wild - index - 1)) != 0;
            let types = types.iter().enumerate();
            let types: Vec<_> =
                types.map(|(index, ty)| if unknown(index) { TypeId::of::<Dynamic>() } else { *ty }).collect();
            self.function.hash ^ types_hash(&types)
        });
        let mut found = keys.filter_map(|key| module.get_qualified_fn(key, false));
        let function = found.next()?.0.into_owned();
        function.is_native().then_some(function)
    }
}

/// The part of the interpreter's key of a native function that the parameter types make up.
///
/// There is no public function for it, but a module tells the key of a function that is put into it.
fn types_hash(types: &[TypeId]) -> u64 {
    let nothing = RhaiFunc::Pure {
        func: Shared::new(|_: Option<NativeCallContext<'_>>, _: &mut [&mut Dynamic]| Ok(Dynamic::UNIT)),
        has_context: false,
        is_pure: true,
        is_volatile: false,
    };
    let mut module = Module::new();
    let key = FuncRegistration::new("f").set_into_module_raw(&mut module, types, nothing).hash;
    key ^ function_hash("f", types.len())
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
        unsafe { raw::put(out, given(context, value)) };
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
    let is_variable = subject != Subject::Value;
    if let Some((first, rest)) = arguments.split_first_mut()
        && is_variable
        && first.is_shared()
    {
        let mut copy = first.flatten_clone();
        return dispatch(context, site, &mut with_first(&mut copy, rest), false, at);
    }
    let by_reference = is_variable && !arguments.is_empty();
    dispatch(context, site, arguments, by_reference, at)
}

fn dispatch(
    context: &mut Context<'_>,
    site: &QualifiedSite,
    arguments: &mut [&mut Dynamic],
    by_reference: bool,
    at: Position,
) -> RhaiResultOf<Dynamic> {
    for argument in arguments.iter_mut().skip(usize::from(by_reference)).filter(|value| value.is_shared()) {
        **argument = argument.take().flatten();
    }
    if let Some(bound) = site.bind(context, arguments) {
        return match arguments.split_first_mut() {
            // Such a function uses its first argument up.
            Some((first, rest)) if by_reference && !bound.function.is_method() => {
                let mut copy = first.clone();
                invoke(context, site, &bound.function, &mut with_first(&mut copy, rest), at)
            }
            _ => invoke(context, site, &bound.function, arguments, at),
        };
    }
    let (first, owned) = match arguments.split_first_mut() {
        Some((first, rest)) if by_reference => (First::Reference(first), rest),
        _ => (First::Value, arguments),
    };
    let owned = owned.iter_mut().map(|argument| argument.take());
    interpret::call_qualified(context, &site.function, first, owned, at)
}

/// Calls a host function with all that the interpreter does around such a call. Errors of the function itself get no
/// position from it.
fn invoke(
    context: &mut Context<'_>,
    site: &QualifiedSite,
    function: &RhaiFunc,
    arguments: &mut [&mut Dynamic],
    at: Position,
) -> RhaiResultOf<Dynamic> {
    let name = site.function.name.as_str();
    if !function.is_pure() && arguments.first().is_some_and(|first| first.is_read_only()) {
        return Err(EvalAltResult::ErrorNonPureMethodCallOnConstant(name.to_owned(), at).into());
    }
    interpret::enter(context);
    context.global.level += 1;
    let Context { engine, global, .. } = context;
    let own = function
        .has_context()
        .then(|| NativeCallContext::new_with_all_fields(engine, name, Some(&site.source), global, at));
    let value = match function {
        RhaiFunc::Plugin { func } => func.call(own, arguments),
        RhaiFunc::StaticPlugin { func } => func.call(own, arguments),
        RhaiFunc::Pure { func, .. } | RhaiFunc::Method { func, .. } => func(own, arguments),
        // Only native functions are bound.
        _ => Err(EvalAltResult::ErrorFunctionNotFound(name.to_owned(), at).into()),
    }?;
    engine.ensure_data_size_within_limits(&value).map_err(|error| fill(error, at))?;
    Ok(value)
}
