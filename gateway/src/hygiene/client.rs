//! Who the client is, when there are proxies in front.
//!
//! `X-Forwarded-For` grows to the right: each proxy appends the address it was asked from. So it is read
//! from the right, and only past proxies that are trusted; what stands further left is what somebody
//! untrusted wrote.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

use super::X_FORWARDED_FOR;

/// Whether the peer of the connection is a trusted proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerTrust {
    /// Its forwarding fields are believed.
    Trusted,
    /// Its forwarding fields are replaced.
    Untrusted,
}

/// The client as far as it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    /// Address of the client; IPv4 also where it was written as IPv4 in IPv6.
    pub ip: IpAddr,
    /// Whether the peer of the connection, not the client, is trusted.
    pub trust: PeerTrust,
}

/// Finds the client's address: the peer, or with a trusted peer the rightmost address in
/// `X-Forwarded-For` that is not a trusted proxy. If all are trusted, the leftmost. An entry that is no
/// address ends the search at the proxy that reported it.
pub fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> ClientAddress {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip));
    let mut ip = peer.to_canonical();
    if !is_trusted(ip) {
        return ClientAddress { ip, trust: PeerTrust::Untrusted };
    }
    let lines = headers.get_all(X_FORWARDED_FOR).iter();
    let entries = lines.rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for entry in entries {
        let Some(address) = parse_entry(entry) else { break };
        ip = address;
        if !is_trusted(ip) {
            break;
        }
    }
    ClientAddress { ip, trust: PeerTrust::Trusted }
}

/// An address with or without port; IPv6 with or without brackets.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    ip.ok().map(|ip: IpAddr| ip.to_canonical())
}
