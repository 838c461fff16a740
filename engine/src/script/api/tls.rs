//! `req.tls`: what the handshake of the client's connection has settled, as a map.

use rhai::{Array, Dynamic, ImmutableString, Map};

use crate::exchange::{PeerCertificate, Tls};

/// The map behind `req.tls`. Built only when a script asks for it.
pub(super) fn describe(tls: &Tls) -> Dynamic {
    let mut map = Map::new();
    map.insert("version".into(), text(tls.version));
    map.insert("cipher".into(), text(&tls.cipher));
    map.insert("sni".into(), tls.server_name.as_deref().map_or(Dynamic::UNIT, text));
    map.insert("alpn".into(), tls.alpn.as_deref().map_or(Dynamic::UNIT, text));
    map.insert("resumed".into(), tls.resumed.into());
    map.insert("peer".into(), tls.peer.as_ref().map_or(Dynamic::UNIT, certificate));
    map.into()
}

fn certificate(peer: &PeerCertificate) -> Dynamic {
    let mut map = Map::new();
    map.insert("subject".into(), text(&peer.subject));
    map.insert("issuer".into(), text(&peer.issuer));
    map.insert("serial".into(), text(&peer.serial));
    map.insert("sha256".into(), text(&peer.sha256));
    map.insert("not_before".into(), peer.not_before.into());
    map.insert("not_after".into(), peer.not_after.into());
    let names: Array = peer.names.iter().map(|name| text(name)).collect();
    map.insert("names".into(), names.into());
    map.into()
}

fn text(text: &str) -> Dynamic {
    ImmutableString::from(text).into()
}
