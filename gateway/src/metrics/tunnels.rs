//! Counters of connections that have switched protocols.

use super::{Cell, Total, simple};

/// One worker's counters.
#[derive(Default)]
pub struct TunnelMetrics {
    /// Tunnels that are open.
    pub open: Cell,
    /// Tunnels that were opened.
    pub opened: Cell,
    /// Bytes from clients through tunnels that have ended.
    pub from_clients: Cell,
    /// Bytes from upstreams through tunnels that have ended.
    pub from_upstreams: Cell,
}

pub(super) fn render(text: &mut String, total: &Total<'_>) {
    let open = total(&|w| w.tunnels.open.get());
    simple(text, "forebay_tunnels", "gauge", "Open connections that have switched protocols.", open);
    let mut counter = |name, help, value| simple(text, name, "counter", help, value);
    counter(
        "forebay_tunnels_total",
        "Connections that have switched protocols.",
        total(&|w| w.tunnels.opened.get()),
    );
    counter(
        "forebay_tunnel_client_bytes_total",
        "Bytes from clients through tunnels that have ended.",
        total(&|w| w.tunnels.from_clients.get()),
    );
    counter(
        "forebay_tunnel_upstream_bytes_total",
        "Bytes from upstreams through tunnels that have ended.",
        total(&|w| w.tunnels.from_upstreams.get()),
    );
}
