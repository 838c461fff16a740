//! Counters of TLS handshakes.

use std::fmt::Write;

use super::{Cell, Total};
use crate::tls::{Expiry, HandshakeFailure};

/// One worker's counters.
#[derive(Default)]
pub struct TlsMetrics {
    /// Handshakes that verified certificates.
    pub full: Cell,
    /// Handshakes that resumed a session.
    pub resumed: Cell,
    failures: [Cell; HandshakeFailure::ALL.len()],
}

impl TlsMetrics {
    /// Counts a failed handshake.
    pub fn failed(&self, failure: HandshakeFailure) {
        self.failures[failure as usize].add(1);
    }
}

pub(super) fn render(text: &mut String, total: &Total<'_>) {
    let name = "forebay_tls_handshakes_total";
    let _ = write!(text, "# HELP {name} Finished TLS handshakes with clients.\n# TYPE {name} counter\n");
    let _ = writeln!(text, "{name}{{resumed=\"false\"}} {}", total(&|w| w.tls.full.get()));
    let _ = writeln!(text, "{name}{{resumed=\"true\"}} {}", total(&|w| w.tls.resumed.get()));
    let name = "forebay_tls_handshake_failures_total";
    let _ = write!(text, "# HELP {name} Failed TLS handshakes with clients.\n# TYPE {name} counter\n");
    for failure in HandshakeFailure::ALL {
        let count = total(&|w| w.tls.failures[failure as usize].get());
        let _ = writeln!(text, "{name}{{reason=\"{}\"}} {count}", failure.as_str());
    }
}

/// The certificates of the generation that serves, each with the end of its validity.
pub fn render_expiries<'a>(text: &mut String, expiries: impl Iterator<Item = &'a Expiry>) {
    let name = "forebay_tls_certificate_not_after_seconds";
    let _ = write!(text, "# HELP {name} End of a certificate's validity, Unix time.\n# TYPE {name} gauge\n");
    for Expiry { file, not_after } in expiries {
        let file = file.display().to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = writeln!(text, "{name}{{file=\"{file}\"}} {not_after}");
    }
}
