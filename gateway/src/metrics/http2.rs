//! Counters of HTTP/2 towards clients.

use super::{Cell, Total, simple};

/// One worker's counters.
#[derive(Default)]
pub struct Http2Metrics {
    /// Connections that spoke HTTP/2.
    pub connections: Cell,
    /// Requests over them.
    pub requests: Cell,
    /// Connections ended because of too many control frames.
    pub floods: Cell,
}

pub(super) fn render(text: &mut String, total: &Total<'_>) {
    let mut counter = |name, help, value| simple(text, name, "counter", help, value);
    counter(
        "forebay_http2_connections_total",
        "Client connections that spoke HTTP/2.",
        total(&|w| w.http2.connections.get()),
    );
    counter("forebay_http2_requests_total", "Requests over HTTP/2.", total(&|w| w.http2.requests.get()));
    counter(
        "forebay_http2_floods_total",
        "HTTP/2 connections ended because of too many control frames.",
        total(&|w| w.http2.floods.get()),
    );
}
