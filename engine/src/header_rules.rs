//! Header fields that belong to the connection or to the message's framing. They are the gateway's: a script
//! or patch that could set them could make one message look like two.

use http::HeaderName;

/// Whether a step may set, append or remove this field.
///
/// # Errors
/// The reason, for the script's author.
pub fn settable(name: &HeaderName) -> Result<(), &'static str> {
    match name.as_str() {
        "content-length" | "transfer-encoding" | "trailer" => {
            Err("the gateway writes the framing itself; change the body instead")
        }
        "connection" | "keep-alive" | "proxy-connection" | "te" | "upgrade" | "http2-settings" => {
            Err("it belongs to one connection, not to the message (RFC 9110, section 7.6.1)")
        }
        _ => Ok(()),
    }
}
