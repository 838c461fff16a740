//! TLS: certificates read from files, what a listener needs to speak it, what a handshake has settled.
//!
//! rustls does the protocol and aws-lc-rs the cryptography; the provider is named wherever a configuration is
//! made, so that no default of the process decides. There is no way to weaken what they consider safe: no
//! version below 1.2, no cipher suite without forward secrecy and authenticated encryption, no renegotiation,
//! no compression, no early data.
//!
//! A configuration belongs to a generation and is built with it. Connections keep the one they shook hands with,
//! so a reload closes none of them.

mod certificate;
mod client;
mod failure;
mod files;
mod handshake;
mod resolver;
mod server;
mod tickets;

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::diagnostic::Location;

pub use client::{Client, SystemRoots};
pub use failure::HandshakeFailure;
pub use handshake::settled;
pub use server::{Expiry, Server};
pub use tickets::Tickets;

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// The cryptography of every configuration.
fn provider() -> Arc<CryptoProvider> {
    Arc::clone(&PROVIDER)
}

/// Why a configuration for TLS cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsProblem {
    /// What is wrong, with the file.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
    /// The place in the configuration file that names the file.
    pub location: Option<Location>,
}
