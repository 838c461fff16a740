//! `base64`: bytes as text of 64 characters (RFC 4648).

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use base64::{DecodeError, Engine};
use rhai::{Blob, Dynamic, ImmutableString};

use super::values::data;
use crate::script::context::{HostResult, fail};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// A string or blob in base64, standard alphabet, with padding.
    Pure Function [base64] encode(data: Any) -> Str = encode;
    /// A string or blob in base64, URL alphabet (`-` and `_`), without padding.
    Pure Function [base64] encode_url(data: Any) -> Str = encode_url;
    /// The bytes a base64 text stands for. Takes both alphabets, but not mixed, with or without padding; blanks
    /// and line breaks are errors.
    Pure Function [base64] decode(text: Str) -> Blob = decode;
    /// Like `decode`, as text; an error if the bytes are no UTF-8.
    Pure Function [base64] decode_text(text: Str) -> Str = decode_text;
};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

fn encode(value: Dynamic) -> HostResult<ImmutableString> {
    Ok(BASE64_STANDARD.encode(&*data("base64::encode: data", value)?).into())
}

fn encode_url(value: Dynamic) -> HostResult<ImmutableString> {
    Ok(to_url_text(&data("base64::encode_url: data", value)?).into())
}

fn decode(text: &str) -> HostResult<Blob> {
    match from_text(text) {
        Ok(bytes) => Ok(bytes),
        // The error of the library quotes the text, which may be a secret.
        Err(DecodeError::InvalidByte(at, _)) => fail(format!(
            "not base64: character {} is outside of the alphabet; take out blanks and line breaks first",
            at + 1
        )),
        Err(_) => fail("not base64: the text ends in the middle of a byte"),
    }
}

fn decode_text(text: &str) -> HostResult<ImmutableString> {
    match String::from_utf8(decode(text)?) {
        Ok(text) => Ok(text.into()),
        Err(_) => fail("the decoded bytes are no UTF-8; use base64::decode for a blob"),
    }
}

/// Bytes in the URL alphabet, without padding.
pub(super) fn to_url_text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a text in either alphabet.
pub(super) fn from_text(text: &str) -> Result<Vec<u8>, DecodeError> {
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode(text)
}
