//! Preparing a request for the upstream.
//!
//! | field | peer untrusted | peer a trusted proxy |
//! |---|---|---|
//! | `X-Forwarded-For` | the peer | its list, the peer appended |
//! | `X-Forwarded-Proto`, `-Host`, `-Port` | of this connection | kept when well formed, else of this connection |
//! | `X-Real-IP` | the peer | the client found by `client_address` |
//! | `Forwarded` | replaced if sent, never invented: the fields above say the same | our element appended if sent |
//! | other `X-Forwarded-*`, `X-Original-*`, `True-Client-IP` and their like | removed | kept |
//! | `X-Request-Id` | new id | the id chosen |
//! | `Via` | appended | appended |
//!
//! Hop-by-hop fields, both framing fields and `Expect` (which the gateway has answered) are removed.

use std::fmt::Write;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::connection::remove_fields;
use super::{
    ClientAddress, PeerTrust, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PORT, X_FORWARDED_PROTO,
    X_REAL_IP, X_REQUEST_ID, via,
};
use crate::path::authority;

/// How the client's connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeScheme {
    /// Plain TCP.
    Http,
    /// TLS.
    Https,
}

impl EdgeScheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn header_value(self) -> HeaderValue {
        const HTTP: HeaderValue = HeaderValue::from_static("http");
        const HTTPS: HeaderValue = HeaderValue::from_static("https");
        match self {
            Self::Http => HTTP,
            Self::Https => HTTPS,
        }
    }
}

/// What does not change during a client connection, as header values made once.
#[derive(Debug, Clone)]
pub struct Edge {
    peer: IpAddr,
    scheme: EdgeScheme,
    peer_value: HeaderValue,
    port_value: HeaderValue,
}

impl Edge {
    /// For a connection from `peer` to our port `local_port`.
    pub fn new(peer: IpAddr, local_port: u16, scheme: EdgeScheme) -> Self {
        let peer = peer.to_canonical();
        Self { peer, scheme, peer_value: address_value(peer), port_value: HeaderValue::from(local_port) }
    }

    /// How the connection is secured.
    pub fn scheme(&self) -> EdgeScheme {
        self.scheme
    }
}

/// What a request is to tell its upstream.
#[derive(Debug, Clone, Copy)]
pub struct Forwarding<'a> {
    /// The connection it came over.
    pub edge: &'a Edge,
    /// Who sent it.
    pub client: ClientAddress,
    /// The host asked for, checked, with its port if it had one; empty if there was none.
    pub host: &'a str,
    /// Its id, 1 to 128 visible ASCII characters.
    pub request_id: &'a str,
    /// The protocol version it came in.
    pub version: Version,
    /// The `Host` it goes out with.
    pub upstream_host: UpstreamHost<'a>,
}

/// Which `Host` a request goes out with.
#[derive(Debug, Clone, Copy)]
pub enum UpstreamHost<'a> {
    /// The target's `host:port`.
    Target(&'a HeaderValue),
    /// What the client asked for, or the target's if it named no host.
    Preserve {
        /// The host asked for, checked; may be empty.
        client: &'a str,
        /// The target's `host:port`.
        target: &'a HeaderValue,
    },
}

/// Turns the fields a client sent into those the upstream gets. To be called once per exchange, since it
/// appends; for another attempt at another target call [`set_host`] alone.
pub fn prepare_upstream_request(headers: &mut HeaderMap, forwarding: &Forwarding<'_>) {
    let is_trusted = forwarding.client.trust == PeerTrust::Trusted;
    if forwarding.version == Version::HTTP_2 {
        join_cookies(headers);
    }
    remove_fields(headers, |name| {
        *name == CONTENT_LENGTH || *name == EXPECT || (!is_trusted && is_claim(name))
    });
    set_forwarded_for(headers, forwarding);
    set_forwarded(headers, forwarding);
    set_origin_fields(headers, forwarding, is_trusted);
    headers.append(VIA, via(forwarding.version));
    match HeaderValue::from_str(forwarding.request_id) {
        Ok(id) => drop(headers.insert(X_REQUEST_ID, id)),
        Err(_) => drop(headers.remove(X_REQUEST_ID)),
    }
    set_host(headers, forwarding.upstream_host);
}

/// HTTP/2 clients may send one `Cookie` field for each cookie; whatever comes behind expects one field for all (RFC
/// 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let mut joined = Vec::new();
    for value in headers.get_all(COOKIE) {
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(value.as_bytes());
    }
    let joined = HeaderValue::from_maybe_shared(Bytes::from(joined));
    headers.insert(COOKIE, joined.expect("header values joined by semicolons are a header value"));
}

/// Sets the one `Host` of a request.
pub fn set_host(headers: &mut HeaderMap, host: UpstreamHost<'_>) {
    let value = match host {
        UpstreamHost::Target(target) => target.clone(),
        UpstreamHost::Preserve { client, target } => {
            if is_only_host(headers, client) {
                return;
            }
            host_value(client).unwrap_or_else(|| target.clone())
        }
    };
    headers.insert(HOST, value);
}

fn is_only_host(headers: &HeaderMap, host: &str) -> bool {
    let mut values = headers.get_all(HOST).iter();
    let first = values.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(host.as_bytes()));
    first && !host.is_empty() && values.next().is_none()
}

fn host_value(host: &str) -> Option<HeaderValue> {
    if host.is_empty() { None } else { HeaderValue::from_str(host).ok() }
}

fn address_value(ip: IpAddr) -> HeaderValue {
    let text = Bytes::from(ip.to_string());
    HeaderValue::from_maybe_shared(text).expect("an address is visible ASCII")
}

/// Whether a field claims something about who sent the request or what was asked for. Those that are set
/// in any case are left out, because setting replaces them.
fn is_claim(name: &HeaderName) -> bool {
    let name = name.as_str();
    match name.as_bytes().first() {
        Some(b'x') => {
            let is_overwritten = matches!(
                name,
                "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-port" | "x-forwarded-proto"
            );
            (name.starts_with("x-forwarded") && !is_overwritten)
                || name.starts_with("x-original-")
                || name.starts_with("x-rewrite-")
                || matches!(name, "x-client-ip" | "x-cluster-client-ip" | "x-envoy-external-address")
        }
        Some(b'c' | b'f' | b't') => {
            matches!(name, "cf-connecting-ip" | "fastly-client-ip" | "front-end-https" | "true-client-ip")
        }
        _ => false,
    }
}

fn set_forwarded_for(headers: &mut HeaderMap, forwarding: &Forwarding<'_>) {
    let Forwarding { edge, client, .. } = forwarding;
    let value = match client.trust {
        PeerTrust::Untrusted => edge.peer_value.clone(),
        PeerTrust::Trusted => appended(headers, &X_FORWARDED_FOR, edge.peer_value.as_bytes()),
    };
    headers.insert(X_FORWARDED_FOR, value);
    let real_ip = if client.ip == edge.peer { edge.peer_value.clone() } else { address_value(client.ip) };
    headers.insert(X_REAL_IP, real_ip);
}

fn set_forwarded(headers: &mut HeaderMap, forwarding: &Forwarding<'_>) {
    if !headers.contains_key(FORWARDED) {
        return;
    }
    let edge = forwarding.edge;
    let mut element = match edge.peer {
        IpAddr::V4(ip) => format!("for={ip}"),
        IpAddr::V6(ip) => format!("for=\"[{ip}]\""),
    };
    // Writing to a string cannot fail. A checked host holds neither quotes nor backslashes.
    if authority::check(forwarding.host.as_bytes()).is_ok() {
        let _ = write!(element, ";host=\"{}\"", forwarding.host);
    }
    let _ = write!(element, ";proto={}", edge.scheme.as_str());
    if forwarding.client.trust == PeerTrust::Untrusted {
        headers.remove(FORWARDED);
    }
    let value = appended(headers, &FORWARDED, element.as_bytes());
    headers.insert(FORWARDED, value);
}

/// All values of a list field as one, with `last` appended.
fn appended(headers: &HeaderMap, name: &HeaderName, last: &[u8]) -> HeaderValue {
    let mut list = Vec::with_capacity(64);
    for value in headers.get_all(name).iter().filter(|value| !value.is_empty()) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(last);
    HeaderValue::from_maybe_shared(Bytes::from(list))
        .expect("header values joined by commas are a header value")
}

fn set_origin_fields(headers: &mut HeaderMap, forwarding: &Forwarding<'_>, is_trusted: bool) {
    let edge = forwarding.edge;
    let is_proto = |item: &[u8]| item == b"http" || item == b"https";
    if !(is_trusted && is_list_of(headers, &X_FORWARDED_PROTO, is_proto)) {
        headers.insert(X_FORWARDED_PROTO, edge.scheme.header_value());
    }
    let is_port = |item: &[u8]| item.len() <= 5 && item.iter().all(u8::is_ascii_digit);
    if !(is_trusted && is_list_of(headers, &X_FORWARDED_PORT, is_port)) {
        headers.insert(X_FORWARDED_PORT, edge.port_value.clone());
    }
    let is_host = |item: &[u8]| authority::check(item).is_ok();
    if !(is_trusted && is_list_of(headers, &X_FORWARDED_HOST, is_host)) {
        // The client's own value costs no copy.
        let asked = headers.get(HOST).filter(|_| is_only_host(headers, forwarding.host)).cloned();
        match asked.or_else(|| host_value(forwarding.host)) {
            Some(host) => drop(headers.insert(X_FORWARDED_HOST, host)),
            None => drop(headers.remove(X_FORWARDED_HOST)),
        }
    }
}

/// Whether a field occurs once, as a list of one or more well-formed items.
fn is_list_of(headers: &HeaderMap, name: &HeaderName, is_item: impl Fn(&[u8]) -> bool) -> bool {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    value.as_bytes().split(|byte| *byte == b',').all(|item| {
        let item = item.trim_ascii();
        !item.is_empty() && is_item(item)
    })
}
