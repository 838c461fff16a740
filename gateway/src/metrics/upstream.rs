//! What happened at the upstreams, by their names.

use std::fmt::Write;
use std::sync::Arc;

use crate::upstream::{Counters, Destination};

/// A counter with its name, its help and where it is.
type Row = (&'static str, &'static str, fn(&Counters) -> u64);

const ROWS: [Row; 2] = [
    ("retries_total", "Requests sent again.", |counters| counters.retries.get()),
    (
        "retry_budget_exhausted_total",
        "Requests not sent again because the budget for retries was used up.",
        |counters| counters.budget_exhausted.get(),
    ),
];

/// The counters of the upstreams of a generation in the Prometheus text format.
pub fn render<'a>(
    text: &mut String,
    upstreams: impl Iterator<Item = (&'a Arc<str>, &'a Arc<Destination>)> + Clone,
) {
    for (name, help, value) in ROWS {
        let _ =
            write!(text, "# HELP forebay_upstream_{name} {help}\n# TYPE forebay_upstream_{name} counter\n");
        for (upstream, destination) in upstreams.clone() {
            let value = value(&destination.state.counters);
            let _ = writeln!(text, "forebay_upstream_{name}{{upstream=\"{upstream}\"}} {value}");
        }
    }
}
