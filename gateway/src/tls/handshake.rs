//! What a finished handshake has settled, for scripts and logs.

use forebay_engine::exchange::Tls;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};

use super::certificate;

/// Describes a connection after its handshake.
pub fn settled(connection: &ServerConnection) -> Tls {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Tls {
        version: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            _ => "1.3",
        },
        cipher: connection
            .negotiated_cipher_suite()
            .map(|suite| format!("{:?}", suite.suite()))
            .unwrap_or_default(),
        server_name: connection.server_name().map(str::to_ascii_lowercase),
        alpn: connection.alpn_protocol().map(text),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        peer: connection.peer_certificates().and_then(|chain| chain.first()).map(certificate::describe),
    }
}
