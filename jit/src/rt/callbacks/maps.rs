//! Functions of maps. The closure gets the key as an argument, and the value as `this` or as another argument.

use rhai::{Dynamic, Identifier, Map};

use super::closure::Closure;
use super::{is_yes, wrapped};
use crate::rt::guard::RhaiResultOf;

/// Calls the function of this name.
pub(super) fn call(
    name: &str,
    map: &mut Map,
    closure: &mut Closure<'_, '_>,
) -> Option<RhaiResultOf<Dynamic>> {
    Some(match name {
        "map" => map_values(map, closure),
        "filter" => filter(map, closure),
        "drain" => separate(map, closure, name, true),
        "retain" => separate(map, closure, name, false),
        _ => return None,
    })
}

fn entry(
    closure: &mut Closure<'_, '_>,
    caller: &str,
    key: &Identifier,
    value: &mut Dynamic,
) -> RhaiResultOf<Dynamic> {
    closure.lead(key.clone().into());
    match closure.call(value, 0) {
        Ok(result) => Ok(std::mem::take(result)),
        Err(error) => Err(wrapped(caller, &closure.source(), error)),
    }
}

fn map_values(map: &mut Map, closure: &mut Closure<'_, '_>) -> RhaiResultOf<Dynamic> {
    let mut results = Map::new();
    for (key, value) in map {
        // The library has the name of another function in the errors of this one.
        results.insert(key.clone(), entry(closure, "filter", key, value)?);
    }
    Ok(results.into())
}

fn filter(map: &mut Map, closure: &mut Closure<'_, '_>) -> RhaiResultOf<Dynamic> {
    let mut kept = Map::new();
    for (key, value) in map {
        if is_yes(&entry(closure, "filter", key, value)?) {
            kept.insert(key.clone(), value.clone());
        }
    }
    Ok(kept.into())
}

/// Takes out the entries for which the answer is `taken`. After an error, the rest of them stays; the one that it
/// happened at is lost.
fn separate(map: &mut Map, closure: &mut Closure<'_, '_>, name: &str, taken: bool) -> RhaiResultOf<Dynamic> {
    let mut separated = Map::new();
    let mut kept = Map::new();
    let mut entries = std::mem::take(map).into_iter();
    let mut failed = None;
    for (key, mut value) in entries.by_ref() {
        match entry(closure, name, &key, &mut value) {
            Ok(answer) => {
                let target = if is_yes(&answer) == taken { &mut separated } else { &mut kept };
                target.insert(key, value);
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    kept.extend(entries);
    *map = kept;
    failed.map_or_else(|| Ok(separated.into()), Err)
}
