//! Promises that hold whatever header map goes in.

use std::net::IpAddr;

use http::{HeaderMap, Method, Request};
use proptest::prelude::*;
use proptest::sample::select;

use super::tests::{trusted, value};
use super::*;

fn any_fields() -> impl Strategy<Value = HeaderMap> {
    let name = prop_oneof![
        4 => select(vec!["connection", "te", "trailer", "upgrade", "keep-alive", "proxy-connection", "host",
            "transfer-encoding", "content-length", "expect", "via", "forwarded", "x-forwarded-for",
            "x-forwarded-proto", "x-forwarded-host", "x-request-id", "x-real-ip", "x-own", "x_own"])
            .prop_map(str::to_owned),
        1 => "[a-z_-]{1,8}",
    ];
    let value = prop_oneof![
        2 => select(vec!["close, x-own", "host", "x-forwarded-for, te", "chunked", "5", "h", "10.1.1.1, 1.2.3.4"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..24),
    ];
    prop::collection::vec((name, value), 0..24).prop_map(|pairs| {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(&value)) {
                map.append(name, value);
            }
        }
        map
    })
}

/// Names in `Connection`.
fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    let text = value(headers, "connection").replace('|', ",");
    text.split(',').filter_map(|name| name.trim().parse().ok()).collect()
}

const SET_BY_US: [&str; 9] = [
    "host",
    "via",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
];

fn nothing_of_the_connection_is_left(headers: &HeaderMap, named: &[HeaderName]) -> Result<(), TestCaseError> {
    for (name, value) in headers {
        prop_assert!(!forebay_engine::header_rules::is_hop_by_hop(name), "{name}");
        prop_assert!(!named.contains(name) || SET_BY_US.contains(&name.as_str()), "{name}");
        prop_assert!(value.as_bytes().iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_prepared_request_is_clean(mut headers in any_fields(), from_proxy: bool, preserve: bool) {
        let peer: IpAddr = if from_proxy { [10, 0, 0, 1] } else { [192, 0, 2, 7] }.into();
        let target = HeaderValue::from_static("target");
        let named = named(&headers);
        let upstream_host = if preserve {
            UpstreamHost::Preserve { client: "h", target: &target }
        } else {
            UpstreamHost::Target(&target)
        };
        let forwarding = Forwarding {
            edge: &Edge::new(peer, 80, EdgeScheme::Https),
            client: client_address(&headers, peer, &trusted()),
            host: "h",
            request_id: "id",
            version: Version::HTTP_11,
            upstream_host,
        };
        prepare_upstream_request(&mut headers, &forwarding);
        nothing_of_the_connection_is_left(&headers, &named)?;
        prop_assert!(!headers.contains_key("content-length") && !headers.contains_key("expect"));
        prop_assert_eq!(value(&headers, "host"), if preserve { "h" } else { "target" });
        prop_assert_eq!(headers.get_all("x-forwarded-for").iter().count(), 1);
        prop_assert!(value(&headers, "x-forwarded-for").ends_with(&peer.to_string()));
    }

    #[test]
    fn a_prepared_response_is_clean(mut headers in any_fields(), is_head: bool) {
        let named = named(&headers);
        let method = if is_head { Method::HEAD } else { Method::GET };
        prepare_client_response(&mut headers, &method, Version::HTTP_11);
        nothing_of_the_connection_is_left(&headers, &named)?;
        prop_assert!(is_head || !headers.contains_key("content-length"));
    }

    #[test]
    fn a_request_that_passes_has_one_framing_and_one_host(headers in any_fields(), is_old: bool) {
        let mut request = Request::new(()).into_parts().0;
        request.version = if is_old { Version::HTTP_10 } else { Version::HTTP_11 };
        request.headers = headers;
        if check_request(&request).is_ok() {
            let count = |name: &str| request.headers.get_all(name).iter().count();
            prop_assert!(count("host") == 1 || (is_old && count("host") == 0));
            prop_assert!(count("content-length") + count("transfer-encoding") <= 1);
            for name in named(&request.headers) {
                prop_assert!(!["host", "content-length", "x-forwarded-for"].contains(&name.as_str()));
            }
        }
    }
}
