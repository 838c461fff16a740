//! `hash`: digests of data (FIPS 180-4).

use aws_lc_rs::digest::{
    Algorithm, Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest as digest_of,
};
use rhai::{Blob, Dynamic, ImmutableString};

use super::values::data;
use crate::script::context::HostResult;
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// SHA-256 of a string or blob, as 64 lower-case hexadecimal digits.
    Pure Function [hash] sha256(data: Any) -> Str = |value: Dynamic| hexadecimal(&SHA256, value);
    /// SHA-384 of a string or blob, as 96 lower-case hexadecimal digits.
    Pure Function [hash] sha384(data: Any) -> Str = |value: Dynamic| hexadecimal(&SHA384, value);
    /// SHA-512 of a string or blob, as 128 lower-case hexadecimal digits.
    Pure Function [hash] sha512(data: Any) -> Str = |value: Dynamic| hexadecimal(&SHA512, value);
    /// SHA-1 of a string or blob, as 40 lower-case hexadecimal digits. It is broken for signatures and
    /// certificates; only for protocols that ask for it.
    Pure Function [hash] sha1(data: Any) -> Str = |value: Dynamic| hexadecimal(&SHA1_FOR_LEGACY_USE_ONLY, value);
    /// SHA-256 of a string or blob, as a blob of 32 bytes.
    Pure Function [hash] sha256_bytes(data: Any) -> Blob = sha256_bytes;
};

fn digest(algorithm: &'static Algorithm, value: Dynamic) -> HostResult<Digest> {
    Ok(digest_of(algorithm, &data("hash: data", value)?))
}

fn hexadecimal(algorithm: &'static Algorithm, value: Dynamic) -> HostResult<ImmutableString> {
    Ok(hex::encode(digest(algorithm, value)?).into())
}

fn sha256_bytes(value: Dynamic) -> HostResult<Blob> {
    Ok(digest(&SHA256, value)?.as_ref().to_vec())
}
