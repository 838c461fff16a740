//! Listeners and TLS, in the shape of the file.

use super::{Shown, duration, list, map, number, path, text};
use crate::config::units::show_size;
use crate::config::{CertificateFiles, Http2Limits, Listener, Protocol, TlsListener, UpstreamTls};

/// A listener: its address alone if that is all there is to it.
pub(super) fn listener(listener: &Listener) -> Shown {
    let address = text(listener.address.to_string());
    let has_usual_protocols = listener.protocols == Protocol::DEFAULT;
    if listener.tls.is_none() && has_usual_protocols && listener.proxy_protocol_from.is_empty() {
        return address;
    }
    let protocols = list(listener.protocols.iter().map(|protocol| text(protocol.as_str())));
    let mut entries = vec![("address", address), ("protocols", protocols)];
    if let Some(tls) = &listener.tls {
        entries.push(("tls", self::tls(tls)));
    }
    if !listener.proxy_protocol_from.is_empty() {
        let ranges = listener.proxy_protocol_from.iter().map(|range| text(range.to_string()));
        entries.push(("proxy_protocol_from", list(ranges)));
    }
    map(entries)
}

/// Bounds on HTTP/2 connections of clients.
pub(super) fn http2(limits: &Http2Limits) -> Shown {
    map([
        ("streams_max", Shown::Scalar(limits.streams_max.into())),
        ("resets_max", number(limits.resets_max)),
        ("stream_window", text(show_size(limits.stream_window.into()))),
        ("connection_window", text(show_size(limits.connection_window.into()))),
        ("ping_interval", duration(limits.ping_interval)),
        ("ping_timeout", duration(limits.ping_timeout)),
    ])
}

fn tls(tls: &TlsListener) -> Shown {
    let mut clients = vec![("mode", text(tls.client_certificates.as_str()))];
    if let Some(authorities) = tls.client_certificates.authorities() {
        clients.push(("ca", path(&authorities.path)));
    }
    map([
        ("certificates", list(tls.certificates.iter().map(certificate))),
        ("client_certificates", map(clients)),
        ("min_version", text(tls.min_version.as_str())),
    ])
}

/// How targets are spoken to over TLS.
pub(super) fn upstream_tls(tls: &UpstreamTls) -> Shown {
    let mut entries = Vec::new();
    if let Some(name) = &tls.server_name {
        entries.push(("server_name", text(name)));
    }
    if let Some(file) = &tls.ca {
        entries.push(("ca", path(&file.path)));
    }
    if let Some(files) = &tls.certificate {
        entries.extend([("certificate", path(&files.certificate)), ("key", path(&files.key))]);
    }
    entries.push(("min_version", text(tls.min_version.as_str())));
    map(entries)
}

fn certificate(files: &CertificateFiles) -> Shown {
    map([("certificate", path(&files.certificate)), ("key", path(&files.key))])
}
