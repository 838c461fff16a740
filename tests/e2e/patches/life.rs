//! The life of a patch: applied, listed, replaced, reverted, disabled, and what happens to its file does not matter.

use std::fs;

use super::artefact::{Library, Patch};
use super::{fail, folder, gateway, listed, succeed};
use crate::support::{Client, Gateway, get, wait_until};

fn serves(gateway: &Gateway) -> String {
    get(gateway.address, "/").header("x-served-by").unwrap_or_default().to_owned()
}

/// Writes a library where a command finds it.
fn artefact(gateway: &Gateway, name: &str, version: &str) -> String {
    let file = format!("{name}-{version}.so");
    let path = Patch::new(name, version).build().put(&gateway.path("scripts"), &file);
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_patch_is_applied_replaced_and_reverted_by_one_command_each() {
    let gateway = gateway();
    let (first, second) = (artefact(&gateway, "fix", "1.0.0"), artefact(&gateway, "fix", "1.1.0"));
    let said = succeed(&gateway, &["patch", "apply", &first]);
    assert!(said.starts_with("applied: fix 1.0.0 serves, generation 2"), "{said}");
    assert_eq!(serves(&gateway), "fix 1.0.0");
    succeed(&gateway, &["patch", "apply", &second]);
    assert_eq!(serves(&gateway), "fix 1.1.0");
    assert_eq!(listed(&gateway), ["fix 1.0.0 superseded", "fix 1.1.0 active"]);
    let said = fail(&gateway, &["patch", "apply", &first]);
    assert!(said.contains("it does not serve: version 1.1.0 serves"), "{said}");
    let said = succeed(&gateway, &["patch", "revert", "fix"]);
    assert!(said.contains("reverted: fix; version 1.0.0 serves"), "{said}");
    assert_eq!(serves(&gateway), "fix 1.0.0");
    let said = succeed(&gateway, &["patch", "revert", "fix"]);
    assert!(said.contains("no version of it serves"), "{said}");
    assert_eq!(serves(&gateway), "built-in");
    let said = fail(&gateway, &["patch", "revert", "fix"]);
    assert!(said.contains("there is none to revert"), "{said}");
    succeed(&gateway, &["patch", "apply", &second]);
    assert_eq!(serves(&gateway), "fix 1.1.0");
    let status = gateway.status();
    assert_eq!(status["patches"]["mapped"], 2, "each content is mapped once: {status}");
    assert!(status["serving"].to_string().contains("patch fix"), "{status}");
}

#[test]
fn what_was_decided_survives_a_restart() {
    let mut gateway = gateway();
    let patch = artefact(&gateway, "fix", "1.0.0");
    succeed(&gateway, &["patch", "apply", &patch]);
    gateway.restart();
    assert_eq!(serves(&gateway), "fix 1.0.0");
    succeed(&gateway, &["patch", "disable", "fix"]);
    gateway.restart();
    assert_eq!((serves(&gateway), listed(&gateway)), ("built-in".into(), vec!["fix 1.0.0 disabled".into()]));
    let said = fail(&gateway, &["patch", "disable", "fxi"]);
    assert!(said.contains("there is no patch \"fxi\""), "{said}");
    succeed(&gateway, &["patch", "enable", "fix"]);
    assert_eq!(serves(&gateway), "fix 1.0.0");
    let said = fail(&gateway, &["patch", "enable", "fix"]);
    assert!(said.contains("nothing keeps fix from serving"), "{said}");
    succeed(&gateway, &["patch", "revert", "fix"]);
    gateway.restart();
    assert_eq!(listed(&gateway), ["fix 1.0.0 reverted"]);
}

#[test]
fn decisions_without_a_gateway_wait_for_the_next() {
    let folder = folder("signatures: off");
    let library = Patch::new("fix", "1.0.0").build().put(&folder.path("scripts"), "fix.so");
    let run = |arguments: &[&str]| {
        let output = folder.run(arguments);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{text}");
        text
    };
    assert!(run(&["patch", "apply", library.to_str().unwrap()]).contains("the next start loads it"));
    assert!(run(&["patch", "list"]).contains("fix    1.0.0       active"), "{}", run(&["patch", "list"]));
    assert!(run(&["patch", "disable", "fix"]).contains("the next start heeds it"));
    let gateway = Gateway::start_with(folder, &[]);
    assert_eq!((serves(&gateway), listed(&gateway)), ("built-in".into(), vec!["fix 1.0.0 disabled".into()]));
}

#[test]
fn a_copied_file_serves_after_a_signal_and_with_watch_by_itself() {
    let first = Patch::new("fix", "1.0.0").build();
    let gateway = gateway();
    first.put(&gateway.path("patches"), "fix.so");
    gateway.signal("HUP");
    wait_until("the patch serves", || serves(&gateway) == "fix 1.0.0");
    let watching = Gateway::start_with(folder("signatures: off"), &["--watch"]);
    first.put(&watching.path("patches"), "fix.so");
    wait_until("the patch serves", || serves(&watching) == "fix 1.0.0");
}

#[test]
fn what_happens_to_the_file_does_not_touch_what_serves() {
    let gateway = gateway();
    let path = Patch::new("fix", "1.0.0").build().put(&gateway.path("patches"), "fix.so");
    assert!(gateway.reload().0);
    let mut client = Client::connect(gateway.address);
    let mut still_serves = || assert_eq!(client.get("/").header("x-served-by"), Some("fix 1.0.0"));
    still_serves();
    // In place, so that a mapped file would change under the running code.
    let length = fs::metadata(&path).unwrap().len();
    fs::write(&path, vec![0xff; usize::try_from(length).unwrap()]).unwrap();
    still_serves();
    let (accepted, report) = gateway.reload();
    assert!(!accepted && report.contains("no ELF file"), "{report}");
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    still_serves();
    fs::remove_file(&path).unwrap();
    still_serves();
    assert!(gateway.reload().0);
    assert_eq!(serves(&gateway), "built-in");
}

#[test]
fn a_patch_that_cannot_be_applied_leaves_no_trace() {
    let gateway = gateway();
    let names = || fs::read_dir(gateway.path("patches")).unwrap().count();
    Library(b"text".to_vec()).put(&gateway.path("scripts"), "bad.so");
    let said = fail(&gateway, &["patch", "apply", gateway.path("scripts/bad.so").to_str().unwrap()]);
    assert!(said.contains("this is no library") && said.contains("nothing was changed"), "{said}");
    // This one is refused by the gateway only: it conflicts with one that serves.
    succeed(&gateway, &["patch", "apply", &artefact(&gateway, "one", "1.0.0")]);
    let before = names();
    let said = fail(&gateway, &["patch", "apply", &artefact(&gateway, "two", "1.0.0")]);
    assert!(
        said.contains("two patches for the middleware `headers`") && said.contains("not applied"),
        "{said}"
    );
    assert_eq!(names(), before);
    assert!(gateway.reload().0);
    assert_eq!(serves(&gateway), "one 1.0.0");
}
