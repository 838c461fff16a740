//! `[index]`.

use rhai::{Array, Blob, Dynamic, EvalAltResult, INT, ImmutableString, Map, Position, Target};

use super::{
    Fallible, Step,
    access::{check_size, mismatch, place, plain},
    native::{self, Indexers},
    text,
    walk::{Outcome, Walk, unshared},
};
use crate::{position::unpack, rt::context::Context};

/// Where an index step stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    /// Where the index starts.
    pub(super) index: Position,
    /// Where the `[` or `.` stands.
    pub(super) operator: Position,
    /// What to do with other types than containers.
    pub(super) indexers: &'p Indexers,
}

/// What to do about what is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Nothing: missing entries are unit, other types are asked for an indexer.
    Ask,
    /// As `Ask`, but without indexers.
    Plain,
    /// Missing entries of maps are added; no indexers.
    Add,
}

impl Walk<'_, '_> {
    /// `target[index]`.
    pub(super) fn read_index(
        &mut self,
        target: &mut Target<'_>,
        place: Place<'_>,
        index: &mut Dynamic,
    ) -> Outcome {
        unshared!(target, |object| {
            let item = element(self.context, object, index, place, Missing::Ask)?;
            Ok((item.take_or_clone(), false))
        })
    }

    /// `target[index]` and further.
    pub(super) fn through_index(
        &mut self,
        target: &mut Target<'_>,
        place: Place<'_>,
        rest: &[Step],
        arguments: &mut [Dynamic],
        new_value: Option<Dynamic>,
    ) -> Outcome {
        let is_reference = target.is_ref();
        let (index, others) = arguments.split_at_mut(1);
        let index = &mut index[0];
        // An indexer consumes its index.
        let mut index_again = index.clone();
        let (write_back, outcome) = unshared!(target, |object| {
            let mut item = element(self.context, object, index, place, Missing::Ask)?;
            let is_temporary = item.is_temp_value();
            let outcome = self.walk(&mut item, rest, others, new_value)?;
            ((outcome.1 && is_temporary).then(|| item.take_or_clone()), outcome)
        });
        if let Some(mut value) = write_back {
            let set = set_by_indexer(
                self.context,
                place.indexers,
                [target.as_mut(), &mut index_again, &mut value],
                is_reference,
                place.operator,
            );
            match set {
                Err(error) if !matches!(*error, EvalAltResult::ErrorIndexingType(..)) => return Err(error),
                // Without a setter the value is read-only, and nothing is lost.
                _ => (),
            }
        }
        Ok(outcome)
    }

    /// `target[index] op= value`.
    pub(super) fn assign_index(
        &mut self,
        target: &mut Target<'_>,
        place: Place<'_>,
        index: &mut Dynamic,
        mut new_value: Dynamic,
    ) -> Outcome {
        let is_reference = target.is_ref();
        let assign_position = self.assign_position();
        unshared!(target, |object| {
            match element(self.context, object, index, place, Missing::Add) {
                Ok(mut item) => {
                    self.assign_to(&mut item, new_value)?;
                    check_size(self.context, item.as_ref(), assign_position)?;
                    return Ok((Dynamic::UNIT, true));
                }
                // There is nothing to refer to: use the indexers.
                Err(error) if matches!(*error, EvalAltResult::ErrorIndexingType(..)) => (),
                Err(error) => return Err(error),
            }
            if self.assigns_by_operator() {
                let mut index = index.clone();
                // Without a getter, the operand is handed to the setter as it is.
                if let Ok(value) =
                    get_by_indexer(self.context, place.indexers, [object, &mut index], place.operator)
                {
                    let mut value = Target::TempValue(value);
                    self.assign_to(&mut value, new_value)?;
                    new_value = value.take_or_clone();
                    check_size(self.context, &new_value, assign_position)?;
                }
            }
            let _ = set_by_indexer(
                self.context,
                place.indexers,
                [object, index, &mut new_value],
                is_reference,
                place.operator,
            )?;
            Ok((Dynamic::UNIT, true))
        })
    }

    /// Where the operator of the assignment stands.
    pub(super) fn assign_position(&self) -> Position {
        unpack(self.chain.assign.map_or(0, |assign| assign.position))
    }

    /// Whether the assignment is one like `+=`.
    pub(super) fn assigns_by_operator(&self) -> bool {
        self.chain.assign.is_some_and(|assign| assign.op.is_some())
    }
}

/// What an index means in a value that is not shared.
pub(super) fn element<'t>(
    context: &mut Context<'_>,
    object: &'t mut Dynamic,
    index: &mut Dynamic,
    at: Place<'_>,
    missing: Missing,
) -> Fallible<Target<'t>> {
    if object.is_array() {
        return item(context, object, index, at.index);
    } else if object.is_map() {
        return entry(context, object, index, at.index, missing);
    } else if object.is_string() {
        return text::part(context, object, index, at.index);
    } else if object.is_int() {
        return text::bits(context, object, index, at.index);
    } else if let Some(blob) = plain::<Blob>(object) {
        let number = index.as_int().map_err(|actual| mismatch::<INT>(context, actual, at.index))?;
        let length = blob.len();
        let Some(index) = place(length, number, true) else {
            return Err(EvalAltResult::ErrorArrayBounds(length, number, at.index).into());
        };
        let value = INT::from(blob[index]).into();
        return Ok(Target::BlobByte { source: object, value, index });
    }
    if missing == Missing::Ask {
        return get_by_indexer(context, at.indexers, [object, index], at.operator).map(Target::TempValue);
    }
    let engine = context.engine;
    let (object, index) = (engine.map_type_name(object.type_name()), engine.map_type_name(index.type_name()));
    Err(EvalAltResult::ErrorIndexingType(format!("{object} [{index}]"), at.operator).into())
}

/// The item of an array.
fn item<'t>(
    context: &Context<'_>,
    object: &'t mut Dynamic,
    index: &Dynamic,
    position: Position,
) -> Fallible<Target<'t>> {
    let number = index.as_int().map_err(|actual| mismatch::<INT>(context, actual, position))?;
    let Some(array) = plain::<Array>(object) else { return Ok(Target::TempValue(Dynamic::UNIT)) };
    let length = array.len();
    match place(length, number, true).and_then(|place| array.get_mut(place)) {
        Some(item) => Target::try_from(item),
        None => Err(EvalAltResult::ErrorArrayBounds(length, number, position).into()),
    }
}

/// The entry of a map.
fn entry<'t>(
    context: &Context<'_>,
    object: &'t mut Dynamic,
    index: &Dynamic,
    position: Position,
    missing: Missing,
) -> Fallible<Target<'t>> {
    let Some(key) = index.read_lock::<ImmutableString>() else {
        return Err(mismatch::<ImmutableString>(context, index.type_name(), position));
    };
    let Some(map) = plain::<Map>(object) else { return Ok(Target::TempValue(Dynamic::UNIT)) };
    named_entry(context, map, key.as_str(), position, missing)
}

/// The entry of this name in a map.
pub(super) fn named_entry<'t>(
    context: &Context<'_>,
    map: &'t mut Map,
    key: &str,
    position: Position,
    missing: Missing,
) -> Fallible<Target<'t>> {
    if missing == Missing::Add && !map.contains_key(key) {
        map.insert(key.into(), Dynamic::UNIT);
    }
    match map.get_mut(key) {
        Some(item) => Target::try_from(item),
        None if context.engine.fail_on_invalid_map_property() => {
            Err(EvalAltResult::ErrorPropertyNotFound(key.to_owned(), position).into())
        }
        None => Ok(Target::TempValue(Dynamic::UNIT)),
    }
}

/// Calls the indexer that gets, one level further down.
pub(super) fn get_by_indexer(
    context: &mut Context<'_>,
    indexers: &Indexers,
    arguments: [&mut Dynamic; 2],
    position: Position,
) -> Fallible<Dynamic> {
    let call = native::Call {
        name: "index$get$",
        hash: None,
        site: Some(&indexers.get),
        is_reference: true,
        position,
        level: context.level + 1,
    };
    native::call(context, call, &mut { arguments }).map(|(value, _)| value)
}

/// Calls the indexer that sets, one level further down.
pub(super) fn set_by_indexer(
    context: &mut Context<'_>,
    indexers: &Indexers,
    arguments: [&mut Dynamic; 3],
    is_reference: bool,
    position: Position,
) -> Outcome {
    let call = native::Call {
        name: "index$set$",
        hash: None,
        site: Some(&indexers.set),
        is_reference,
        position,
        level: context.level + 1,
    };
    native::call(context, call, &mut { arguments })
}
