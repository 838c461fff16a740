//! The table of host functions says what Rhai was really given, says it in words, and is what the reference
//! page shows.

use std::path::Path;

use rhai::Module;

use crate::script::reference;
use crate::script::table::{self, Form, HostFunction, Type};

#[test]
fn every_row_declares_the_types_of_its_function() {
    let wrong: Vec<String> = table::all().filter_map(difference).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a row says that its Rust function is not.
fn difference(row: &HostFunction) -> Option<String> {
    let (parameters, returns) = (row.native_types)();
    let declared: Vec<_> =
        row.receiver.into_iter().chain(row.parameters.iter().map(|(_, kind)| *kind)).collect();
    let declared_ids: Vec<_> = declared.iter().map(|kind| kind.type_id()).collect();
    (declared_ids != parameters || row.returns.type_id() != returns).then(|| {
        format!("{}: declared {declared:?} -> {:?}, the function differs", row.signature(), row.returns)
    })
}

#[test]
fn the_comparison_of_types_finds_a_row_that_lies() {
    let row = table::all().find(|row| row.owner == "json" && row.name == "parse").unwrap();
    assert_eq!(difference(row), None);
    let lies: [(&[(&str, Type)], Type); 3] =
        [(&[("text", Type::Blob)], Type::Any), (&[("text", Type::Str)], Type::Map), (&[], Type::Any)];
    for (parameters, returns) in lies {
        let lie = HostFunction {
            parameters,
            returns,
            owner: row.owner,
            name: row.name,
            form: row.form,
            effect: row.effect,
            documentation: row.documentation,
            receiver: row.receiver,
            register: row.register,
            direct: row.direct,
            native_types: row.native_types,
        };
        assert!(difference(&lie).is_some(), "{}", lie.signature());
    }
}

#[test]
fn no_two_rows_are_the_same_function() {
    let mut namespaces: std::collections::BTreeMap<&str, Module> = std::collections::BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for row in table::all() {
        let scope = if row.form == Form::Function { row.owner } else { "" };
        let hash = (row.register)(row, namespaces.entry(scope).or_default());
        assert!(seen.insert((scope, hash)), "{} is there twice", row.signature());
    }
}

#[test]
fn every_row_is_documented_in_a_sentence() {
    for row in table::all() {
        let text = row.documentation.trim();
        assert!(text.len() > 10 && text.ends_with('.'), "{}: {text:?}", row.signature());
    }
}

#[test]
fn the_reference_page_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/script-api.md");
    let page = reference::markdown();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let first = page.lines().zip(there.lines()).find(|(wanted, found)| wanted != found);
    assert!(
        there == page,
        "docs/script-api.md is not what the table says; first difference: {first:#?}\n\
         refresh it with UPDATE_GOLDEN=1 cargo test -p forebay-engine reference_page"
    );
}
