//! `ip`: networks, sets and kinds of addresses.

use super::{check, refused};

#[test]
fn a_network_contains_its_addresses() {
    for (network, address, expected) in [
        ("10.0.0.0/8", "10.255.255.255", "true"),
        ("10.0.0.0/8", "11.0.0.0", "false"),
        ("10.1.2.3/8", "10.9.9.9", "true"),
        ("192.0.2.1", "192.0.2.1", "true"),
        ("0.0.0.0/0", "8.8.8.8", "true"),
        ("0.0.0.0/0", "2001:db8::1", "false"),
        ("2001:db8::/32", "2001:DB8:1::1", "true"),
        ("10.0.0.0/8", "::ffff:10.1.1.1", "true"),
        ("::ffff:10.0.0.0/104", "10.1.1.1", "true"),
    ] {
        check(&format!("ip::contains(\"{network}\", \"{address}\")"), expected);
        check(&format!("ip::set([\"{network}\"]).contains(\"{address}\")"), expected);
    }
}

#[test]
fn a_set_joins_networks_that_overlap() {
    let set = "ip::set([\"10.0.0.0/24\", \"192.0.2.0/24\", \"10.0.0.0/8\", \"10.0.0.5\", \"2001:db8::/32\", \"::1\"])";
    for (address, expected) in [
        ("10.0.0.5", "true"),
        ("10.200.0.1", "true"),
        ("9.255.255.255", "false"),
        ("11.0.0.0", "false"),
        ("192.0.2.255", "true"),
        ("192.0.3.0", "false"),
        ("::1", "true"),
        ("2001:db9::", "false"),
    ] {
        check(&format!("{set}.contains(\"{address}\")"), expected);
        check(&format!("\"{address}\" in {set}"), expected);
    }
    check("ip::set([]).contains(\"::1\")", "false");
    check("type_of(ip::set([]))", "IpSet");
}

#[test]
fn private_addresses_are_known() {
    for address in [
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "::ffff:192.168.0.1",
    ] {
        check(&format!("ip::is_private(\"{address}\")"), "true");
    }
    for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "::ffff:8.8.8.8"] {
        check(&format!("ip::is_private(\"{address}\")"), "false");
    }
}

#[test]
fn versions_and_bad_addresses() {
    check("ip::version(\"192.0.2.1\")", "4");
    check("ip::version(\"::1\")", "6");
    check("ip::version(\"::ffff:192.0.2.1\")", "4");
    check("ip::is_private(req.client.ip)", "true");
    for text in ["", "1.2.3", "1.2.3.4:80", "[::1]", "01.2.3.4", "host"] {
        refused(&format!("ip::version(\"{text}\")"), "is no IP address");
    }
    refused("ip::contains(\"10.0.0.0/33\", \"10.0.0.1\")", "is no network");
    refused("ip::set([1])", "networks are strings, not i64");
}
