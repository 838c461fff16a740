//! `forebay promote`, `forebay demote`, and the part of `forebay status` about scripts.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use serde_json::Value;

use super::commands::admin_socket;
use super::output::{Progress, complain, failed, print};
use crate::admin::client;

/// How long `promote` waits; others may be in front, and each may take `compile.time_max`.
const PROMOTE_TIMEOUT: Duration = Duration::from_mins(2);

pub(super) fn promote(path: Option<&Path>, name: &str, json: bool) -> ExitCode {
    let progress = Progress::start("promoting");
    let answer = ask(path, name, "promote");
    drop(progress);
    finish(answer, json, |status, report| {
        if status == StatusCode::OK {
            return Ok(format!(
                "promoted: {name} runs as {} bytes of machine code, compiled in {} ms, the same in {} trial runs",
                report["code_bytes"],
                milliseconds(&report["compile_us"]),
                report["trial_runs"],
            ));
        }
        Err(match report["error"].as_str() {
            Some(error) => format!("not promoted: {error}"),
            None => format!("not promoted: {name} is {}", standing(report)),
        })
    })
}

pub(super) fn demote(path: Option<&Path>, name: &str, json: bool) -> ExitCode {
    finish(ask(path, name, "demote"), json, |status, report| {
        if status == StatusCode::OK {
            Ok(format!("demoted: {name} is interpreted until it is promoted"))
        } else {
            Err(format!("not demoted: {}", report["error"].as_str().unwrap_or("the gateway refused")))
        }
    })
}

fn ask(path: Option<&Path>, name: &str, command: &str) -> anyhow::Result<(StatusCode, Value)> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    anyhow::ensure!(
        !name.is_empty() && name.chars().all(is_plain),
        "{name:?} is no name of a script; `forebay status` lists them"
    );
    let target = format!("/v1/scripts/{name}/{command}");
    client::call(&admin_socket(path), Method::POST, &target, PROMOTE_TIMEOUT)
}

fn finish(
    answer: anyhow::Result<(StatusCode, Value)>,
    json: bool,
    sentence: impl FnOnce(StatusCode, &Value) -> Result<String, String>,
) -> ExitCode {
    let (status, report) = match answer {
        Ok(answer) => answer,
        Err(error) => {
            complain(&format!("error: {error:#}"));
            return failed();
        }
    };
    let sentence = sentence(status, &report);
    if json {
        print(&format!("{report:#}"));
    }
    match sentence {
        Ok(text) => {
            if !json {
                print(&text);
            }
            ExitCode::SUCCESS
        }
        Err(text) => {
            if !json {
                complain(&text);
            }
            failed()
        }
    }
}

/// State and reason of a script.
fn standing(report: &Value) -> String {
    let text = |key: &str| report[key].as_str();
    // Writing to a String cannot fail, here and below.
    let mut standing = text("state").unwrap_or("?").to_owned();
    if let Some(reason) = text("reason") {
        let _ = write!(standing, " ({reason})");
    }
    if let Some(message) = text("message") {
        let _ = write!(standing, ": {message}");
    }
    if let Some(evidence) = text("evidence") {
        let _ = write!(standing, "; evidence: {evidence}");
    }
    standing
}

/// The scripts of a running gateway as a table, with what there is to say about the compiler.
pub(super) fn status_text(compile: &Value) -> String {
    let scripts = compile["scripts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let compiler = if compile["enabled"] == false {
        "off".to_owned()
    } else if let Some(reason) = compile["unavailable"].as_str() {
        format!("unavailable: {reason}")
    } else {
        format!(
            "{} programs, {} bytes; {} queued; {} shadow runs, {} mismatches",
            compile["programs"],
            compile["code_bytes"],
            compile["queued"],
            compile["shadow_runs"],
            compile["mismatches"],
        )
    };
    let mut text = format!("compiler     {compiler}");
    if scripts.is_empty() {
        return text;
    }
    let width = scripts.iter().filter_map(|script| Some(script["script"].as_str()?.len())).max();
    let width = width.unwrap_or(0).max("script".len());
    let _ = write!(
        text,
        "\n\n{:<width$}  {:<9}  {:>11}  {:>11}  {:>10}  {:>9}  {:>6}  state",
        "script", "mode", "interpreted", "compiled", "code bytes", "compile", "since"
    );
    for script in scripts {
        let calls = &script["calls"];
        let interpreted =
            calls["interpreted"].as_u64().unwrap_or(0) + calls["shadowed"].as_u64().unwrap_or(0);
        let _ = write!(
            text,
            "\n{:<width$}  {:<9}  {:>11}  {:>11}  {:>10}  {:>6} ms  {:>6}  {}",
            script["script"].as_str().unwrap_or("?"),
            script["mode"].as_str().unwrap_or("?"),
            interpreted,
            calls["compiled"].as_u64().unwrap_or(0),
            script["code_bytes"].as_u64().unwrap_or(0),
            milliseconds(&script["compile_us"]),
            age(&script["since_unix"]),
            standing(script),
        );
    }
    text
}

fn milliseconds(microseconds: &Value) -> String {
    let microseconds = microseconds.as_u64().unwrap_or(0);
    format!("{}.{}", microseconds / 1_000, microseconds % 1_000 / 100)
}

/// How long ago a time was, in its largest unit.
fn age(since_unix: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = now.saturating_sub(since_unix.as_u64().unwrap_or(now));
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_script_has_a_line_with_its_reason() {
        let script = json!({
            "script": "auth", "mode": "auto", "state": "quarantined", "reason": "mismatch",
            "message": "verdict: 1 interpreted, 2 compiled", "evidence": "/s/auth-1.json",
            "calls": { "interpreted": 10, "compiled": 5, "shadowed": 1 }, "compile_us": 3_140,
            "code_bytes": 0,
        });
        let compile = json!({
            "enabled": true, "unavailable": null, "programs": 1, "code_bytes": 64, "queued": 0,
            "shadow_runs": 1, "mismatches": 1, "scripts": [script],
        });
        let text = status_text(&compile);
        let line = text.lines().last().unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[..8], ["auth", "auto", "11", "5", "0", "3.1", "ms", "0s"], "{text}");
        assert!(line.ends_with(
            "quarantined (mismatch): verdict: 1 interpreted, 2 compiled; evidence: /s/auth-1.json"
        ));
        assert!(status_text(&json!({ "enabled": false })).contains("compiler     off"));
        assert!(status_text(&json!({ "unavailable": "no memory" })).contains("unavailable: no memory"));
    }

    #[test]
    fn ages_have_one_unit() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let ages: Vec<String> = [5, 600, 10_000, 1_000_000].map(|ago| age(&json!(now - ago))).into();
        assert_eq!(ages, ["5s", "10m", "2h", "11d"]);
    }
}
