//! `hmac`: digests that only who has the key can compute (RFC 2104).

use aws_lc_rs::hmac::{Algorithm, HMAC_SHA256, HMAC_SHA512, Key, Tag, sign, verify};
use rhai::{Blob, Dynamic, ImmutableString};

use super::values::data;
use crate::script::context::HostResult;
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// HMAC-SHA-256 as 64 lower-case hexadecimal digits. Key and data are strings or blobs of any length; a
    /// good key has 32 random bytes. A key written in hexadecimal needs `hex::decode` first.
    Pure Function [hmac] sha256(key: Any, data: Any) -> Str =
        |key: Dynamic, value: Dynamic| hexadecimal(HMAC_SHA256, key, value);
    /// HMAC-SHA-512 as 128 lower-case hexadecimal digits; see `sha256`.
    Pure Function [hmac] sha512(key: Any, data: Any) -> Str =
        |key: Dynamic, value: Dynamic| hexadecimal(HMAC_SHA512, key, value);
    /// HMAC-SHA-256 as a blob of 32 bytes.
    Pure Function [hmac] sha256_bytes(key: Any, data: Any) -> Blob = sha256_bytes;
    /// Whether `signature`, 64 hexadecimal digits in either case, is the HMAC-SHA-256 of the data; the time it
    /// takes says nothing about the right one. Text that is not hexadecimal gives `false`.
    Pure Function [hmac] verify_sha256(key: Any, data: Any, signature: Str) -> Bool = verify_sha256;
};

fn key_of(algorithm: Algorithm, key: Dynamic) -> HostResult<Key> {
    Ok(Key::new(algorithm, &data("hmac: the key", key)?))
}

fn tag(algorithm: Algorithm, key: Dynamic, value: Dynamic) -> HostResult<Tag> {
    Ok(sign(&key_of(algorithm, key)?, &data("hmac: data", value)?))
}

fn hexadecimal(algorithm: Algorithm, key: Dynamic, value: Dynamic) -> HostResult<ImmutableString> {
    Ok(hex::encode(tag(algorithm, key, value)?).into())
}

fn sha256_bytes(key: Dynamic, value: Dynamic) -> HostResult<Blob> {
    Ok(tag(HMAC_SHA256, key, value)?.as_ref().to_vec())
}

fn verify_sha256(key: Dynamic, value: Dynamic, signature: &str) -> HostResult<bool> {
    let key = key_of(HMAC_SHA256, key)?;
    let value = data("hmac: data", value)?;
    Ok(hex::decode(signature).is_ok_and(|signature| verify(&key, &value, &signature).is_ok()))
}
