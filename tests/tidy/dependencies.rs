//! Which crate may know which, and which crates may not be in the tree at all.
//!
//! The direction is engine <- jit <- gateway <- root, and patch-abi <- patch, patch-abi <- gateway. Features are those of the whole workspace, as cargo
//! unifies them, and dependencies that only tests use are left out. Banned crates are looked up in the lock
//! file, which covers every platform.

use std::collections::{HashMap, HashSet, VecDeque};
use std::env;
use std::process::Command;

use serde_json::Value;

use crate::{no_findings, tree};

/// Crates with everything they must not reach. A name stands for itself and for `NAME-*`.
const MUST_NOT_REACH: [(&str, &[&str]); 2] = [
    ("forebay-engine", &["tokio", "hyper", "cranelift", "forebay-gateway", "forebay-jit"]),
    ("forebay-jit", &["tokio", "hyper", "forebay-gateway"]),
];

/// Crates that nothing may bring in. `deny.toml` gives the reasons.
const BANNED: [&str; 7] =
    ["ring", "openssl-sys", "native-tls", "reqwest", "serde_yaml", "serde_yml", "figment"];

/// Banned crates that the lock file names because of optional features that nobody switches on: rustls-webpki has one
/// for ring. That they are not built on this platform is asked of cargo.
const NAMED_ONLY: [&str; 1] = ["ring"];

/// What `cargo metadata` says, as far as these rules need it.
struct Graph {
    names: HashMap<String, String>,
    edges: HashMap<String, Vec<String>>,
}

impl Graph {
    fn load() -> Self {
        let platform = host_platform();
        let arguments = ["metadata", "--format-version=1", "--offline", "--locked", "--filter-platform"];
        let text = cargo(&[&arguments[..], &[&platform]].concat());
        let metadata: Value = serde_json::from_str(&text).expect("cargo metadata prints JSON");
        let packages = metadata["packages"].as_array().expect("metadata lists packages");
        let nodes = metadata["resolve"]["nodes"].as_array().expect("metadata lists the resolved graph");
        Self {
            names: packages
                .iter()
                .map(|package| (text_of(&package["id"]), text_of(&package["name"])))
                .collect(),
            edges: nodes.iter().map(|node| (text_of(&node["id"]), shipped_dependencies(node))).collect(),
        }
    }

    /// The shortest way from a package to one that `wanted` takes, as names.
    fn path(&self, from: &str, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let (start, _) = self
            .names
            .iter()
            .find(|(_, name)| *name == from)
            .unwrap_or_else(|| panic!("the workspace has no package {from}: mend the list in this file"));
        let mut seen = HashSet::from([start]);
        let mut pending = VecDeque::from([(start, from.to_owned())]);
        while let Some((id, path)) = pending.pop_front() {
            if id != start && wanted(&self.names[id]) {
                return Some(path);
            }
            for next in self.edges.get(id).into_iter().flatten() {
                if seen.insert(next) {
                    pending.push_back((next, format!("{path} -> {}", self.names[next])));
                }
            }
        }
        None
    }
}

fn shipped_dependencies(node: &Value) -> Vec<String> {
    let dependencies = node["deps"].as_array().expect("a node lists its dependencies");
    let shipped = dependencies.iter().filter(|dependency| {
        let kinds = dependency["dep_kinds"].as_array().expect("a dependency lists its kinds");
        kinds.iter().any(|kind| kind["kind"] != "dev")
    });
    shipped.map(|dependency| text_of(&dependency["pkg"])).collect()
}

fn text_of(value: &Value) -> String {
    value.as_str().expect("names and ids are strings").to_owned()
}

fn host_platform() -> String {
    let version = cargo(&["--version", "--verbose"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("cargo --version --verbose names its host").to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(tree::root())
        .output()
        .expect("cargo runs, since it runs this test");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {} failed: {errors}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn is_or_extends(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[test]
fn dependencies_point_one_way() {
    let graph = Graph::load();
    let mut findings = Vec::new();
    for (from, forbidden) in MUST_NOT_REACH {
        for stem in forbidden {
            findings.extend(graph.path(from, |name| is_or_extends(name, stem)));
        }
    }
    no_findings("these crates reach what they must not know; cut one arrow of each path", &findings);
}

#[test]
fn the_search_for_paths_finds_the_ones_that_exist() {
    let graph = Graph::load();
    let found = |from, stem| graph.path(from, |name| is_or_extends(name, stem));
    assert_eq!(found("forebay", "forebay-engine").unwrap(), "forebay -> forebay-gateway -> forebay-engine");
    assert_eq!(found("forebay-gateway", "hyper").unwrap(), "forebay-gateway -> hyper");
    assert!(found("forebay-engine", "rhai").is_some());
    assert!(found("forebay-engine", "forebay-engine").is_none(), "a crate does not reach itself");
}

#[test]
fn the_interface_of_patches_stands_alone_and_the_gateway_knows_nothing_else_of_them() {
    let graph = Graph::load();
    let mut findings = Vec::new();
    findings.extend(graph.path("forebay-patch-abi", |_| true));
    findings.extend(graph.path("forebay-patch", |name| name != "forebay-patch-abi"));
    findings.extend(graph.path("forebay-gateway", |name| name == "forebay-patch"));
    no_findings("cut one arrow of each path", &findings);
    assert_eq!(
        graph.path("forebay-gateway", |name| name == "forebay-patch-abi").unwrap(),
        "forebay-gateway -> forebay-patch-abi"
    );
}

#[test]
fn only_the_root_package_depends_on_the_gateway() {
    let graph = Graph::load();
    let is_gateway = |id: &String| graph.names[id] == "forebay-gateway";
    let mut dependents: Vec<_> = graph
        .edges
        .iter()
        .filter(|(_, targets)| targets.iter().any(is_gateway))
        .map(|(id, _)| graph.names[id].as_str())
        .collect();
    dependents.sort_unstable();
    assert_eq!(dependents, ["forebay"], "what others need of the gateway belongs into the engine");
}

#[test]
fn banned_crates_are_absent_on_every_platform() {
    let lock = tree::read("Cargo.lock").expect("the lock file is committed");
    let locked: HashSet<_> =
        lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(locked.contains("forebay") && locked.contains("rhai"), "the lock file was not understood");
    let findings: Vec<_> = BANNED
        .iter()
        .filter(|name| !NAMED_ONLY.contains(name) && locked.contains(*name))
        .map(|name| (*name).to_owned())
        .collect();
    no_findings("banned crates in Cargo.lock; `cargo tree -i NAME` shows who brings them", &findings);
}

#[test]
fn banned_crates_that_the_lock_file_names_are_not_built() {
    // `cargo metadata` draws an arrow for a feature that nobody switches on; `cargo tree` does not.
    let users = |name: &str| {
        cargo(&["tree", "--offline", "--locked", "--workspace", "--edges", "normal,build", "--invert", name])
    };
    assert!(
        users("rustls-webpki").contains("rustls"),
        "the crate that names ring, or there is no need for this"
    );
    let findings: Vec<_> =
        NAMED_ONLY.iter().map(|name| users(name)).filter(|tree| !tree.is_empty()).collect();
    no_findings("banned crates are used; cut one arrow of each path", &findings);
}

#[test]
fn deny_toml_bans_the_same_crates() {
    let deny = tree::read("deny.toml").expect("deny.toml stands at the root");
    let missing: Vec<_> = BANNED
        .iter()
        .filter(|name| !deny.contains(&format!("{{ crate = \"{name}\"")))
        .map(|name| (*name).to_owned())
        .collect();
    no_findings("add these to [bans] deny in deny.toml", &missing);
}
