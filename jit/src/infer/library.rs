//! What the standard library's functions return and do to what they are called on.
//!
//! Only facts that hold for every value of the types stand here. A result that is not listed is [`Ty::Any`], and a
//! method that is not listed may change what it is called on in any way that the library can.

#![expect(
    clippy::match_same_arms,
    clippy::unnested_or_patterns,
    reason = "facts are kept apart by what they are about"
)]

use crate::ty::{Part, Ty};

/// Type of the result of `name(receiver, arguments..)`, or of the property `name` when it is read.
pub(crate) fn result(name: &str, receiver: &Ty, arguments: &[Ty]) -> Ty {
    match (receiver, name, arguments) {
        (Ty::Never, ..) => Ty::Never,
        (_, "type_of", []) => Ty::Str,
        (_, "print" | "debug", []) => Ty::Unit,
        (Ty::Any, ..) => Ty::Any,
        (_, "to_string" | "to_debug", []) => Ty::Str,
        (Ty::Int, ..) => of_int(name, arguments),
        (Ty::Float, ..) => of_float(name, arguments),
        (Ty::Char, "to_int", []) => Ty::Int,
        (Ty::Char, "to_upper" | "to_lower", []) => Ty::Char,
        (Ty::Str, ..) => of_string(name, arguments),
        (Ty::Array(_), ..) => of_array(name, receiver, arguments),
        (Ty::Blob, "len", []) | (Ty::Map(_), "len", []) => Ty::Int,
        (Ty::Blob | Ty::Map(_), "is_empty", []) => Ty::Bool,
        (Ty::Map(_), "contains", [Ty::Str]) => Ty::Bool,
        (Ty::Map(_), "keys", []) => Ty::array(Ty::Str),
        (Ty::Map(record), "values", []) => {
            let values = record.fields.values().chain(&record.rest);
            Ty::array(values.fold(Ty::Never, |all, next| all.join(next)))
        }
        (Ty::Map(_), "clear", []) => Ty::Unit,
        _ => Ty::Any,
    }
}

fn of_int(name: &str, arguments: &[Ty]) -> Ty {
    match (name, arguments) {
        ("to_float", []) => Ty::Float,
        ("abs" | "sign" | "to_int", []) | ("min" | "max", [Ty::Int]) => Ty::Int,
        ("min" | "max", [Ty::Float]) => Ty::Float,
        ("is_odd" | "is_even" | "is_zero", []) => Ty::Bool,
        ("sqrt", []) => Ty::Any,
        ("to_binary" | "to_hex" | "to_octal", []) => Ty::Str,
        _ => Ty::Any,
    }
}

fn of_float(name: &str, arguments: &[Ty]) -> Ty {
    match (name, arguments) {
        (
            "sqrt" | "sin" | "cos" | "tan" | "sinh" | "cosh" | "tanh" | "asin" | "acos" | "atan" | "exp"
            | "ln" | "log" | "floor" | "ceiling" | "round" | "int" | "fraction" | "abs" | "to_degrees"
            | "to_radians" | "to_float",
            [],
        )
        | ("min" | "max", [Ty::Float | Ty::Int])
        | ("atan" | "hypot", [Ty::Float]) => Ty::Float,
        ("to_int" | "sign", []) => Ty::Int,
        ("is_nan" | "is_finite" | "is_infinite" | "is_zero", []) => Ty::Bool,
        _ => Ty::Any,
    }
}

fn of_string(name: &str, arguments: &[Ty]) -> Ty {
    match (name, arguments) {
        ("len" | "bytes", []) | ("index_of", [Ty::Str | Ty::Char]) => Ty::Int,
        ("is_empty", [])
        | ("contains" | "starts_with" | "ends_with", [Ty::Str])
        | ("contains", [Ty::Char]) => Ty::Bool,
        ("to_upper" | "to_lower", []) | ("sub_string", [Ty::Int] | [Ty::Int, Ty::Int]) => Ty::Str,
        ("split", [Ty::Str | Ty::Char]) => Ty::array(Ty::Str),
        ("split", []) | ("to_chars", []) => Ty::array(Ty::Any),
        ("trim" | "clear", [])
        | ("replace", [Ty::Str | Ty::Char, Ty::Str | Ty::Char])
        | ("append", [Ty::Str | Ty::Char])
        | ("make_upper" | "make_lower", []) => Ty::Unit,
        ("parse_int" | "to_int", []) => Ty::Int,
        ("parse_float" | "to_float", []) => Ty::Float,
        _ => Ty::Any,
    }
}

fn of_array(name: &str, receiver: &Ty, arguments: &[Ty]) -> Ty {
    match (name, arguments) {
        ("len", []) => Ty::Int,
        ("is_empty", []) | ("contains", [_]) => Ty::Bool,
        ("push", [_])
        | ("insert", [Ty::Int, _])
        | ("pad", [Ty::Int, _])
        | ("append", [Ty::Array(_)])
        | ("set", [Ty::Int, _])
        | ("clear" | "reverse", [])
        | ("truncate" | "chop", [Ty::Int]) => Ty::Unit,
        ("extract", [Ty::Int] | [Ty::Int, Ty::Int] | [Ty::Range]) => receiver.clone(),
        _ => Ty::Any,
    }
}

/// Type of the receiver after `receiver.name(arguments..)`.
pub(crate) fn receiver_after(name: &str, receiver: &Ty, arguments: &[Ty]) -> Ty {
    let element = |value: &Ty| receiver.with_part(&[Part::Element], value);
    match (receiver, name, arguments) {
        (Ty::Never, ..) => Ty::Never,
        // The one that leaves nothing behind, and the one that leaves what registers cannot hold.
        (_, "take" | "set_tag", _) => Ty::Any,
        (Ty::Unit | Ty::Bool | Ty::Int | Ty::Float | Ty::Char | Ty::Str | Ty::Blob | Ty::Range, ..) => {
            receiver.clone()
        }
        (
            _,
            "type_of" | "print" | "debug" | "to_string" | "to_debug" | "len" | "is_empty" | "is_shared",
            [],
        ) => receiver.clone(),
        (Ty::Array(_), "push", [value]) | (Ty::Array(_), "insert" | "pad" | "set", [Ty::Int, value]) => {
            element(value)
        }
        (Ty::Array(_), "append", [Ty::Array(added)]) => element(added),
        (
            Ty::Array(_),
            "contains" | "get" | "clear" | "reverse" | "truncate" | "chop" | "pop" | "shift" | "remove"
            | "extract",
            _,
        )
        | (Ty::Map(_), "contains" | "keys" | "values" | "get", _) => receiver.clone(),
        (Ty::Array(_), ..) => Ty::array(Ty::Any),
        _ => Ty::Any,
    }
}
