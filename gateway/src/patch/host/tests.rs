//! The host's functions as a patch in C would call them: through the table, with plain pointers.
#![expect(unsafe_code, reason = "the table is called as a patch calls it")]

use std::net::{IpAddr, Ipv4Addr};
use std::ptr::{null, null_mut};

use bytes::Bytes;
use forebay_engine::exchange::{Body, Client, Exchange, FieldValue, Request, RouteInfo};
use forebay_engine::filter::Filters;
use forebay_engine::{Answer, Hook, Wait, Waiter};
use forebay_patch_abi::{self as abi, Call, Host, Slice, Status, Value};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use super::frame::{self, Frame, Pending, Phase, View};
use super::{PlainHost, TABLE, self_test};

/// An exchange with a little of everything.
pub(in crate::patch) fn exchange() -> Box<Exchange> {
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("a/b"));
    headers.append("x-many", HeaderValue::from_static("one"));
    headers.append("x-many", HeaderValue::from_static("two"));
    headers.insert("content-encoding", HeaderValue::from_static("br"));
    Box::new(Exchange {
        id: "id-1".into(),
        request: Request {
            method: Method::POST,
            uri: Uri::from_static("/a/b?q=1"),
            raw_target: "/a/./b?q=1".into(),
            scheme: "http",
            host: "example.test".into(),
            version: Version::HTTP_11,
            headers,
            body: Body::Unread,
        },
        response: None,
        client: Client { ip: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), port: 4711, tls: None },
        route: RouteInfo { name: "orders".into(), params: vec![("id".into(), "7".into())] },
        identity: rhai::Dynamic::UNIT,
        vars: rhai::Map::new(),
        upstream_override: None,
        request_body_max: None,
        answer_fields: Vec::new(),
        attempt: 0,
        failure: None,
        access: None,
        filters: Filters::default(),
    })
}

const HOST: &Host = &TABLE;

fn in_phase<T>(phase: Phase, exchange: &mut Exchange, f: impl FnOnce(Call) -> T) -> (T, Option<Pending>) {
    let mut frame = Frame::new("probe", phase, &PlainHost);
    frame.view = View::Exchange(exchange);
    let result = frame::run(&mut frame, f);
    (result, frame.pending.take())
}

fn on_request<T>(exchange: &mut Exchange, f: impl FnOnce(Call) -> T) -> T {
    in_phase(Phase::Hook(Hook::Request), exchange, f).0
}

fn text(call: Call, which: u32) -> Result<String, Status> {
    let mut slice = Slice::text("not touched");
    // SAFETY: the function is called as the ABI says.
    let status = unsafe { (HOST.text)(call, which, &raw mut slice) };
    // SAFETY: the slice is the host's, and nothing has changed since.
    let text = String::from_utf8_lossy(unsafe { slice.bytes() }).into_owned();
    assert!(status == abi::OK || !slice.is_present(), "what is not given is absent");
    if status == abi::OK { Ok(text) } else { Err(status) }
}

fn last_error(call: Call) -> String {
    let mut slice = Slice::ABSENT;
    // SAFETY: the function is called as the ABI says.
    unsafe { (HOST.last_error)(call, &raw mut slice) };
    // SAFETY: the slice is the host's, and nothing has changed since.
    String::from_utf8_lossy(unsafe { slice.bytes() }).into_owned()
}

fn set_header(call: Call, side: u32, name: &str, value: &str) -> Status {
    // SAFETY: the function is called as the ABI says.
    unsafe { (HOST.set_header)(call, side, Slice::text(name), Slice::text(value)) }
}

fn header(call: Call, side: u32, name: &str, nth: usize) -> Result<String, Status> {
    let mut slice = Slice::ABSENT;
    // SAFETY: the function is called as the ABI says.
    let status = unsafe { (HOST.header)(call, side, Slice::text(name), nth, &raw mut slice) };
    // SAFETY: the slice is the host's, and nothing has changed since.
    let value = String::from_utf8_lossy(unsafe { slice.bytes() }).into_owned();
    if status == abi::OK { Ok(value) } else { Err(status) }
}

#[test]
fn texts_and_numbers_are_those_of_the_exchange() {
    let mut exchange = exchange();
    on_request(&mut exchange, |call| {
        for (which, expected) in [
            (abi::TEXT_REQUEST_ID, "id-1"),
            (abi::TEXT_METHOD, "POST"),
            (abi::TEXT_TARGET, "/a/b?q=1"),
            (abi::TEXT_PATH, "/a/b"),
            (abi::TEXT_QUERY, "q=1"),
            (abi::TEXT_RAW_TARGET, "/a/./b?q=1"),
            (abi::TEXT_HOST, "example.test"),
            (abi::TEXT_SCHEME, "http"),
            (abi::TEXT_ROUTE, "orders"),
            (abi::TEXT_CLIENT_IP, "192.0.2.7"),
        ] {
            assert_eq!(text(call, which).as_deref(), Ok(expected));
        }
        assert_eq!(text(call, abi::BYTES_CLIENT_IP).unwrap().len(), 4 + 2, "192 is no UTF-8");
        assert_eq!(text(call, abi::TEXT_UPSTREAM), Err(abi::ABSENT));
        assert_eq!(text(call, 999), Err(abi::INVALID));
        let mut number = 0;
        // SAFETY: the function is called as the ABI says.
        let status = unsafe { (HOST.number)(call, abi::NUMBER_CLIENT_PORT, &raw mut number) };
        assert_eq!((status, number), (abi::OK, 4711));
        // SAFETY: as above; null is refused.
        assert_eq!(unsafe { (HOST.number)(call, abi::NUMBER_CLIENT_PORT, null_mut()) }, abi::INVALID);
        // SAFETY: as above.
        assert_eq!(unsafe { (HOST.number)(call, abi::NUMBER_STATUS, &raw mut number) }, abi::ABSENT);
    });
}

#[test]
fn what_cannot_be_sent_cannot_be_set() {
    let mut exchange = exchange();
    let set = |call, which, text: &str| {
        // SAFETY: the function is called as the ABI says.
        unsafe { (HOST.set_text)(call, which, Slice::text(text)) }
    };
    on_request(&mut exchange, |call| {
        assert_eq!(set(call, abi::TEXT_METHOD, "CONNECT"), abi::INVALID);
        assert_eq!(set(call, abi::TEXT_PATH, "no-slash"), abi::INVALID);
        assert_eq!(set(call, abi::TEXT_PATH, "/a?b"), abi::INVALID);
        assert!(last_error(call).contains("holds ? or #"), "{}", last_error(call));
        assert_eq!(set(call, abi::TEXT_ROUTE, "x"), abi::INVALID);
        assert_eq!(set(call, abi::TEXT_PATH, "/c"), abi::OK);
        assert_eq!(set(call, abi::TEXT_METHOD, "PUT"), abi::OK);
    });
    assert_eq!(
        (exchange.request.uri.to_string(), &exchange.request.method),
        ("/c?q=1".to_owned(), &Method::PUT)
    );
    let (status, _) =
        in_phase(Phase::Hook(Hook::Response), &mut exchange, |call| set(call, abi::TEXT_PATH, "/late"));
    assert_eq!(status, abi::UNAVAILABLE);
}

#[test]
fn header_fields_follow_the_rules_of_scripts() {
    let mut exchange = exchange();
    on_request(&mut exchange, |call| {
        assert_eq!(header(call, abi::REQUEST_SIDE, "Accept", 0).as_deref(), Ok("a/b"));
        assert_eq!(header(call, abi::REQUEST_SIDE, "x-many", 1).as_deref(), Ok("two"));
        assert_eq!(header(call, abi::REQUEST_SIDE, "x-many", 2), Err(abi::ABSENT));
        assert_eq!(header(call, abi::RESPONSE_SIDE, "x", 0), Err(abi::UNAVAILABLE));
        for name in ["host", "Content-Length", "connection", "TE"] {
            assert_eq!(set_header(call, abi::REQUEST_SIDE, name, "x"), abi::REFUSED, "{name}");
        }
        assert_eq!(set_header(call, abi::REQUEST_SIDE, "no name", "x"), abi::INVALID);
        assert_eq!(set_header(call, abi::REQUEST_SIDE, "x-split", "a\r\nb: c"), abi::INVALID);
        assert_eq!(set_header(call, abi::REQUEST_SIDE, "X-Many", "three"), abi::OK);
        assert_eq!(header(call, abi::REQUEST_SIDE, "x-many", 1), Err(abi::ABSENT));
        assert_eq!(set_header(call, abi::ANSWER_SIDE, "x-later", "1"), abi::OK);
        let mut fields = abi::Fields { ptr: null(), len: 0 };
        // SAFETY: the function is called as the ABI says.
        assert_eq!(unsafe { (HOST.headers)(call, abi::REQUEST_SIDE, &raw mut fields) }, abi::OK);
        assert_eq!(fields.len, 3);
    });
    assert_eq!(exchange.request.headers["x-many"], "three");
    assert_eq!(exchange.answer_fields[0].to, FieldValue::Set(HeaderValue::from_static("1")));
}

#[test]
fn variables_go_to_scripts_and_come_back() {
    let mut exchange = exchange();
    let set = |call, name: &str, value: Value| {
        // SAFETY: the function is called as the ABI says.
        unsafe { (HOST.set_variable)(call, Slice::text(name), &raw const value) }
    };
    let get = |call, name: &str| {
        let mut value = Value::NONE;
        // SAFETY: the function is called as the ABI says.
        let status = unsafe { (HOST.variable)(call, Slice::text(name), &raw mut value) };
        // SAFETY: what it points to is the host's, and nothing has changed since.
        let text = String::from_utf8_lossy(unsafe { value.text.bytes() }).into_owned();
        (status, value.kind, value.integer, text)
    };
    on_request(&mut exchange, |call| {
        assert_eq!(set(call, "n", Value::integer(-7)), abi::OK);
        assert_eq!(set(call, "t", Value::text("tide")), abi::OK);
        assert_eq!(set(call, "j", Value::json("{\"a\":[1,2]}")), abi::OK);
        assert_eq!(set(call, "j", Value::json("{oops")), abi::INVALID);
        assert_eq!(set(call, "k", Value { kind: 77, ..Value::NONE }), abi::INVALID);
        assert_eq!(get(call, "n"), (abi::OK, abi::VALUE_INTEGER, -7, String::new()));
        assert_eq!(get(call, "t"), (abi::OK, abi::VALUE_TEXT, 0, "tide".to_owned()));
        assert_eq!(get(call, "j"), (abi::OK, abi::VALUE_JSON, 0, "{\"a\":[1,2]}".to_owned()));
        assert_eq!(get(call, "none").0, abi::ABSENT);
        assert_eq!(set(call, "n", Value::NONE), abi::OK);
        // SAFETY: null is refused.
        assert_eq!(unsafe { (HOST.set_variable)(call, Slice::text("x"), null()) }, abi::INVALID);
        let nobody = Value::text("me");
        // SAFETY: the function is called as the ABI says.
        assert_eq!(unsafe { (HOST.set_identity)(call, &raw const nobody) }, abi::INVALID);
        let somebody = Value::json("{\"id\":\"me\"}");
        // SAFETY: as above.
        assert_eq!(unsafe { (HOST.set_identity)(call, &raw const somebody) }, abi::OK);
        let mut id = Value::NONE;
        // SAFETY: as above.
        assert_eq!(unsafe { (HOST.identity)(call, Slice::text("id"), &raw mut id) }, abi::OK);
        // SAFETY: what it points to is the host's, and nothing has changed since.
        assert_eq!(unsafe { id.text.bytes() }, b"me");
    });
    assert_eq!(exchange.vars.len(), 2);
}

#[test]
fn a_call_that_is_over_is_refused_and_so_is_one_of_another_thread() {
    let mut exchange = exchange();
    let kept = on_request(&mut exchange, |call| {
        let elsewhere = std::thread::spawn(move || text(call, abi::TEXT_PATH)).join().unwrap();
        assert_eq!(elsewhere, Err(abi::STALE));
        assert_eq!(text(call + 1, abi::TEXT_PATH), Err(abi::STALE));
        assert!(text(call, abi::TEXT_PATH).is_ok());
        call
    });
    assert_eq!(text(kept, abi::TEXT_PATH), Err(abi::STALE));
    on_request(&mut exchange, |call| {
        assert_ne!(call, kept);
        assert_eq!(text(kept, abi::TEXT_PATH), Err(abi::STALE), "another call of the thread is under way");
    });
    // SAFETY: a stale call touches nothing.
    assert_eq!(unsafe { (HOST.access_drop)(0) }, abi::STALE);
}

struct Waits;

impl Waiter for Waits {
    fn wait(&self, wait: Wait) -> Answer {
        // While a callback waits, the thread serves others: their frames are not to be mixed up with this one.
        let mut other = exchange();
        other.id = "other".into();
        on_request(&mut other, |call| assert_eq!(text(call, abi::TEXT_REQUEST_ID).as_deref(), Ok("other")));
        match wait {
            Wait::RequestBody => Answer::Body(Ok(Bytes::from_static(b"hello"))),
            Wait::TimeSlice => Answer::Expired,
            _ => Answer::Cancelled,
        }
    }
}

#[test]
fn a_body_is_waited_for_once_and_only_where_waiting_is_possible() {
    let mut exchange = exchange();
    let body = |call| {
        let mut slice = Slice::ABSENT;
        // SAFETY: the function is called as the ABI says.
        let status = unsafe { (HOST.body)(call, abi::REQUEST_SIDE, &raw mut slice) };
        // SAFETY: the slice is the host's, and nothing has changed since.
        (status, unsafe { slice.bytes() }.to_vec())
    };
    assert_eq!(on_request(&mut exchange, body), (abi::CANNOT_WAIT, Vec::new()));
    let mut frame = Frame::new("probe", Phase::Hook(Hook::Request), &PlainHost);
    frame.view = View::Exchange(&mut exchange);
    frame.waiter = Some(&Waits);
    frame::run(&mut frame, |call| {
        assert_eq!(body(call), (abi::OK, b"hello".to_vec()));
        assert_eq!(text(call, abi::TEXT_REQUEST_ID).as_deref(), Ok("id-1"), "the frame is ours again");
        // SAFETY: the functions are called as the ABI says.
        assert_eq!(unsafe { (HOST.sleep)(call, 0) }, abi::EXPIRED);
        // SAFETY: as above.
        assert_eq!(unsafe { (HOST.sleep)(call, 5) }, abi::CANCELLED);
    });
    assert_eq!(on_request(&mut exchange, body), (abi::OK, b"hello".to_vec()), "it is in memory now");
    on_request(&mut exchange, |call| {
        // SAFETY: the function is called as the ABI says.
        assert_eq!(unsafe { (HOST.set_body)(call, abi::REQUEST_SIDE, Slice::text("bye")) }, abi::OK);
    });
    assert!(matches!(&exchange.request.body, Body::Replaced(bytes) if bytes == "bye"));
    assert!(!exchange.request.headers.contains_key("content-encoding"));
}

#[test]
fn replies_and_refusals_are_complete_or_refused() {
    let mut exchange = exchange();
    let ((), pending) = in_phase(Phase::Hook(Hook::Request), &mut exchange, |call| {
        assert_eq!(set_header(call, abi::REPLY_SIDE, "x", "y"), abi::UNAVAILABLE, "nothing was begun");
        // SAFETY: the functions are called as the ABI says.
        assert_eq!(unsafe { (HOST.reply)(call, 199, Slice::ABSENT) }, abi::INVALID);
        // SAFETY: as above.
        assert_eq!(unsafe { (HOST.reply)(call, 299, Slice::text("body")) }, abi::OK);
        assert_eq!(set_header(call, abi::REPLY_SIDE, "x-a", "b"), abi::OK);
    });
    let Some(Pending::Reply(reply)) = pending else { panic!("no reply") };
    assert_eq!(
        (reply.status.as_u16(), &*reply.body, &reply.headers["x-a"] == "b"),
        (299, &b"body"[..], true)
    );
    let ((), pending) = in_phase(Phase::Hook(Hook::Request), &mut exchange, |call| {
        let refuse = |status, kind| {
            // SAFETY: the function is called as the ABI says.
            unsafe { (HOST.refuse)(call, status, Slice::text(kind), Slice::text("not today")) }
        };
        assert_eq!(refuse(200, "fine"), abi::INVALID);
        assert_eq!(refuse(403, "Not A Word"), abi::INVALID);
        assert_eq!(refuse(403, "not_today"), abi::OK);
    });
    let Some(Pending::Refusal(refusal)) = pending else { panic!("no refusal") };
    assert_eq!((refusal.status.as_u16(), refusal.kind, &*refusal.message), (403, "not_today", "not today"));
    let (status, _) = in_phase(Phase::Hook(Hook::Log), &mut exchange, |call| {
        // SAFETY: as above.
        unsafe { (HOST.reply)(call, 200, Slice::ABSENT) }
    });
    assert_eq!(status, abi::UNAVAILABLE);
}

#[test]
fn settings_are_there_while_an_instance_is_made() {
    let settings = serde_json::json!({ "burst": 5, "deep": { "list": ["a", 0.5, null] } });
    let get = |call, pointer: &str| {
        let mut value = Value::NONE;
        // SAFETY: the function is called as the ABI says.
        let status = unsafe { (HOST.config)(call, Slice::text(pointer), &raw mut value) };
        // SAFETY: what it points to is the host's, and nothing has changed since.
        (status, value.kind, String::from_utf8_lossy(unsafe { value.text.bytes() }).into_owned())
    };
    let mut frame = Frame::new("probe", Phase::Create, &PlainHost);
    frame.settings = Some(&settings);
    frame::run(&mut frame, |call| {
        assert_eq!(get(call, "/burst"), (abi::OK, abi::VALUE_INTEGER, String::new()));
        assert_eq!(get(call, "/deep/list/0"), (abi::OK, abi::VALUE_TEXT, "a".to_owned()));
        assert_eq!(get(call, "/deep/list/2"), (abi::OK, abi::VALUE_NONE, String::new()));
        assert_eq!(get(call, "/deep"), (abi::OK, abi::VALUE_JSON, "{\"list\":[\"a\",0.5,null]}".to_owned()));
        assert_eq!(get(call, "/none").0, abi::ABSENT);
        assert_eq!(get(call, "").1, abi::VALUE_JSON);
        let mut secret = Slice::ABSENT;
        // SAFETY: the function is called as the ABI says.
        assert_eq!(unsafe { (HOST.secret)(call, Slice::text("s"), &raw mut secret) }, abi::UNAVAILABLE);
    });
    let mut exchange = exchange();
    assert_eq!(on_request(&mut exchange, |call| get(call, "/burst").0), abi::UNAVAILABLE);
}

unsafe extern "C" fn complaint(call: Call) -> Status {
    // SAFETY: the function is called as the ABI says.
    unsafe { (HOST.fail)(call, Slice::text("no water")) };
    abi::FAILED
}

unsafe extern "C" fn content(_call: Call) -> Status {
    abi::OK
}

unsafe extern "C" fn mumble(_call: Call) -> Status {
    42
}

#[test]
fn a_self_test_says_what_is_wrong() {
    assert_eq!(self_test("p", content), Ok(()));
    assert_eq!(self_test("p", complaint), Err("no water".to_owned()));
    assert_eq!(self_test("p", mumble), Err("it returned 42, which is no result of this callback".to_owned()));
}
