//! The interpreter's scope and global constants, for what refers to variables by name.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, EvalAltResult, EvalContext, Expr, Expression, ImmutableString, Scope, Shared};

use super::context::{Context, Status};
use super::errors::{RuntimeName, mismatch_error};
use super::guard::with;
use super::raw;
use crate::position::unpack;

/// Names of variables in scope.
#[derive(Debug)]
pub struct NameList(pub Vec<String>);

/// A variable of the top level as the scope is to have it.
#[derive(Debug)]
pub struct ExportedName {
    /// Its name.
    pub name: String,
    /// Whether it is a constant; none when the value itself tells.
    pub constant: Option<bool>,
    /// Names under which a module exports it.
    pub aliases: Vec<String>,
}

/// A piece of the script for the interpreter.
#[derive(Debug)]
pub struct InterpretSite {
    /// The piece.
    pub node: Expr,
    /// Names of the variables in scope and whether they are constants.
    pub variables: Vec<(String, bool)>,
    /// Whether modules that it imports stay imported.
    pub keeps_imports: bool,
}

/// Reads `global::name`; the names are the plain and the qualified one.
///
/// # Safety
///
/// All pointers are valid.
pub unsafe extern "C" fn global_get(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    names: *const (String, String),
    position: u32,
) -> Status {
    // SAFETY: the program owns the names.
    let (name, qualified) = unsafe { &*names };
    // SAFETY: machine code's promise.
    let body = |context: &mut Context<'_>| {
        let constants = context.global.constants.as_ref();
        let found = constants.and_then(|constants| {
            let constants = rhai::locked_read(constants)?;
            constants.get(name.as_str()).cloned()
        });
        let Some(value) = found else {
            let error = EvalAltResult::ErrorVariableNotFound(qualified.clone(), unpack(position));
            return Err(error.into());
        };
        // SAFETY: machine code's promise.
        unsafe { raw::put(out, value.into_read_only()) };
        Ok(())
    };
    // SAFETY: machine code's promise.
    unsafe { with(context, body) }
}

/// Remembers a constant of the top level for `global::name`.
///
/// # Safety
///
/// All pointers are valid.
pub unsafe extern "C" fn global_set(
    context: *mut Context<'_>,
    name: *const RuntimeName,
    value: *const Dynamic,
) {
    // SAFETY: the program owns the name.
    let name = ImmutableString::from(&*unsafe { &*name }.text);
    // SAFETY: machine code's promise.
    let value = unsafe { raw::value_ref(value) }.clone();
    // SAFETY: as above.
    let context = unsafe { raw::context(context) };
    let constants =
        context.global.constants.get_or_insert_with(|| Shared::new(std::collections::BTreeMap::new().into()));
    if let Some(mut constants) = rhai::locked_write(constants) {
        constants.insert(name, value);
    }
}

/// `is_def_var(name)`.
///
/// # Safety
///
/// All pointers are valid.
pub unsafe extern "C" fn is_defined(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    name: *const Dynamic,
    names: *const NameList,
    position: u32,
) -> Status {
    // SAFETY: the program owns the list.
    let names = unsafe { &*names };
    // SAFETY: machine code's promise.
    let name = unsafe { raw::value_ref(name) }.flatten_clone();
    // SAFETY: as above.
    let body = |context: &mut Context<'_>| {
        let name = name
            .into_immutable_string()
            .map_err(|found| mismatch_error::<ImmutableString>(context.engine, found, unpack(position)))?;
        let known = names.0.iter().any(|known| *known == *name);
        // SAFETY: machine code's promise.
        unsafe { raw::put(out, known.into()) };
        Ok(())
    };
    // SAFETY: machine code's promise.
    unsafe { with(context, body) }
}

/// Puts the variables of the top level that were declared into the scope.
///
/// # Safety
///
/// `values` points to `count` values, one for each name.
pub unsafe extern "C" fn export_scope(
    context: *mut Context<'_>,
    names: *const Vec<ExportedName>,
    values: *mut Dynamic,
    count: usize,
) {
    // SAFETY: the program owns the names.
    let names = unsafe { &*names };
    // SAFETY: machine code's promise.
    let values = unsafe { raw::values(values, count) };
    // SAFETY: as above.
    let context = unsafe { raw::context(context) };
    let declared = usize::try_from(context.declared).unwrap_or(usize::MAX);
    for (exported, value) in names.iter().zip(values).take(declared) {
        let name = exported.name.as_str();
        if exported.constant.unwrap_or_else(|| value.is_read_only()) {
            context.scope.push_constant_dynamic(name, value.take());
        } else {
            context.scope.push_dynamic(name, value.take());
        }
        for alias in &exported.aliases {
            context.scope.set_alias(name, alias.as_str());
        }
    }
}

/// Runs a piece of the script in the interpreter.
///
/// # Safety
///
/// `values` points to one value for each variable of the site; they are changed in place.
pub unsafe extern "C" fn interpret(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    site: *const InterpretSite,
    values: *mut Dynamic,
) -> Status {
    // SAFETY: the program owns the site.
    let site = unsafe { &*site };
    // SAFETY: machine code's promise.
    let values = unsafe { raw::values(values, site.variables.len()) };
    // SAFETY: as above.
    let body = |context: &mut Context<'_>| {
        let mut scope = Scope::new();
        for ((name, constant), value) in site.variables.iter().zip(values.iter_mut()) {
            if *constant {
                scope.push_constant_dynamic(name.as_str(), value.take());
            } else {
                scope.push_dynamic(name.as_str(), value.take());
            }
        }
        context.global.level = usize::try_from(context.level).unwrap_or(usize::MAX);
        let expression = Expression::from(&site.node);
        let mut interpreter =
            EvalContext::new(context.engine, &mut context.global, &mut context.caches, &mut scope, None);
        #[expect(deprecated, reason = "marked so only because it is volatile; rhai is pinned exactly")]
        let result = interpreter.eval_expression_tree_raw(&expression, !site.keeps_imports);
        for ((_, value, _), slot) in scope.into_iter().zip(values) {
            *slot = value;
        }
        let value = result?.flatten();
        // SAFETY: machine code's promise.
        unsafe { raw::put(out, value) };
        Ok(())
    };
    // SAFETY: machine code's promise.
    unsafe { with(context, body) }
}
