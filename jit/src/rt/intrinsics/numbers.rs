//! Functions on integers, floats, characters and truth values.
#![expect(unsafe_code, reason = "machine code passes pointers")]

use rhai::{Dynamic, ImmutableString};

use super::super::context::{Context, Status};
use super::super::raw;
use super::arithmetic;
use super::text::Line;
use crate::position::unpack;

macro_rules! of_float {
    ($($(#[$documentation:meta])* $name:ident = $function:path;)*) => {
        $(
            $(#[$documentation])*
            pub extern "C" fn $name(value: f64) -> f64 {
                $function(value)
            }
        )*
    };
}

of_float! {
    /// `x.sin()`
    sin = f64::sin;
    /// `x.cos()`
    cos = f64::cos;
    /// `x.tan()`
    tan = f64::tan;
    /// `x.sinh()`
    sinh = f64::sinh;
    /// `x.cosh()`
    cosh = f64::cosh;
    /// `x.tanh()`
    tanh = f64::tanh;
    /// `x.asin()`
    asin = f64::asin;
    /// `x.acos()`
    acos = f64::acos;
    /// `x.atan()`
    atan = f64::atan;
    /// `x.exp()`
    exp = f64::exp;
    /// `x.ln()`
    ln = f64::ln;
    /// `x.log()`, with base 10.
    log10 = f64::log10;
    /// `x.round()`, away from zero.
    round = f64::round;
    /// `x.to_degrees()`
    to_degrees = f64::to_degrees;
    /// `x.to_radians()`
    to_radians = f64::to_radians;
}

/// `atan(y, x)`
pub extern "C" fn atan2(left: f64, right: f64) -> f64 {
    left.atan2(right)
}

/// `hypot(x, y)`
pub extern "C" fn hypot(left: f64, right: f64) -> f64 {
    left.hypot(right)
}

/// `x.log(base)`
pub extern "C" fn log_base(value: f64, base: f64) -> f64 {
    value.log(base)
}

/// Raises the error of `abs` on the least integer.
///
/// # Safety
///
/// `context` is the context.
pub unsafe extern "C" fn abs_overflow(context: *mut Context<'_>, position: u32) -> Status {
    // SAFETY: the caller's promise.
    unsafe { arithmetic(context, format!("Negation overflow: -{}", i64::MIN), unpack(position)) }
}

/// Raises the error of `to_int` on a float that is out of range.
///
/// # Safety
///
/// `context` is the context.
pub unsafe extern "C" fn to_int_overflow(context: *mut Context<'_>, value: f64, position: u32) -> Status {
    // SAFETY: the caller's promise.
    unsafe { arithmetic(context, format!("Integer overflow: to_int({value})"), unpack(position)) }
}

/// Raises the error of `sign` on what is no number.
///
/// # Safety
///
/// `context` is the context.
pub unsafe extern "C" fn sign_of_nan(context: *mut Context<'_>, position: u32) -> Status {
    // SAFETY: the caller's promise.
    unsafe { arithmetic(context, String::from("Sign of NaN is undefined"), unpack(position)) }
}

/// A character in upper case; itself where that is more than one.
pub extern "C" fn char_upper(value: u32) -> u32 {
    mapped(value, char::to_uppercase)
}

/// A character in lower case; itself where that is more than one.
pub extern "C" fn char_lower(value: u32) -> u32 {
    mapped(value, char::to_lowercase)
}

fn mapped<I: Iterator<Item = char>>(value: u32, map: fn(char) -> I) -> u32 {
    let Some(value) = char::from_u32(value) else { return value };
    let mut all = map(value);
    match (all.next(), all.next()) {
        (Some(one), None) => one.into(),
        _ => value.into(),
    }
}

/// The text of an integer.
///
/// # Safety
///
/// `out` is an empty slot.
pub unsafe extern "C" fn int_text(value: i64, out: *mut Dynamic) {
    let mut line = Line::new();
    // SAFETY: the caller's promise.
    unsafe { put_text(out, line.int(value)) };
}

/// The text of a float.
///
/// # Safety
///
/// `out` is an empty slot.
pub unsafe extern "C" fn float_text(value: f64, out: *mut Dynamic) {
    let mut line = Line::new();
    // SAFETY: the caller's promise.
    unsafe { put_text(out, line.float(value)) };
}

/// The text of a character.
///
/// # Safety
///
/// `out` is an empty slot.
pub unsafe extern "C" fn char_text(value: u32, out: *mut Dynamic) {
    let value = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
    // SAFETY: the caller's promise.
    unsafe { put_text(out, value.encode_utf8(&mut [0; 4])) };
}

/// The text of a truth value.
///
/// # Safety
///
/// `out` is an empty slot.
pub unsafe extern "C" fn bool_text(value: u8, out: *mut Dynamic) {
    // SAFETY: the caller's promise.
    unsafe { put_text(out, if value == 0 { "false" } else { "true" }) };
}

/// # Safety
///
/// `out` is an empty slot.
unsafe fn put_text(out: *mut Dynamic, text: &str) {
    // SAFETY: the caller's promise.
    unsafe { raw::put(out, ImmutableString::from(text).into()) };
}
