//! `.name`: entries of maps, and properties of other values.

use rhai::{Dynamic, EvalAltResult, Map, Position, Target};

use super::{
    Fallible, Property, Step,
    access::{check_size, plain},
    index::{Missing, get_by_indexer, named_entry, set_by_indexer},
    native,
    walk::{Outcome, Walk, unshared},
};
use crate::position::unpack;

/// What is left of a chain: its steps, their arguments, and the value to be assigned.
pub(super) type Remains<'r> = (&'r [Step], &'r mut [Dynamic], Option<Dynamic>);

impl Walk<'_, '_> {
    /// The entry of this name in a map that is not shared.
    fn entry<'t>(
        &self,
        object: &'t mut Dynamic,
        property: &Property,
        missing: Missing,
    ) -> Fallible<Target<'t>> {
        match plain::<Map>(object) {
            Some(map) => {
                named_entry(self.context, map, property.key.as_str(), unpack(property.position), missing)
            }
            None => Ok(Target::TempValue(Dynamic::UNIT)),
        }
    }

    /// `map.name`.
    pub(super) fn read_entry(&mut self, target: &mut Target<'_>, property: &Property) -> Outcome {
        unshared!(target, |object| {
            Ok((self.entry(object, property, Missing::Plain)?.take_or_clone(), false))
        })
    }

    /// `map.name` and further.
    pub(super) fn through_entry(
        &mut self,
        target: &mut Target<'_>,
        property: &Property,
        (rest, arguments, new_value): Remains<'_>,
    ) -> Outcome {
        unshared!(target, |object| {
            let mut item = self.entry(object, property, Missing::Ask)?;
            self.walk(&mut item, rest, arguments, new_value)
        })
    }

    /// `map.name op= value`.
    pub(super) fn assign_entry(
        &mut self,
        target: &mut Target<'_>,
        property: &Property,
        value: Dynamic,
    ) -> Outcome {
        unshared!(target, |object| {
            let mut item = self.entry(object, property, Missing::Add)?;
            self.assign_to(&mut item, value)?;
        });
        check_size(self.context, target.source(), self.assign_position())?;
        Ok((Dynamic::UNIT, true))
    }

    /// `object.name`, by its getter or else by an indexer.
    pub(super) fn get(
        &mut self,
        object: &mut Dynamic,
        is_reference: bool,
        property: &Property,
        operator: Position,
    ) -> Fallible<Dynamic> {
        let call = native::Call {
            name: &property.getter,
            hash: None,
            site: Some(&property.get),
            is_reference,
            position: unpack(property.position),
            level: self.context.level,
        };
        match native::call(self.context, call, &mut [object]) {
            Ok((value, _)) => Ok(value),
            Err(error) if matches!(*error, EvalAltResult::ErrorDotExpr(..)) => get_by_indexer(
                self.context,
                &property.indexers,
                [object, &mut property.key.value()],
                operator,
            )
            .map_err(|other| or_first(other, error)),
            Err(error) => Err(error),
        }
    }

    /// `object.name = value`, by its setter or else by an indexer.
    fn set(
        &mut self,
        [object, value]: [&mut Dynamic; 2],
        is_reference: bool,
        property: &Property,
        operator: Position,
    ) -> Result<(Dynamic, bool), Unset> {
        let call = native::Call {
            name: &property.setter,
            hash: None,
            site: Some(&property.set),
            is_reference,
            position: unpack(property.position),
            level: self.context.level,
        };
        match native::call(self.context, call, &mut [object, value]) {
            Err(error) if matches!(*error, EvalAltResult::ErrorDotExpr(..)) => {
                let arguments = [object, &mut property.key.value(), value];
                set_by_indexer(self.context, &property.indexers, arguments, is_reference, operator).map_err(
                    |other| {
                        if matches!(*other, EvalAltResult::ErrorIndexingType(..)) {
                            Unset::ReadOnly(error)
                        } else {
                            Unset::Failed(other)
                        }
                    },
                )
            }
            other => other.map_err(Unset::Failed),
        }
    }

    /// `object.name op= value`.
    pub(super) fn assign_property(
        &mut self,
        target: &mut Target<'_>,
        property: &Property,
        operator: Position,
        mut value: Dynamic,
    ) -> Outcome {
        let is_reference = target.is_ref();
        if self.assigns_by_operator() {
            let mut current = self.get(target.as_mut(), is_reference, property, operator)?;
            self.assign_to(&mut Target::try_from(&mut current)?, value)?;
            value = current;
        }
        self.set([target.as_mut(), &mut value], is_reference, property, operator)
            .map_err(|unset| match unset {
                Unset::ReadOnly(error) | Unset::Failed(error) => error,
            })
    }

    /// `object.name` and further, and its setter if that may have changed it.
    pub(super) fn through_property(
        &mut self,
        target: &mut Target<'_>,
        property: &Property,
        operator: Position,
        (rest, arguments, new_value): Remains<'_>,
    ) -> Outcome {
        let is_reference = target.is_ref();
        let mut value = self.get(target.as_mut(), is_reference, property, operator)?;
        let mut value = Target::try_from(&mut value)?;
        let outcome = self.walk(&mut value, rest, arguments, new_value)?;
        if outcome.1 {
            match self.set([target.as_mut(), value.as_mut()], is_reference, property, operator) {
                Err(Unset::Failed(error)) => return Err(error),
                // Without a setter the property is read-only, and nothing is lost.
                Ok(_) | Err(Unset::ReadOnly(_)) => (),
            }
        }
        Ok(outcome)
    }
}

/// Why a property was not set.
enum Unset {
    /// It has neither a setter nor an indexer; the error says so.
    ReadOnly(Box<EvalAltResult>),
    /// One of them failed.
    Failed(Box<EvalAltResult>),
}

/// The error of the getter when there is no indexer either, else that of the indexer.
#[cold]
fn or_first(other: Box<EvalAltResult>, first: Box<EvalAltResult>) -> Box<EvalAltResult> {
    if matches!(*other, EvalAltResult::ErrorIndexingType(..)) { first } else { other }
}
