//! What comes from the host: `uuid`, `random`, `time`, `env`, `secrets`, `metrics`.

use std::rc::Rc;

use super::{check, refused};
use crate::script::tests::support::{TestHost, drive, load, step};
use crate::{Answer, Hook, Limits, Verdict};

#[test]
fn identifiers_are_made_of_the_hosts_randomness_and_clock() {
    check("uuid::v4()", "07070707-0707-4707-8707-070707070707");
    // 1,700,000,000,000 ms is 0x018bcfe56800.
    check("uuid::v7()", "018bcfe5-6800-7707-8707-070707070707");
}

#[test]
fn random_numbers_stay_in_their_range() {
    check("random::int(5, 5)", "5");
    check("{ let n = random::int(1, 6); n >= 1 && n <= 6 }", "true");
    check("type_of(random::int(-9223372036854775808, 9223372036854775807))", "i64");
    check("{ let x = random::float(); x >= 0.0 && x < 1.0 }", "true");
    check("random::hex(3)", "070707");
    check("random::bool(1)", "true");
    check("random::bool(0.0)", "false");
    refused("random::int(2, 1)", "low is at most high");
    refused("random::hex(0)", "1 to 1024, not 0");
    refused("random::hex(1025)", "1 to 1024");
    refused("random::bool(1.5)", "probability is 0 to 1");
    refused("random::bool(0.0 / 0.0)", "finite");
    refused("random::bool(\"1\")", "a number, not string");
}

#[test]
fn constants_have_no_host() {
    for expression in
        ["uuid::v4()", "random::float()", "secrets::get(\"token\")", "kv::get(\"a\")", "time::now()"]
    {
        let source = format!("const X = {expression}; fn on_request(req) {{ X }}");
        let script = load(&source).unwrap_or_else(|errors| panic!("{}", errors[0]));
        let limits = Limits::default();
        let built =
            crate::ScriptStep::new(script.into(), &serde_json::json!({}), &limits, crate::OnError::Closed);
        let errors = built.map(|_| ()).unwrap_err();
        assert!(errors[0].message.contains("needs a request"), "{expression}: {}", errors[0]);
    }
}

#[test]
fn times_are_written_and_read() {
    check("time::rfc3339(time::now())", "2023-11-14T22:13:20Z");
    check("time::rfc3339(0)", "1970-01-01T00:00:00Z");
    check("time::http_date(784111777)", "Sun, 06 Nov 1994 08:49:37 GMT");
    check("time::format(784111777, \"%Y-%m-%d %H:%M:%S %a %b %j\")", "1994-11-06 08:49:37 Sun Nov 310");
    check("time::parse_rfc3339(\"1994-11-06T08:49:37Z\")", "784111777");
    check("time::parse_rfc3339(\"1994-11-06t10:49:37.999+02:00\")", "784111777");
    check("time::parse_rfc3339(\"1969-12-31T23:59:58.5Z\")", "-2");
    refused("time::rfc3339(9_000_000_000_000)", "years -9999 to 9999");
    refused("time::format(0, \"%!\")", "bad pattern");
    refused("let p = \"\"; p.pad(257, 'a'); time::format(0, p)", "at most 256 bytes");
}

#[test]
fn only_rfc_3339_is_read_as_such() {
    for text in [
        "",
        "2023-11-14",
        "2023-11-14T22:13:20",
        "2023-11-14T22:13Z",
        "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20+0100",
        "2023-11-14T22:13:20Z[UTC]",
        "2023-13-14T22:13:20Z",
        "2023-02-30T22:13:20Z",
        "2023-11-14T22:13:20Z ",
        "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}",
    ] {
        refused(&format!("time::parse_rfc3339(\"{text}\")"), "not an RFC 3339 time");
    }
}

#[test]
fn the_environment_and_secrets_are_the_hosts() {
    check("env::get(\"REGION\")", "north");
    check("env::get(\"NOTHING\") == ()", "true");
    refused("env::get(\"HOME\")", "may not read HOME");
    check("secrets::get(\"token\")", "s3cret");
    refused("secrets::get(\"other\")", "no secret other");
}

#[test]
fn metrics_reach_the_host() {
    let host = Rc::new(TestHost::default());
    let step = step(
        "fn on_request(req) { metrics::count(\"hits\"); metrics::count(\"bytes\", 2.5); metrics::gauge(\"depth\", -3) }",
    );
    let (_, verdict) = drive(&step, Hook::Request, &host, |_| Answer::Go);
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    assert_eq!(*host.lines.borrow(), ["Count demo: hits 1", "Count demo: bytes 2.5", "Gauge demo: depth -3"]);
    refused("metrics::count(\"Hits\")", "characters a to z and _");
    refused("metrics::count(\"\")", "1 to 64");
    refused(&format!("metrics::count(\"{}\")", "a".repeat(65)), "1 to 64");
    refused("metrics::count(\"a\", -1)", "only grows");
    refused("metrics::gauge(\"a\", \"1\")", "a number, not string");
}
