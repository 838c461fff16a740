//! From nothing to a signed patch that serves: keygen, new, build, verify, apply; and what a signature refuses.

use std::fs;
use std::path::PathBuf;

use super::artefact::Patch;
use super::{fail, folder, listed, succeed};
use crate::support::{Gateway, get};

/// A gateway that asks for signatures of the key that is made beside it.
fn gateway() -> Gateway {
    let folder = folder("signatures: required");
    let output = folder.run(&["patch", "keygen", "--no-password", "--json", "release"]);
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let gateway = Gateway::start_with(folder, &[]);
    gateway.write_config(&super::config(&format!("trusted_keys: [{}]", made["key"])));
    assert!(gateway.reload().0);
    gateway
}

/// Builds a library, signed, and says where it is.
fn signed(gateway: &Gateway, name: &str, version: &str) -> PathBuf {
    let library = Patch::new(name, version).build().put(&gateway.path("scripts"), "built.so");
    let arguments =
        ["patch", "build", library.to_str().unwrap(), "--out", "out", "--key", "release.key", "--json"];
    let built: serde_json::Value = serde_json::from_str(&succeed(gateway, &arguments)).unwrap();
    gateway.path(built["library"].as_str().unwrap())
}

#[test]
fn a_signed_patch_serves_and_any_other_does_not() {
    let gateway = gateway();
    let library = signed(&gateway, "fix", "1.0.0");
    let name = library.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(name, format!("fix-1.0.0-abi1-{}.so", std::env::consts::ARCH));
    let path = library.to_str().unwrap();
    let said = succeed(&gateway, &["patch", "verify", path]);
    assert!(said.contains("ok: fix 1.0.0, it would serve") && said.contains("signed by RW"), "{said}");
    succeed(&gateway, &["patch", "apply", path]);
    assert_eq!(get(gateway.address, "/").header("x-served-by"), Some("fix 1.0.0"));

    let patches = gateway.path("patches");
    let beside = |ending: &str| patches.join(format!("{name}{ending}"));
    let refuse = |reason: &str| {
        let (accepted, report) = gateway.reload();
        assert!(!accepted && report.contains(reason) && report.contains("help:"), "{reason}: {report}");
        assert_eq!(get(gateway.address, "/").header("x-served-by"), Some("fix 1.0.0"));
    };
    let signature = fs::read_to_string(beside(".minisig")).unwrap();
    fs::remove_file(beside(".minisig")).unwrap();
    refuse("the patch has no signature, and patches.signatures is `required`");
    fs::write(beside(".minisig"), "nonsense").unwrap();
    refuse("the signature is damaged");
    fs::write(beside(".minisig"), &signature).unwrap();
    // Beyond the end of all sections, where the dynamic loader would not notice.
    let bytes = fs::read(&library).unwrap();
    fs::write(beside(""), [&bytes[..], b"x"].concat()).unwrap();
    refuse("the signature does not fit the library");
    fs::write(beside(""), &bytes).unwrap();
    let other = gateway.command(&["patch", "keygen", "--no-password", "other"]);
    assert!(other.status.success());
    let resigned = ["patch", "build", path, "--out", "patches", "--key", "other.key"];
    succeed(&gateway, &resigned);
    refuse("the signature is of a key that is not trusted");
    fs::write(beside(".minisig"), &signature).unwrap();
    fs::write(beside(".toml"), fs::read_to_string(beside(".toml")).unwrap().replace("headers", "cors"))
        .unwrap();
    refuse("say different things");
}

#[test]
fn a_project_in_c_builds_as_it_is_written() {
    let gateway = gateway();
    succeed(&gateway, &["patch", "new", "--language", "c", "my-fix"]);
    let said = fail(&gateway, &["patch", "new", "--language", "c", "my-fix"]);
    assert!(said.contains("is there already"), "{said}");
    succeed(&gateway, &["patch", "build", "my-fix", "--out", "out", "--key", "release.key"]);
    let library = format!("out/my-fix-0.1.0-abi1-{}.so", std::env::consts::ARCH);
    succeed(&gateway, &["patch", "apply", &library]);
    assert_eq!(listed(&gateway), ["my-fix 0.1.0 active"]);
}

#[test]
fn a_project_in_rust_builds_as_it_is_written() {
    let gateway = gateway();
    let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/patches/sdk");
    succeed(&gateway, &["patch", "new", "my-fix", "--sdk", sdk]);
    succeed(&gateway, &["patch", "build", "my-fix", "--out", "out", "--key", "release.key"]);
    let library = format!("out/my-fix-0.1.0-abi1-{}.so", std::env::consts::ARCH);
    succeed(&gateway, &["patch", "apply", &library]);
    assert_eq!(listed(&gateway), ["my-fix 0.1.0 active"]);
}
