//! TLS towards upstreams: whom to trust, as whom to appear, and what to speak.
//!
//! A server's certificate is always verified, against the authorities of the configuration or else of the system,
//! and for the name that was asked for. There is no setting that switches this off: a server with a certificate of
//! its own making is trusted by naming that certificate as `ca`.

use std::cell::OnceCell;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::files::Named;
use super::server::{CERTIFICATE_FILE, authorities};
use super::{TlsProblem, provider};
use crate::config::{AuthorityFile, CertificateFiles, TlsVersion, UpstreamProtocol, UpstreamTls};
use crate::diagnostic::Location;

/// Sessions kept for each target, for resumption.
const SESSIONS_MAX: usize = 32;

/// TLS to the targets of one upstream.
pub struct Client {
    config: Arc<ClientConfig>,
    /// The name asked for and verified; the target's host without it.
    server_name: Option<ServerName<'static>>,
    /// Differs whenever anything differs that a connection was opened with.
    identity: Arc<str>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// The authorities that the system trusts, read when they are first needed.
#[derive(Default)]
pub struct SystemRoots(OnceCell<Result<Trust, String>>);

/// Who is trusted, and what of it goes into the identity.
#[derive(Clone)]
struct Trust {
    roots: Arc<RootCertStore>,
    shown: Arc<[CertificateDer<'static>]>,
}

impl Client {
    /// Reads the files of an upstream.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn build(
        settings: &UpstreamTls,
        protocol: UpstreamProtocol,
        system: &SystemRoots,
    ) -> Result<Self, Vec<TlsProblem>> {
        let mut problems = Vec::new();
        let trust = Trust::read(settings.ca.as_ref(), settings.location, system);
        let trust = trust.map_err(|problem| problems.push(problem)).ok();
        let own = settings.certificate.as_ref().map(own_certificate).transpose();
        let own = own.map_err(|problem| problems.push(problem)).ok();
        let (Some(trust), Some(own)) = (trust, own) else { return Err(problems) };
        let refused = |error: &dyn std::fmt::Display| {
            let message = format!("TLS to the upstream cannot be set up: {error}");
            let help = "check that the key is the one of the certificate";
            vec![TlsProblem { message, help, location: settings.location }]
        };
        let mut digest = Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            digest.update(&(bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        add(settings.server_name.as_deref().unwrap_or_default().as_bytes());
        add(settings.min_version.as_str().as_bytes());
        add(protocol.as_str().as_bytes());
        for certificate in trust.shown.iter() {
            add(certificate);
        }
        let versions: &[_] = match settings.min_version {
            TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
            TlsVersion::Tls13 => &[&rustls::version::TLS13],
        };
        let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions);
        let builder = builder.map_err(|error| refused(&error))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(trust.roots, provider()).build();
        let builder = builder.with_webpki_verifier(verifier.map_err(|error| refused(&error))?);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                for certificate in &chain {
                    add(certificate);
                }
                add(key.secret_der());
                builder.with_client_auth_cert(chain, key).map_err(|error| refused(&error))?
            }
        };
        config.alpn_protocols = protocol.alpn().iter().map(|name| name.as_bytes().to_vec()).collect();
        // What a name can be was checked with the configuration.
        let server_name = settings.server_name.clone().and_then(|name| ServerName::try_from(name).ok());
        let identity = hex::encode(digest.finish()).into();
        Ok(Self { config: Arc::new(config), server_name, identity })
    }

    /// A digest of everything a connection is opened with. Connections of another identity are not used.
    pub fn identity(&self) -> &Arc<str> {
        &self.identity
    }

    /// The name to ask a target for; `None` when its host is no name that a certificate can have.
    pub fn server_name(&self, host: &str) -> Option<ServerName<'static>> {
        self.server_name.clone().or_else(|| ServerName::try_from(host.to_owned()).ok())
    }

    /// A configuration with a store of sessions for one target of one worker, so that workers share no lock; and the same
    /// for HTTP/1.1 alone.
    pub fn configs(&self) -> (Arc<ClientConfig>, Arc<ClientConfig>) {
        let mut config = (*self.config).clone();
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        let mut http1 = config.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        (Arc::new(config), Arc::new(http1))
    }
}

impl Trust {
    fn read(
        file: Option<&AuthorityFile>,
        location: Option<Location>,
        system: &SystemRoots,
    ) -> Result<Self, TlsProblem> {
        if let Some(file) = file {
            let (shown, roots) = authorities(file)?;
            return Ok(Self { roots: Arc::new(roots), shown: shown.into() });
        }
        system.0.get_or_init(Self::of_system).clone().map_err(|reason| {
            let message = format!("the system's store of authorities cannot be used: {reason}");
            let help = "install the system's package of authorities, or name a PEM file as `ca`";
            TlsProblem { message, help, location }
        })
    }

    fn of_system() -> Result<Self, String> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Some stores hold certificates that nobody can use any more.
        roots.add_parsable_certificates(found.certs.iter().cloned());
        if roots.is_empty() {
            return Err(found.errors.first().map_or_else(|| "it is empty".to_owned(), ToString::to_string));
        }
        Ok(Self { roots: Arc::new(roots), shown: found.certs.into() })
    }
}

type OwnCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn own_certificate(files: &CertificateFiles) -> Result<OwnCertificate, TlsProblem> {
    let chain =
        Named { path: &files.certificate, location: files.location }.certificates(CERTIFICATE_FILE)?;
    let key = Named { path: &files.key, location: files.location }.private_key()?;
    Ok((chain, key))
}
