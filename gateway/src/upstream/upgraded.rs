//! An HTTP/1.1 connection to a target that has switched protocols.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::endpoint::Lease;

/// What is beneath HTTP: a socket, or TLS over one.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

/// A connection without HTTP.
pub struct Raw {
    /// The connection.
    pub io: Box<dyn Duplex>,
    /// What came after the head of the 101.
    pub read: Bytes,
}

/// A connection after its 101. It counts as one in use, and is closed when this is dropped.
pub struct Upgraded {
    lease: Lease,
    idle_timeout: Duration,
}

impl std::fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upgraded").finish_non_exhaustive()
    }
}

impl Upgraded {
    /// Boxed, for it is rare, and larger than what it stands beside.
    pub(super) fn new(lease: Lease, idle_timeout: Duration) -> Box<Self> {
        Box::new(Self { lease, idle_timeout })
    }

    /// The connection, once; `None` if it was lost meanwhile.
    pub async fn raw(&mut self) -> Option<Raw> {
        self.lease.exclusive_mut()?.upgraded().await
    }

    /// How long no byte may pass.
    pub fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }
}
