//! Functions on maps.

use super::Mode::{Borrowed, Owned};
use super::{Direct, Gives};
use crate::codegen::helpers::Helper;
use crate::ty::Ty;

/// The helper for a function on a map.
pub(super) fn select(name: &str, arguments: &[&Ty]) -> Option<Direct> {
    Some(match (name, arguments) {
        ("len", []) => Direct::reads(Helper::MapLength, &[], Gives::Int),
        ("contains", [Ty::Str]) => Direct::reads(Helper::MapContains, &[Borrowed], Gives::Bool),
        ("get", [Ty::Str]) => Direct::reads(Helper::MapGetValue, &[Borrowed], Gives::Value),
        ("keys", []) => Direct::reads(Helper::MapKeys, &[], Gives::Value),
        ("values", []) => Direct::reads(Helper::MapValues, &[], Gives::Value),
        ("remove", [Ty::Str]) => Direct::changes(Helper::MapRemove, &[Borrowed], Gives::Value),
        ("set", [Ty::Str, value]) if **value != Ty::Never => {
            Direct::changes(Helper::MapSet, &[Borrowed, Owned], Gives::Nothing)
        }
        ("clear", []) => Direct::changes(Helper::MapClear, &[], Gives::Nothing),
        _ => return None,
    })
}
