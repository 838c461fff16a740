//! `hex`: bytes as pairs of hexadecimal digits.

use hex::FromHexError;
use rhai::{Blob, Dynamic, ImmutableString};

use super::values::data;
use crate::script::context::{HostResult, fail};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// A string or blob as lower-case hexadecimal digits, two for each byte.
    Pure Function [hex] encode(data: Any) -> Str = encode;
    /// The bytes that pairs of hexadecimal digits, in either case, stand for.
    Pure Function [hex] decode(text: Str) -> Blob = decode;
};

fn encode(value: Dynamic) -> HostResult<ImmutableString> {
    Ok(hex::encode(&*data("hex::encode: data", value)?).into())
}

fn decode(text: &str) -> HostResult<Blob> {
    match hex::decode(text) {
        Ok(bytes) => Ok(bytes),
        // The error of the library quotes the text, which may be a secret.
        Err(FromHexError::InvalidHexCharacter { index, .. }) => {
            fail(format!("not hexadecimal: character {} is none of 0-9, a-f, A-F", index + 1))
        }
        Err(_) => fail("not hexadecimal: an odd number of digits; every byte takes two"),
    }
}
