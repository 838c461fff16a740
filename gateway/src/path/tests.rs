//! Tests of [`super`].

use proptest::prelude::*;
use proptest::sample::select;

use super::authority::HostError;
use super::*;

fn check(path: &str, expected: &str) {
    assert_eq!(normalise_path(path).as_deref(), Ok(expected), "{path}");
}

fn check_refused(path: &str, expected: PathError) {
    assert_eq!(normalise_path(path), Err(expected), "{path:?}");
}

fn target(method: &str, uri: &str, host: Option<&str>) -> Result<(String, String), BadTarget> {
    let host = host.map(|host| HeaderValue::from_str(host).unwrap());
    let uri = uri.parse().unwrap();
    normalise(&method.parse().unwrap(), uri, host.as_ref())
        .map(|target| (target.uri.to_string(), target.host.into_owned()))
}

#[test]
fn normal_paths_are_returned_without_allocating() {
    for path in [
        "/",
        "/a",
        "/a/",
        "/a/b.c/~d_-e",
        "/.well-known/x",
        "/..a/...",
        "/a.",
        "/a..;b",
        "/a;v=1,2",
        "/!$&'()*+,;=:@",
        "/%20/%25/%3A",
        "/%C3%A9%E2%82%AC%F0%9F%98%80",
    ] {
        assert!(matches!(normalise_path(path), Ok(Cow::Borrowed(same)) if same == path), "{path}");
    }
}

#[test]
fn unreserved_characters_are_decoded_and_digits_upper_case() {
    check("/%61%2d%2E%5f%7e%41%30", "/a-._~A0");
    check("/%3a%2b", "/%3A%2B");
    check("/%c3%a9", "/%C3%A9");
    check("/%252e%252f", "/%252e%252f");
}

#[test]
fn dot_segments_and_repeated_slashes_are_removed() {
    check("/a/./b", "/a/b");
    check("/a/../b", "/b");
    check("/a/b/..", "/a/");
    check("/a/.", "/a/");
    check("/a/..", "/");
    check("//", "/");
    check("//a///b//", "/a/b/");
    check("/a//../b", "/b");
    check("/a/%2e%2E/b", "/b");
    check("/a/.%2e/b", "/b");
    check("/a/%2e/b", "/a/b");
}

#[test]
fn characters_outside_the_grammar_are_encoded() {
    check("/a|b", "/a%7Cb");
    check("/{\"a\"}", "/%7B%22a%22%7D");
    check("/[<>^`]", "/%5B%3C%3E%5E%60%5D");
    check("/é", "/%C3%A9");
}

#[test]
fn ambiguous_and_broken_paths_are_refused() {
    check_refused("", PathError::Relative);
    check_refused("a", PathError::Relative);
    check_refused("/%", PathError::Escape);
    check_refused("/%4", PathError::Escape);
    check_refused("/%zz", PathError::Escape);
    check_refused("/%u0041", PathError::Escape);
    check_refused("/%00", PathError::Control);
    check_refused("/%0d%0a", PathError::Control);
    check_refused("/%7F", PathError::Control);
    check_refused("/\t", PathError::Control);
    check_refused("/a%2fb", PathError::EncodedSlash);
    check_refused("/a%2Fb", PathError::EncodedSlash);
    check_refused("/a%5cb", PathError::EncodedSlash);
    check_refused("/a\\b", PathError::Backslash);
    check_refused("/a b", PathError::Delimiter);
    check_refused("/a?b", PathError::Delimiter);
    check_refused("/..", PathError::AboveRoot);
    check_refused("/a/../../b", PathError::AboveRoot);
    check_refused("/%2e%2e/", PathError::AboveRoot);
    check_refused("/a/..;/b", PathError::DotParameter);
    check_refused("/a/.;x", PathError::DotParameter);
    check_refused("/a/.%3Bx", PathError::DotParameter);
    check_refused("/a/..%3B", PathError::DotParameter);
    check_refused("/a/%2e.%3bx/b", PathError::DotParameter);
}

#[test]
fn escapes_that_are_not_utf8_are_refused() {
    for path in ["/%ff", "/%c0%af", "/%c3", "/%c3a", "/%c3%28", "/%e0%80%af", "/%ed%a0%80", "/%f5%80%80%80"] {
        check_refused(path, PathError::Utf8);
    }
}

#[test]
fn an_origin_form_keeps_its_query_untouched() {
    let expected = Ok(("/b?x=%2f/../%zz&y".to_owned(), "h:81".to_owned()));
    assert_eq!(target("GET", "/a/../b?x=%2f/../%zz&y", Some("H:81")), expected);
    assert_eq!(target("GET", "/?", None), Ok(("/?".to_owned(), String::new())));
}

#[test]
fn an_absolute_form_is_reduced_and_its_authority_is_the_host() {
    let expected = Ok(("/b?c".to_owned(), "h".to_owned()));
    assert_eq!(target("GET", "http://H/a/../b?c", None), expected);
    assert_eq!(target("GET", "http://h/b?c", Some("h:80")), expected);
    assert_eq!(target("GET", "http://h?c", Some("h")), Ok(("/?c".to_owned(), "h".to_owned())));
    assert_eq!(target("GET", "https://h", Some("h:443")), Ok(("/".to_owned(), "h".to_owned())));
}

#[test]
fn a_host_that_disagrees_with_the_target_is_refused() {
    assert_eq!(target("GET", "http://h/", Some("other")), Err(BadTarget::HostDisagrees));
    assert_eq!(target("GET", "http://h:8080/", Some("h")), Err(BadTarget::HostDisagrees));
    assert_eq!(target("GET", "http://u@h/", Some("h")), Err(BadTarget::Host(HostError::Character)));
    assert_eq!(target("GET", "/", Some("a b")), Err(BadTarget::Host(HostError::Character)));
}

#[test]
fn other_forms_are_refused_with_their_status() {
    assert_eq!(target("OPTIONS", "*", Some("h")), Ok(("*".to_owned(), "h".to_owned())));
    assert_eq!(target("GET", "*", Some("h")), Err(BadTarget::Asterisk));
    assert_eq!(target("CONNECT", "h:443", Some("h")), Err(BadTarget::Connect));
    assert_eq!(target("GET", "h:443", Some("h")), Err(BadTarget::Form));
    assert_eq!(target("GET", "ftp://h/", Some("h")), Err(BadTarget::Scheme));
    assert_eq!(BadTarget::Connect.status(), 501);
    assert_eq!(BadTarget::TooLong.status(), 414);
    assert_eq!(BadTarget::HostDisagrees.status(), 400);
}

#[test]
fn a_target_that_grows_beyond_the_limit_is_refused() {
    let uri = format!("/{}", "é".repeat(15_000));
    assert_eq!(target("GET", &uri, None), Err(BadTarget::TooLong));
}

/// Text made of the pieces that path attacks are made of.
fn odd_path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,3}",
        4 => Just("/".to_owned()),
        3 => Just(".".to_owned()),
        2 => "%[2-7][0-9a-fA-F]",
        1 => select(vec!["%2e", "%3B"]).prop_map(str::to_owned),
        1 => Just("%C3%A9".to_owned()),
        1 => "[;:|{é%]",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_refused_or_normalised(path in any::<String>()) {
        let _ = normalise_path(&path);
        let _ = normalise_path(&format!("/{path}"));
    }

    #[test]
    fn a_normal_form_is_its_own_normal_form(path in odd_path()) {
        if let Ok(normal) = normalise_path(&path) {
            let again = normalise_path(&normal).map(Cow::into_owned);
            prop_assert_eq!(again, Ok(normal.into_owned()));
        }
    }

    #[test]
    fn a_normal_form_holds_nothing_ambiguous(path in odd_path()) {
        if let Ok(normal) = normalise_path(&path) {
            prop_assert!(normal.starts_with('/'));
            prop_assert!(normal.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!normal.contains("//") && !normal.contains('\\'));
            prop_assert!(normal.split('/').all(|segment| segment != "." && segment != ".."));
            let lower = normal.to_lowercase();
            for refused in ["%2f", "%5c", "%00", "%0a", "%2e", "%61"] {
                prop_assert!(!lower.contains(refused), "{normal} holds {refused}");
            }
        }
    }

    #[test]
    fn the_quick_look_agrees_with_the_rewriting(path in odd_path()) {
        if super::normalise::is_normal(path.as_bytes()) {
            prop_assert_eq!(super::normalise::rewrite(&path), Ok(path));
        }
    }

    #[test]
    fn any_target_is_refused_or_normalised(target in "[ -~é]{0,24}", host in "[ -~]{0,8}") {
        if let (Ok(uri), Ok(host)) = (target.parse::<Uri>(), HeaderValue::from_str(&host)) {
            let _ = normalise(&Method::GET, uri, Some(&host));
        }
    }
}
