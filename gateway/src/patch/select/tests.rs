//! Which artefacts serve, with trials that only say what a patch says of itself.

use std::collections::HashMap;

use semver::VersionReq;

use super::super::descriptor::{Abi, Action, Claim};
use super::super::state::Marked;
use super::*;
use crate::config::{OnExcess, PatchBudget, SignaturePolicy, TrialLimits};

/// An artefact that would pass every check of its bytes: an ELF library with the symbol.
fn library(salt: &str) -> Vec<u8> {
    use std::sync::LazyLock;
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let (source, path) = (folder.path().join("a.c"), folder.path().join("a.so"));
        std::fs::write(&source, "int forebay_patch_v1(void) { return 0; }").unwrap();
        let built = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&path)
            .arg(&source)
            .status();
        assert!(built.unwrap().success());
        std::fs::read(path).unwrap()
    });
    [&**BYTES, salt.as_bytes()].concat()
}

fn settings() -> PatchSettings {
    let second = std::time::Duration::from_secs(1);
    PatchSettings {
        enabled: true,
        folder: "patches".into(),
        signatures: SignaturePolicy::IfPresent,
        trusted_keys: Vec::new(),
        trial: TrialLimits { time_max: second, cpu_time_max: second, memory_bytes_max: None },
        budget: PatchBudget { time: second, excesses_max: 1, on_excess: OnExcess::Count },
    }
}

#[derive(Default)]
struct Folder {
    found: Vec<Found>,
    says: HashMap<Digest, Descriptor>,
    state: State,
}

impl Folder {
    fn add(&mut self, file: &str, name: &str, version: &str, overrides: &str) -> Digest {
        let bytes = library(&format!("{file}{version}{overrides}"));
        let digest = Digest::of(&bytes);
        let claim = Claim { kind: "middleware".into(), action: Action::Overrides, id: overrides.into() };
        let descriptor = Descriptor {
            name: name.into(),
            version: Version::parse(version).unwrap(),
            gateways: VersionReq::STAR,
            abi: Abi { major: 1, minor: 0 },
            description: String::new(),
            components: vec![claim],
        };
        self.says.insert(digest, descriptor);
        self.found.push(Found { path: file.into(), bytes, digest, signature: None, manifest: None });
        digest
    }

    fn examine(&self) -> Result<Vec<Listed>, Vec<Diagnostic>> {
        examine(&self.found, &self.state, &settings(), &mut |found| Ok(self.says[&found.digest].clone()))
    }

    fn standings(&self) -> Vec<String> {
        let listed = self.examine().unwrap();
        listed.iter().map(|one| format!("{} {}", one.title(), one.standing.as_str())).collect()
    }

    fn refused(&self) -> String {
        let problems = self.examine().unwrap_err();
        assert!(problems.iter().all(|problem| problem.help.is_some()));
        problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_highest_version_that_may_serve_does() {
    let mut folder = Folder::default();
    folder.add("a.so", "fix", "1.9.0", "cors");
    let newest = folder.add("b.so", "fix", "1.10.0", "cors");
    folder.add("c.so", "other", "0.1.0", "headers");
    assert_eq!(folder.standings(), ["fix 1.9.0 superseded", "fix 1.10.0 active", "other 0.1.0 active"]);
    let marked = Marked {
        name: "fix".into(),
        version: Version::new(1, 10, 0),
        mark: Mark::Reverted,
        note: Note::now("reverted by an operator"),
    };
    folder.state.marked.insert(newest, marked);
    assert_eq!(folder.standings()[..2], ["fix 1.9.0 active", "fix 1.10.0 reverted"]);
    folder.state.disabled.insert("fix".into(), Note::now("off"));
    assert_eq!(folder.standings()[..2], ["fix 1.9.0 disabled", "fix 1.10.0 reverted"]);
}

#[test]
fn two_patches_for_one_component_are_both_named() {
    let mut folder = Folder::default();
    folder.add("a.so", "one", "1.0.0", "cors");
    folder.add("b.so", "two", "2.0.0", "cors");
    assert_eq!(folder.refused(), "two patches for the middleware `cors`: one 1.0.0 and two 2.0.0");
    folder.state.disabled.insert("one".into(), Note::now("off"));
    assert_eq!(folder.standings(), ["one 1.0.0 disabled", "two 2.0.0 active"]);
}

#[test]
fn one_version_with_two_contents_is_a_mistake_and_two_copies_are_not() {
    let mut folder = Folder::default();
    folder.add("a.so", "fix", "1.0.0", "cors");
    folder.add("b.so", "fix", "1.0.0", "cors");
    assert!(folder.refused().contains("a.so holds fix 1.0.0 too, with another content"));
    let mut folder = Folder::default();
    folder.add("a.so", "fix", "1.0.0", "cors");
    let copy = Found { path: "copy.so".into(), ..folder.found[0].clone() };
    folder.found.push(copy);
    assert_eq!(folder.standings(), ["fix 1.0.0 active", "fix 1.0.0 superseded"]);
}

#[test]
fn file_name_manifest_and_library_must_agree() {
    let mut folder = Folder::default();
    let file = format!("fix-1.0.0-abi1-{ARCH}.so");
    let digest = folder.add(&file, "fix", "1.0.1", "cors");
    assert!(folder.refused().contains("named for fix 1.0.0, but the library is fix 1.0.1"));
    let mut manifest = Manifest::new(folder.says[&digest].clone(), ARCH, digest);
    folder.found[0].path = "fix.so".into();
    folder.found[0].manifest = Some(manifest.to_text());
    assert_eq!(folder.standings(), ["fix 1.0.1 active"]);
    manifest.components.clear();
    folder.found[0].manifest = Some(manifest.to_text());
    assert!(folder.refused().contains("say different things"));
    manifest.sha256 = Digest::of(b"");
    folder.found[0].manifest = Some(manifest.to_text());
    assert!(folder.refused().contains("the SHA-256 differs"));
    folder.found[0].manifest = None;
    folder.found[0].path = format!("fix-1.0.1-abi2-{ARCH}.so").into();
    assert!(folder.refused().contains("for version 2 of the interface"));
    folder.found[0].path = "fix-1.0.1-abi1-s390x.so".into();
    assert!(folder.refused().contains("says it is for s390x"));
}

#[test]
fn a_patch_of_another_range_is_inert_and_may_conflict_with_nobody() {
    let mut folder = Folder::default();
    let digest = folder.add("a.so", "fix", "1.0.0", "cors");
    folder.add("b.so", "two", "1.0.0", "cors");
    folder.says.get_mut(&digest).unwrap().gateways = VersionReq::parse("<0.0.1").unwrap();
    assert_eq!(folder.standings(), ["fix 1.0.0 inert", "two 1.0.0 active"]);
    let listed = folder.examine().unwrap()[0].to_json();
    assert!(listed["reason"].as_str().unwrap().contains("meant for gateways <0.0.1"), "{listed}");
    // With a manifest that says so no code has to run.
    let manifest = Manifest::new(folder.says[&digest].clone(), ARCH, digest);
    folder.found[0].manifest = Some(manifest.to_text());
    folder.says.remove(&digest);
    assert_eq!(folder.standings()[0], "fix 1.0.0 inert");
}

#[test]
fn what_is_switched_off_may_be_damaged() {
    let mut folder = Folder::default();
    let file = format!("fix-1.0.0-abi1-{ARCH}.so");
    folder.add(&file, "fix", "1.0.0", "cors");
    folder.found[0].bytes = b"text".to_vec();
    assert!(folder.refused().contains("this is no library"));
    folder.state.disabled.insert("fix".into(), Note::now("off"));
    assert_eq!(folder.standings(), ["fix 1.0.0 disabled"]);
}
