//! Whether a library is signed by somebody the configuration trusts (minisign, prehashed Ed25519).

use std::fmt;
use std::path::Path;

use minisign_verify::{Error, PublicKey, Signature};

use super::codes;
use super::folder::Found;
use super::trust::refuse;
use crate::config::{SignaturePolicy, TrustedKey};
use crate::diagnostic::Diagnostic;

/// What is known about who made a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// Signed with the secret part of this trusted key; the signer vouches for the comment too.
    Signed {
        /// The public key.
        key: String,
        /// The trusted comment.
        comment: String,
    },
    /// No signature, and none asked for.
    Unsigned,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { key, comment } => write!(f, "signed by {key} ({comment})"),
            Self::Unsigned => f.write_str("unsigned"),
        }
    }
}

/// Checks a library against the policy.
///
/// # Errors
/// Why it is not trusted.
pub fn check(
    found: &Found,
    policy: SignaturePolicy,
    keys: &[TrustedKey],
) -> Result<Provenance, Box<Diagnostic>> {
    match (&found.signature, policy) {
        (_, SignaturePolicy::Off) | (None, SignaturePolicy::IfPresent) => Ok(Provenance::Unsigned),
        (None, SignaturePolicy::Required) => Err(Box::new(unsigned(&found.path, keys))),
        (Some(text), _) => verify(&found.bytes, text, keys)
            .map_err(|(reason, remedy)| Box::new(refuse(codes::BAD_SIGNATURE, &found.path, reason, remedy))),
    }
}

fn unsigned(path: &Path, keys: &[TrustedKey]) -> Diagnostic {
    let remedy = if keys.is_empty() {
        "make a key with `forebay patch keygen`, put its public part into patches.trusted_keys and sign with \
         `forebay patch build --key`; or set patches.signatures to off"
    } else {
        "sign it with `forebay patch build --key` or `minisign -S`, and put the .minisig beside it"
    };
    refuse(codes::UNSIGNED, path, "the patch has no signature, and patches.signatures is `required`", remedy)
}

fn verify(bytes: &[u8], text: &str, keys: &[TrustedKey]) -> Result<Provenance, (&'static str, &'static str)> {
    if keys.is_empty() {
        let reason = "the patch is signed, but there is no key to check it with";
        return Err((reason, "put the public key into patches.trusted_keys"));
    }
    let Ok(signature) = Signature::decode(text) else {
        return Err(("the signature is damaged", "sign the library anew"));
    };
    for key in keys {
        let Ok(public) = PublicKey::from_base64(key.as_str()) else { continue };
        match public.verify(bytes, &signature, false) {
            Ok(()) => {
                let comment = signature.trusted_comment().to_owned();
                return Ok(Provenance::Signed { key: key.as_str().to_owned(), comment });
            }
            Err(Error::UnexpectedKeyId) => {}
            Err(Error::UnsupportedAlgorithm | Error::UnexpectedAlgorithm) => {
                return Err((
                    "the signature is of the legacy kind, which is not accepted",
                    "sign it without -l",
                ));
            }
            Err(_) => {
                let reason = "the signature does not fit the library: one of them was changed after signing";
                return Err((reason, "do not load it; fetch the patch again from where it was signed"));
            }
        }
    }
    Err((
        "the signature is of a key that is not trusted",
        "if you trust the signer, put the public key into patches.trusted_keys",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::digest::Digest;
    use super::super::keys::{Pair, sign};
    use super::*;

    fn found(bytes: &[u8], signature: Option<String>) -> Found {
        let digest = Digest::of(bytes);
        Found { path: "fix.so".into(), bytes: bytes.to_vec(), digest, signature, manifest: None }
    }

    fn reason(found: &Found, policy: SignaturePolicy, keys: &[TrustedKey]) -> String {
        check(found, policy, keys).unwrap_err().message
    }

    #[test]
    fn each_policy_takes_what_it_says() {
        use SignaturePolicy::{IfPresent, Off, Required};
        let (ours, theirs) = (Pair::generate(None).unwrap(), Pair::generate(None).unwrap());
        let trusted = [TrustedKey::parse(&ours.public).unwrap()];
        let signature = |pair: &Pair, bytes: &[u8]| sign(&pair.secret_box, None, bytes, "fix 1.0.0").unwrap();
        let good = found(b"code", Some(signature(&ours, b"code")));
        for policy in [Required, IfPresent] {
            let Provenance::Signed { key, comment } = check(&good, policy, &trusted).unwrap() else {
                panic!("not seen as signed");
            };
            assert_eq!((key, comment.as_str()), (ours.public.clone(), "fix 1.0.0"));
            let tampered = found(b"kode", good.signature.clone());
            assert!(reason(&tampered, policy, &trusted).contains("was changed after signing"));
            let foreign = found(b"code", Some(signature(&theirs, b"code")));
            assert!(reason(&foreign, policy, &trusted).contains("not trusted"));
            assert!(reason(&good, policy, &[]).contains("no key to check it with"));
            assert!(reason(&found(b"code", Some("x\ny".into())), policy, &trusted).contains("damaged"));
            let comment = good.signature.clone().unwrap().replace("fix 1.0.0", "fix 2.0.0");
            assert!(reason(&found(b"code", Some(comment)), policy, &trusted).contains("was changed"));
        }
        let unsigned = found(b"code", None);
        assert!(reason(&unsigned, Required, &trusted).contains("no signature"));
        assert_eq!(check(&unsigned, IfPresent, &trusted).unwrap(), Provenance::Unsigned);
        assert_eq!(check(&found(b"kode", good.signature), Off, &trusted).unwrap(), Provenance::Unsigned);
    }
}
