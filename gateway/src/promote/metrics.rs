//! Counters of the promotion service in the Prometheus text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::report::{Report, State};

/// What the service counts.
#[derive(Default)]
pub(super) struct Counters {
    compilations: AtomicU64,
    compile_ns: AtomicU64,
    bailouts: Mutex<BTreeMap<&'static str, u64>>,
    pub(super) shadow_runs: AtomicU64,
    pub(super) mismatches: AtomicU64,
}

impl Counters {
    /// Counts one compilation that gave a program.
    pub(super) fn compiled(&self, took: Duration) {
        self.compilations.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.compile_ns.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Counts one script that stayed interpreted.
    pub(super) fn bailed_out(&self, reason: &'static str) {
        let mut bailouts = self.bailouts.lock().unwrap_or_else(PoisonError::into_inner);
        *bailouts.entry(reason).or_insert(0) += 1;
    }

    /// Writes everything.
    pub(super) fn render(
        &self,
        text: &mut String,
        is_usable: bool,
        (queued, code_bytes): (usize, usize),
        shadows_dropped: u64,
        reports: &[Report],
    ) {
        let installed = reports.iter().filter(|report| report.state == State::Installed).count();
        let count = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let mut simple = |name: &str, kind: &str, help: &str, value: u64| {
            // Writing to a String cannot fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        };
        simple("forebay_jit_enabled", "gauge", "Whether scripts can be compiled here.", is_usable.into());
        simple("forebay_jit_code_bytes", "gauge", "Machine code in memory.", code_bytes as u64);
        simple("forebay_jit_queue_length", "gauge", "Scripts that wait for the compiler.", queued as u64);
        simple("forebay_jit_scripts_installed", "gauge", "Scripts that run compiled.", installed as u64);
        simple(
            "forebay_jit_shadow_runs_total",
            "counter",
            "Calls that were compared with the interpreter.",
            count(&self.shadow_runs),
        );
        simple(
            "forebay_jit_shadows_dropped_total",
            "counter",
            "Calls that were to be compared when too many waited.",
            shadows_dropped,
        );
        simple("forebay_jit_mismatches_total", "counter", "Programs found wrong.", count(&self.mismatches));
        #[expect(clippy::cast_precision_loss, reason = "a sum of times needs no last digit")]
        let seconds = count(&self.compile_ns) as f64 / 1e9;
        let name = "forebay_jit_compile_seconds";
        let _ = write!(
            text,
            "# HELP {name} Time of compilations.\n# TYPE {name} summary\n{name}_sum {seconds}\n{name}_count {}\n",
            count(&self.compilations)
        );
        self.render_bailouts(text);
        render_scripts(text, reports);
    }

    fn render_bailouts(&self, text: &mut String) {
        let name = "forebay_jit_bailouts_total";
        let _ = write!(text, "# HELP {name} Scripts that stayed interpreted.\n# TYPE {name} counter\n");
        let bailouts = self.bailouts.lock().unwrap_or_else(PoisonError::into_inner);
        for (reason, count) in &*bailouts {
            let _ = writeln!(text, "{name}{{reason=\"{reason}\"}} {count}");
        }
    }
}

fn render_scripts(text: &mut String, reports: &[Report]) {
    let name = "forebay_script_tier_calls_total";
    let _ = write!(text, "# HELP {name} Hook calls by tier.\n# TYPE {name} counter\n");
    for report in reports {
        let counts = report.counts;
        let tiers = [("interpreted", counts.interpreted + counts.shadowed), ("compiled", counts.compiled)];
        for (tier, count) in tiers {
            let _ = writeln!(text, "{name}{{script=\"{}\",tier=\"{tier}\"}} {count}", report.script);
        }
    }
    let name = "forebay_script_interpreter_seconds_total";
    let _ = write!(
        text,
        "# HELP {name} Time in the interpreter, estimated from a sample of calls.\n# TYPE {name} counter\n"
    );
    for report in reports {
        let seconds = report.counts.interpreter.as_secs_f64();
        let _ = writeln!(text, "{name}{{script=\"{}\"}} {seconds}", report.script);
    }
}
