//! From the root to the last step, and back with what has changed.

#![expect(unsafe_code, reason = "following plain containers needs no guards, but borrows that end early")]

use std::ptr::NonNull;

use rhai::{Array, Dynamic, ImmutableString, Map, Target};

use super::{
    Chain, Fallible, Method, Step, StepKind,
    access::{place, plain},
};
use crate::{position::unpack, rt::context::Context};

/// A value, and whether what it was taken from may have been changed.
pub(super) type Outcome = Fallible<(Dynamic, bool)>;

/// What the steps of one chain work with.
pub(super) struct Walk<'w, 'c> {
    /// The invocation.
    pub(super) context: &'w mut Context<'c>,
    /// The chain.
    pub(super) chain: &'w Chain,
}

impl Walk<'_, '_> {
    /// Walks the whole chain.
    pub(super) fn run(
        &mut self,
        mut root: Target<'_>,
        arguments: &mut [Dynamic],
        new_value: Option<Dynamic>,
    ) -> Fallible<Dynamic> {
        let mut steps = &*self.chain.steps;
        let mut arguments = arguments;
        let mut found: Option<NonNull<Dynamic>> = None;
        // Entries of plain arrays and maps are reached by their address; there is nothing to write back for them.
        let mut current = NonNull::from(root.as_mut());
        while let Some((step, rest)) = steps.split_first() {
            // SAFETY: it points into the root, which stays borrowed (and locked, if it is shared) to the end.
            let value = unsafe { current.as_mut() };
            let Some(item) = plain_item(value, step, arguments.first()) else { break };
            if rest.is_empty() {
                if new_value.is_some() {
                    break;
                }
                return Ok(item.clone());
            }
            current = NonNull::from(item);
            found = Some(current);
            if matches!(step.kind, StepKind::Index { .. }) {
                arguments = &mut arguments[1..];
            }
            steps = rest;
        }
        match found {
            Some(mut item) => {
                // SAFETY: as above; the root is not touched while this reference lives.
                let item = unsafe { item.as_mut() };
                self.walk(&mut Target::RefMut(item), steps, arguments, new_value)
            }
            None => self.walk(&mut root, steps, arguments, new_value),
        }
        .map(|(value, _)| value)
    }

    /// Takes the first of `steps` and then the others.
    pub(super) fn walk(
        &mut self,
        target: &mut Target<'_>,
        steps: &[Step],
        arguments: &mut [Dynamic],
        new_value: Option<Dynamic>,
    ) -> Outcome {
        let Some((step, rest)) = steps.split_first() else {
            return Ok((target.as_ref().clone(), false));
        };
        if step.null_conditional && target.as_ref().is_unit() {
            return Ok((Dynamic::UNIT, false));
        }
        match &step.kind {
            StepKind::Index { position, indexers } => {
                let place = super::index::Place {
                    index: unpack(*position),
                    operator: unpack(step.operator_position),
                    indexers,
                };
                match new_value {
                    _ if !rest.is_empty() => self.through_index(target, place, rest, arguments, new_value),
                    Some(value) => self.assign_index(target, place, &mut arguments[0], value),
                    None => self.read_index(target, place, &mut arguments[0]),
                }
            }
            StepKind::Property(property) => {
                let operator = unpack(step.operator_position);
                let is_map = target.as_ref().is_map();
                match new_value {
                    _ if !rest.is_empty() && is_map => {
                        self.through_entry(target, property, (rest, arguments, new_value))
                    }
                    _ if !rest.is_empty() => {
                        self.through_property(target, property, operator, (rest, arguments, new_value))
                    }
                    Some(value) if is_map => self.assign_entry(target, property, value),
                    Some(value) => self.assign_property(target, property, operator, value),
                    None if is_map => self.read_entry(target, property),
                    None => {
                        let is_reference = target.is_ref();
                        self.get(target.as_mut(), is_reference, property, operator)
                            .map(|value| (value, false))
                    }
                }
            }
            StepKind::Method(method) => self.through_method(target, method, rest, arguments, new_value),
        }
    }

    /// Calls a method, and goes on with its result.
    fn through_method(
        &mut self,
        target: &mut Target<'_>,
        method: &Method,
        rest: &[Step],
        arguments: &mut [Dynamic],
        new_value: Option<Dynamic>,
    ) -> Outcome {
        let (own, others) = arguments.split_at_mut(method.arguments);
        let outcome = self.call_method(target, method, own);
        // Whatever the callee left of its arguments ends with the call.
        own.fill_with(Dynamic::default);
        if rest.is_empty() {
            return outcome;
        }
        let (value, _) = outcome?;
        self.walk(&mut Target::TempValue(value), rest, others, new_value)
    }
}

/// Runs `$body` with `$object` bound to the value of a target, locked if it is a shared one.
macro_rules! unshared {
    ($target:expr, |$object:ident| $body:expr) => {{
        let mut guard;
        let $object: &mut Dynamic = $target.as_mut();
        let $object: &mut Dynamic = if $object.is_shared() {
            guard = $object.write_lock::<Dynamic>().ok_or_else($crate::rt::chain::access::data_race)?;
            &mut guard
        } else {
            $object
        };
        $body
    }};
}
pub(super) use unshared;

/// The entry that a step means, if it is one of a plain array or map and a plain value itself.
fn plain_item<'t>(value: &'t mut Dynamic, step: &Step, index: Option<&Dynamic>) -> Option<&'t mut Dynamic> {
    let item = match &step.kind {
        StepKind::Index { .. } => {
            let index = index?;
            if value.is_array() {
                let array = plain::<Array>(value)?;
                let place = place(array.len(), index.as_int().ok()?, true)?;
                array.get_mut(place)?
            } else {
                let map = plain::<Map>(value)?;
                let key = index.read_lock::<ImmutableString>()?;
                map.get_mut(key.as_str())?
            }
        }
        StepKind::Property(property) => plain::<Map>(value)?.get_mut(property.key.as_str())?,
        StepKind::Method(_) => return None,
    };
    (!item.is_shared()).then_some(item)
}
