//! The `listen` section. Files are only named here; the build of a generation reads them.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::document::Node;
use super::super::raw::{
    RawCertificate, RawClientCertificateMode, RawClientCertificates, RawHttp2Limits, RawListen, RawListener,
    RawProtocol, RawSize, RawTls, RawTlsVersion,
};
use super::super::{
    AuthorityFile, CertificateFiles, ClientCertificates, Http2Limits, Listener, Protocol, TlsListener,
    TlsVersion, codes,
};
use super::{Context, Refusal, address, duration, refuse_overlap, trusted_proxies};

/// Builds all listeners.
pub(super) fn validate(raw: Option<RawListen>, node: &Node, context: &mut Context<'_>) -> Vec<Listener> {
    let (written, is_list) = match raw {
        None => {
            let address = SocketAddr::from(([0, 0, 0, 0], 8080));
            let protocols = Protocol::DEFAULT.to_vec();
            return vec![Listener { address, protocols, tls: None, proxy_protocol_from: Vec::new() }];
        }
        Some(RawListen::One(one)) => (vec![one], false),
        Some(RawListen::Many(many)) => (many, true),
    };
    let mut listeners: Vec<Listener> = Vec::new();
    for (index, written) in written.into_iter().enumerate() {
        let item = if is_list { node.item(index) } else { node };
        let mut proxies = None;
        let (place, outcome, protocols, tls) = match written {
            RawListener::Port(port) => (item, Ok(SocketAddr::from(([0, 0, 0, 0], port))), None, None),
            RawListener::Text(text) => (item, super::addresses::socket_address(&text), None, None),
            RawListener::Settings(settings) => {
                proxies = settings.proxy_protocol_from;
                let Some(written) = settings.address else { continue };
                (item.at("address"), address(&written), settings.protocols, settings.tls)
            }
        };
        let tls = tls.map(|tls| self::tls(tls, item.at("tls"), context));
        if let Some(address) = context.accept(place, outcome) {
            let others: Vec<SocketAddr> = listeners.iter().map(|listener| listener.address).collect();
            refuse_overlap(address, &others, place, context);
            let proxy_protocol_from = trusted_proxies(proxies, item.at("proxy_protocol_from"), context);
            listeners.push(Listener {
                address,
                protocols: self::protocols(protocols),
                tls,
                proxy_protocol_from,
            });
        }
    }
    listeners
}

fn protocols(raw: Option<Vec<RawProtocol>>) -> Vec<Protocol> {
    let Some(raw) = raw else { return Protocol::DEFAULT.to_vec() };
    let protocol = |raw| match raw {
        RawProtocol::Http1 => Protocol::Http1,
        RawProtocol::Http2 => Protocol::Http2,
    };
    raw.into_iter().map(protocol).collect()
}

/// Bounds on HTTP/2 connections of clients.
pub(super) fn http2(raw: &RawHttp2Limits) -> Http2Limits {
    let window =
        |raw: Option<RawSize>, default| raw.map_or(default, |raw| u32::try_from(raw.0).unwrap_or(u32::MAX));
    Http2Limits {
        streams_max: raw.streams_max.unwrap_or(128),
        resets_max: raw.resets_max.unwrap_or(20),
        stream_window: window(raw.stream_window, 256 << 10),
        connection_window: window(raw.connection_window, 1 << 20),
        ping_interval: duration(raw.ping_interval, Duration::from_secs(30)),
        ping_timeout: duration(raw.ping_timeout, Duration::from_secs(10)),
    }
}

fn tls(raw: RawTls, node: &Node, context: &mut Context<'_>) -> TlsListener {
    let list = node.at("certificates");
    let written = raw.certificates.unwrap_or_default().into_iter().enumerate();
    let certificates =
        written.filter_map(|(index, raw)| certificate(raw, list.item(index), context)).collect();
    TlsListener {
        certificates,
        client_certificates: client_certificates(
            raw.client_certificates.unwrap_or_default(),
            node.at("client_certificates"),
            context,
        ),
        min_version: min_version(raw.min_version),
        location: Some(context.place(node)),
    }
}

/// The oldest version spoken.
pub(super) fn min_version(raw: Option<RawTlsVersion>) -> TlsVersion {
    match raw {
        Some(RawTlsVersion::Tls13) => TlsVersion::Tls13,
        Some(RawTlsVersion::Tls12) | None => TlsVersion::Tls12,
    }
}

/// A file with authorities.
pub(super) fn authorities(written: &str, node: &Node, context: &mut Context<'_>) -> AuthorityFile {
    AuthorityFile { path: context.path(node, written), location: Some(context.place(node)) }
}

fn certificate(raw: RawCertificate, node: &Node, context: &mut Context<'_>) -> Option<CertificateFiles> {
    let (certificate, key) = (raw.certificate?, raw.key?);
    Some(CertificateFiles {
        certificate: context.path(node.at("certificate"), &certificate),
        key: context.path(node.at("key"), &key),
        location: Some(context.place(node.at("certificate"))),
    })
}

fn client_certificates(
    raw: RawClientCertificates,
    node: &Node,
    context: &mut Context<'_>,
) -> ClientCertificates {
    let mode = raw.mode.unwrap_or_default();
    let file = raw.ca.map(|written| authorities(&written, node.at("ca"), context));
    match (mode, file) {
        (RawClientCertificateMode::Off, None) => ClientCertificates::Off,
        (RawClientCertificateMode::Optional, Some(file)) => ClientCertificates::Optional(file),
        (RawClientCertificateMode::Required, Some(file)) => ClientCertificates::Required(file),
        (RawClientCertificateMode::Off, Some(_)) => {
            let help = "add `mode: required` or `mode: optional`, or remove `ca`";
            let message = "`ca` means nothing while clients are not asked for certificates";
            context.refuse(node.at("ca"), Refusal::new(codes::CONFLICT, message, help));
            ClientCertificates::Off
        }
        (RawClientCertificateMode::Optional | RawClientCertificateMode::Required, None) => {
            let help =
                "add `ca`: a PEM file with the certificates of the authorities that sign those of clients";
            let message = "client certificates cannot be checked without `ca`";
            context.refuse(node.at("mode"), Refusal::new(codes::CONFLICT, message, help));
            ClientCertificates::Off
        }
    }
}
