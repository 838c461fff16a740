//! Tests of [`super`].

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Version};
use ipnet::IpNet;

use super::*;

fn fields(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut map = HeaderMap::new();
    for (name, value) in pairs.iter().map(pair) {
        map.append(name, value);
    }
    map
}

fn head(version: Version, pairs: &[(&str, &str)]) -> Parts {
    let mut parts = Request::new(()).into_parts().0;
    parts.version = version;
    parts.headers = fields(pairs);
    parts
}

fn check(pairs: &[(&str, &str)]) -> Result<(), BadRequest> {
    let mut all = vec![("host", "h")];
    all.extend_from_slice(pairs);
    check_request(&head(Version::HTTP_11, &all))
}

/// All values of a field, joined by `|`.
pub(super) fn value(headers: &HeaderMap, name: &str) -> String {
    let values =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    values.collect::<Vec<_>>().join("|")
}

pub(super) fn trusted() -> Vec<IpNet> {
    vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]
}

/// What the upstream gets of these fields, sent from `peer` for host `h`.
fn forwarded(pairs: &[(&str, &str)], peer: &str) -> HeaderMap {
    let mut headers = fields(pairs);
    let peer: IpAddr = peer.parse().unwrap();
    let target = HeaderValue::from_static("target:9000");
    let forwarding = Forwarding {
        edge: &Edge::new(peer, 8080, EdgeScheme::Http),
        client: client_address(&headers, peer, &trusted()),
        host: "h",
        request_id: "id-1",
        version: Version::HTTP_11,
        upstream_host: UpstreamHost::Target(&target),
    };
    prepare_upstream_request(&mut headers, &forwarding);
    headers
}

#[test]
fn a_plain_request_is_fine() {
    assert_eq!(check(&[("content-length", "5"), ("connection", "keep-alive, Upgrade, X-Own")]), Ok(()));
    assert_eq!(check(&[("transfer-encoding", "Chunked"), ("expect", "100-Continue")]), Ok(()));
    assert_eq!(check(&[("x_own", "1"), ("connection", "close, ,")]), Ok(()));
    assert_eq!(check_request(&head(Version::HTTP_10, &[])), Ok(()));
}

#[test]
fn exactly_one_valid_host_is_wanted() {
    assert_eq!(check_request(&head(Version::HTTP_11, &[])), Err(BadRequest::HostMissing));
    assert_eq!(check(&[("host", "h")]), Err(BadRequest::HostTwice));
    assert!(matches!(check_request(&head(Version::HTTP_11, &[("host", "a b")])), Err(BadRequest::Host(_))));
    assert!(matches!(check_request(&head(Version::HTTP_10, &[("host", "")])), Err(BadRequest::Host(_))));
}

#[test]
fn only_chunked_once_is_a_transfer_encoding() {
    for (value, status) in [
        ("gzip, chunked", 501),
        ("cow, chunked", 501),
        (",chunked", 400),
        ("chunked,", 400),
        ("chunked, chunked", 400),
        ("chunked, gzip", 400),
        ("identity", 400),
        ("x chunked", 400),
        ("chunked;q=1", 400),
        ("\"chunked\"", 400),
        ("", 400),
    ] {
        let error = check(&[("transfer-encoding", value)]).unwrap_err();
        assert_eq!(error.status(), status, "{value:?}");
        assert!(error.closes_connection());
    }
    let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
    assert_eq!(check(&twice), Err(BadRequest::TransferEncodingMalformed));
    let both = [("transfer-encoding", "chunked"), ("content-length", "5")];
    assert_eq!(check(&both), Err(BadRequest::TransferEncodingWithLength));
    let old = head(Version::HTTP_10, &[("transfer-encoding", "chunked")]);
    assert_eq!(check_request(&old), Err(BadRequest::TransferEncodingVersion));
}

#[test]
fn a_content_length_is_one_number() {
    for value in
        ["", "+5", "-1", "5, 5", "0x5", "5 5", "9223372036854775808", "18446744073709551616", "5\u{660}"]
    {
        assert_eq!(check(&[("content-length", value)]), Err(BadRequest::ContentLengthMalformed), "{value:?}");
    }
    assert_eq!(check(&[("content-length", "9223372036854775807")]), Ok(()));
    let twice = [("content-length", "5"), ("content-length", "5")];
    assert_eq!(check(&twice), Err(BadRequest::ContentLengthTwice));
}

#[test]
fn other_expectations_fail() {
    assert_eq!(check(&[("expect", "tea")]).unwrap_err().status(), 417);
}

#[test]
fn connection_may_not_name_what_the_gateway_relies_on() {
    for name in
        ["Host", "content-length", "X-Forwarded-For", "x-forwarded-anything", "AUTHORIZATION", "Cookie"]
    {
        let value = format!("close, {name}");
        assert_eq!(check(&[("connection", &value)]), Err(BadRequest::ConnectionNames), "{name}");
    }
    assert_eq!(check(&[("connection", "a b")]), Err(BadRequest::ConnectionMalformed));
}

#[test]
fn underscore_twins_of_fields_that_matter_are_refused() {
    for name in ["x_forwarded_for", "content_length", "x-real_ip", "transfer_encoding"] {
        let error = check(&[(name, "1")]).unwrap_err();
        assert_eq!((error.status().as_u16(), error.closes_connection()), (400, false), "{name}");
    }
    assert!(check(&[("x-own-a", "1"), ("x-own_a", "2")]).is_err());
    assert!(check(&[("x_own-a", "1"), ("x-own_a", "2")]).is_err());
    assert_eq!(check(&[("x_own_a", "1"), ("x_own_b", "2")]), Ok(()));
}

#[test]
fn http2_has_no_connection_fields() {
    for (name, value) in [("connection", "close"), ("upgrade", "x"), ("te", "gzip"), ("keep-alive", "1")] {
        let request = head(Version::HTTP_2, &[("host", "h"), (name, value)]);
        assert!(matches!(check_request(&request), Err(BadRequest::ConnectionField(_))), "{name}");
    }
    assert_eq!(check_request(&head(Version::HTTP_2, &[("host", "h"), ("te", "trailers")])), Ok(()));
}

#[test]
fn an_untrusted_peer_s_claims_are_replaced() {
    let sent = [
        ("host", "h"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-prefix", "/p"),
        ("x-original-url", "/admin"),
        ("true-client-ip", "3.3.3.3"),
        ("x-real-ip", "3.3.3.3"),
        ("x-request-id", "theirs"),
        ("forwarded", "for=1.1.1.1"),
        ("via", "1.1 other"),
        ("x-own", "kept"),
    ];
    let headers = forwarded(&sent, "::ffff:192.0.2.7");
    for (name, expected) in [
        ("host", "target:9000"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "h"),
        ("x-forwarded-port", "8080"),
        ("x-forwarded-prefix", ""),
        ("x-original-url", ""),
        ("true-client-ip", ""),
        ("x-real-ip", "192.0.2.7"),
        ("x-request-id", "id-1"),
        ("forwarded", "for=192.0.2.7;host=\"h\";proto=http"),
        ("via", "1.1 other|1.1 forebay"),
        ("x-own", "kept"),
    ] {
        assert_eq!(value(&headers, name), expected, "{name}");
    }
    assert!(!forwarded(&[("host", "h")], "192.0.2.7").contains_key("forwarded"));
}

#[test]
fn a_trusted_proxy_s_words_are_kept_and_continued() {
    let sent = [
        ("host", "h"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "192.0.2.7, 10.1.1.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "public.example"),
        ("x-forwarded-port", "none"),
        ("forwarded", "for=1.1.1.1"),
        ("x-forwarded-prefix", "/p"),
    ];
    let headers = forwarded(&sent, "10.0.0.1");
    for (name, expected) in [
        ("x-forwarded-for", "1.1.1.1, 192.0.2.7, 10.1.1.1, 10.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "public.example"),
        ("x-forwarded-port", "8080"),
        ("x-real-ip", "192.0.2.7"),
        ("forwarded", "for=1.1.1.1, for=10.0.0.1;host=\"h\";proto=http"),
        ("x-forwarded-prefix", "/p"),
    ] {
        assert_eq!(value(&headers, name), expected, "{name}");
    }
    let headers = forwarded(&[("forwarded", "for=x")], "fd00::1");
    assert_eq!(value(&headers, "forwarded"), "for=x, for=\"[fd00::1]\";host=\"h\";proto=http");
}

#[test]
fn the_client_is_the_rightmost_address_that_is_no_trusted_proxy() {
    let ip = |lines: &[&str], peer: &str| {
        let pairs: Vec<(&str, &str)> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        client_address(&fields(&pairs), peer.parse().unwrap(), &trusted()).ip.to_string()
    };
    assert_eq!(ip(&["1.1.1.1"], "192.0.2.7"), "192.0.2.7");
    assert_eq!(ip(&[], "10.0.0.1"), "10.0.0.1");
    assert_eq!(ip(&["6.6.6.6, 1.1.1.1, 10.2.2.2"], "10.0.0.1"), "1.1.1.1");
    assert_eq!(ip(&["6.6.6.6", "1.1.1.1:99", "10.2.2.2"], "10.0.0.1"), "1.1.1.1");
    assert_eq!(ip(&["[2001:db8::1]:5, [fd00::2], fd00::3"], "::ffff:10.0.0.1"), "2001:db8::1");
    assert_eq!(ip(&["10.3.3.3, 10.2.2.2"], "10.0.0.1"), "10.3.3.3");
    assert_eq!(ip(&["1.1.1.1, unknown, 10.2.2.2"], "10.0.0.1"), "10.2.2.2");
    assert_eq!(ip(&["1.1.1.1, "], "10.0.0.1"), "10.0.0.1");
}

#[test]
fn the_host_is_the_target_s_or_the_client_s() {
    let target = HeaderValue::from_static("target");
    let host = |pairs: &[(&str, &str)], client| {
        let mut headers = fields(pairs);
        set_host(&mut headers, UpstreamHost::Preserve { client, target: &target });
        value(&headers, "host")
    };
    assert_eq!(host(&[("host", "H:1")], "h:1"), "H:1");
    assert_eq!(host(&[("host", "other")], "h"), "h");
    assert_eq!(host(&[("host", "h"), ("host", "h")], "h"), "h");
    assert_eq!(host(&[], ""), "target");
    assert_eq!(host(&[("host", "")], ""), "target");
}

#[test]
fn request_ids_are_kept_from_trusted_peers_only() {
    let ids = RequestIds::new();
    let choose = |pairs: &[(&str, &str)], trust| ids.choose(&fields(pairs), trust);
    assert_eq!(choose(&[("x-request-id", "abc")], PeerTrust::Trusted), "abc");
    let long = "a".repeat(129);
    for pairs in [
        vec![],
        vec![("x-request-id", "")],
        vec![("x-request-id", "a b")],
        vec![("x-request-id", long.as_str())],
        vec![("x-request-id", "a"), ("x-request-id", "b")],
    ] {
        let id = choose(&pairs, PeerTrust::Trusted);
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    let new = choose(&[("x-request-id", "abc")], PeerTrust::Untrusted);
    assert_ne!(new, "abc");
    assert_ne!(new, choose(&[], PeerTrust::Untrusted));
}

#[test]
fn a_response_loses_framing_and_connection_fields() {
    let sent = [
        ("content-length", "5"),
        ("connection", "x-own, close"),
        ("x-own", "1"),
        ("keep-alive", "timeout=5"),
        ("trailer", "x"),
        ("content-type", "text/plain"),
    ];
    let mut headers = fields(&sent);
    prepare_client_response(&mut headers, &Method::GET, Version::HTTP_10);
    assert_eq!(headers, fields(&[("content-type", "text/plain"), ("via", "1.0 forebay")]));
}

#[test]
fn an_answer_to_head_keeps_its_length_if_it_is_one_number() {
    let length = |pairs: &[(&str, &str)]| {
        let mut headers = fields(pairs);
        prepare_client_response(&mut headers, &Method::HEAD, Version::HTTP_11);
        value(&headers, "content-length")
    };
    assert_eq!(length(&[("content-length", "5")]), "5");
    assert_eq!(length(&[("content-length", "+5")]), "");
    assert_eq!(length(&[("content-length", "5"), ("content-length", "5")]), "");
}
