//! Functions of arrays.

use rhai::{Array, Dynamic, EvalAltResult, INT};

use super::closure::Closure;
use super::{is_yes, sort, wrapped};
use crate::rt::guard::RhaiResultOf;

/// Calls the function of this name. `other` is the argument beside the closure.
pub(super) fn call(
    name: &str,
    array: &mut Array,
    other: Option<&mut Dynamic>,
    closure: &mut Closure<'_, '_>,
) -> Option<RhaiResultOf<Dynamic>> {
    let mut each = Each { closure };
    Some(match (name, other) {
        ("for_each", None) => each.for_each(array),
        ("map", None) => each.map(array),
        ("filter", None) => each.filter(array),
        ("some", None) => each.until(array, "some", true),
        ("all", None) => each.until(array, "all", false),
        ("index_of", other) => each.find(array, start(array, other)?).map(|found| place(found).into()),
        ("find", other) => {
            let found = each.find(array, start(array, other)?);
            found.map(|found| found.and_then(|found| array.get(found)).cloned().unwrap_or(Dynamic::UNIT))
        }
        ("find_map", other) => each.find_map(array, start(array, other)?),
        ("reduce", other) => each.reduce(array, other, false),
        ("reduce_rev", other) => each.reduce(array, other, true),
        ("drain", None) => each.separate(array, "drain", true),
        ("retain", None) => each.separate(array, "retain", false),
        ("zip", Some(other)) => each.zip(array, other),
        ("sort" | "sort_by", None) => sort::sort(array, closure),
        ("order" | "order_by", None) => {
            let mut copy = array.clone();
            sort::sort(&mut copy, closure).map(|_| copy.into())
        }
        ("dedup", None) => {
            sort::dedup(array, closure);
            Ok(Dynamic::UNIT)
        }
        _ => return None,
    })
}

/// Where a search begins. Negative numbers count from the end.
fn start(array: &Array, from: Option<&mut Dynamic>) -> Option<usize> {
    let from = match from {
        Some(from) => from.as_int().ok()?,
        None => 0,
    };
    let distance = usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX).min(array.len());
    Some(if from < 0 { array.len() - distance } else { distance })
}

/// The number of what was found, as scripts see it.
fn place(found: Option<usize>) -> INT {
    found.map_or(-1, |found| INT::try_from(found).unwrap_or(INT::MAX))
}

/// Calls the closure with one item after the other.
struct Each<'e, 'c, 'a> {
    closure: &'e mut Closure<'c, 'a>,
}

impl Each<'_, '_, '_> {
    /// The answer for an item, in its place.
    fn ask(&mut self, caller: &str, item: &mut Dynamic, index: usize) -> RhaiResultOf<bool> {
        match self.closure.call(item, index) {
            Ok(answer) => Ok(is_yes(answer)),
            Err(error) => Err(self.fail(caller, error)),
        }
    }

    fn call(&mut self, caller: &str, item: &mut Dynamic, index: usize) -> RhaiResultOf<Dynamic> {
        match self.closure.call(item, index) {
            Ok(result) => Ok(std::mem::take(result)),
            Err(error) => Err(self.fail(caller, error)),
        }
    }

    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]
    fn fail(&self, caller: &str, error: Box<EvalAltResult>) -> Box<EvalAltResult> {
        wrapped(caller, &self.closure.source(), error)
    }

    fn for_each(&mut self, array: &mut Array) -> RhaiResultOf<Dynamic> {
        for (index, item) in array.iter_mut().enumerate() {
            let _ = self.call("for_each", item, index)?;
        }
        Ok(Dynamic::UNIT)
    }

    fn map(&mut self, array: &mut Array) -> RhaiResultOf<Dynamic> {
        let mut results = Array::with_capacity(array.len());
        for (index, item) in array.iter_mut().enumerate() {
            results.push(self.call("map", item, index)?);
        }
        Ok(results.into())
    }

    fn filter(&mut self, array: &mut Array) -> RhaiResultOf<Dynamic> {
        let mut kept = Array::new();
        for (index, item) in array.iter_mut().enumerate() {
            if self.ask("filter", item, index)? {
                kept.push(item.clone());
            }
        }
        Ok(kept.into())
    }

    /// Goes on until an answer is `end`, which then is the result.
    fn until(&mut self, array: &mut Array, name: &str, end: bool) -> RhaiResultOf<Dynamic> {
        for (index, item) in array.iter_mut().enumerate() {
            if self.ask(name, item, index)? == end {
                return Ok(end.into());
            }
        }
        Ok((!end).into())
    }

    /// The first item that the closure says yes to. The library's `find` is its `index_of`, also in errors.
    fn find(&mut self, array: &mut Array, start: usize) -> RhaiResultOf<Option<usize>> {
        for (index, item) in array.iter_mut().enumerate().skip(start) {
            if self.ask("index_of", item, index)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn find_map(&mut self, array: &mut Array, start: usize) -> RhaiResultOf<Dynamic> {
        for (index, item) in array.iter_mut().enumerate().skip(start) {
            let value = self.call("find_map", item, index)?;
            if !value.is_unit() {
                return Ok(value);
            }
        }
        Ok(Dynamic::UNIT)
    }

    fn reduce(
        &mut self,
        array: &mut Array,
        initial: Option<&mut Dynamic>,
        is_reverse: bool,
    ) -> RhaiResultOf<Dynamic> {
        let mut result = initial.map_or(Dynamic::UNIT, std::mem::take);
        let name = if is_reverse { "reduce_rev" } else { "reduce" };
        let count = array.len();
        for step in 0..count {
            let index = if is_reverse { count - 1 - step } else { step };
            self.closure.lead(result);
            result = self.call(name, &mut array[index], index)?;
        }
        Ok(result)
    }

    /// Takes out the items for which the answer is `taken`. After an error, the rest of them stays.
    fn separate(&mut self, array: &mut Array, name: &str, taken: bool) -> RhaiResultOf<Dynamic> {
        let mut separated = Array::new();
        let mut items = std::mem::take(array).into_iter().enumerate();
        let mut kept = Array::with_capacity(items.len());
        let mut failed = None;
        for (index, mut item) in items.by_ref() {
            match self.ask(name, &mut item, index) {
                Ok(answer) if answer == taken => separated.push(item),
                Ok(_) => kept.push(item),
                Err(error) => {
                    kept.push(item);
                    failed = Some(error);
                    break;
                }
            }
        }
        kept.extend(items.map(|(_, item)| item));
        *array = kept;
        failed.map_or_else(|| Ok(separated.into()), Err)
    }

    fn zip(&mut self, array: &mut Array, other: &mut Dynamic) -> RhaiResultOf<Dynamic> {
        let other = std::mem::take(other).into_array().unwrap_or_default();
        let mut results = Array::new();
        for (index, (one, two)) in array.iter().zip(&other).enumerate() {
            match self.closure.call_pair(one, two, index) {
                Ok(result) => results.push(std::mem::take(result)),
                Err(error) => return Err(self.fail("zip", error)),
            }
        }
        Ok(results.into())
    }
}
