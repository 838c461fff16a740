//! Keys for tokens: which option holds one follows from the algorithm that the script accepts, never from the
//! token, so a public key is never taken for an HMAC secret.
//!
//! PEM is unwrapped here and its content goes to the cryptographic library as it is: the PEM reader of
//! `jsonwebtoken` follows nested data by recursion without a bound, and the stack of a script is small.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use rhai::{Dynamic, ImmutableString};

use crate::script::context::{HostResult, fail};
use crate::script::lib::values::{Data, Options, data};

/// An algorithm by its name in RFC 7518 and RFC 8037; `none` is no algorithm here.
pub(super) fn algorithm(name: &str) -> HostResult<Algorithm> {
    match name.parse() {
        Ok(algorithm) => Ok(algorithm),
        Err(_) => fail(format!(
            "jwt: no algorithm {name:?}; there are HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, \
             ES256, ES384 and EdDSA"
        )),
    }
}

/// The options that hold a key.
pub(super) struct Keys {
    secret: Option<Dynamic>,
    pem: Option<ImmutableString>,
}

impl Keys {
    pub(super) fn take(options: &mut Options) -> HostResult<Self> {
        Ok(Self { secret: options.take("secret"), pem: options.text("key")? })
    }

    fn secret(self, algorithm: Algorithm) -> HostResult<Data> {
        let Some(secret) = self.secret else {
            return fail(format!("jwt: {algorithm:?} needs the option secret, a string or a blob"));
        };
        let secret = data("jwt: secret", secret)?;
        // Anybody can sign with it, and it is what a setting that was forgotten looks like.
        if secret.is_empty() { fail("jwt: the secret is empty") } else { Ok(secret) }
    }

    fn der(&self, algorithm: Algorithm, labels: [&str; 2]) -> HostResult<(Vec<u8>, usize)> {
        let Some(text) = &self.pem else {
            return fail(format!("jwt: {algorithm:?} needs the option key, a key in PEM"));
        };
        let found = labels.iter().enumerate().find_map(|(index, label)| Some((pem(text, label)?, index)));
        match found {
            Some(found) => Ok(found),
            None => fail(format!("jwt: the key is PEM that begins with -----BEGIN {}-----", labels[0])),
        }
    }

    /// The key to check a signature with. Whether its content is a key shows only when it is used.
    pub(super) fn verifying(self, algorithm: Algorithm) -> HostResult<VerifyingKey> {
        if algorithm.family() == AlgorithmFamily::Hmac {
            let key = DecodingKey::from_secret(&self.secret(algorithm)?);
            return Ok(VerifyingKey { key, der: Vec::new() });
        }
        let (der, _) = self.der(algorithm, ["PUBLIC KEY", "RSA PUBLIC KEY"])?;
        let key = match algorithm.family() {
            AlgorithmFamily::Rsa => DecodingKey::from_rsa_der(&der),
            AlgorithmFamily::Ec => DecodingKey::from_ec_der(&der),
            AlgorithmFamily::Ed | AlgorithmFamily::Hmac => DecodingKey::from_ed_der(&der),
        };
        Ok(VerifyingKey { key, der })
    }

    /// The key to sign with.
    pub(super) fn signing(self, algorithm: Algorithm) -> HostResult<EncodingKey> {
        if algorithm.family() == AlgorithmFamily::Hmac {
            return Ok(EncodingKey::from_secret(&self.secret(algorithm)?));
        }
        let (der, label) = self.der(algorithm, ["PRIVATE KEY", "RSA PRIVATE KEY"])?;
        Ok(match algorithm.family() {
            AlgorithmFamily::Rsa if label == 0 => {
                EncodingKey::from_rsa_der(pkcs8_content(&der).unwrap_or_default())
            }
            AlgorithmFamily::Rsa => EncodingKey::from_rsa_der(&der),
            AlgorithmFamily::Ec => EncodingKey::from_ec_der(&der),
            AlgorithmFamily::Ed | AlgorithmFamily::Hmac => EncodingKey::from_ed_der(&der),
        })
    }
}

/// A key to check signatures with.
pub(super) struct VerifyingKey {
    pub(super) key: DecodingKey,
    der: Vec<u8>,
}

impl VerifyingKey {
    /// Whether it is a key for the algorithm at all, to tell a bad key from a bad signature.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        let verification: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return true,
            Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED,
            Algorithm::EdDSA => &ED25519,
            _ => &RSA_PKCS1_2048_8192_SHA256,
        };
        ParsedPublicKey::new(verification, &self.der).is_ok()
    }
}

/// The content of a PEM text with this label (RFC 7468).
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let rest = text.trim().strip_prefix("-----BEGIN ")?.strip_prefix(label)?.strip_prefix("-----")?;
    let content = rest.strip_suffix("-----")?.strip_suffix(label)?.strip_suffix("-----END ")?;
    let digits: String = content.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(digits).ok()
}

/// The algorithm's own form of a private key inside of PKCS#8 (RFC 5208): version, algorithm, octets.
fn pkcs8_content(der: &[u8]) -> Option<&[u8]> {
    const INTEGER: u8 = 0x02;
    const OCTET_STRING: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;
    let (fields, _) = element(der, SEQUENCE)?;
    let (_, rest) = element(fields, INTEGER)?;
    let (_, rest) = element(rest, SEQUENCE)?;
    element(rest, OCTET_STRING).map(|(content, _)| content)
}

/// The content of the first element of a DER text, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk()?;
    if found != tag {
        return None;
    }
    let long_form = usize::from(first).checked_sub(0x80);
    let (length, rest) = match long_form {
        None => (usize::from(first), rest),
        Some(bytes @ 1..=4) => {
            let (length, rest) = rest.split_at_checked(bytes)?;
            (length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        Some(_) => return None,
    };
    rest.split_at_checked(length)
}
