//! How the result of a run is written, for people and for programs.

use std::io::{self, Write};

use forebay_engine::Verdict;
use serde_json::{Value, json};

use super::Ran;
use crate::script_tools::excerpt::{Finding, printable};
use crate::script_tools::{Format, Located, view};

/// Problems that kept the script from running.
pub(super) fn findings(out: &mut dyn Write, format: Format, findings: &[Finding]) -> io::Result<()> {
    match format {
        Format::Text => findings.iter().try_for_each(|finding| write!(out, "{}", finding.text())),
        Format::Json => {
            let problems: Vec<Value> = findings.iter().map(Finding::json).collect();
            writeln!(out, "{}", json!({ "verdict": null, "problems": problems }))
        }
    }
}

/// The exchange after the hook.
pub(super) fn exchange(out: &mut dyn Write, format: Format, located: &Located, ran: &Ran) -> io::Result<()> {
    let error = match &ran.verdict {
        Verdict::Fail(error) => Some(Finding::of(error, &located.folder)),
        Verdict::Continue | Verdict::Reply(_) | Verdict::Refuse(_) => None,
    };
    let report = report(located, ran, error.as_ref());
    match format {
        Format::Json => writeln!(out, "{report}"),
        Format::Text => text(out, &report, error.as_ref()),
    }
}

fn report(located: &Located, ran: &Ran, error: Option<&Finding>) -> Value {
    let (verdict, reply) = match &ran.verdict {
        Verdict::Continue => ("continue", None),
        Verdict::Reply(reply) => ("reply", Some(view::reply(reply))),
        Verdict::Refuse(_) => ("refuse", None),
        Verdict::Fail(_) => ("error", None),
    };
    let state = ran.world.state();
    let log = state.log.entries.iter().map(|line| json!({ "level": line.level, "message": line.message }));
    let metrics = state.metrics.entries.iter();
    let metrics =
        metrics.map(|metric| json!({ "name": metric.name, "kind": metric.kind, "value": metric.value }));
    let mut report = json!({
        "script": located.name,
        "hook": ran.hook.function(),
        "verdict": verdict,
        "reply": reply,
        "error": error.map(Finding::json),
        "request": view::request(&ran.exchange.request, &ran.bodies),
        "response": ran.exchange.response.as_ref().map(|response| view::response(response, &ran.bodies)),
        "log": log.collect::<Vec<Value>>(),
        "metrics": metrics.collect::<Vec<Value>>(),
        "waits": state.waits.entries,
        "missing_mocks": state.http.missing.entries,
    });
    if let (Value::Object(report), Value::Object(variables)) = (&mut report, view::variables(&ran.exchange)) {
        report.extend(variables);
    }
    report
}

fn text(out: &mut dyn Write, report: &Value, error: Option<&Finding>) -> io::Result<()> {
    writeln!(
        out,
        "{}.rhai {}: {}",
        plain(&report["script"]),
        plain(&report["hook"]),
        plain(&report["verdict"])
    )?;
    if let Some(error) = error {
        writeln!(out, "\n{}", error.text().trim_end())?;
    }
    for (title, part) in [("reply", "reply"), ("request", "request"), ("response", "response")] {
        message(out, title, &report[part])?;
    }
    if report["identity"] != Value::Null {
        writeln!(out, "\nidentity {}", printable(&report["identity"].to_string()))?;
    }
    if let Value::String(upstream) = &report["upstream"] {
        writeln!(out, "\nupstream {}", printable(upstream))?;
    }
    if let Value::Object(vars) = &report["vars"]
        && !vars.is_empty()
    {
        writeln!(out, "\nvars")?;
        vars.iter().try_for_each(|(name, value)| writeln!(out, "  {}", assignment(name, value)))?;
    }
    if let Value::Object(access) = &report["access"] {
        writeln!(out, "\naccess record")?;
        if access["suppressed"] == true {
            writeln!(out, "  suppressed")?;
        }
        for (name, value) in access["extra"].as_object().into_iter().flatten() {
            writeln!(out, "  {}", assignment(name, value))?;
        }
    }
    list(out, "log", &report["log"], |line| {
        format!("{}: {}", plain(&line["level"]), plain(&line["message"]))
    })?;
    list(out, "metrics", &report["metrics"], |metric| {
        format!("{} {} {}", plain(&metric["kind"]), plain(&metric["name"]), metric["value"])
    })?;
    list(out, "waits", &report["waits"], plain)?;
    list(out, "calls without a mock", &report["missing_mocks"], plain)
}

/// One HTTP message.
fn message(out: &mut dyn Write, title: &str, message: &Value) -> io::Result<()> {
    let Value::Object(parts) = message else { return Ok(()) };
    match (parts.get("method"), parts.get("status")) {
        (Some(method), _) => writeln!(out, "\n{title} {} {}", plain(method), plain(&message["path"]))?,
        (_, status) => writeln!(out, "\n{title} {}", status.unwrap_or(&Value::Null))?,
    }
    for (name, values) in message["headers"].as_object().into_iter().flatten() {
        let values = values.as_array().map_or(std::slice::from_ref(values), Vec::as_slice);
        values.iter().try_for_each(|value| writeln!(out, "  {name}: {}", plain(value)))?;
    }
    let body = plain(&message["body"]);
    if !body.is_empty() {
        writeln!(out)?;
        body.lines().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    Ok(())
}

fn list(
    out: &mut dyn Write,
    title: &str,
    entries: &Value,
    line: impl Fn(&Value) -> String,
) -> io::Result<()> {
    let entries = entries.as_array().map_or(&[][..], Vec::as_slice);
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    for entry in entries {
        line(entry).lines().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    Ok(())
}

fn assignment(name: &str, value: &Value) -> String {
    printable(&format!("{name} = {value}"))
}

/// Text without quotes, safe to print.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}
