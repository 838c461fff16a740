//! `base64` (RFC 4648), `hex` and `url`.

use super::{check, refused};

#[test]
fn base64_has_the_vectors_of_rfc_4648() {
    for (text, encoded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ] {
        check(&format!("base64::encode(\"{text}\")"), encoded);
        check(&format!("base64::decode_text(\"{encoded}\")"), text);
        check(&format!("base64::encode_url(\"{text}\")"), encoded.trim_end_matches('='));
        check(&format!("base64::decode_text(\"{}\")", encoded.trim_end_matches('=')), text);
    }
}

#[test]
fn base64_takes_both_alphabets() {
    check("base64::encode(hex::decode(\"fbff\"))", "+/8=");
    check("base64::encode_url(hex::decode(\"fbff\"))", "-_8");
    for text in ["+/8=", "+/8", "-_8", "-_8="] {
        check(&format!("hex::encode(base64::decode(\"{text}\"))"), "fbff");
    }
}

#[test]
fn bad_base64_is_refused_without_quoting_it() {
    refused("base64::decode(\"ab!d\")", "character 3 is outside of the alphabet");
    refused("base64::decode(\"-/8\")", "outside of the alphabet");
    refused("base64::decode(\"Zm9v YmFy\")", "character 5");
    refused("base64::decode(\"Z\")", "middle of a byte");
    refused("base64::decode_text(\"/w==\")", "no UTF-8");
    refused("base64::encode(1)", "data is a string or a blob, not i64");
}

#[test]
fn hex_goes_both_ways() {
    check("hex::encode(\"f\u{f6}o\")", "66c3b66f");
    check("hex::encode(hex::decode(\"00fFA0\"))", "00ffa0");
    check("type_of(hex::decode(\"00\"))", "blob");
    refused("hex::decode(\"0g\")", "character 2");
    refused("hex::decode(\"abc\")", "odd number of digits");
    refused("hex::encode([1])", "a string or a blob, not array");
}

#[test]
fn captured_values_are_data_like_others() {
    check("{ let text = \"foo\"; let f = || text; text += \"\"; f.call(); base64::encode(text) }", "Zm9v");
}

#[test]
fn percent_encoding_keeps_unreserved_characters_only() {
    check("url::encode(\"a b/c?d=\u{e4}&-._~\")", "a%20b%2Fc%3Fd%3D%C3%A4%26-._~");
    check("url::decode(\"a%20b+c%2f\")", "a b+c/");
    refused("url::decode(\"%ff\")", "no UTF-8");
}

#[test]
fn a_url_comes_apart() {
    let part = |url: &str, name: &str, expected: &str| {
        check(&format!("`${{url::parse(\"{url}\").{name}}}`"), expected);
    };
    let full = "HTTPS://ann:pw@Shop.Example:8443/a%2Fb/c?x=1&y=?#top/1";
    for (name, expected) in [
        ("scheme", "https"),
        ("host", "shop.example"),
        ("port", "8443"),
        ("path", "/a%2Fb/c"),
        ("query", "x=1&y=?"),
        ("fragment", "top/1"),
    ] {
        part(full, name, expected);
    }
    part("http://a", "path", "/");
    check("url::parse(\"http://a\").port == ()", "true");
    check("url::parse(\"http://a/\").query == ()", "true");
    part("http://a?q", "query", "q");
    part("http://[2001:DB8::1]:80/x", "host", "2001:db8::1");
    part("http://[::1]:80/x", "port", "80");
}

#[test]
fn urls_that_programs_read_differently_are_refused() {
    for (url, reason) in [
        ("/path", "begins with a scheme"),
        ("mailto:ann@a.example", "begins with a scheme"),
        ("1http://a", "its scheme"),
        ("http://", "no host"),
        ("http://ann@", "no host"),
        ("http://a b", "blank"),
        ("http://a\\\\@b", "backslash"),
        ("http://a:80a", "port is a number"),
        ("http://a:65536", "more than 65535"),
        ("http://[::1", "closing bracket"),
        ("http://[::1]x", "only a port"),
        ("http://[a.example]", "no IPv6 address"),
        ("http://a%00b/", "character that no host name has"),
        ("http://b\u{fc}cher.example", "xn--"),
    ] {
        refused(&format!("url::parse(\"{url}\")"), reason);
    }
}

#[test]
fn a_refused_url_is_not_quoted() {
    let error = super::failure("fn on_request(req) { url::parse(\"http://ann:s3cret@a:x\"); return; }");
    assert!(!error.message.contains("s3cret"), "{error}");
}

#[test]
fn forms_go_both_ways() {
    check("url::parse_form(\"a=1&b=x+y%26&a=2&c&a=3\").a.len", "3");
    check("url::parse_form(\"a=1&b=x+y%26&a=2\").b", "x y&");
    check("url::parse_form(\"a=1&a=2\").a[1]", "2");
    check("url::parse_form(\"c\").c == \"\"", "true");
    check("url::form(#{ b: [1, true, \"x y\"], a: \"&\", c: () })", "a=%26&b=1&b=true&b=x%20y");
    refused("url::form(#{ a: #{} })", "\"a\" is a string, number, bool or an array");
    refused("let t = \"a&\"; t.pad(10_002, \"a&\"); url::parse_form(t)", "more than 5000 fields");
}
