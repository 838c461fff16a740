//! What a certificate says of itself: names, validity, and what scripts see of a client's.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use forebay_engine::exchange::PeerCertificate;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// Reads a certificate. The error is the parser's word for what is wrong.
pub(super) fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    X509Certificate::from_der(der).map(|(_, certificate)| certificate).map_err(|error| error.to_string())
}

/// The alternative names that are of a kind people know: DNS names in lower case, addresses, email, URIs.
pub(super) fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extension = certificate.subject_alternative_name().ok().flatten();
    let names = extension.iter().flat_map(|extension| &extension.value.general_names);
    names.filter_map(name_text).collect()
}

/// The DNS names a server certificate is for, in lower case; `*.` may stand in front.
pub(super) fn dns_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extension = certificate.subject_alternative_name().ok().flatten();
    let names = extension.iter().flat_map(|extension| &extension.value.general_names);
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::RFC822Name(text) | GeneralName::URI(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).ok().map(IpAddr::from);
            v4.or_else(|| <[u8; 16]>::try_from(*bytes).ok().map(IpAddr::from)).map(|ip| ip.to_string())
        }
        _ => None,
    }
}

/// What scripts and logs are shown of a client's certificate. One that was verified can be read; should it not
/// be, only its digest is known.
pub(super) fn describe(der: &CertificateDer<'_>) -> PeerCertificate {
    let sha256 = hex::encode(digest(&SHA256, der));
    let Ok(certificate) = parse(der) else {
        return PeerCertificate { sha256, ..PeerCertificate::default() };
    };
    let validity = certificate.validity();
    PeerCertificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: hex::encode(certificate.raw_serial()),
        sha256,
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
        names: names(&certificate),
    }
}
