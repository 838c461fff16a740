//! Which header fields belong to a connection or to a message's framing, and so may not be set by steps.
//!
//! One list for everybody: scripts in either form, patches and the gateway's own forwarding ask here, so
//! that no way of running a step can smuggle what another refuses. Names reach this module as
//! [`HeaderName`], which is lower case and a valid token by construction.

use http::HeaderName;

/// Whether a field concerns one connection only and is never forwarded (RFC 9110, section 7.6.1).
///
/// `proxy-connection`, `proxy-authenticate`, `proxy-authorization` and `http2-settings` are here because
/// they too are meant for the next hop alone; `trailer` because trailers are announced again by whoever
/// frames the message.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Whether a step may set, append or remove a field. The error says why not, ready to be shown.
///
/// Refused are the hop-by-hop fields, what frames the message (`content-length`), what the gateway has
/// already answered (`expect`) and `host`, of which exactly one has to reach the upstream.
pub fn settable(name: &HeaderName) -> Result<(), &'static str> {
    match name.as_str() {
        "content-length" => Err("the gateway computes Content-Length from the body; set the body instead"),
        "transfer-encoding" => Err("the gateway chooses the framing of a message; set the body instead"),
        "host" => Err("Host follows the upstream; see `preserve_host` of the upstream in the configuration"),
        "expect" => Err("the gateway itself answers Expect towards the client"),
        _ if is_hop_by_hop(name) => {
            Err("the field concerns one connection only (RFC 9110, section 7.6.1) and is never forwarded")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_and_connection_fields_are_refused_in_any_case() {
        for name in [
            "Connection",
            "Keep-Alive",
            "Proxy-Connection",
            "Proxy-Authenticate",
            "Proxy-Authorization",
            "HTTP2-Settings",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "Content-Length",
            "Host",
            "Expect",
        ] {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            assert!(settable(&name).is_err(), "{name} must not be settable");
        }
    }

    #[test]
    fn every_hop_by_hop_field_is_refused_and_others_are_free() {
        assert!(is_hop_by_hop(&http::header::TE));
        for name in ["content-type", "x-forwarded-for", "authorization", "set-cookie", "te-x", "hosts"] {
            let name = HeaderName::from_static(name);
            assert!(!is_hop_by_hop(&name));
            assert_eq!(settable(&name), Ok(()));
        }
    }
}
