//! Every bundled script is tested: beside `scripts/NAME.rhai` stands `scripts/NAME_test.rhai`.

use std::collections::BTreeSet;

use crate::{no_findings, tree};

const TEST_SUFFIX: &str = "_test";

#[test]
fn every_bundled_script_has_its_test_file() {
    no_findings(
        "a script and its test file belong together; add the one that is missing",
        &unpaired(&names()),
    );
}

#[test]
fn a_script_or_a_test_alone_is_found() {
    let names = |names: [&str; 3]| BTreeSet::from(names.map(str::to_owned));
    assert_eq!(unpaired(&names(["a", "a_test", "b"])), ["scripts/b_test.rhai"]);
    assert_eq!(unpaired(&names(["a", "a_test", "c_test"])), ["scripts/c.rhai"]);
}

/// Names of the files directly in `scripts/`; what folders below it hold are parts, not scripts.
fn names() -> BTreeSet<String> {
    let files = tree::all_files();
    let name = |path: &String| Some(path.strip_prefix("scripts/")?.strip_suffix(".rhai")?.to_owned());
    files.iter().filter_map(name).filter(|name| !name.contains('/')).collect()
}

/// Files that should exist beside the ones that do.
fn unpaired(names: &BTreeSet<String>) -> Vec<String> {
    let partner = |name: &String| match name.strip_suffix(TEST_SUFFIX) {
        Some(script) => script.to_owned(),
        None => format!("{name}{TEST_SUFFIX}"),
    };
    let missing = names.iter().map(partner).filter(|partner| !names.contains(partner));
    missing.map(|name| format!("scripts/{name}.rhai")).collect()
}
