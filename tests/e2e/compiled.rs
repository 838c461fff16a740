//! Compiled scripts at their worst: what fails does so as interpreted, and the next request is served; code is never
//! writable and executable at once; and where memory may not become executable, scripts stay interpreted.

use std::io::Write;
use std::sync::{Mutex, mpsc};

use crate::support::{Client, Folder, Gateway, Origin, answer, get};

const COMPILED: &str = "compile: { mode: jit }\n";
const INTERPRETED: &str = "compile: { enabled: false }\n";

/// Scripts, the kind of their error, and whether the place of the error is the same: what is used up is noticed up to
/// a round of the loop later in compiled code.
const HOSTILE: [(&str, &str, bool, &str); 9] = [
    ("spin", "operations", false, "fn on_request(req) {\n    loop { let x = 1; }\n}"),
    ("empty_spin", "operations", false, "fn on_request(req) {\n    loop { }\n}"),
    ("recurse", "call_depth", true, "fn f(n) {\n    f(n + 1) + 1\n}\nfn on_request(req) {\n    f(0);\n}"),
    ("pad", "size", true, "fn on_request(req) {\n    let a = [0];\n    a.pad(1_000_000_000, 0);\n}"),
    (
        "divide",
        "arithmetic",
        true,
        "fn on_request(req) {\n    let zero = req.path.len() - 7;\n    1 / zero;\n}",
    ),
    (
        "negate",
        "arithmetic",
        true,
        "fn on_request(req) {\n    let least = -9223372036854775807 - 1;\n    let by = req.path.len() - 8;\n    least / by;\n}",
    ),
    ("late", "operations", false, "fn on_request(req) {\n    try { loop { } } catch { }\n    loop { }\n}"),
    ("sleep", "wall_time", true, "fn on_request(req) {\n    sleep(60);\n}"),
    ("throws", "runtime", true, "fn g(x) { throw #{ code: x } }\nfn on_request(req) {\n    g(5);\n}"),
];

/// What a gateway says of the failure of each of the scripts; between them it serves.
fn failures(tiers: &str) -> Vec<String> {
    let route = |name: &str| format!("  - {{ name: {name}, path: /{name}, steps: [{name}], upstream: o }}\n");
    let routes: String = HOSTILE.iter().map(|(name, ..)| route(name)).collect();
    let config = format!(
        "{tiers}workers: 1\nupstreams: {{ o: {{ builtin: echo }} }}\n\
         scripts: {{ limits: {{ wall_time_max: 1s, operations_max: 100000 }} }}\nroutes:\n{routes}\
         \x20 - {{ name: all, path: \"/{{*rest}}\", steps: [fine], upstream: o }}\n"
    );
    let mut scripts: Vec<_> = HOSTILE.iter().map(|(name, _, _, source)| (*name, *source)).collect();
    scripts.push(("fine", "fn on_request(req) { return reply(200, \"fine\"); }"));
    let gateway = Gateway::start_with(Folder::new(&config, &scripts).choosing_tiers(), &[]);
    let said = HOSTILE.iter().map(|(name, kind, ..)| {
        assert_eq!(get(gateway.address, &format!("/{name}")).status, 500, "{name}");
        let line = gateway.wait_for_log(&format!("step={name} hook=\"on_request\" kind=\"{kind}\""));
        assert_eq!(get(gateway.address, "/").body, "fine", "after {name}");
        // The message with its place; then come what differs from request to request, and what was waited for.
        let said = line.split_once("script: ").and_then(|(_, said)| said.split_once(" request_id="));
        said.map(|(said, _)| said.to_owned()).unwrap_or_default()
    });
    let said = said.collect();
    let status = gateway.status();
    for script in status["compile"]["scripts"].as_array().into_iter().flatten() {
        let calls =
            ["interpreted", "compiled"].map(|tier| script["calls"][tier].as_u64().unwrap_or_default());
        if tiers == COMPILED {
            assert!(script["state"] == "installed" && calls[0] == 0, "{script}");
        } else {
            assert!(calls[0] > 0 && calls[1] == 0, "{script}");
        }
    }
    assert_eq!(status["compile"]["mismatches"].as_u64().unwrap_or_default(), 0, "{status}");
    said
}

#[test]
fn what_fails_fails_as_interpreted_and_the_next_request_is_served() {
    let (interpreted, compiled) = (failures(INTERPRETED), failures(COMPILED));
    for ((name, _, is_same, _), (expected, found)) in HOSTILE.iter().zip(interpreted.iter().zip(&compiled)) {
        // Operations are counted for a whole round of a loop, so that they may end in another column.
        let line = |said: &str| said.split(':').take(2).collect::<Vec<_>>().join(":");
        let is_equal = found == expected || !is_same && line(found) == line(expected);
        assert!(!expected.is_empty() && is_equal, "{name}: {found}, not {expected}");
    }
}

#[test]
fn a_reload_during_a_waiting_call_ends_neither() {
    let (asked, is_asked) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (asked, released) = (Mutex::new(asked), Mutex::new(released));
    let service = Origin::start_raw(move |stream, _| {
        asked.lock().unwrap().send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        stream.write_all(&answer(200, "waited for")).is_ok()
    });
    let config = format!(
        "{COMPILED}workers: 1\nscripts: {{ http: {{ allow: [\"{}\"] }} }}\n\
         upstreams: {{ o: {{ builtin: echo }} }}\n\
         routes: [{{ name: all, path: \"/{{*rest}}\", steps: [slow], upstream: o }}]\n",
        service.address
    );
    let slow = format!(
        "fn on_request(req) {{\n    if req.path != \"/slow\" {{ return reply(200, \"old\"); }}\n    \
         let r = http::get(\"http://{}/\");\n    return reply(200, \"old: \" + r.text());\n}}\n",
        service.address
    );
    let gateway = Gateway::start_with(Folder::new(&config, &[("slow", &slow)]).choosing_tiers(), &[]);
    // The first call of each hook is a shadow; the others are the program's alone.
    for _ in 0..3 {
        assert_eq!(get(gateway.address, "/").body, "old");
    }
    let mut waiting = Client::connect(gateway.address);
    waiting.send_get("/slow");
    is_asked.recv().unwrap();
    gateway.write_script("slow", "fn on_request(req) { return reply(200, \"new\"); }");
    let (accepted, report) = gateway.reload();
    assert!(accepted, "{report}");
    assert_eq!(get(gateway.address, "/").body, "new");
    release.send(()).unwrap();
    assert_eq!(waiting.response().body, "old: waited for");
    assert_eq!(get(gateway.address, "/slow").body, "new");
    assert_eq!(gateway.status()["compile"]["mismatches"], 0);
}

const TWO: &str = "workers: 1\nupstreams: { o: { builtin: echo } }\nroutes:\n  \
    - { name: one, path: /one, steps: [one], upstream: o }\n  \
    - { name: two, path: /two, steps: [two], upstream: o }\n";
const SCRIPTS: [(&str, &str); 2] = [
    ("one", "fn on_request(req) { return reply(200, \"one\"); }"),
    ("two", "fn on_request(req) { return reply(200, \"two\"); }"),
];

#[test]
fn no_memory_is_writable_and_executable_at_once() {
    let gateway = Gateway::start_with(Folder::new(TWO, &SCRIPTS).choosing_tiers(), &[]);
    let check = |when: &str| {
        let mappings = gateway.mappings();
        let both = mappings.iter().filter(|mapping| mapping.access.contains("wx")).collect::<Vec<_>>();
        assert!(both.is_empty(), "{when}: {both:?}");
        // Machine code of scripts is in no file.
        mappings.iter().filter(|mapping| mapping.access.contains('x') && mapping.name.is_empty()).count()
    };
    assert_eq!(check("before"), 0, "no code yet");
    for name in ["one", "two", "one"] {
        assert!(gateway.command(&["promote", name]).status.success());
        for _ in 0..3 {
            assert_eq!(get(gateway.address, &format!("/{name}")).body, name);
            assert!(check("promoted") > 0, "there is code");
        }
    }
    assert!(gateway.reload().0);
    check("after a reload");
}

#[test]
fn where_memory_may_not_become_executable_scripts_stay_interpreted_and_that_is_said_once() {
    let folder = Folder::new(&format!("{COMPILED}{TWO}"), &SCRIPTS).choosing_tiers();
    let gateway = Gateway::start_without_executable_memory(folder);
    for name in ["one", "two"] {
        assert_eq!(get(gateway.address, &format!("/{name}")).body, name);
        let output = gateway.command(&["promote", name]);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!output.status.success() && text.contains("forbids executable memory"), "{text}");
        assert_eq!(get(gateway.address, &format!("/{name}")).body, name);
    }
    let log = gateway.log();
    let said = log.lines().filter(|line| line.contains("forbids executable memory")).count();
    assert_eq!(said, 1, "{log}");
    for script in gateway.status()["compile"]["scripts"].as_array().unwrap() {
        assert_eq!(script["calls"]["compiled"], 0, "{script}");
    }
}
