//! What commands print, compared with golden files (`UPDATE_GOLDEN=1` rewrites them).

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::Folder;

const CONFIG: &str = "upstreams: { o: { builtin: echo } }\n\
    routes:\n  - { name: item, path: \"/items/{id}\", methods: [GET, PUT], steps: [stamp], upstream: o }\n\
    \x20 - { name: beta, path: /beta, headers: { x-beta: present }, upstream: o }\n";
const STAMP: &str = "//! Stamps.\nfn on_response(req, res) {\n    res.headers[\"x-stamp\"] = 1;\n}\n";

/// Compares what a command prints with `golden/NAME.txt`.
fn check(folder: &Folder, name: &str, arguments: &[&str]) {
    let output = folder.run(arguments);
    let code = output.status.code();
    let text = [output.stdout, b"--- standard error\n".to_vec(), output.stderr].concat();
    let text = format!("{}--- exit code {code:?}\n", String::from_utf8(text).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/e2e/golden/{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}: UPDATE_GOLDEN=1 rewrites the golden file");
}

#[test]
fn help_is_as_written() {
    let folder = Folder::new(CONFIG, &[]);
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help_run", &["run", "--help"]),
        ("help_script", &["script", "--help"]),
        ("help_promote", &["promote", "--help"]),
        ("help_demote", &["demote", "--help"]),
        ("help_script_explain", &["script", "explain", "--help"]),
        ("help_script_bench", &["script", "bench", "--help"]),
        ("help_script_test", &["script", "test", "--help"]),
        ("help_script_eval", &["script", "eval", "--help"]),
        ("help_patch", &["patch", "--help"]),
        ("help_patch_build", &["patch", "build", "--help"]),
        ("help_patch_apply", &["patch", "apply", "--help"]),
        ("help_patch_keygen", &["patch", "keygen", "--help"]),
        ("help_routes_match", &["routes", "match", "--help"]),
        ("unknown_command", &["serve"]),
    ] {
        check(&folder, name, arguments);
    }
}

#[test]
fn checks_and_routes_are_as_written() {
    let folder = Folder::new(CONFIG, &[("stamp", STAMP)]);
    check(&folder, "check_good", &["check"]);
    check(&folder, "routes_list", &["routes", "list"]);
    check(&folder, "routes_match", &["routes", "match", "http://shop.test/items/7"]);
    check(&folder, "routes_match_nothing", &["routes", "match", "-X", "DELETE", "/items/7", "--json"]);
    check(&folder, "script_list", &["script", "list"]);
    check(&folder, "reload_without_gateway", &["reload"]);
    check(&folder, "promote_bad_name", &["promote", "../stamp"]);
    let bad = Folder::new(&CONFIG.replace("upstream: o }\n", "upsteam: o }\n"), &[("stamp", STAMP)]);
    check(&bad, "check_bad", &["check"]);
    let broken =
        "fn on_response(req) {\n    json::pars(\"1\");\n}\nfn on_request(req) {\n    kv::set(\"a\", 1);\n}\n";
    let broken = Folder::new(CONFIG, &[("stamp", broken)]);
    check(&broken, "check_bad_script", &["check"]);
}

/// Programs that end in every way there is, in every tier.
#[test]
fn programs_are_evaluated_in_every_tier() {
    let folder = Folder::new("this: is no configuration, and nobody looks", &[]);
    let lines = [
        r#"{"id": "value", "src": "print(\"hi\"); debug('c'); [1, 2.5]"}"#,
        r#"{"id": "error", "src": "fn f(x) {\n    1 / x\n}\nf(0)"}"#,
        r#"{"id": "syntax", "src": "let = 1"}"#,
        r#"{"id": "closure", "src": "let x = 1; |y| x + y"}"#,
        r#"{"id": "endless", "src": "loop { }"}"#,
        r#"{"id": "after", "src": "40 + 2"}"#,
    ];
    folder.write("programs.jsonl", &lines.join("\n"));
    folder.write("one.rhai", "let n = 6;\nn * 7");
    let mut closures = BTreeSet::new();
    for tier in ["ast", "grain", "jit"] {
        let output =
            folder.run(&["script", "eval", "programs.jsonl", "--tier", tier, "--json", "--timeout", "1"]);
        assert_eq!(output.status.code(), Some(1), "one of them does not end in a value");
        let text = String::from_utf8(output.stdout).unwrap();
        let reports: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ends: Vec<_> = reports.iter().map(|report| [&report["id"], &report["outcome"]]).collect();
        let expected = [
            ["value", "value"],
            ["error", "error"],
            ["syntax", "error"],
            ["closure", "value"],
            ["endless", "timeout"],
            ["after", "value"],
        ];
        assert_eq!(ends, expected, "{tier}");
        assert_eq!(reports[5]["value"]["text"], "42");
        closures.insert(reports[3]["value"]["text"].to_string());
        let output = folder.run(&["script", "eval", "one.rhai", "--tier", tier]);
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.starts_with(b"value     i64: 42\n"), "{output:?}");
    }
    assert_eq!(closures.len(), 1, "a closure has the same name in every process: {closures:?}");
    check(&folder, "script_eval_nothing", &["script", "eval", "nothing.rhai"]);
}

#[test]
fn the_bundled_scripts_pass_their_tests() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_forebay"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["script", "test"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
