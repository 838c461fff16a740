//! The tables that are printed.

use std::fmt::Write as _;
use std::time::Duration;

/// What was measured of one program.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// CPU seconds of one run: for each tier, one value per round.
    pub(crate) seconds: Vec<Vec<f64>>,
    pub(crate) code_bytes: usize,
    pub(crate) instances: usize,
}

impl Row {
    /// The median of the ratios of one tier to another, each within a round; with the least and the greatest.
    fn ratio(&self, tier: usize, other: usize) -> (f64, f64, f64) {
        let pairs = self.seconds[tier].iter().zip(&self.seconds[other]);
        let mut ratios: Vec<f64> = pairs.map(|(one, two)| one / two).collect();
        ratios.sort_by(f64::total_cmp);
        (median(&ratios), ratios[0], ratios[ratios.len() - 1])
    }
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Milliseconds of each tier, and how many times what others need the compiled program needs.
pub(crate) fn time_table(names: &[&str], rows: &[Row]) -> String {
    let promoted = names.iter().position(|name| *name == "promoted").expect("it is measured always");
    let mut text = String::from("CPU milliseconds of one run, median\n\n");
    let _ = write!(text, "{:10}", "");
    for name in names {
        let _ = write!(text, "{name:>13}");
    }
    text.push('\n');
    for row in rows {
        let _ = write!(text, "{:10}", row.name);
        for seconds in &row.seconds {
            let mut sorted = seconds.clone();
            sorted.sort_by(f64::total_cmp);
            let _ = write!(text, "{:>13.3}", median(&sorted) * 1e3);
        }
        let _ = writeln!(text, "  {} instances, {} bytes of code", row.instances, row.code_bytes);
    }
    text.push_str(
        "\npromoted beside each, median of the rounds' ratios [least..greatest]; below 1 it is faster\n\n",
    );
    let _ = write!(text, "{:10}", "");
    let others: Vec<usize> = (0..names.len()).filter(|tier| *tier != promoted).collect();
    for other in &others {
        let _ = write!(text, "{:>26}", names[*other]);
    }
    text.push('\n');
    for row in rows {
        let _ = write!(text, "{:10}", row.name);
        for other in &others {
            let (median, least, greatest) = row.ratio(promoted, *other);
            let _ = write!(text, "{:>26}", format!("{median:.3} [{least:.3}..{greatest:.3}]"));
        }
        text.push('\n');
    }
    let _ = write!(text, "{:10}", "geo. mean");
    for other in &others {
        let sum: f64 = rows.iter().map(|row| row.ratio(promoted, *other).0.ln()).sum();
        let mean = (sum / f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX))).exp();
        let _ = write!(text, "{mean:>26.3}");
    }
    text.push('\n');
    text
}

/// What compiling takes: name, lines of code, CPU time, bytes of machine code.
pub(crate) fn compile_table(rows: &[(String, usize, Duration, usize)]) -> String {
    let mut text = String::from("\ncompiling, CPU time, median of 15\n\n");
    let _ = writeln!(
        text,
        "{:12}{:>8}{:>10}{:>12}{:>10}{:>12}",
        "", "lines", "ms", "us a line", "bytes", "bytes a line"
    );
    for (name, lines, time, bytes) in rows {
        let micros = time.as_secs_f64() * 1e6 / f64::from(u32::try_from(*lines).unwrap_or(u32::MAX));
        let milliseconds = time.as_secs_f64() * 1e3;
        let each = bytes / lines.max(&1);
        let _ = writeln!(text, "{name:12}{lines:>8}{milliseconds:>10.2}{micros:>12.1}{bytes:>10}{each:>12}");
    }
    text
}
