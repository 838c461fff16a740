//! `crypto`: comparison in constant time, and sealed texts.
//!
//! A sealed text is base64url of nonce (12 random bytes), AES-256-GCM ciphertext and tag (16 bytes).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use rhai::{Dynamic, ImmutableString};

use super::base64::{from_text, to_url_text};
use super::values::data;
use crate::script::context::{HostResult, fail, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// Whether two strings or blobs hold the same bytes. The time it takes says nothing about where they differ,
    /// only their lengths may show: use it for tokens and passwords instead of `==`.
    Pure Function [crypto] equal(a: Any, b: Any) -> Bool = equal;
    /// Encrypts a text (AES-256-GCM) so that only who has the key can read it or change it unnoticed; the result
    /// is base64url, fit for cookies and headers. The key is a blob of 32 bytes or 64 hexadecimal digits.
    Ambient Function [crypto] seal(key: Any, text: Str) -> Str = seal;
    /// The text that `seal` was given, or `()` if it was sealed with another key, changed, or never sealed. A key
    /// that is none is an error.
    Pure Function [crypto] open(key: Any, sealed: Str) -> Any = open;
};

fn equal(a: Dynamic, b: Dynamic) -> HostResult<bool> {
    let (a, b) = (data("crypto::equal: a", a)?, data("crypto::equal: b", b)?);
    Ok(verify_slices_are_equal(&a, &b).is_ok())
}

fn cipher(key: Dynamic) -> HostResult<LessSafeKey> {
    let is_text = key.is_string();
    let key = data("crypto: the key", key)?;
    let unbound = if is_text {
        hex::decode(&*key).ok().and_then(|key| UnboundKey::new(&AES_256_GCM, &key).ok())
    } else {
        UnboundKey::new(&AES_256_GCM, &key).ok()
    };
    match unbound {
        Some(unbound) => Ok(LessSafeKey::new(unbound)),
        None => fail("crypto: the key is a blob of 32 bytes or a text of 64 hexadecimal digits"),
    }
}

fn seal(key: Dynamic, text: &str) -> HostResult<ImmutableString> {
    let cipher = cipher(key)?;
    let mut nonce = [0; NONCE_LEN];
    with(|context| context.host.fill_random(&mut nonce))?;
    let mut sealed = text.as_bytes().to_vec();
    let unique = Nonce::assume_unique_for_key(nonce);
    if cipher.seal_in_place_append_tag(unique, Aad::empty(), &mut sealed).is_err() {
        return fail("crypto::seal: the text is too long");
    }
    sealed.splice(0..0, nonce);
    Ok(to_url_text(&sealed).into())
}

fn open(key: Dynamic, sealed: &str) -> HostResult<Dynamic> {
    let cipher = cipher(key)?;
    let open = || {
        let mut sealed = from_text(sealed).ok()?;
        let (nonce, ciphertext) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = cipher.open_in_place(nonce, Aad::empty(), ciphertext).ok()?;
        std::str::from_utf8(text).ok().map(ImmutableString::from)
    };
    Ok(open().map_or(Dynamic::UNIT, Dynamic::from))
}
