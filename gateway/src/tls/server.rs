//! From a listener's settings to what its connections shake hands with.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use super::files::Named;
use super::resolver::ByServerName;
use super::{Tickets, TlsProblem, certificate, provider};
use crate::config::{AuthorityFile, CertificateFiles, ClientCertificates, Protocol, TlsListener, TlsVersion};

/// What `certificate` files are called in messages.
pub(super) const CERTIFICATE_FILE: &str = "certificate file";
/// What `ca` files are called in messages.
const AUTHORITY_FILE: &str = "authority file";

/// TLS of one listener in one generation.
#[derive(Debug)]
pub struct Server {
    /// What a handshake is done with.
    pub config: Arc<ServerConfig>,
    /// Until when its certificates are good.
    pub expiries: Vec<Expiry>,
}

/// Until when a certificate is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// The certificate's file.
    pub file: PathBuf,
    /// Seconds since 1970-01-01 UTC.
    pub not_after: i64,
}

impl Server {
    /// Reads the files of a listener. `protocols` are offered to clients in this order (ALPN); `previous` are the
    /// keys of the generation before.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub fn build(
        listener: &TlsListener,
        protocols: &[Protocol],
        tickets: &mut Tickets,
        previous: Option<&Tickets>,
    ) -> Result<Self, Vec<TlsProblem>> {
        let mut problems = Vec::new();
        let mut certificates = Vec::new();
        let mut expiries = Vec::new();
        for files in &listener.certificates {
            match certified(files) {
                Ok((names, key, not_after)) => {
                    expiries.push(Expiry { file: files.certificate.clone(), not_after });
                    certificates.push((names, key));
                }
                Err(problem) => problems.push(problem),
            }
        }
        let demand = Demand::read(&listener.client_certificates).map_err(|problem| problems.push(problem));
        let (Ok(demand), true) = (demand, problems.is_empty()) else { return Err(problems) };
        let versions: &[_] = match listener.min_version {
            TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
            TlsVersion::Tls13 => &[&rustls::version::TLS13],
        };
        let refused = |error: rustls::Error| {
            let help = "please report this as a bug of Forebay";
            vec![TlsProblem {
                message: format!("TLS cannot be set up: {error}"),
                help,
                location: listener.location,
            }]
        };
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions);
        let builder = builder.map_err(refused)?;
        let builder = match demand.verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(ByServerName::new(certificates)));
        let mode = listener.client_certificates.as_str();
        config.ticketer = tickets.keys(previous, mode, &demand.authorities).map_err(refused)?;
        // Sessions live in tickets: a cache would have to be shared by the workers, behind a lock.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.alpn_protocols =
            protocols.iter().map(|protocol| protocol.as_str().as_bytes().to_vec()).collect();
        Ok(Self { config: Arc::new(config), expiries })
    }
}

/// Names, key and end of validity of one entry.
fn certified(files: &CertificateFiles) -> Result<(Vec<String>, Arc<CertifiedKey>, i64), TlsProblem> {
    let named = Named { path: &files.certificate, location: files.location };
    let chain = named.certificates(CERTIFICATE_FILE)?;
    let unreadable = |reason: String| {
        named.problem(CERTIFICATE_FILE, format_args!("cannot be read: {reason}"), "write the file anew")
    };
    let parsed = certificate::parse(&chain[0]).map_err(unreadable)?;
    let names = certificate::dns_names(&parsed);
    let not_after = parsed.validity().not_after.timestamp();
    if !parsed.validity().is_valid() {
        let file = files.certificate.display();
        let (from, until) = (parsed.validity().not_before, parsed.validity().not_after);
        tracing::warn!(%file, %from, %until, "this certificate is not valid now; clients will refuse it");
    }
    drop(parsed);
    let key_file = Named { path: &files.key, location: files.location };
    let key = key_file.private_key()?;
    let unusable = |error: rustls::Error| {
        let help = "use an RSA key of at least 2048 bits, or one on the curve P-256, P-384, P-521 or Ed25519";
        key_file.problem("key file", format_args!("the key cannot be used: {error}"), help)
    };
    let key = provider().key_provider.load_private_key(key).map_err(unusable)?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(|_| {
        let reason = format_args!("the key is not the one of certificate {}", files.certificate.display());
        key_file.problem("key file", reason, "name the key that the certificate was made for")
    })?;
    Ok((names, Arc::new(certified), not_after))
}

/// What a listener demands of clients.
struct Demand {
    authorities: Vec<rustls::pki_types::CertificateDer<'static>>,
    verifier: Option<Arc<dyn rustls::server::danger::ClientCertVerifier>>,
}

impl Demand {
    fn read(settings: &ClientCertificates) -> Result<Self, TlsProblem> {
        let Some(file) = settings.authorities() else {
            return Ok(Self { authorities: Vec::new(), verifier: None });
        };
        let (authorities, roots) = authorities(file)?;
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        if matches!(settings, ClientCertificates::Optional(_)) {
            builder = builder.allow_unauthenticated();
        }
        let verifier = builder.build().map_err(|error| {
            let named = Named { path: &file.path, location: file.location };
            named.problem(AUTHORITY_FILE, error, "name the certificates of the authorities")
        })?;
        Ok(Self { authorities, verifier: Some(verifier) })
    }
}

type Authorities = (Vec<rustls::pki_types::CertificateDer<'static>>, RootCertStore);

/// The authorities of a file, each of which has to be usable.
pub(super) fn authorities(file: &AuthorityFile) -> Result<Authorities, TlsProblem> {
    let named = Named { path: &file.path, location: file.location };
    let authorities = named.certificates(AUTHORITY_FILE)?;
    let mut roots = RootCertStore::empty();
    for (index, authority) in authorities.iter().enumerate() {
        roots.add(authority.clone()).map_err(|error| {
            let reason = format_args!("certificate {} of it cannot be used: {error}", index + 1);
            named.problem(AUTHORITY_FILE, reason, "remove it from the file, or write it anew")
        })?;
    }
    Ok((authorities, roots))
}
