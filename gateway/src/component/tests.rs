//! Overlaying patches on what is built in: what wins, and what is refused with both names.

use std::sync::Arc;

use forebay_engine::Reply;
use serde_json::{Map, Value};

use super::*;

#[derive(Debug)]
struct Nothing;

impl AccessFilter for Nothing {
    fn filter(&self, _record: &AccessView<'_>, _fields: &mut Map<String, Value>) -> Keep {
        Keep::Written
    }
}

impl ErrorPage for Nothing {
    fn render(&self, _error: &ErrorInfo<'_>) -> Option<Reply> {
        None
    }
}

fn middleware() -> Part {
    let registry = Registry::builtin();
    Part::Middleware(registry.middleware("ip").unwrap().1.clone())
}

fn of_patch(patch: &str, id: &str, claim: Claim, part: Part) -> Component {
    Component::of_patch(&patch.into(), (id, "2.0.0"), claim, part)
}

fn conflict(components: Vec<Component>) -> String {
    let found = Registry::builtin().overlay(components).expect_err("a conflict");
    let texts: Vec<String> =
        found.iter().map(|conflict| format!("{conflict}; {}", conflict.help())).collect();
    texts.join("\n")
}

#[test]
fn a_patch_overrides_adds_and_takes_the_place_of_a_script() {
    let registry = Registry::builtin()
        .overlay([
            of_patch("p", "cors", Claim::Overrides, middleware()),
            of_patch("p", "greet", Claim::Adds, middleware()),
            of_patch("p", "script:orders", Claim::Overrides, middleware()),
        ])
        .unwrap();
    assert_eq!(registry.middleware("cors").unwrap().0.to_string(), "cors 2.0.0 (patch p)");
    assert_eq!(registry.middleware("ip").unwrap().0.to_string(), "ip 1.0.0 (built-in)");
    assert_eq!(registry.instead_of_script("orders").unwrap().0.to_string(), "script:orders 2.0.0 (patch p)");
    assert!(registry.instead_of_script("greet").is_none());
    let ids: Vec<&str> = registry.ids(Kind::Middleware).map(|id| &**id).collect();
    assert_eq!(ids, ["cors", "greet", "headers", "ip", "key_auth", "rate_limit", "request_size_limit"]);
    assert_eq!(Registry::builtin().middleware("cors").unwrap().0.to_string(), "cors 1.0.0 (built-in)");
}

#[test]
fn two_providers_of_one_component_are_both_named() {
    let add = |patch: &str| of_patch(patch, "greet", Claim::Adds, middleware());
    assert_eq!(
        conflict(vec![add("one"), add("two")]),
        "middleware `greet` comes from two patches: greet 2.0.0 (patch one) and greet 2.0.0 (patch two); \
         disable one of them: patch one or patch two"
    );
    let script = |patch: &str| of_patch(patch, "script:a", Claim::Overrides, middleware());
    assert!(
        conflict(vec![script("one"), script("two")]).contains("(patch one) and script:a 2.0.0 (patch two)")
    );
    let filter = |patch: &str| of_patch(patch, patch, Claim::Adds, Part::AccessFilter(Arc::new(Nothing)));
    assert!(conflict(vec![filter("one"), filter("two")]).contains("patch one or patch two"));
}

#[test]
fn a_claim_has_to_fit_what_is_there() {
    let taken = conflict(vec![of_patch("p", "cors", Claim::Adds, middleware())]);
    assert!(taken.contains("adds middleware `cors`, which exists already: cors 1.0.0 (built-in)"), "{taken}");
    let missing = conflict(vec![of_patch("p", "corz", Claim::Overrides, middleware())]);
    assert!(
        missing.contains("overrides middleware `corz`, which does not exist; did you mean `cors`?"),
        "{missing}"
    );
    let page = conflict(vec![of_patch("p", "pretty", Claim::Adds, Part::ErrorPage(Arc::new(Nothing)))]);
    assert!(page.ends_with("let the patch override `problem_details`"), "{page}");
}

#[test]
fn error_page_and_access_filter_are_those_of_the_patch() {
    let registry = Registry::builtin();
    let error = ErrorInfo {
        status: http::StatusCode::NOT_FOUND,
        kind: "no_route",
        message: "nothing",
        request_id: "r",
        accept: None,
    };
    assert!(registry.error_page().render(&error).is_some() && registry.access_filter().is_none());
    let registry = registry
        .overlay([
            of_patch("p", PROBLEM_DETAILS, Claim::Overrides, Part::ErrorPage(Arc::new(Nothing))),
            of_patch("p", "masking", Claim::Adds, Part::AccessFilter(Arc::new(Nothing))),
        ])
        .unwrap();
    assert!(registry.error_page().render(&error).is_none() && registry.access_filter().is_some());
}
