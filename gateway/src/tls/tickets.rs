//! Keys for session tickets (RFC 8446, section 2.2): shared by all workers, kept over reloads.
//!
//! A ticket carries the client's verified certificate, and resuming does not verify it again. So a ticket must not
//! open a listener that asks for other certificates than the one that issued it: keys are shared only between
//! listeners with the same demand on clients, mode and authorities, and a reload that changes the demand begins
//! with new keys. rustls changes keys every six hours and takes a ticket for twelve.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::CertificateDer;
use rustls::server::ProducesTickets;

/// What listeners demand of clients, in short.
type Demand = [u8; 32];

/// The keys of one generation.
#[derive(Debug, Default)]
pub struct Tickets {
    keys: HashMap<Demand, Arc<dyn ProducesTickets>>,
}

impl Tickets {
    /// The keys for listeners with this demand: those of this generation, else of the one before, else new ones.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(super) fn keys(
        &mut self,
        previous: Option<&Self>,
        mode: &str,
        authorities: &[CertificateDer<'_>],
    ) -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
        let demand = demand(mode, authorities);
        if let Some(keys) = self.keys.get(&demand) {
            return Ok(Arc::clone(keys));
        }
        let keys = match previous.and_then(|previous| previous.keys.get(&demand)) {
            Some(keys) => Arc::clone(keys),
            None => Ticketer::new()?,
        };
        self.keys.insert(demand, Arc::clone(&keys));
        Ok(keys)
    }
}

fn demand(mode: &str, authorities: &[CertificateDer<'_>]) -> Demand {
    let mut context = Context::new(&SHA256);
    context.update(mode.as_bytes());
    for authority in authorities {
        context.update(&(authority.len() as u64).to_be_bytes());
        context.update(authority);
    }
    let mut demand = [0; 32];
    demand.copy_from_slice(context.finish().as_ref());
    demand
}
