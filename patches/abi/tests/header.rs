//! The C header is what this crate says, and what earlier headers said.

use std::path::{Path, PathBuf};

use forebay_patch_abi::{ABI_MAJOR, ABI_MINOR};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn generated() -> String {
    let config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).expect("a valid configuration");
    let mut builder = cbindgen::Builder::new().with_config(config);
    // Sources by name rather than the crate: finding those would run cargo inside of cargo. This is also their order.
    for source in ["constants", "basic", "host", "middleware", "kinds", "patch"] {
        builder = builder.with_src(folder().join(format!("src/{source}.rs")));
    }
    let mut text = Vec::new();
    builder.generate().expect("cbindgen reads the sources").write(&mut text);
    let text = String::from_utf8(text).expect("a header is text");
    in_c_names(&text)
}

/// Comments name Rust's types; a C reader knows them by other names.
fn in_c_names(text: &str) -> String {
    let configuration = std::fs::read_to_string(folder().join("cbindgen.toml")).expect("readable");
    let renamed = configuration.lines().filter_map(|line| {
        let (rust, c) = line.strip_prefix('"')?.split_once("\" = \"")?;
        Some((rust.to_owned(), c.trim_end_matches('"').to_owned()))
    });
    let mut text = text.replace("[`", "`").replace("`]", "`");
    for (rust, c) in renamed {
        let linked = format!("`{rust}`(crate::{rust})");
        text = text.replace(&linked, &format!("`{c}`")).replace(&format!("`{rust}`"), &format!("`{c}`"));
    }
    text
}

fn compare(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, expected).expect("the header can be written");
        return;
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what src/ says; run with UPDATE_GOLDEN=1 and read the difference: fields may be added at the end \
         of tables, with a new ABI_MINOR, and nothing else may change",
        path.display()
    );
}

#[test]
fn the_header_is_generated_from_this_crate() {
    compare(&folder().join("include/forebay_patch.h"), &generated());
}

#[test]
fn the_history_holds_this_version() {
    let path = folder().join(format!("history/forebay_patch_{ABI_MAJOR}_{ABI_MINOR}.h"));
    compare(&path, &generated());
}

/// One line for every statement of a header, so that one can be looked for in a later one.
fn statements(header: &str) -> Vec<String> {
    let code = header.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code = code.collect::<Vec<_>>().join("\n");
    let (_, code) = code.split_once("#pragma once").expect("a generated header");
    let defines = code.lines().filter(|line| line.starts_with("#define FOREBAY_")).map(str::to_owned);
    let defines: Vec<String> = defines.collect();
    let code: String = code.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(" ");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    code.split_inclusive([';', '{']).map(words).chain(defines.iter().map(|line| words(line))).collect()
}

#[test]
fn nothing_that_earlier_minors_had_is_missing() {
    let now = statements(&generated());
    let mut headers = 0;
    for entry in std::fs::read_dir(folder().join("history")).expect("the folder exists") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
        if !name.starts_with(&format!("forebay_patch_{ABI_MAJOR}_")) {
            continue;
        }
        headers += 1;
        let minor = format!("#define FOREBAY_ABI_MINOR {ABI_MINOR}");
        let mut from = 0;
        for statement in statements(&std::fs::read_to_string(&path).expect("readable")) {
            if statement.starts_with("#define FOREBAY_ABI_MINOR ") {
                assert!(now.contains(&minor), "{minor} is missing");
                continue;
            }
            // In order, since the order of fields is their place.
            let found = now[from..].iter().position(|line| *line == statement);
            let found = found.unwrap_or_else(|| panic!("{name}: changed, moved or removed: {statement}"));
            from += found + 1;
        }
    }
    assert!(headers > 0, "history/ holds at least the header of this minor");
}
