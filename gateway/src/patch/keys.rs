//! Keys of minisign: making a pair, and signing with it. Files are those of the `minisign` command.

use minisign::{KeyPair, SecretKey, SecretKeyBox};

/// A pair of keys as it is written to files.
pub struct Pair {
    /// The public key: one line, as it stands in the configuration.
    pub public: String,
    /// Text of the `.pub` file.
    pub public_box: String,
    /// Text of the `.key` file.
    pub secret_box: String,
}

/// Why a key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no secret key, or a damaged one.
    #[error("this is no secret key of minisign: {0}")]
    NotAKey(String),
    /// It is protected and the password is not the one.
    #[error("the key cannot be opened with this password: {0}")]
    Password(String),
    /// The system has no randomness to give.
    #[error("{0}")]
    System(String),
}

impl Pair {
    /// Makes a pair; the secret part is protected by the password if there is one, which takes seconds on purpose.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate(password: Option<String>) -> Result<Self, KeyError> {
        let system = |error: minisign::PError| KeyError::System(error.to_string());
        let pair = match password {
            None => KeyPair::generate_unencrypted_keypair(),
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        };
        let KeyPair { pk, sk } = pair.map_err(system)?;
        Ok(Self {
            public: pk.to_base64(),
            public_box: pk.to_box().map_err(system)?.into_string(),
            secret_box: sk.to_box(Some("forebay patch signing key")).map_err(system)?.into_string(),
        })
    }
}

/// Whether a secret key opens without a password.
pub fn is_unprotected(secret_box: &str) -> bool {
    SecretKey::from_unencrypted_box(SecretKeyBox::from(secret_box.to_owned())).is_ok()
}

/// Text of the `.minisig` file for these bytes. The comment is signed too.
///
/// # Errors
/// When the key cannot be used.
pub fn sign(
    secret_box: &str,
    password: Option<String>,
    bytes: &[u8],
    trusted_comment: &str,
) -> Result<String, KeyError> {
    let boxed = SecretKeyBox::from(secret_box.to_owned());
    let secret = match password {
        None => {
            SecretKey::from_unencrypted_box(boxed).map_err(|error| KeyError::NotAKey(error.to_string()))?
        }
        Some(password) => SecretKey::from_box(boxed, Some(password))
            .map_err(|error| KeyError::Password(error.to_string()))?,
    };
    minisign::sign(None, &secret, bytes, Some(trusted_comment), Some("signature of a forebay patch"))
        .map(minisign::SignatureBox::into_string)
        .map_err(|error| KeyError::System(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unprotected_key_signs_and_nonsense_does_not() {
        let pair = Pair::generate(None).unwrap();
        assert!(pair.public.starts_with("RW") && pair.public_box.contains(&pair.public));
        assert!(is_unprotected(&pair.secret_box));
        let text = sign(&pair.secret_box, None, b"code", "fix 1.0.0").unwrap();
        assert!(text.contains("trusted comment: fix 1.0.0"), "{text}");
        assert!(matches!(sign("x\ny", None, b"", "c"), Err(KeyError::NotAKey(_))));
    }
}
