//! Reloading: at once, whole or not at all, without anybody noticing.

use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::support::{Client, Folder, Gateway, Origin, answer, get};

const CONFIG: &str = "workers: 2\nupstreams: { o: { builtin: echo } }\n\
    routes: [{ name: all, path: \"/{*rest}\", steps: [version], upstream: o }]\n";

fn version(number: usize) -> String {
    format!("const NUMBER = {number};\nfn on_request(req) {{\n    return reply(200, `v${{NUMBER}}`);\n}}\n")
}

/// Waits until the gateway answers this, and says how long that took.
fn wait_for(client: &mut Client, body: &str) -> Duration {
    let began = Instant::now();
    while client.get("/").body != body {
        assert!(began.elapsed() < Duration::from_secs(20), "{body} never came");
    }
    began.elapsed()
}

#[test]
fn an_edited_script_serves_after_a_signal() {
    let gateway = Gateway::start(CONFIG, &[("version", &version(1))]);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.get("/").body, "v1");
    for number in 2..6 {
        gateway.write_script("version", &version(number));
        gateway.signal("HUP");
        let took = wait_for(&mut client, &format!("v{number}"));
        println!("live after {took:?}");
    }
    let status = gateway.status();
    assert_eq!((&status["generation"]["number"], &status["generation"]["freed"]), (&5.into(), &4.into()));
}

#[test]
fn watching_needs_no_signal() {
    let folder = Folder::new(CONFIG, &[("version", &version(1))]);
    let gateway = Gateway::start_with(folder, &["--watch"]);
    gateway.write_script("version", &version(2));
    wait_for(&mut Client::connect(gateway.address), "v2");
}

#[test]
fn a_bad_edit_of_any_kind_changes_nothing_and_is_reported() {
    let gateway = Gateway::start(CONFIG, &[("version", &version(1))]);
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let (stopped, count, address) = (stop.clone(), served.clone(), gateway.address);
    let hammer = std::thread::spawn(move || {
        let mut client = Client::connect(address);
        while !stopped.load(Ordering::Relaxed) {
            assert_eq!(client.get("/").body, "v1");
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let script = |source: &str| {
        gateway.write_script("version", source);
    };
    let expect = |parts: &[&str]| {
        let before = served.load(Ordering::Relaxed);
        let (accepted, report) = gateway.reload();
        assert!(!accepted, "{report}");
        for part in parts.iter().chain(&["generation 1 goes on serving"]) {
            assert!(report.contains(part), "{part:?} in:\n{report}");
        }
        while served.load(Ordering::Relaxed) == before {
            std::thread::yield_now();
        }
    };
    script("fn on_request(req) {\n  let x = ;\n}");
    expect(&["version.rhai:2:11", "let x = ;"]);
    script("fn on_request(req) {\n  colour\n}");
    expect(&["version.rhai:2:3", "colour"]);
    script("const X = 1 / 0;\nfn on_request(req) { }");
    expect(&["version.rhai:1:13", "constant cannot be computed"]);
    let half = version(2);
    script(&half[..half.len() / 2]);
    expect(&["version.rhai:"]);
    script("");
    expect(&["version.rhai", "the script is empty"]);
    script("fn helper() { 1 }");
    expect(&["version.rhai", "defines no hook"]);
    fs::remove_file(gateway.script("version")).unwrap();
    expect(&["version.rhai"]);
    fs::create_dir(gateway.script("version")).unwrap();
    expect(&["version.rhai is no regular file"]);
    fs::remove_dir(gateway.script("version")).unwrap();
    script(&version(2));
    gateway.write_config(&CONFIG.replace("upstreams", "upstreems"));
    expect(&["forebay.yaml:4:1", "upstreems", "upstreams"]);
    gateway.write_config(&CONFIG[..CONFIG.len() / 2]);
    expect(&["forebay.yaml:"]);
    gateway.write_config(&CONFIG.replace("workers: 2", "workers: 3"));
    expect(&["`workers` cannot change"]);
    gateway.write_config(&CONFIG.replace("[version]", "[{ script: version, config: 5 }]"));
    expect(&["forebay.yaml:"]);
    gateway.write_config(&CONFIG.replace("[version]", "[missing]"));
    expect(&["missing"]);
    stop.store(true, Ordering::Relaxed);
    hammer.join().unwrap();
    gateway.write_config(CONFIG);
    let (accepted, report) = gateway.reload();
    assert!(accepted && report.contains("generation 2"), "{report}");
    assert_eq!(get(gateway.address, "/").body, "v2");
}

#[test]
fn a_request_finishes_on_the_generation_it_began_with() {
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let (asked, is_asked) = mpsc::channel();
    let origin = Origin::start_raw(move |stream, request| {
        if request.starts_with("GET /held") {
            asked.send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        }
        stream.write_all(&answer(200, "ok")).is_ok()
    });
    let stamp =
        |number: u32| format!("fn on_response(req, res) {{ res.headers[\"x-version\"] = {number}; }}");
    let gateway = Gateway::start(&origin.config("stamp"), &[("stamp", &stamp(1))]);
    let mut held = Client::connect(gateway.address);
    held.send_get("/held");
    is_asked.recv().unwrap();
    gateway.write_script("stamp", &stamp(2));
    assert!(gateway.reload().0);
    assert_eq!(get(gateway.address, "/new").header("x-version"), Some("2"));
    assert_eq!(gateway.status()["generation"]["retiring"], serde_json::json!([1]));
    release.send(()).unwrap();
    assert_eq!(held.response().header("x-version"), Some("1"));
    while gateway.status()["generation"]["freed"] != 1 {
        std::thread::yield_now();
    }
}

#[test]
fn reloads_under_load_lose_no_request_and_close_no_connection() {
    let gateway = Gateway::start(CONFIG, &[("version", &version(1))]);
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, address) = (stop.clone(), gateway.address);
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                let mut served = 0;
                while !stop.load(Ordering::Relaxed) {
                    // Anything but an answer on the same connection is a failure of this thread.
                    let response = client.get("/");
                    assert!(response.status == 200 && response.body.starts_with('v'));
                    served += 1;
                }
                served
            })
        })
        .collect();
    for number in 2..32 {
        gateway.write_script("version", &version(number));
        let (accepted, report) = gateway.reload();
        assert!(accepted, "{report}");
    }
    stop.store(true, Ordering::Relaxed);
    let served: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert!(served > 100, "{served} requests");
    while gateway.status()["generation"]["freed"] != 30 {
        std::thread::yield_now();
    }
    assert_eq!(gateway.status()["generation"]["retiring"], serde_json::json!([]));
}
