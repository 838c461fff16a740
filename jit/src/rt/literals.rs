//! Literals of arrays, maps and interpolated strings.
//!
//! The interpreter measures a literal each time that it has got another item, before it evaluates the next one. Here
//! all items are there already; [`measure`] is for code that must not evaluate an item after the error.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Array, Dynamic, FUNC_TO_STRING, Identifier, ImmutableString, Map, Position};

use super::context::{Context, Status};
use super::errors::fill;
use super::guard::{RhaiResultOf, with};
use super::limits::{self, Sizes};
use super::natives::native_by_reference;
use super::raw;
use crate::position::unpack;

/// `[a, b, ..]`: the items are owned; `positions` has the position of each.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `items` points to `count` valid values and `positions` to as many
/// positions.
pub unsafe extern "C" fn array_new(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    items: *mut Dynamic,
    count: usize,
    positions: *const u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let items = unsafe { raw::values(items, count) };
        // SAFETY: the caller's promise.
        let positions = unsafe { raw::positions(positions, count) };
        let items: Array = items.iter_mut().map(|item| item.take().flatten()).collect();
        check(context, items.iter(), positions, |sizes| sizes.array += 1)?;
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, Dynamic::from_array(items)) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// The constant part of a map literal.
#[derive(Debug)]
pub struct MapSite {
    /// For each entry in the order of the map, which of the values it gets.
    order: Box<[usize]>,
    /// The number of values.
    count: usize,
    positions: Box<[u32]>,
    /// All keys, each with what it is before its value is there.
    template: Map,
}

impl MapSite {
    /// A site: the keys in the order of their values, the packed position of each value, and the map that the
    /// literal starts from.
    pub fn new(keys: impl IntoIterator<Item = Identifier>, positions: Vec<u32>, template: Map) -> Self {
        let keys: Vec<Identifier> = keys.into_iter().collect();
        let place = |entry: &Identifier| keys.iter().rposition(|key| key == entry);
        let order = template.keys().filter_map(place).collect();
        Self { order, count: keys.len(), positions: positions.into(), template }
    }
}

/// `#{a: x, ..}`: the values are owned, in the order of the site's keys.
///
/// # Safety
///
/// `context` is the context, `out` an empty slot, `site` a live site, `items` points to as many valid values as the
/// site has keys.
pub unsafe extern "C" fn map_new(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    site: *const MapSite,
    items: *mut Dynamic,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let site = unsafe { &*site };
        // SAFETY: the caller's promise.
        let items = unsafe { raw::values(items, site.count) };
        for item in items.iter_mut() {
            if item.is_shared() {
                *item = item.take().flatten();
            }
        }
        check(context, items.iter(), &site.positions, |sizes| sizes.map += 1)?;
        let mut map = site.template.clone();
        for (place, index) in map.values_mut().zip(&site.order) {
            *place = items[*index].take();
        }
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, Dynamic::from_map(map)) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// Measures items as the literal would that they are meant for, one by one.
fn check<'v>(
    context: &Context<'_>,
    items: impl Iterator<Item = &'v Dynamic>,
    positions: &[u32],
    count: impl Fn(&mut Sizes),
) -> RhaiResultOf<()> {
    if !limits::has_limit(context.engine) {
        return Ok(());
    }
    let mut sizes = Sizes::default();
    for (item, position) in items.zip(positions) {
        sizes.add(item, true);
        count(&mut sizes);
        sizes.check(context.engine).map_err(|error| fill(error, unpack(*position)))?;
    }
    Ok(())
}

/// Checks the first `count` items of an array literal (`is_map` 0) or a map literal (1) against the limits, for
/// literals whose further items have effects. It need be called only where the engine has limits.
///
/// # Safety
///
/// `context` is the context, `items` points to `count` valid values and `positions` to as many positions.
pub unsafe extern "C" fn measure(
    context: *mut Context<'_>,
    items: *mut Dynamic,
    count: usize,
    positions: *const u32,
    is_map: u8,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let items = unsafe { raw::values(items, count) };
        // SAFETY: the caller's promise.
        let positions = unsafe { raw::positions(positions, count) };
        check(context, items.iter(), positions, |sizes| match is_map {
            0 => sizes.array += 1,
            _ => sizes.map += 1,
        })
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

/// An interpolated string of these segments, which are owned; `positions` has the position of each.
///
/// # Safety
///
/// As for [`array_new`].
pub unsafe extern "C" fn interpolate(
    context: *mut Context<'_>,
    out: *mut Dynamic,
    items: *mut Dynamic,
    count: usize,
    positions: *const u32,
) -> Status {
    let body = |context: &mut Context<'_>| {
        // SAFETY: the caller's promise.
        let items = unsafe { raw::values(items, count) };
        // SAFETY: the caller's promise.
        let positions = unsafe { raw::positions(positions, count) };
        let mut text = Identifier::default();
        for (item, position) in items.iter_mut().zip(positions) {
            let at = unpack(*position);
            let mut item = item.take().flatten();
            write_segment(context, &mut text, &mut item, at);
            Sizes::string(text.len()).check(context.engine).map_err(|error| fill(error, at))?;
        }
        let text = context.engine.get_interned_string(text);
        // SAFETY: the caller's promise.
        unsafe { raw::put(out, text.into()) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { with(context, body) }
}

fn write_segment(context: &mut Context<'_>, text: &mut Identifier, item: &mut Dynamic, at: Position) {
    if let Ok(string) = item.as_immutable_string_ref() {
        text.push_str(&string);
        return;
    }
    text.push_str(&display(context, item, at));
}

/// The text of a value that is not a string: what the host's function for it gives, or else the plain form.
fn display(context: &mut Context<'_>, item: &mut Dynamic, at: Position) -> ImmutableString {
    let result = native_by_reference(context, |sites| &sites.to_string, FUNC_TO_STRING, item, at);
    let plain = match result {
        Ok(value) => match value.as_immutable_string_ref() {
            Ok(text) => return text.clone(),
            Err(_) => value.type_name().to_owned(),
        },
        Err(_) => item.to_string(),
    };
    context.engine.map_type_name(&plain).into()
}

#[cfg(test)]
mod tests;
