//! How test results are written, for people and for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{CaseReport, Report, Suite};
use crate::script_tools::excerpt::{Finding, printable};

/// One line as soon as a test is done.
pub(super) fn progress(out: &mut dyn Write, suite: &Suite, case: &CaseReport) -> io::Result<()> {
    let verdict = if case.failure.is_some() { "FAILED" } else { "ok" };
    writeln!(out, "{}::{} ... {verdict}", suite.script, case.name)
}

/// The failures in full, and the summary.
pub(super) fn text(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    for (suite, case) in report.cases() {
        let Some(failure) = &case.failure else { continue };
        writeln!(out, "\n---- {}::{}", suite.script, case.name)?;
        for finding in &failure.findings {
            write!(out, "{}", finding.text())?;
        }
        if !case.output.is_empty() {
            writeln!(out, "output:")?;
            case.output.iter().try_for_each(|line| writeln!(out, "  {}", printable(line)))?;
        }
    }
    let failed = report.failed();
    let passed = report.cases().count() - failed;
    writeln!(out, "\n{passed} passed, {failed} failed in {:.3} s", report.took.as_secs_f64())
}

/// One object with every test.
pub(super) fn json(report: &Report) -> Value {
    let cases = report.cases().map(|(suite, case)| {
        json!({
            "script": suite.script,
            "name": case.name,
            "file": suite.file.display().to_string(),
            "line": case.place.map(|place| place.line),
            "status": if case.failure.is_some() { "failed" } else { "passed" },
            "seconds": case.took.as_secs_f64(),
            "failure": case.failure.as_ref().map(|failure| json!({
                "problems": failure.findings.iter().map(Finding::json).collect::<Vec<Value>>(),
                "found": failure.compared.as_ref().map(|(found, _)| found),
                "expected": failure.compared.as_ref().map(|(_, expected)| expected),
            })),
            "output": case.output,
        })
    });
    let failed = report.failed();
    json!({
        "tests": cases.collect::<Vec<Value>>(),
        "passed": report.cases().count() - failed,
        "failed": failed,
        "seconds": report.took.as_secs_f64(),
    })
}
