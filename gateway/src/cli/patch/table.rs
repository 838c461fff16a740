//! Patches as a table.

use std::fmt::Write;

use serde_json::Value;

/// The report of a gateway in one line, and one more for each patch that is held back for a reason that should be known.
pub(in super::super) fn summary(report: &Value) -> String {
    if report["enabled"] == false {
        return "switched off".to_owned();
    }
    let patches = report["patches"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let active: Vec<String> = patches
        .iter()
        .filter(|patch| patch["state"] == "active")
        .map(|patch| format!("{} {}", text(&patch["name"]), text(&patch["version"])))
        .collect();
    let mut summary = if active.is_empty() { "none active".to_owned() } else { active.join(", ") };
    let _ = write!(summary, "; libraries mapped: {}", report["mapped"]);
    for patch in patches.iter().filter(|patch| patch["state"] != "active" && patch["state"] != "superseded") {
        let _ = write!(
            summary,
            "\n             {} {} {}: {}",
            text(&patch["name"]),
            text(&patch["version"]),
            text(&patch["state"]),
            text(&patch["reason"]),
        );
    }
    summary
}

/// The report of a gateway for people.
pub(super) fn patches(report: &Value) -> String {
    if report["enabled"] == false {
        return "patches are switched off (patches.enabled, or FOREBAY_PATCHES=off)".to_owned();
    }
    let patches = report["patches"].as_array().map(Vec::as_slice).unwrap_or_default();
    if patches.is_empty() {
        return "no patches".to_owned();
    }
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let width = patches.iter().map(|patch| text(&patch["name"]).len()).max().unwrap_or(0).max("patch".len());
    // Writing to a String cannot fail, here and below.
    let mut table = format!(
        "{:<width$}  {:<10}  {:<11}  {:>10}  {:>8}  {:>11}  does",
        "patch", "version", "state", "calls", "failures", "over budget"
    );
    for patch in patches {
        let number =
            |key: &str| patch[key].as_u64().map_or_else(|| "-".to_owned(), |number| number.to_string());
        let components = patch["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        let components: Vec<String> = components.iter().map(text).collect();
        let _ = write!(
            table,
            "\n{:<width$}  {:<10}  {:<11}  {:>10}  {:>8}  {:>11}  {}",
            text(&patch["name"]),
            text(&patch["version"]),
            text(&patch["state"]),
            number("calls"),
            number("failures"),
            number("over_budget"),
            if components.is_empty() { "-".to_owned() } else { components.join(", ") },
        );
        if let Some(reason) = patch["reason"].as_str() {
            let _ = write!(table, "\n{:width$}  {reason}", "");
        }
    }
    let _ = write!(table, "\nlibraries mapped: {}", report["mapped"]);
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_patch_has_a_line_and_a_reason_its_own() {
        let report = json!({ "enabled": true, "mapped": 1, "patches": [
            { "name": "fix", "version": "1.0.0", "state": "active", "reason": null, "calls": 7, "failures": 1,
              "over_budget": 0, "components": ["overrides middleware cors"] },
            { "name": "old", "version": "0.9.0", "state": "quarantined", "reason": "process 5 died inside it" },
        ] });
        let table = patches(&report);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5, "{table}");
        assert!(
            lines[1].starts_with("fix    1.0.0       active ")
                && lines[1].ends_with("overrides middleware cors")
        );
        assert_eq!(lines[4].trim(), "libraries mapped: 1");
        assert_eq!(lines[3].trim(), "process 5 died inside it");
        let expected =
            "fix 1.0.0; libraries mapped: 1\n             old 0.9.0 quarantined: process 5 died inside it";
        assert_eq!(summary(&report), expected);
        assert_eq!(
            patches(&json!({ "enabled": false })),
            "patches are switched off (patches.enabled, or FOREBAY_PATCHES=off)"
        );
        assert_eq!(patches(&json!({ "enabled": true, "patches": [] })), "no patches");
    }
}
