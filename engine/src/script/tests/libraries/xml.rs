//! `xml`: the compact form, both ways, and its bounds.

use super::{check, refused};

/// Parses a document and shows the map as JSON.
#[track_caller]
fn parsed(document: &str, expected: &str) {
    check(&format!("json::stringify(xml::parse(`{document}`))"), expected);
}

#[test]
fn elements_become_maps() {
    parsed("<a/>", r#"{"a":""}"#);
    parsed("<a> x </a>", r#"{"a":" x "}"#);
    parsed("<?xml version=\"1.0\"?>\n<!-- c --><a><b>1</b><c/></a>\n", r#"{"a":{"b":"1","c":""}}"#);
    parsed("<a>\n <b>1</b>\n <b>2</b><b/>\n</a>", r#"{"a":{"b":["1","2",""]}}"#);
    parsed("<a n=\"1\" m='&lt;&#65;'>x</a>", r##"{"a":{"#text":"x","@m":"<A","@n":"1"}}"##);
    parsed("<a>x<b/>y &amp; z</a>", r##"{"a":{"#text":"xy & z","b":""}}"##);
    parsed("<a>1 &lt; 2 &#x41;<![CDATA[<&>]]></a>", r#"{"a":"1 < 2 A<&>"}"#);
    parsed("<s:a xmlns:s=\"u\"><s:b/></s:a>", r#"{"s:a":{"@xmlns:s":"u","s:b":""}}"#);
}

#[test]
fn maps_become_elements() {
    let stringified = |map: &str, expected: &str| check(&format!("xml::stringify({map})"), expected);
    stringified("#{ a: \"\" }", "<a/>");
    stringified("#{ a: 1.5 }", "<a>1.5</a>");
    stringified(
        "#{ a: #{ b: [1, \"x<y\", #{ c: true }], d: () } }",
        "<a><b>1</b><b>x&lt;y</b><b><c>true</c></b></a>",
    );
    stringified(
        "#{ a: #{ \"@n\": \"1\\n\\\"2\\\"\", \"#text\": \"t\", b: #{} } }",
        "<a n=\"1&#10;&quot;2&quot;\">t<b/></a>",
    );
    stringified("#{ a: #{ \"@n\": 1 } }", "<a n=\"1\"/>");
}

#[test]
fn a_document_survives_the_way_there_and_back() {
    let document =
        "<order id=\"7&#10;8\"><item>a &amp; b</item><item><sku>1</sku></item><note>x</note></order>";
    check(&format!("xml::stringify(xml::parse(`{document}`))"), document);
}

#[test]
fn documents_that_are_none_are_refused_with_their_place() {
    for (document, reason) in [
        ("", "no element at all"),
        ("<a>", "the element a has no end"),
        ("<a></b>", "line 1, column"),
        ("<a/>\n<b/>", "line 2, column 1: a second root element"),
        ("<a/>x", "text outside of the root"),
        ("<a x='1' x='2'/>", "the same attribute twice"),
        ("<a x=1/>", "line 1"),
        ("<1a/>", "a name that is none"),
        ("<a>&nbsp;</a>", "an entity other than"),
        ("<a>&#0;</a>", "cannot stand in XML"),
        ("<a>&#xFFFE;</a>", "cannot stand in XML"),
        ("<a x='&#1;'/>", "control character"),
        ("<a>\u{1}</a>", "line 1, column 4: a control character"),
    ] {
        refused(&format!("xml::parse(`{document}`)"), reason);
    }
}

#[test]
fn a_dtd_is_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;'>]><a>&c;</a>";
    refused(&format!("xml::parse(`{bomb}`)"), "a DTD");
    refused("xml::parse(`<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>`)", "a DTD");
}

#[test]
fn depth_and_number_are_bounded() {
    let nested = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
    check(&format!("type_of(xml::parse(`{}`))", nested(64)), "map");
    refused(&format!("xml::parse(`{}`)", nested(65)), "more than 64 levels");
    refused("let t = \"\"; t.pad(40_000, \"<a/>\"); xml::parse(`<r>${t}</r>`)", "more than 10000 elements");
    let many = "let t = \"\"; for n in 0..10_001 { t += ` a${n}=\"\"`; } xml::parse(`<r${t}/>`)";
    refused(many, "more than 10000 attributes");
    let deep = "let m = #{ a: \"\" }; for n in 0..64 { m = #{ a: m }; } xml::stringify(m)";
    refused(deep, "more than 64 levels");
}

#[test]
fn maps_that_are_no_document_are_refused() {
    refused("xml::stringify(#{})", "one entry, the root, not 0");
    refused("xml::stringify(#{ a: 1, b: 2 })", "one entry, the root, not 2");
    refused("xml::stringify(#{ a: [1] })", "a document has one root");
    refused("xml::stringify(#{ a: #{ b: [[1]] } })", "b is a string, number, bool, map");
    refused("xml::stringify(#{ \"a b\": 1 })", "cannot name an element");
    refused("xml::stringify(#{ a: #{ \"@1\": 1 } })", "cannot name an element or attribute");
    refused("xml::stringify(#{ a: \"\\x01\" })", "a control character");
}
