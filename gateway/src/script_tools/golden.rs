//! The tools over the data in `tests-data/script_tools`, compared with the reports kept there.
//!
//! `UPDATE_GOLDEN=1` writes the reports anew; look at the difference before keeping it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use forebay_engine::{Hook, ProgramView};
use regex::Regex;

use super::run::RunOptions;
use super::testing::TestOptions;
use super::{Format, Outcome, Project, bench, check, explain, listing, run, scaffold, testing};
use crate::promote::compile::compiler;

const DATA: &str = "tests-data/script_tools";

pub(super) fn project(folder: &str) -> Project {
    Project::new(format!("{DATA}/{folder}"))
}

/// Compares a report with the one kept under this name; times are not compared.
fn compare(name: &str, report: &[u8]) {
    let report = String::from_utf8(report.to_vec()).unwrap();
    let times = Regex::new(r#"(in |"seconds":|time=")\d+(\.\d+)?(e-\d+)?"#).unwrap();
    let report = times.replace_all(&report, "${1}0");
    let path = Path::new(DATA).join("expected").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, report.as_bytes()).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(report, expected, "{} differs; UPDATE_GOLDEN=1 writes it anew", path.display());
}

fn run_golden(name: &str, folder: &str, options: RunOptions<'_>, expected: Outcome) {
    let request: Option<PathBuf> =
        options.request.map(|request| Path::new(DATA).join("requests").join(request));
    let mut out = Vec::new();
    let options = RunOptions { request: request.as_deref(), ..options };
    let outcome = run::run(&project(folder), &options, &mut out).unwrap();
    compare(name, &out);
    assert_eq!(outcome, expected);
}

fn options<'a>(script: &'a str, request: &'a str) -> RunOptions<'a> {
    RunOptions { script, request: Some(Path::new(request)), ..RunOptions::default() }
}

#[test]
fn a_run_prints_the_exchange() {
    run_golden("run_continue.txt", "good", options("greet", "post.json"), Outcome::Success);
    let json = RunOptions { format: Format::Json, ..options("greet", "post.json") };
    run_golden("run_continue.json", "good", json, Outcome::Success);
    let bare = RunOptions { script: "tests-data/script_tools/good/greet.rhai", ..RunOptions::default() };
    run_golden("run_reply.txt", "elsewhere", bare, Outcome::Success);
    run_golden("run_services.txt", "services", options("limiter", "services.json"), Outcome::Success);
    run_golden("run_no_mock.txt", "services", options("limiter", "no_mock.json"), Outcome::Failure);
    let log = RunOptions { hook: Some(Hook::Log), ..options("greet", "log.json") };
    run_golden("run_log.txt", "good", log, Outcome::Success);
}

#[test]
fn a_run_shows_where_the_script_failed() {
    run_golden("run_error.txt", "failing", options("faulty", "fail.json"), Outcome::Failure);
    let json = RunOptions { format: Format::Json, ..options("faulty", "fail.json") };
    run_golden("run_error.json", "failing", json, Outcome::Failure);
    let config = RunOptions { config: Some("{ \"headr\": 1 }"), ..options("greet", "post.json") };
    run_golden("run_config.txt", "good", config, Outcome::Failure);
    run_golden("run_broken.txt", "problems", options("library", "fail.json"), Outcome::Failure);
}

#[test]
fn a_run_that_cannot_begin_says_why() {
    run_golden("run_misspelt.txt", "good", options("greet", "misspelt.json"), Outcome::Usage);
    run_golden("run_method.txt", "good", options("greet", "method.json"), Outcome::Usage);
    run_golden("run_no_script.txt", "good", options("nobody", "post.json"), Outcome::Usage);
    run_golden("run_no_request.txt", "good", options("greet", "none.json"), Outcome::Usage);
    let hook = RunOptions { hook: Some(Hook::Response), ..options("faulty", "fail.json") };
    run_golden("run_no_hook.txt", "failing", hook, Outcome::Usage);
    let config = RunOptions { config: Some("{ header: 1 }"), ..options("greet", "post.json") };
    run_golden("run_bad_config.txt", "good", config, Outcome::Usage);
}

fn test_golden(name: &str, folder: &str, options: &TestOptions<'_>, expected: Outcome) {
    let mut out = Vec::new();
    let outcome = testing::test(&project(folder), options, &mut out).unwrap();
    compare(name, &out);
    assert_eq!(outcome, expected);
}

#[test]
fn tests_are_run_and_reported() {
    test_golden("test_good.txt", "good", &TestOptions::default(), Outcome::Success);
    test_golden("test_services.txt", "services", &TestOptions::default(), Outcome::Success);
    test_golden("test_failing.txt", "failing", &TestOptions::default(), Outcome::Failure);
    let filter = TestOptions { filter: Some("differ"), format: Format::Json, ..TestOptions::default() };
    test_golden("test_failing.json", "failing", &filter, Outcome::Failure);
}

#[test]
fn junit_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("junit.xml");
    let options = TestOptions { junit: Some(&path), filter: Some("the_script"), ..TestOptions::default() };
    let outcome = testing::test(&project("failing"), &options, &mut Vec::new()).unwrap();
    assert_eq!(outcome, Outcome::Failure);
    compare("test_failing.xml", &std::fs::read(path).unwrap());
}

#[test]
fn a_check_reports_every_problem() {
    for (name, format) in [("check.txt", Format::Text), ("check.json", Format::Json)] {
        let mut out = Vec::new();
        let outcome = check::check(&project("problems"), &[], format, &mut out).unwrap();
        compare(name, &out);
        assert_eq!(outcome, Outcome::Failure);
    }
    let mut out = Vec::new();
    assert_eq!(check::check(&project("good"), &[], Format::Text, &mut out).unwrap(), Outcome::Success);
    compare("check_good.txt", &out);
}

/// Compares a report about compiled code without sizes and times, which are not the same everywhere.
fn compare_compiled(name: &str, report: &[u8]) {
    let report = String::from_utf8(report.to_vec()).unwrap();
    let sizes = Regex::new(r"\d+ (bytes|to enter)|compiled in [^\n]*").unwrap();
    compare(name, sizes.replace_all(&report, "_ $1").as_bytes());
}

#[test]
fn a_compiled_script_is_explained_line_by_line() {
    let script = RunOptions { script: "stamp", ..RunOptions::default() };
    let mut out = Vec::new();
    let project = project("explained");
    let outcome = explain::explain(&project, &*compiler(), &script, ProgramView::Types, &mut out).unwrap();
    assert_eq!(outcome, Outcome::Success);
    compare_compiled("explain.txt", &out);
    for view in [ProgramView::Ir, ProgramView::Clif, ProgramView::Assembly] {
        let mut out = Vec::new();
        explain::explain(&project, &*compiler(), &script, view, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("weight"), "{view:?} names the functions");
    }
}

#[test]
fn a_bench_compares_all_three_tiers() {
    let request = Path::new(DATA).join("requests/stamp.json");
    let options = RunOptions {
        script: "stamp",
        request: Some(&request),
        format: Format::Json,
        ..RunOptions::default()
    };
    let mut out = Vec::new();
    let time = Duration::from_millis(10);
    let outcome = bench::bench(&project("explained"), &*compiler(), &options, time, &mut out).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(outcome, Outcome::Success, "{report}");
    let tiers = report["tiers"].as_array().unwrap();
    let names: Vec<_> = tiers.iter().filter_map(|tier| tier["tier"].as_str()).collect();
    assert_eq!(names, ["interpreter", "grain", "program"], "{report}");
    assert!(
        tiers.iter().all(|tier| tier["same_verdict"] == true && tier["ns_per_call"].as_f64() > Some(0.0))
    );
}

#[test]
fn scripts_are_listed() {
    for (folder, name, format) in [
        ("good", "list_good.txt", Format::Text),
        ("problems", "list_problems.txt", Format::Text),
        ("good", "list_good.json", Format::Json),
    ] {
        let mut out = Vec::new();
        assert_eq!(listing::list(&project(folder), format, &mut out).unwrap(), Outcome::Success);
        compare(name, &out);
    }
}

#[test]
fn a_new_script_passes_check_and_test_and_is_never_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let project = Project::new(directory.path().join("scripts"));
    for (name, hooks) in [("plain", &[][..]), ("full", &Hook::ALL[..]), ("late", &[Hook::Error])] {
        let mut out = Vec::new();
        let outcome = scaffold::new(&project, name, hooks, &mut out).unwrap();
        assert_eq!(outcome, Outcome::Success, "{}", String::from_utf8_lossy(&out));
        let outcome = check::check(&project, &[name.to_owned()], Format::Text, &mut out).unwrap();
        assert_eq!(outcome, Outcome::Success);
        let report = String::from_utf8_lossy(&out);
        assert!(report.contains("0 errors, 0 warnings"), "{report}");
    }
    let mut out = Vec::new();
    let outcome = testing::test(&project, &TestOptions::default(), &mut out).unwrap();
    let report = String::from_utf8(out).unwrap();
    assert_eq!(outcome, Outcome::Success, "{report}");
    assert!(report.contains("8 passed, 0 failed"), "{report}");
    let definitions = std::fs::read_to_string(project.folder.join(".rhai/forebay_test.d.rhai")).unwrap();
    assert!(definitions.contains("fn assert_eq"));
    assert!(project.folder.join(".rhai/json.d.rhai").is_file());

    let before = std::fs::read(project.folder.join("plain.rhai")).unwrap();
    std::fs::remove_file(project.folder.join("plain_test.rhai")).unwrap();
    for name in ["plain", "../plain", "plain_test", "", "a/b", "-x"] {
        let mut out = Vec::new();
        assert_eq!(scaffold::new(&project, name, &[], &mut out).unwrap(), Outcome::Usage, "{name}");
    }
    assert_eq!(std::fs::read(project.folder.join("plain.rhai")).unwrap(), before);
    assert!(!project.folder.join("plain_test.rhai").exists(), "all or nothing");
}
