//! Native patches: what is refused, what serves, and what becomes of a gateway whose patch misbehaves.
//!
//! The patches are C files compiled here, so that their compiler is another one than the gateway's.

mod artefact;
mod compilers;
mod crashes;
mod kinds;
mod life;
mod refused;
mod signed;
mod storm;
mod streams;
mod waits;

use crate::support::{Folder, Gateway};

/// A route whose step says who serves it: `built-in`, unless a patch takes its place.
pub(crate) const ROUTES: &str = "upstreams: { o: { builtin: echo } }\n\
    steps: [{ middleware: headers, config: { response: { set: { x-served-by: built-in } } } }]\n\
    routes: [{ name: all, path: \"/{*rest}\", upstream: o }]\n";

/// A configuration with these settings of patches.
pub(crate) fn config(patches: &str) -> String {
    format!("workers: 2\npatches: {{ {patches} }}\n{ROUTES}")
}

/// A folder with an empty folder of patches that nobody else can write to.
pub(crate) fn folder(patches: &str) -> Folder {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(&config(patches), &[]);
    std::fs::create_dir(folder.path("patches")).unwrap();
    std::fs::set_permissions(folder.path("patches"), PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// A gateway that takes unsigned patches and has none yet.
pub(crate) fn gateway() -> Gateway {
    Gateway::start_with(folder("signatures: off"), &[])
}

/// Runs a command that must succeed and says what it printed.
pub(crate) fn succeed(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = gateway.command(arguments);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

/// Runs a command that must fail and says what it printed.
pub(crate) fn fail(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = gateway.command(arguments);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
    text
}

/// The patches of a gateway as lines of name, version and state.
pub(crate) fn listed(gateway: &Gateway) -> Vec<String> {
    let report: serde_json::Value =
        serde_json::from_str(&succeed(gateway, &["patch", "list", "--json"])).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
    let patches = report["patches"].as_array().unwrap();
    let line = |patch: &serde_json::Value| {
        format!("{} {} {}", text(&patch["name"]), text(&patch["version"]), text(&patch["state"]))
    };
    patches.iter().map(line).collect()
}
