//! What happened at the upstreams, by their names.

use std::fmt::Write;
use std::sync::Arc;

use crate::upstream::{Bound, Condition, Counters, Destination};

/// A counter with its name, its help and where it is.
type Row = (&'static str, &'static str, fn(&Counters) -> u64);

const ROWS: [Row; 6] = [
    ("retries_total", "Requests sent again.", |counters| counters.retries.get()),
    (
        "retry_budget_exhausted_total",
        "Requests not sent again because the budget for retries was used up.",
        |counters| counters.budget_exhausted.get(),
    ),
    ("ejections_total", "Targets put out for failing requests.", |counters| counters.ejections.get()),
    ("mirrored_total", "Requests copied to another upstream.", |counters| counters.mirrored.get()),
    (
        "mirror_skipped_total",
        "Requests not copied: too many under way, or a body too large or still on its way.",
        |counters| counters.mirror_skipped.get(),
    ),
    ("failed_checks_total", "Health checks of targets that failed.", |counters| counters.failed_checks.get()),
];

/// The counters of the upstreams of a generation in the Prometheus text format.
pub fn render<'a>(
    text: &mut String,
    upstreams: impl Iterator<Item = (&'a Arc<str>, &'a Arc<Destination>)> + Clone,
) {
    text.push_str(
        "# HELP forebay_upstream_target_up Whether a target is used: not unhealthy, not ejected.\n",
    );
    text.push_str("# TYPE forebay_upstream_target_up gauge\n");
    for (upstream, destination) in upstreams.clone() {
        for target in &destination.state.targets {
            let (address, is_up) = (&target.address, u8::from(target.condition() == Condition::Up));
            let _ = writeln!(
                text,
                "forebay_upstream_target_up{{upstream=\"{upstream}\",target=\"{address}\"}} {is_up}"
            );
        }
    }
    text.push_str(
        "# HELP forebay_upstream_target_address_changes_total Changes of the addresses of a name.\n",
    );
    text.push_str("# TYPE forebay_upstream_target_address_changes_total counter\n");
    for (upstream, destination) in upstreams.clone() {
        for target in &destination.state.targets {
            let (address, changes) = (&target.address, target.address_changes.get());
            let _ = writeln!(
                text,
                "forebay_upstream_target_address_changes_total{{upstream=\"{upstream}\",target=\"{address}\"}} {changes}"
            );
        }
    }
    text.push_str("# HELP forebay_upstream_breaker_refusals_total What circuit breakers refused.\n");
    text.push_str("# TYPE forebay_upstream_breaker_refusals_total counter\n");
    for (upstream, destination) in upstreams.clone() {
        for bound in Bound::ALL {
            let (bound, count) = (bound.as_str(), destination.state.counters.refused[bound as usize].get());
            let _ = writeln!(
                text,
                "forebay_upstream_breaker_refusals_total{{upstream=\"{upstream}\",bound=\"{bound}\"}} {count}"
            );
        }
    }
    for (name, help, value) in ROWS {
        let _ =
            write!(text, "# HELP forebay_upstream_{name} {help}\n# TYPE forebay_upstream_{name} counter\n");
        for (upstream, destination) in upstreams.clone() {
            let value = value(&destination.state.counters);
            let _ = writeln!(text, "forebay_upstream_{name}{{upstream=\"{upstream}\"}} {value}");
        }
    }
}
