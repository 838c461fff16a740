//! Promotion while serving: tiers change without anybody noticing, and the choice outlives the process.

use serde_json::Value;

use crate::support::{Folder, Gateway, get};

const CONFIG: &str = "workers: 2\nupstreams: { o: { builtin: echo } }\n\
    routes: [{ name: all, path: \"/{*rest}\", steps: [version], upstream: o }]\n";

fn version(number: usize) -> String {
    format!("const NUMBER = {number};\nfn on_request(req) {{\n    return reply(200, `v${{NUMBER}}`);\n}}\n")
}

fn start(config: &str, scripts: &[(&str, &str)]) -> Gateway {
    Gateway::start_with(Folder::new(config, scripts).choosing_tiers(), &[])
}

/// Runs a command about scripts; whether it succeeded, and what it printed.
fn command(gateway: &Gateway, arguments: &[&str]) -> (bool, String) {
    let output = gateway.command(arguments);
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// What `status` says of the script.
fn script(gateway: &Gateway) -> Value {
    gateway.status()["compile"]["scripts"][0].clone()
}

#[test]
fn what_cannot_be_promoted_says_why() {
    let gateway = start(
        &CONFIG.replace("[version]", "[{ script: version, mode: interpret }]"),
        &[("version", &version(1))],
    );
    let (accepted, text) = command(&gateway, &["promote", "version"]);
    assert!(!accepted && text.contains("`mode: interpret`"), "{text}");
    let (accepted, text) = command(&gateway, &["promote", "other"]);
    assert!(!accepted && text.contains("no route runs a script of this name"), "{text}");
    let (accepted, text) = command(&gateway, &["demote", "other"]);
    assert!(!accepted && text.contains("not demoted"), "{text}");
}

#[test]
fn the_compiler_can_be_switched_off_in_the_configuration() {
    let gateway = start(&format!("compile: {{ enabled: false }}\n{CONFIG}"), &[("version", &version(1))]);
    let (accepted, text) = command(&gateway, &["promote", "version"]);
    assert!(!accepted && text.contains("switched off"), "{text}");
    let (_, status) = command(&gateway, &["status"]);
    assert!(status.contains("compiler     off"), "{status}");
}

#[test]
fn status_has_a_line_for_every_script() {
    let gateway = start(CONFIG, &[("version", &version(1))]);
    assert_eq!(get(gateway.address, "/").body, "v1");
    let script = script(&gateway);
    let calls = &script["calls"];
    let served = ["interpreted", "compiled", "shadowed"].map(|tier| calls[tier].as_u64().unwrap());
    assert_eq!((&script["script"], served.iter().sum()), (&"version".into(), 1_u64), "{script}");
    let (_, text) = command(&gateway, &["status"]);
    let line = text.lines().last().unwrap();
    assert!(line.starts_with("version "), "{text}");
}

mod with_a_compiler {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread::JoinHandle;

    use super::*;
    use crate::support::{Client, wait_until};

    /// Clients that ask without pause and accept nothing but an answer.
    struct Load {
        stop: Arc<AtomicBool>,
        served: Arc<AtomicUsize>,
        clients: Vec<JoinHandle<()>>,
    }

    impl Load {
        fn start(gateway: &Gateway) -> Self {
            let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
            let client = || {
                let (stop, served, address) = (stop.clone(), served.clone(), gateway.address);
                std::thread::spawn(move || {
                    let mut client = Client::connect(address);
                    while !stop.load(Ordering::Relaxed) {
                        let response = client.get("/");
                        assert!(response.status == 200 && response.body.starts_with('v'), "{response:?}");
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                })
            };
            let clients = (0..4).map(|_| client()).collect();
            Self { stop, served, clients }
        }

        /// Waits until some more requests were served.
        fn some_more(&self) {
            let before = self.served.load(Ordering::Relaxed);
            while self.served.load(Ordering::Relaxed) < before + 20 {
                assert!(self.clients.iter().all(|client| !client.is_finished()), "a request was lost");
                std::thread::yield_now();
            }
        }

        fn end(self) -> usize {
            self.stop.store(true, Ordering::Relaxed);
            for client in self.clients {
                client.join().unwrap();
            }
            self.served.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn promoting_and_demoting_under_load_loses_no_request() {
        let gateway = start(CONFIG, &[("version", &version(1))]);
        let load = Load::start(&gateway);
        load.some_more();
        for _ in 0..5 {
            let (accepted, text) = command(&gateway, &["promote", "version"]);
            assert!(accepted && text.contains("promoted: version runs as"), "{text}");
            assert_eq!(script(&gateway)["state"], "installed");
            let before = script(&gateway)["calls"]["compiled"].as_u64();
            load.some_more();
            assert!(script(&gateway)["calls"]["compiled"].as_u64() > before, "{}", script(&gateway));
            let (accepted, text) = command(&gateway, &["demote", "version"]);
            assert!(accepted && text.contains("interpreted until it is promoted"), "{text}");
            assert_eq!(script(&gateway)["state"], "interpreted");
            load.some_more();
        }
        let served = load.end();
        let calls = script(&gateway)["calls"].clone();
        let counted = ["interpreted", "compiled", "shadowed"].map(|tier| calls[tier].as_u64().unwrap());
        assert_eq!(counted.iter().sum::<u64>(), served as u64, "every call is counted once: {calls}");
        assert!(calls["shadowed"].as_u64() > Some(0), "{calls}");
        assert_eq!(gateway.status()["compile"]["mismatches"], 0);
        wait_until("the code is freed", || gateway.status()["compile"]["code_bytes"] == 0);
    }

    /// How many mappings the gateway has. Machine code is mapped memory.
    fn mappings(gateway: &Gateway) -> usize {
        let pid = gateway.status()["pid"].as_u64().unwrap();
        std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap().lines().count()
    }

    #[test]
    fn tens_of_lives_under_load_lose_no_request_and_leave_no_code_behind() {
        let gateway = start(CONFIG, &[("version", &version(1))]);
        let load = Load::start(&gateway);
        let mut settled = Vec::new();
        for number in 2..42 {
            gateway.write_script("version", &version(number));
            let (accepted, report) = gateway.reload();
            assert!(accepted, "{report}");
            let (accepted, text) = command(&gateway, &["promote", "version"]);
            assert!(accepted, "{text}");
            if number % 2 == 0 {
                assert!(command(&gateway, &["demote", "version"]).0);
            }
            load.some_more();
            if number % 20 == 1 {
                wait_until("the code of earlier lives is freed", || {
                    gateway.status()["compile"]["programs"].as_u64() <= Some(1)
                });
                settled.push(mappings(&gateway));
            }
        }
        load.end();
        assert_eq!(gateway.status()["compile"]["mismatches"], 0);
        // A life maps several pieces of memory; twenty lives that kept theirs would show.
        assert!(settled[1] < settled[0] + 20, "mappings: {settled:?}");
    }

    #[test]
    fn reloads_during_promotions_leave_a_script_that_serves_and_can_be_promoted() {
        let gateway = Arc::new(start(CONFIG, &[("version", &version(1))]));
        let load = Load::start(&gateway);
        let promoting = {
            let gateway = gateway.clone();
            std::thread::spawn(move || {
                for _ in 0..20 {
                    let (accepted, text) = command(&gateway, &["promote", "version"]);
                    let is_overtaken = text.contains("superseded");
                    assert!(accepted || is_overtaken, "{text}");
                }
            })
        };
        for number in 2..22 {
            if number % 2 == 0 {
                gateway.write_script("version", &version(number));
            }
            let (accepted, report) = gateway.reload();
            assert!(accepted, "{report}");
        }
        promoting.join().unwrap();
        load.some_more();
        load.end();
        assert!(command(&gateway, &["promote", "version"]).0);
        assert_eq!(get(gateway.address, "/").body, "v20");
        assert_eq!(gateway.status()["compile"]["mismatches"], 0);
    }

    #[test]
    fn a_reload_that_changes_nothing_keeps_the_program() {
        let gateway = start(CONFIG, &[("version", &version(1))]);
        assert!(command(&gateway, &["promote", "version"]).0);
        get(gateway.address, "/");
        let before = script(&gateway);
        assert!(gateway.reload().0);
        assert_eq!(script(&gateway), before, "counts and all");
        gateway.write_script("version", &version(2));
        assert!(gateway.reload().0);
        assert_eq!(script(&gateway)["state"], "interpreted", "an edited script has to prove itself again");
        assert_eq!(get(gateway.address, "/").body, "v2");
    }

    #[test]
    fn the_promoted_set_survives_a_restart() {
        let mut gateway = start(CONFIG, &[("version", &version(1))]);
        assert!(command(&gateway, &["promote", "version"]).0);
        gateway.restart();
        wait_until("promoted again", || script(&gateway)["state"] == "installed");
        // The first call on each worker is a shadow, and one connection stays on one worker.
        let mut client = Client::connect(gateway.address);
        client.get("/");
        client.get("/");
        let calls = script(&gateway)["calls"].clone();
        assert!(calls["interpreted"] == 0 && calls["compiled"].as_u64() > Some(0), "{calls}");
        assert!(command(&gateway, &["demote", "version"]).0);
        gateway.restart();
        assert_eq!(script(&gateway)["state"], "interpreted");
    }

    #[test]
    fn a_script_of_mode_jit_never_serves_interpreted() {
        let config = CONFIG.replace("[version]", "[{ script: version, mode: jit }]");
        let gateway = start(&config, &[("version", &version(1))]);
        for _ in 0..3 {
            assert_eq!(get(gateway.address, "/").body, "v1");
        }
        let script = script(&gateway);
        assert_eq!((&script["mode"], &script["state"]), (&"jit".into(), &"installed".into()));
        assert_eq!(script["calls"]["interpreted"], 0);
        assert!(script["trial_runs"].as_u64() > Some(0), "{script}");
    }

    #[test]
    fn a_hot_script_is_promoted_by_itself() {
        let config = format!("compile: {{ hot: {{ calls: 20, time: 1us }} }}\n{CONFIG}");
        let gateway = start(&config, &[("version", &version(1))]);
        let load = Load::start(&gateway);
        wait_until("promoted", || {
            load.some_more();
            script(&gateway)["state"] == "installed"
        });
        load.end();
        assert!(gateway.log().contains("promoted script=\"version\""), "{}", gateway.log());
    }

    #[test]
    fn all_scripts_can_be_compiled_at_load_and_metrics_tell() {
        let config = format!("compile: {{ mode: jit }}\nstatus: {{ listen: \"127.0.0.1:0\" }}\n{CONFIG}");
        let gateway = start(&config, &[("version", &version(1))]);
        assert_eq!(script(&gateway)["mode"], "jit");
        assert_eq!(script(&gateway)["state"], "installed");
    }
}
