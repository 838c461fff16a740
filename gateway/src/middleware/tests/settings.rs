//! What is said about settings that the schema lets through, and what is shown of those that are good.

use std::path::Path;

use crate::config::{Format, parse, show};
use crate::diagnostic::{Style, render_all};
use crate::generation::build::build;
use crate::patch::service::Patches;
use crate::promote::Promotion;
use crate::promote::compile::compiler;

/// `UPDATE_GOLDEN=1` writes the messages anew.
#[test]
fn mistakes_are_explained_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests-data/middleware");
    let text = std::fs::read_to_string(folder.join("settings.yaml")).unwrap();
    let config = parse(&text, Format::Yaml, &folder)
        .unwrap_or_else(|found| panic!("{}", render_all(&found, Style::Plain)));
    let promotion = Promotion::new(compiler(), config.compile.clone(), None, 1);
    let patches = Patches::reading(&config.state_folder).unwrap();
    let problems = build(config, 1, &promotion, &patches, None).err().expect("all of it is wrong");
    for problem in &problems {
        assert!(problem.location().is_some() && problem.help.is_some(), "{problem:?}");
    }
    let shown = render_all(&problems, Style::Plain);
    assert!(!shown.contains("hunter2"), "a key that stands in the file is not shown: {shown}");
    let golden = folder.join("settings.yaml.stderr");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &shown).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&golden).unwrap_or_default(),
        shown,
        "UPDATE_GOLDEN=1 if this is right"
    );
}

#[test]
fn what_is_shown_has_every_default() {
    let text = "upstreams: {e: {builtin: echo}}\nroutes:\n- {name: a, path: /, upstream: e, steps: [
        {middleware: cors, config: {origins: ['*']}}, {middleware: key_auth, config: {lookup: x}},
        {middleware: rate_limit, config: {requests: 5, per: 60s, key: {header: x-a}}},
        {middleware: request_size_limit, config: {bytes_max: 1048576}}, {middleware: other, config: {a: 1}}]}\n";
    let config = parse(text, Format::Yaml, Path::new("")).unwrap();
    let shown = show(&config);
    for part in [
        "ipv6_prefix: 64",
        "keys_max: 65536",
        "fields: ietf",
        "per: 1m",
        "bytes_max: 1MiB",
        "hide: true",
        "header: x-api-key",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let again = parse(&shown, Format::Yaml, Path::new(""))
        .unwrap_or_else(|found| panic!("{}", render_all(&found, Style::Plain)));
    assert_eq!(show(&again), shown);
}
