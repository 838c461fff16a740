//! Functions on strings.

use super::Mode::{Borrowed, Register};
use super::{Direct, Gives};
use crate::codegen::helpers::Helper;
use crate::ty::Ty;

/// The helper for a function on a string.
pub(super) fn select(name: &str, arguments: &[&Ty]) -> Option<Direct> {
    Some(match (name, arguments) {
        ("len", []) => Direct::reads(Helper::StringLength, &[], Gives::Int),
        ("bytes", []) => Direct::reads(Helper::TextBytes, &[], Gives::Int),
        ("is_empty", []) => Direct::reads(Helper::TextIsEmpty, &[], Gives::Bool),
        ("contains", [Ty::Str]) => Direct::reads(Helper::TextContains, &[Borrowed], Gives::Bool),
        ("contains", [Ty::Char]) => Direct::reads(Helper::TextContainsChar, &[Register], Gives::Bool),
        ("starts_with", [Ty::Str]) => Direct::reads(Helper::TextStartsWith, &[Borrowed], Gives::Bool),
        ("starts_with", [Ty::Char]) => Direct::reads(Helper::TextStartsWithChar, &[Register], Gives::Bool),
        ("ends_with", [Ty::Str]) => Direct::reads(Helper::TextEndsWith, &[Borrowed], Gives::Bool),
        ("ends_with", [Ty::Char]) => Direct::reads(Helper::TextEndsWithChar, &[Register], Gives::Bool),
        ("index_of", [Ty::Str]) => Direct::reads(Helper::TextIndexOf, &[Borrowed], Gives::Int),
        ("index_of", [Ty::Char]) => Direct::reads(Helper::TextIndexOfChar, &[Register], Gives::Int),
        ("sub_string", [Ty::Int]) => Direct::reads(Helper::SubStringTail, &[Register], Gives::Value),
        ("sub_string", [Ty::Int, Ty::Int]) => {
            Direct::reads(Helper::SubString, &[Register, Register], Gives::Value)
        }
        ("to_upper", []) => Direct::reads(Helper::TextUpper, &[], Gives::Value),
        ("to_lower", []) => Direct::reads(Helper::TextLower, &[], Gives::Value),
        ("make_upper", []) => Direct::changes(Helper::MakeUpper, &[], Gives::Nothing),
        ("make_lower", []) => Direct::changes(Helper::MakeLower, &[], Gives::Nothing),
        ("trim", []) => Direct::changes(Helper::Trim, &[], Gives::Nothing),
        ("clear", []) => Direct::changes(Helper::TextClear, &[], Gives::Nothing),
        ("pop", []) => Direct::changes(Helper::TextPop, &[], Gives::Value),
        ("append", [Ty::Str]) => Direct::changes(Helper::AppendText, &[Borrowed], Gives::Nothing),
        ("append", [Ty::Char]) => Direct::changes(Helper::AppendChar, &[Register], Gives::Nothing),
        ("replace", [Ty::Str | Ty::Char, Ty::Str | Ty::Char]) => {
            Direct::changes(Helper::Replace, &[Borrowed, Borrowed], Gives::Nothing)
        }
        ("split", [Ty::Str | Ty::Char]) => Direct::reads(Helper::Split, &[Borrowed], Gives::Value),
        ("to_chars", []) => Direct::reads(Helper::ToChars, &[], Gives::Value),
        ("parse_int", []) => Direct::reads(Helper::ParseInt, &[], Gives::Int).fallible(),
        ("parse_float", []) => Direct::reads(Helper::ParseFloat, &[], Gives::Float).fallible(),
        _ => return None,
    })
}
