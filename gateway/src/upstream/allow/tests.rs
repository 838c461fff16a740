//! The list of destinations: what each form takes, and what none takes by accident.

use super::*;

fn allow(list: &[&str]) -> Allow {
    Allow::parse(&list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()).unwrap()
}

fn allows(list: &[&str], host: &str, port: u16, address: &str) -> bool {
    let allow = allow(list);
    let allowed = allow.allows(host, port, address.parse().unwrap());
    assert!(!allowed || allow.may_allow(host, port), "what is allowed must pass the first check");
    allowed
}

#[test]
fn a_name_takes_itself_on_any_port_or_on_its_own() {
    assert!(allows(&["Api.Example.com"], "api.example.com", 80, "192.0.2.1"));
    assert!(allows(&["api.example.com:8080"], "api.example.com", 8080, "192.0.2.1"));
    assert!(!allows(&["api.example.com:8080"], "api.example.com", 80, "192.0.2.1"));
    assert!(!allows(&["example.com"], "api.example.com", 80, "192.0.2.1"));
    assert!(!allows(&[], "api.example.com", 80, "192.0.2.1"));
}

#[test]
fn a_wildcard_takes_names_below_the_domain() {
    assert!(allows(&["*.example.com"], "a.example.com", 80, "192.0.2.1"));
    assert!(allows(&["*.example.com"], "a.b.example.com", 80, "192.0.2.1"));
    for host in ["example.com", "badexample.com", ".example.com", "example.com.evil"] {
        assert!(!allows(&["*.example.com"], host, 80, "192.0.2.1"), "{host}");
    }
}

#[test]
fn a_range_takes_addresses_and_names_that_resolve_into_it() {
    assert!(allows(&["10.0.0.0/8"], "10.1.2.3", 80, "10.1.2.3"));
    assert!(allows(&["10.0.0.0/8"], "db.internal", 80, "10.1.2.3"));
    assert!(allows(&["10.0.0.0/8"], "db.internal", 80, "::ffff:10.1.2.3"));
    assert!(!allows(&["10.0.0.0/8"], "db.internal", 80, "192.0.2.1"));
    assert!(!allow(&["10.0.0.0/8"]).may_allow("192.0.2.1", 80), "refused without connecting");
    assert!(allows(&["[2001:db8::1]:81"], "2001:db8::1", 81, "2001:db8::1"));
    assert!(allows(&["2001:db8::1"], "2001:db8::1", 81, "2001:db8::1"));
}

#[test]
fn guarded_addresses_must_be_listed_themselves() {
    let guarded = [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "::1",
        "::",
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::7f00:1",
    ];
    for address in guarded {
        for list in ["rebound.test", "*.test", "0.0.0.0/0", "::/0", "localhost"] {
            assert!(!allows(&[list], "rebound.test", 80, address), "{list} must not open {address}");
        }
    }
    assert!(allows(&["127.0.0.1"], "127.0.0.1", 80, "127.0.0.1"));
    assert!(allows(&["127.0.0.1:90"], "127.0.0.1", 90, "127.0.0.1"));
    assert!(!allows(&["127.0.0.1:90"], "127.0.0.1", 80, "127.0.0.1"));
    assert!(!allows(&["127.0.0.1"], "127.0.0.2", 80, "127.0.0.2"));
    assert!(allows(&["127.0.0.0/8"], "127.0.0.2", 80, "127.0.0.2"));
    assert!(allows(&["169.254.169.254"], "169.254.169.254", 80, "169.254.169.254"));
    assert!(allows(&["::1"], "::1", 80, "::1"));
}

#[test]
fn localhost_is_loopback_by_its_name_only() {
    assert!(allows(&["localhost"], "localhost", 80, "127.0.0.1"));
    assert!(allows(&["localhost:80"], "localhost", 80, "::1"));
    assert!(!allows(&["localhost"], "localhost", 80, "169.254.169.254"));
    assert!(!allows(&["localhost"], "127.0.0.1", 80, "127.0.0.1"));
}

#[test]
fn entries_that_mean_nothing_are_refused_with_their_place() {
    for entry in [
        "http://a",
        "a/b",
        "10.0.0.0/33",
        "*",
        "*a.com",
        "a:0",
        "a:b",
        "a:65536",
        "",
        "a..b",
        "[::1",
        "[a]",
        "a b",
    ] {
        let error = Allow::parse(&["fine".to_owned(), entry.to_owned()]).expect_err(entry);
        assert_eq!((error.index, error.entry.as_str()), (1, entry));
        assert!(error.to_string().contains("expected `host`"));
    }
}

#[test]
fn the_guarded_ranges_are_ranges() {
    for range in GUARDED {
        assert!(range.parse::<IpNet>().is_ok(), "{range}");
    }
}
