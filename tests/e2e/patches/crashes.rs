//! A patch that misbehaves while it serves: it fails a request, takes the process down, or takes too long.

use super::artefact::Patch;
use super::{folder, gateway, listed, succeed};
use crate::support::{Client, Gateway, get, wait_until};

/// Sends requests until the process is gone, and says how many were answered.
fn until_it_dies(gateway: &Gateway) -> usize {
    let mut client = Client::connect(gateway.address);
    let mut answered = 0;
    loop {
        client.send_get("/");
        match client.try_response() {
            Some(response) => {
                assert_eq!(response.header("x-served-by"), Some("fix 1.0.0"));
                answered += 1;
            }
            None => return answered,
        }
    }
}

#[test]
fn a_patch_that_takes_the_process_down_is_quarantined_at_the_next_start() {
    for (nth, crash, signal) in [
        (1_000, "*(volatile int *)0 = 1", "SIGSEGV"),
        (20, "abort()", "SIGABRT"),
        (20, "exit(3)", "exit"),
        (20, "{ char *volatile nowhere = (char *)8; memset(nowhere, 1, 4096); }", "SIGSEGV"),
    ] {
        let mut gateway = gateway();
        let crash = format!("if (number == {nth}) {crash}");
        let library = Patch::new("fix", "1.0.0").code("IN_REQUEST", &crash).build();
        library.put(&gateway.path("patches"), "fix.so");
        assert!(gateway.reload().0);
        assert_eq!(until_it_dies(&gateway), nth - 1, "{crash}");
        assert!(!gateway.revive().success());
        let line = gateway.wait_for_log("QUARANTINED");
        assert!(
            line.contains(&format!("died inside it ({signal})")) && line.contains("patch enable fix"),
            "{line}"
        );
        assert_eq!(get(gateway.address, "/").header("x-served-by"), Some("built-in"));
        assert_eq!(listed(&gateway), ["fix 1.0.0 quarantined"]);
        // It stays so, until somebody who knows better says otherwise.
        gateway.restart();
        assert_eq!(listed(&gateway), ["fix 1.0.0 quarantined"]);
        succeed(&gateway, &["patch", "enable", "fix"]);
        assert_eq!(get(gateway.address, "/").header("x-served-by"), Some("fix 1.0.0"));
    }
}

#[test]
fn a_process_that_is_killed_blames_nobody() {
    let mut gateway = gateway();
    Patch::new("fix", "1.0.0").build().put(&gateway.path("patches"), "fix.so");
    assert!(gateway.reload().0);
    assert_eq!(get(gateway.address, "/").header("x-served-by"), Some("fix 1.0.0"));
    gateway.signal("KILL");
    assert!(!gateway.revive().success());
    let line = gateway.wait_for_log("ended without saying why");
    assert!(line.contains("fix 1.0.0"), "{line}");
    assert_eq!(get(gateway.address, "/").header("x-served-by"), Some("fix 1.0.0"));
}

#[test]
fn a_patch_that_fails_or_panics_fails_that_request_only() {
    let gateway = gateway();
    let wrong = "if (has_header(call, \"x-fail\")) return FOREBAY_FAILED; \
                 if (has_header(call, \"x-panic\")) return FOREBAY_PANICKED";
    let library = Patch::new("fix", "1.0.0").code("IN_REQUEST", wrong).build();
    library.put(&gateway.path("patches"), "fix.so");
    assert!(gateway.reload().0);
    let mut client = Client::connect(gateway.address);
    for name in ["x-fail", "x-panic"] {
        client.send(format!("GET / HTTP/1.1\r\nhost: shop.test\r\n{name}: 1\r\n\r\n"));
        assert_eq!(client.response().status, 500, "{name}");
        let next = client.get("/");
        assert_eq!((next.status, next.header("x-served-by")), (200, Some("fix 1.0.0")));
    }
    let report: serde_json::Value =
        serde_json::from_str(&succeed(&gateway, &["patch", "list", "--json"])).unwrap();
    assert_eq!(report["patches"][0]["failures"], 2, "{report}");
}

#[test]
fn a_patch_over_its_time_budget_is_counted_and_by_policy_disabled() {
    let budget = "signatures: off, budget: { time: 1ms, excesses_max: 3, on_excess: disable }";
    let gateway = Gateway::start_with(folder(budget), &[]);
    let slow =
        Patch::new("fix", "1.0.0").code("IN_REQUEST", "if (has_header(call, \"x-slow\")) usleep(20000)");
    slow.build().put(&gateway.path("patches"), "fix.so");
    assert!(gateway.reload().0);
    let mut client = Client::connect(gateway.address);
    assert_eq!(client.get("/").header("x-served-by"), Some("fix 1.0.0"));
    // The first look of the control loop only notes where the count stands.
    wait_until("it is disabled", || {
        let mut client = Client::connect(gateway.address);
        for _ in 0..5 {
            client.send("GET / HTTP/1.1\r\nhost: shop.test\r\nx-slow: 1\r\n\r\n");
            assert_eq!(client.response().status, 200);
        }
        listed(&gateway) == ["fix 1.0.0 disabled"]
    });
    assert_eq!(client.get("/").header("x-served-by"), Some("built-in"));
    let table = succeed(&gateway, &["patch", "list"]);
    assert!(table.contains("calls within a minute took longer than 1ms"), "{table}");
    gateway.wait_for_log("over its time budget");
}

#[test]
fn a_patch_over_its_time_budget_goes_on_serving_where_the_policy_is_to_count() {
    let budget = "signatures: off, budget: { time: 1ms, excesses_max: 0, on_excess: count }";
    let gateway = Gateway::start_with(folder(budget), &[]);
    let slow = Patch::new("fix", "1.0.0").code("IN_REQUEST", "usleep(20000)");
    slow.build().put(&gateway.path("patches"), "fix.so");
    assert!(gateway.reload().0);
    let mut client = Client::connect(gateway.address);
    for _ in 0..3 {
        assert_eq!(client.get("/").header("x-served-by"), Some("fix 1.0.0"));
    }
    let report: serde_json::Value =
        serde_json::from_str(&succeed(&gateway, &["patch", "list", "--json"])).unwrap();
    let patch = &report["patches"][0];
    // The responses' hooks are calls, too, and quick.
    assert_eq!((&patch["calls"], &patch["over_budget"]), (&6.into(), &3.into()), "{patch}");
    assert_eq!(patch["state"], "active");
}
