//! Certificates and keys out of PEM files, with errors that name the file and what is wrong with it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsProblem;
use crate::diagnostic::Location;

/// Largest PEM file, in bytes: the bundles of all public authorities have a quarter of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file that the configuration names.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) path: &'a Path,
    /// Where it is named.
    pub(super) location: Option<Location>,
}

impl Named<'_> {
    /// A problem of this file; `what` says which kind of file it should be.
    pub(super) fn problem(
        self,
        what: &str,
        reason: impl std::fmt::Display,
        help: &'static str,
    ) -> TlsProblem {
        TlsProblem {
            message: format!("{what} {}: {reason}", self.path.display()),
            help,
            location: self.location,
        }
    }

    fn read(self, what: &str) -> Result<Vec<u8>, TlsProblem> {
        let failed =
            |error: io::Error| self.problem(what, error, "check the path and the permissions of the file");
        let metadata = std::fs::metadata(self.path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(self.problem(what, "is not a regular file", "name a PEM file"));
        }
        let mut bytes = Vec::new();
        let file = File::open(self.path).map_err(failed)?;
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(self.problem(what, "has more than 1 MiB", "name a PEM file with certificates only"));
        }
        Ok(bytes)
    }

    /// All certificates in the file, at least one.
    pub(super) fn certificates(self, what: &str) -> Result<Vec<CertificateDer<'static>>, TlsProblem> {
        let bytes = self.read(what)?;
        let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
        let found = found.map_err(|error| {
            self.problem(what, format_args!("is not PEM: {error}"), "write the file anew; it may be cut off")
        })?;
        if found.is_empty() {
            let help = "a PEM certificate begins with `-----BEGIN CERTIFICATE-----`";
            return Err(self.problem(what, "holds no certificate", help));
        }
        Ok(found)
    }

    /// The first private key in the file.
    pub(super) fn private_key(self) -> Result<PrivateKeyDer<'static>, TlsProblem> {
        const WHAT: &str = "key file";
        let bytes = self.read(WHAT)?;
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
            pem::Error::NoItemsFound if is_encrypted(&bytes) => {
                let help = "store it without pass phrase, readable by the gateway alone: `openssl pkey -in KEY -out FILE`";
                self.problem(WHAT, "the key is encrypted with a pass phrase", help)
            }
            pem::Error::NoItemsFound => {
                let help = "a PEM key begins with `-----BEGIN PRIVATE KEY-----`";
                self.problem(WHAT, "holds no private key", help)
            }
            error => {
                self.problem(WHAT, format_args!("is not PEM: {error}"), "write the file anew; it may be cut off")
            }
        })
    }
}

fn is_encrypted(pem: &[u8]) -> bool {
    let holds = |text: &[u8]| pem.windows(text.len()).any(|window| window == text);
    holds(b"BEGIN ENCRYPTED PRIVATE KEY") || holds(b"Proc-Type: 4,ENCRYPTED")
}
