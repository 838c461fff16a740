//! Every kind of patch that must not serve: refused with the reason and the remedy, nothing that serves changes, and the
//! process lives.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::artefact::{Library, Patch, compile};
use super::{folder, gateway, listed};
use crate::support::{Client, Gateway};

/// One row: what it is, the library, and what the answer must say.
struct Row {
    what: &'static str,
    library: Library,
    says: &'static [&'static str],
}

fn row(what: &'static str, library: Library, says: &'static [&'static str]) -> Row {
    Row { what, library, says }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Row> {
    let good = Patch::new("fix", "1.0.0");
    let built = good.build();
    vec![
        row(
            "built for a newer minor of the interface",
            good.clone().code("MINOR", "99").build(),
            &["built for version 1.99 of the interface", "this gateway speaks 1.0", "update the gateway"],
        ),
        row(
            "built for another major, by its descriptor",
            good.clone().code("MAJOR", "2").build(),
            &["built for version 2.0 of the interface", "this gateway speaks 1.0"],
        ),
        row(
            "built for another major, by its symbol",
            good.clone().code("ENTRY", "forebay_patch_v2").build(),
            &["built for version 2 of the interface", "this gateway speaks version 1"],
        ),
        row(
            "for another processor",
            built.for_another_processor(),
            &["the library is for", "and this gateway runs on", "on a machine like this one"],
        ),
        row(
            "truncated",
            built.cut(built.0.len() / 2),
            &["the library is truncated", "fetch or build the patch again"],
        ),
        row("only its header", built.cut(64), &["truncated"]),
        row("a text", Library(b"#!/bin/sh\necho hello\n".to_vec()), &["this is no library: it is a text"]),
        row("empty", Library(Vec::new()), &["this is no library: it is empty"]),
        row(
            "without the symbol",
            compile("int answer(void) { return 42; }", &["-fvisibility=default".to_owned()]),
            &["does not export `forebay_patch_v1`", "it is no patch"],
        ),
        row(
            "with a symbol that is nowhere",
            good.clone().code("IN_REQUEST", "extern int nowhere(void); nowhere()").build(),
            &["undefined symbol: nowhere"],
        ),
        row(
            "aborts in its constructor",
            good.clone().code("IN_CONSTRUCTOR", "abort()").build(),
            &["took its process down while it was loaded (in a constructor)", "SIGABRT", "was not touched"],
        ),
        row(
            "exits in its constructor",
            good.clone().code("IN_CONSTRUCTOR", "_exit(0)").build(),
            &["while it was loaded (in a constructor): it ended by itself with exit code 0"],
        ),
        row(
            "segfaults in its self-test",
            good.clone().code("IN_SELF_TEST", "*(volatile int *)0 = 1; return 0").build(),
            &["took its process down in its self-test", "SIGSEGV"],
        ),
        row(
            "fails its self-test",
            good.clone().code("IN_SELF_TEST", "return FOREBAY_FAILED").build(),
            &["its self-test failed"],
        ),
        row(
            "hangs while it is loaded",
            good.clone().code("IN_CONSTRUCTOR", "for (;;) pause()").build(),
            &["hung while it was loaded (in a constructor)", "patches.trial.time_max"],
        ),
        row(
            "wants all memory",
            good.clone()
                .code("IN_CONSTRUCTOR", "char *volatile p = malloc(1ul << 40); *(volatile char *)p = 1")
                .build(),
            &["while it was loaded (in a constructor)", "SIGSEGV"],
        ),
        row(
            "waits at a hook that it does not have",
            good.clone().code("BITS", ".waits = FOREBAY_HOOK_LOG,").build(),
            &["the table of component `headers` has bits in `waits` that are not in `hooks`"],
        ),
        row(
            "wants a body before a hook that waits for it",
            good.clone()
                .code("BITS", ".waits = FOREBAY_HOOK_REQUEST, .bodies = FOREBAY_HOOK_REQUEST,")
                .build(),
            &["has bits in `bodies` that are not in `hooks`, are in `waits` or have no body"],
        ),
        row(
            "overrides what is not there",
            good.clone().text("COMPONENT", "haeders").build(),
            &["which does not exist", "did you mean `headers`?"],
        ),
        row(
            "adds what is there",
            good.code("MODE", "FOREBAY_MODE_ADD").build(),
            &["which exists already", "declare that it overrides"],
        ),
    ]
}

/// Reloads with one library in the folder: refused with these words, and everything else as before.
fn expect_refusal(gateway: &Gateway, client: &mut Client, Row { what, library, says }: &Row) {
    let path = library.put(&gateway.path("patches"), "bad.so");
    let (accepted, report) = gateway.reload();
    assert!(!accepted, "{what} was accepted: {report}");
    for part in says.iter().chain(&["bad.so", "help:", "generation 1 goes on serving"]) {
        assert!(report.contains(part), "{what}: no {part:?} in\n{report}");
    }
    let response = client.get("/");
    assert_eq!((response.status, response.header("x-served-by")), (200, Some("built-in")), "{what}");
    fs::remove_file(path).unwrap();
}

#[test]
fn bad_patches_are_refused_with_reason_and_remedy() {
    let limits = "signatures: off, trial: { time_max: 10s, memory_bytes_max: 256MiB }";
    let mut gateway = Gateway::start_with(folder(limits), &[]);
    // One connection for all of it: nobody notices anything.
    let mut client = Client::connect(gateway.address);
    for row in rows() {
        expect_refusal(&gateway, &mut client, &row);
    }
    assert!(!gateway.has_ended());
    let good = Patch::new("fix", "1.0.0").build();
    good.put(&gateway.path("patches"), "fix.so");
    assert!(gateway.reload().0);
    assert_eq!(client.get("/").header("x-served-by"), Some("fix 1.0.0"));
}

#[test]
fn a_patch_that_spins_is_ended_by_its_time_on_the_processor() {
    let limits = "signatures: off, trial: { time_max: 5m, cpu_time_max: 1s }";
    let gateway = Gateway::start_with(folder(limits), &[]);
    let spins =
        Patch::new("fix", "1.0.0").code("IN_CONSTRUCTOR", "for (volatile int i = 0;; i++) {}").build();
    let what = row("spins while it is loaded", spins, &["patches.trial.cpu_time_max"]);
    expect_refusal(&gateway, &mut Client::connect(gateway.address), &what);
}

#[test]
fn what_cannot_be_loaded_can_be_disabled() {
    let gateway = gateway();
    let name = format!("broken-1.0.0-abi1-{}.so", std::env::consts::ARCH);
    Library(b"text".to_vec()).put(&gateway.path("patches"), &name);
    assert!(!gateway.reload().0);
    super::succeed(&gateway, &["patch", "disable", "broken"]);
    assert_eq!(listed(&gateway), ["broken 1.0.0 disabled"]);
    assert!(gateway.reload().0);
    assert!(super::fail(&gateway, &["patch", "enable", "broken"]).contains("this is no library"));
    assert_eq!(listed(&gateway), ["broken 1.0.0 disabled"], "a decision that is refused is taken back");
}

#[test]
fn a_folder_or_file_that_others_can_write_to_is_refused() {
    let gateway = gateway();
    let mut client = Client::connect(gateway.address);
    let patches = gateway.path("patches");
    let file = Patch::new("fix", "1.0.0").build().put(&patches, "fix.so");
    for (path, reason) in
        [(&patches, "the folder of patches is writable by everybody"), (&file, "the file is writable")]
    {
        let before = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap();
        let (accepted, report) = gateway.reload();
        assert!(!accepted && report.contains(reason) && report.contains("chmod o-w"), "{report}");
        assert_eq!(client.get("/").header("x-served-by"), Some("built-in"));
        fs::set_permissions(path, before).unwrap();
    }
    fs::rename(&file, gateway.path("elsewhere.so")).unwrap();
    std::os::unix::fs::symlink(gateway.path("elsewhere.so"), &file).unwrap();
    let (accepted, report) = gateway.reload();
    assert!(!accepted && report.contains("symbolic link"), "{report}");
    fs::rename(gateway.path("elsewhere.so"), &file).unwrap();
    assert!(gateway.reload().0);
    assert_eq!(client.get("/").header("x-served-by"), Some("fix 1.0.0"));
}

#[test]
fn two_patches_for_one_component_are_both_named() {
    let gateway = gateway();
    let patches = gateway.path("patches");
    Patch::new("one", "1.0.0").build().put(&patches, "one.so");
    assert!(gateway.reload().0);
    Patch::new("two", "2.0.0").build().put(&patches, "two.so");
    let (accepted, report) = gateway.reload();
    assert!(!accepted, "{report}");
    for part in ["two patches for the middleware `headers`: one 1.0.0 and two 2.0.0", "forebay patch disable"]
    {
        assert!(report.contains(part), "{report}");
    }
    assert_eq!(Client::connect(gateway.address).get("/").header("x-served-by"), Some("one 1.0.0"));
    super::succeed(&gateway, &["patch", "disable", "one"]);
    assert_eq!(Client::connect(gateway.address).get("/").header("x-served-by"), Some("two 2.0.0"));
}

#[test]
fn a_patch_for_other_gateways_is_listed_as_inert() {
    let gateway = gateway();
    let library = Patch::new("fix", "1.0.0").text("GATEWAY", "<0.0.1").build();
    library.put(&gateway.path("patches"), "fix.so");
    assert!(gateway.reload().0);
    assert_eq!(Client::connect(gateway.address).get("/").header("x-served-by"), Some("built-in"));
    assert_eq!(listed(&gateway), ["fix 1.0.0 inert"]);
    let table = super::succeed(&gateway, &["patch", "list"]);
    assert!(table.contains("it is meant for gateways <0.0.1, and this one is"), "{table}");
}

#[test]
fn a_gateway_does_not_start_with_a_bad_patch_unless_patches_are_off() {
    let folder = folder("signatures: off");
    Library(b"text".to_vec()).put(&folder.path("patches"), "bad.so");
    for command in ["run", "check"] {
        let output = folder.run(&[command]);
        assert_eq!(output.status.code(), Some(if command == "run" { 78 } else { 1 }));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("bad.so") && text.contains("this is no library"), "{text}");
    }
    let config = super::config("signatures: off, enabled: false");
    let output = folder.run_with_config(
        "off.yaml",
        &format!("listen: 9\n{config}"),
        &["--config", "off.yaml", "check"],
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
