//! What the test runner promises: isolation, limits, mocks, JUnit that parses.

use std::fs;
use std::time::Duration;

use forebay_engine::Limits;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::{Report, TestOptions, test};
use crate::script_tools::{Format, Outcome, Project};

/// Runs tests of a script that are written here; the report for programs.
fn report(script: &str, tests: &str, change: impl FnOnce(&mut Project)) -> Value {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("demo.rhai"), script).unwrap();
    fs::write(directory.path().join("demo_test.rhai"), tests).unwrap();
    let mut project = Project::new(directory.path());
    change(&mut project);
    let mut out = Vec::new();
    let options = TestOptions { format: Format::Json, ..TestOptions::default() };
    test(&project, &options, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// `name passed` or `name message` of each test.
fn results(report: &Value) -> Vec<String> {
    let line = |test: &Value| {
        let message = test["failure"]["problems"][0]["message"].as_str();
        format!("{} {}", test["name"].as_str().unwrap(), message.unwrap_or("passed"))
    };
    report["tests"].as_array().unwrap().iter().map(line).collect()
}

const COUNTING: &str = "fn on_request(req) {
    req.vars.n = (if \"n\" in req.vars { req.vars.n } else { 0 }) + 1;
    log::info(`count ${req.vars.n}`);
}";

#[test]
fn tests_do_not_see_each_other() {
    let tests = "
        const SHARED = world();
        fn count() { SHARED.on_request(request()); SHARED.logs().len }
        fn test_a() { assert_eq(count(), 1); assert_eq(count(), 2); SHARED.kv.left = 1; SHARED.advance(9); }
        fn test_b() { assert_eq(count(), 1); assert_eq(SHARED.kv, #{}); }
        fn test_c() { let w = world(); w.on_request(request()); assert_eq(SHARED.logs(), []); }
        fn test_d() { let out = SHARED.on_request(request()); let again = SHARED.on_request(out);
            assert_eq(again.vars.n, 2); assert_eq(out.vars.n, 1); }";
    let report = report(COUNTING, tests, |_| {});
    assert_eq!(results(&report), ["test_a passed", "test_b passed", "test_c passed", "test_d passed"]);
}

#[test]
fn limits_of_production_end_scripts_and_tests() {
    let script = "fn on_request(req) { if req.path == \"/loop\" { loop {} } }";
    let tests = "
        fn test_small_work() { world().on_request(request()); }
        fn test_hook() { world().on_request(request(\"GET\", \"/loop\")); }
        fn test_hidden_hook() { try { world().on_request(request(\"GET\", \"/loop\")) } catch {} loop {} }
        fn test_sort() { loop { [3, 1, 2].sort(|a, b| { loop {} }); } }
        fn test_throws() { assert_throws(|| { loop {} }); }
        fn test_grows() { let s = \"x\"; loop { s += s; } }";
    let report = report(script, tests, |project| {
        project.limits = Limits { operations_max: 5_000, ..Limits::default() };
    });
    let fuel = "fuel used up: more operations than operations_max";
    let results = results(&report);
    assert_eq!(results[0], "test_small_work passed");
    assert_eq!(results[1], format!("test_hook on_request failed: {fuel}"));
    assert_eq!(results[2], format!("test_hidden_hook {fuel}"));
    assert_eq!(results[3], format!("test_sort {fuel}"));
    assert_eq!(results[4], format!("test_throws {fuel}"));
    assert!(results[5].contains("too large") || results[5].contains("exceeds"), "{}", results[5]);
}

#[test]
fn a_test_that_keeps_calling_hooks_ends_by_its_time() {
    let tests = "fn test_x() { let w = world(); loop { w.on_request(request()); } }";
    let report = report(COUNTING, tests, |project| project.test_time_max = Duration::from_millis(50));
    assert_eq!(results(&report), ["test_x out of time: the test took longer than 50ms"]);
}

#[test]
fn memory_is_bounded_where_it_is_counted() {
    use std::cell::Cell;
    thread_local! { static HELD: Cell<i64> = const { Cell::new(0) }; }
    let script = "fn on_request(req) { loop {} }";
    let report = report(script, "fn test_x() { world().on_request(request()); }", |project| {
        project.heap_bytes = || {
            HELD.set(HELD.get() + (1 << 20));
            HELD.get()
        };
    });
    assert!(results(&report)[0].contains("memory_bytes_max"), "{report}");
}

#[test]
fn what_does_not_fit_is_refused_where_it_is_written() {
    let script = "const CONFIG_SCHEMA = #{ n: #{ type: \"int\", required: true } };\nfn on_request(req) {}";
    let tests = "
        fn world_with_n() { world(#{ config: #{ n: 1 } }) }
        fn test_config() { world(#{ config: #{ m: 1 } }); }
        fn test_world() { world(#{ method: \"GET\" }); }
        fn test_now() { world(#{ config: #{ n: 1 }, now: \"noon\" }); }
        fn test_mock() { world_with_n().mock_http(#{ link: \"x\" }); }
        fn test_subject() { world_with_n().on_request(5); }
        fn test_identity() { world_with_n().on_request(#{ identity: #{ name: \"x\" } }); }
        fn test_kv() { let w = world_with_n(); w.kv.x = []; }
        fn test_advance() { world_with_n().advance(-1); }
        fn test_blob() { let out = world_with_n().on_request(#{ body: blob(2, 255) });
            assert_eq(out.request.body, blob(2, 255)); }";
    let report = report(script, tests, |_| {});
    let expected = [
        "test_config the script cannot be set up: unknown setting `m`; demo takes n",
        "test_world a world has no `method`; it has config, ",
        "test_now now: \"noon\" is no time; ",
        "test_mock mock_http: unknown field `link`",
        "test_subject on_request is run on a map, a request(...) or an exchange, not on i64",
        "test_identity identity: expected an object with at least an \"id\"",
        "test_kv kv holds texts, blobs, numbers and booleans, not array",
        "test_advance advance takes a number of seconds",
        "test_blob passed",
    ];
    for (found, expected) in results(&report).iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    let first = &report["tests"][0]["failure"]["problems"][0];
    assert_eq!(
        (first["line"].as_u64(), first["notes"][0].as_str()),
        (Some(3), Some("setting `n` is missing; demo requires it"))
    );
}

#[test]
fn a_script_that_does_not_load_fails_its_tests() {
    let report = report("fn on_request(req) { helpr() }", "fn test_x() {} fn test_y() {}", |_| {});
    assert_eq!(results(&report), ["test_x there is no function helpr", "test_y there is no function helpr"]);
}

#[test]
fn nothing_to_run_is_a_usage_error() {
    let directory = tempfile::tempdir().unwrap();
    let project = Project::new(directory.path());
    let outcome = |options: &TestOptions<'_>| {
        let mut out = Vec::new();
        let outcome = test(&project, options, &mut out).unwrap();
        (outcome, String::from_utf8(out).unwrap())
    };
    let (none, text) = outcome(&TestOptions::default());
    assert!(none == Outcome::Usage && text.starts_with("error: no tests found"), "{text}");
    fs::write(directory.path().join("a.rhai"), "fn on_log(req, res, log) {}").unwrap();
    fs::write(directory.path().join("a_test.rhai"), "fn test_x() {}\nfn helper() {}").unwrap();
    let (filtered, text) = outcome(&TestOptions { filter: Some("other"), ..TestOptions::default() });
    assert!(filtered == Outcome::Usage && text.contains("has \"other\" in its name"), "{text}");
    for name in ["a", "a_test"] {
        let paths = [name.to_owned()];
        let (named, text) = outcome(&TestOptions { paths: &paths, ..TestOptions::default() });
        assert!(named == Outcome::Success && text.contains("1 passed, 0 failed"), "{text}");
    }
    let missing = Project::new(directory.path().join("none"));
    assert_eq!(test(&missing, &TestOptions::default(), &mut Vec::new()).unwrap(), Outcome::Usage);
}

#[test]
fn junit_is_well_formed_whatever_a_test_prints() {
    let hostile = "<&\"']]>\u{1}\u{1b}[31m\u{fffe} ünï";
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("demo.rhai"), "fn on_request(req) {}").unwrap();
    let tests = format!(
        "fn test_a() {{ print(`{hostile}`); fail(`{hostile}`) }}\nfn test_b() {{ print(`{hostile}`) }}\nfn test_c() {{}}"
    );
    fs::write(directory.path().join("demo_test.rhai"), tests).unwrap();
    let path = directory.path().join("junit.xml");
    let options = TestOptions { junit: Some(&path), ..TestOptions::default() };
    test(&Project::new(directory.path()), &options, &mut Vec::new()).unwrap();
    let text = fs::read_to_string(path).unwrap();
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(control) && !text.contains('\u{fffe}'), "{text}");
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = true;
    let (mut cases, mut failures, mut outputs) = (0, 0, 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(element) | Event::Empty(element) => {
                for attribute in element.attributes() {
                    attribute.unwrap();
                }
                match element.name().as_ref() {
                    "testcase" => cases += 1,
                    "failure" => failures += 1,
                    "system-out" => outputs += 1,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    assert_eq!((cases, failures, outputs), (3, 1, 2));
}

#[test]
fn an_empty_report_has_no_failures() {
    assert_eq!(Report { suites: Vec::new(), took: Duration::ZERO }.failed(), 0);
}
