//! What commands print, compared with golden files (`UPDATE_GOLDEN=1` rewrites them).

use std::path::Path;

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
        ("help_script_test", &["script", "test", "--help"]),
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
    let bad = Folder::new(&CONFIG.replace("upstream: o }\n", "upsteam: o }\n"), &[("stamp", STAMP)]);
    check(&bad, "check_bad", &["check"]);
    let broken = Folder::new(CONFIG, &[("stamp", "fn on_response(req) {\n    json::pars(\"1\");\n}\n")]);
    check(&broken, "check_bad_script", &["check"]);
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
