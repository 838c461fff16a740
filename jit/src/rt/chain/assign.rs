//! The assignment at the end of a chain.

use std::{
    any::TypeId,
    cell::RefCell,
    sync::{Arc, LazyLock},
};

use rhai::{Caches, Dynamic, Engine, EvalAltResult, FnResolutionCacheEntry, RhaiFunc, Scope, Target};

use super::{
    Fallible,
    access::{check_size, data_race, positioned},
    native,
    walk::Walk,
};
use crate::{
    ops::BinaryOp,
    position::unpack,
    rt::{
        context::{CompiledFunction, Context, FunctionTable},
        state::State,
        values::unmark,
    },
};

impl Walk<'_, '_> {
    /// Assigns to what the chain has reached.
    pub(super) fn assign_to(&mut self, target: &mut Target<'_>, mut new_value: Dynamic) -> Fallible<()> {
        if target.as_ref().is_read_only() {
            let (name, root) = (self.chain.root_name.to_string(), unpack(self.chain.root_position));
            return Err(EvalAltResult::ErrorAssignmentToConstant(name, root).into());
        }
        if let Some(operator) = self.chain.assign.and_then(|assign| assign.op) {
            let mut value = target.as_mut().write_lock::<Dynamic>().ok_or_else(data_race)?;
            self.operate(operator, &mut value, new_value)?;
        } else {
            // Being constant belongs to a variable, not to a copy of its value.
            unmark(self.context, std::slice::from_mut(&mut new_value));
            match target {
                Target::RefMut(_) | Target::TempValue(_) => {
                    *target.as_mut().write_lock::<Dynamic>().ok_or_else(data_race)? = new_value;
                }
                _ => *target.as_mut() = new_value,
            }
        }
        target.propagate_changed_value(self.assign_position())
    }

    /// `value op= operand`.
    fn operate(&mut self, operator: BinaryOp, value: &mut Dynamic, mut operand: Dynamic) -> Fallible<()> {
        let context = &mut *self.context;
        let position = unpack(self.chain.assign.map_or(0, |assign| assign.position));
        let name = operator.assigning_syntax().unwrap_or_default();
        let call =
            native::Call { name, hash: None, site: None, is_reference: true, position, level: context.level };
        let is_fast = context.engine.fast_operators();
        if let Some(builtin) = is_fast.then(|| builtin(operator, value, &operand)).flatten() {
            context.global.level = usize::try_from(context.level).unwrap_or(usize::MAX);
            let source = context.global.source();
            return native::enter(
                context.engine,
                &context.global,
                call,
                &builtin,
                source,
                &mut [value, &mut operand],
            )
            .map(drop)
            .map_err(|error| positioned(error, position));
        }
        match native::call(context, call, &mut [value, &mut operand]) {
            Ok(_) => (),
            Err(error) => match *error {
                EvalAltResult::ErrorFunctionNotFound(ref missing, ..) if missing.starts_with(name) => {
                    let call = native::Call { name: operator.syntax(), ..call };
                    *value = native::call(context, call, &mut [value, &mut operand])?.0;
                }
                _ => return Err(error),
            },
        }
        check_size(context, value, unpack(self.chain.root_position))
    }
}

/// An operator and the types of its operands.
type Operands = (BinaryOp, TypeId, TypeId);

thread_local! {
    /// The interpreter's own functions for operators, as far as they were asked for. They are the same in every engine.
    static BUILTINS: RefCell<Vec<(Operands, Option<RhaiFunc>)>> = const { RefCell::new(Vec::new()) };
}

/// The interpreter's own function for an assigning operator, which goes before all registered ones.
fn builtin(operator: BinaryOp, value: &Dynamic, operand: &Dynamic) -> Option<RhaiFunc> {
    let operands = (operator, value.type_id(), operand.type_id());
    let known = BUILTINS.with_borrow(|known| {
        known.iter().find(|(known, _)| *known == operands).map(|(_, function)| function.clone())
    });
    known.unwrap_or_else(|| {
        let function = find_builtin(operator, value, operand);
        BUILTINS.with_borrow_mut(|known| known.push((operands, function.clone())));
        function
    })
}

/// A program without functions.
struct NoFunctions;

impl FunctionTable for NoFunctions {
    fn find(&self, _: &str, _: usize) -> Option<CompiledFunction> {
        None
    }

    fn find_method(&self, _: &str, _: &str, _: usize) -> Option<CompiledFunction> {
        None
    }
}

/// Asks an engine that has no functions of its own, on copies of the operands.
fn find_builtin(operator: BinaryOp, value: &Dynamic, operand: &Dynamic) -> Option<RhaiFunc> {
    static BARE: LazyLock<Arc<Engine>> = LazyLock::new(|| Arc::new(Engine::new_raw()));
    let engine = &**BARE;
    let mut context = Context {
        fuel: 0,
        stack_limit: 0,
        level_max: 0,
        level: 0,
        declared: 0,
        meter: &crate::rt::context::Unlimited,
        error: None,
        caught: Vec::new(),
        engine,
        global: State::new(engine),
        caches: Caches::new(),
        scope: Scope::new(),
        functions: &NoFunctions,
    };
    let call = native::Call {
        name: operator.assigning_syntax()?,
        hash: None,
        site: None,
        is_reference: true,
        position: rhai::Position::NONE,
        level: 0,
    };
    let (mut value, mut operand) = (value.clone(), operand.clone());
    let (_, entry) = native::resolve(&mut context, call, &mut [&mut value, &mut operand]);
    entry.map(|FnResolutionCacheEntry { func, .. }| func)
}
