//! Sorting and removing of duplicates, by a closure that compares.

use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rhai::{Array, Dynamic, EvalAltResult, Position};

use super::closure::Closure;
use super::is_yes;
use crate::rt::guard::RhaiResultOf;

/// Sorts an array; items that compare as equal keep their order. Errors of the closure, and answers that are no
/// answer, mean that the types decide.
pub(super) fn sort(array: &mut Array, closure: &mut Closure<'_, '_>) -> RhaiResultOf<Dynamic> {
    let compare = |one: &Dynamic, two: &Dynamic| {
        let answer = closure.call_pair(one, two, 0).ok();
        let order = answer.and_then(|answer| order_of(answer));
        order.unwrap_or_else(|| one.type_id().cmp(&two.type_id()))
    };
    // An order that is none makes the sort panic, as it does in the library.
    catch_unwind(AssertUnwindSafe(|| array.sort_by(compare))).map(|()| Dynamic::UNIT).map_err(|_| {
        EvalAltResult::ErrorRuntime("error in comparer for sorting".into(), Position::NONE).into()
    })
}

/// An integer by its sign; true means that the first one comes first, false that it comes last.
fn order_of(answer: &Dynamic) -> Option<Ordering> {
    if let Ok(number) = answer.as_int() {
        return Some(number.cmp(&0));
    }
    answer.as_bool().ok().map(|first| if first { Ordering::Less } else { Ordering::Greater })
}

/// Removes the items that the closure calls equal to the one before.
pub(super) fn dedup(array: &mut Array, closure: &mut Closure<'_, '_>) {
    array.dedup_by(|item, before| closure.call_pair(before, item, 0).is_ok_and(|answer| is_yes(answer)));
}
