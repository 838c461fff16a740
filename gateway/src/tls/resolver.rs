//! Which certificate a client gets, by the server name it asks for (SNI, RFC 6066, section 3).
//!
//! An exact name goes before a wildcard, which stands for one label (RFC 6125, section 6.4.3). Of several
//! certificates for one name (such as one with an RSA and one with an elliptic key), the first whose key the client
//! can verify is taken. A client that names nothing known gets the first certificate of the listener: it can judge
//! by itself whether that will do, and probes that know no name go on working.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The certificates of a listener.
#[derive(Debug)]
pub(super) struct ByServerName {
    /// By name; wildcards by the name behind `*.` with its dot.
    names: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// Those without SNI, in order.
    default: Vec<Arc<CertifiedKey>>,
}

impl ByServerName {
    /// From certificates with the names they are for; there must be at least one.
    pub(super) fn new(certificates: Vec<(Vec<String>, Arc<CertifiedKey>)>) -> Self {
        let mut names: HashMap<String, Vec<Arc<CertifiedKey>>> = HashMap::new();
        let mut default: Vec<Arc<CertifiedKey>> = Vec::new();
        for (own_names, key) in certificates {
            for name in own_names {
                let name = name.strip_prefix('*').map_or(name.clone(), str::to_owned);
                names.entry(name).or_default().push(Arc::clone(&key));
            }
            if default.is_empty() {
                default.push(key);
            }
        }
        Self { names, default }
    }

    pub(super) fn choose(
        &self,
        name: Option<&str>,
        can_verify: impl Fn(&CertifiedKey) -> bool,
    ) -> Option<Arc<CertifiedKey>> {
        let candidates = name.and_then(|name| self.for_name(name)).unwrap_or(&self.default);
        let fitting = candidates.iter().find(|key| can_verify(key)).or_else(|| candidates.first());
        fitting.cloned()
    }

    fn for_name(&self, name: &str) -> Option<&Vec<Arc<CertifiedKey>>> {
        let lower = name.to_ascii_lowercase();
        self.names.get(&lower).or_else(|| self.names.get(&lower[lower.find('.')?..]))
    }
}

impl ResolvesServerCert for ByServerName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name(), |key| key.key.choose_scheme(hello.signature_schemes()).is_some())
    }
}
