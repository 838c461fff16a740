//! Steps: what a middleware of a patch does becomes the verdicts of a step.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use forebay_engine::error::ErrorKind;
use forebay_engine::exchange::{Body, Origin, Response};
use forebay_engine::host::{KvOperation, KvValue};
use forebay_engine::{Answer, Call, Exchange, Hook, Host, Progress, Verdict, Wait};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::{adopted, step};
use crate::patch::host::PlainHost;
use crate::patch::host::tests::exchange;

/// How many instances of the probe there are.
static ALIVE: AtomicUsize = AtomicUsize::new(0);
/// How many filters.
static FILTERS: AtomicUsize = AtomicUsize::new(0);

pub(super) mod patch {
    use super::{ALIVE, FILTERS};
    use forebay_patch::{
        BodyFilter, Call, Chunk, Error, Exchange, Hooks, Message, Middleware, Passed, Refusal, Reply, Setup,
        Value, Verdict,
    };
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    struct Probe {
        does: String,
    }

    impl Drop for Probe {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl Middleware for Probe {
        const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE).and(Hooks::LOG);
        const WAITS: Hooks = Hooks::LOG;

        fn create(setup: &Setup<'_>) -> Result<Self, Error> {
            let does = setup.text("/does")?.ok_or("config.does is missing")?.to_owned();
            ALIVE.fetch_add(1, Ordering::SeqCst);
            Ok(Self { does })
        }

        fn on_request(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
            match &*self.does {
                "reply" => return Ok(Reply::new(299).header("x-probe", "1").body("hi").into()),
                "refuse" => {
                    return Ok(Refusal::new(429, "slow_down", "slower").header("retry-after", "1").into());
                }
                "fail" => return Err("the probe broke".into()),
                "panic" => panic!("the probe fell {}", exchange.path()),
                "set" => {
                    let seen =
                        exchange.header_text(Message::Request, "accept").unwrap_or_default().to_owned();
                    exchange.set_header(Message::Request, "x-seen", &seen)?;
                    exchange.set_variable("seen", &*seen)?;
                }
                "wait" => drop(exchange.body(Message::Request)?),
                _ => {}
            }
            Ok(Verdict::Continue)
        }

        fn on_response(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
            FILTERS.fetch_add(1, Ordering::SeqCst);
            exchange.filter_body(Message::Response, Upper { does: self.does.clone() })?;
            Ok(Verdict::Continue)
        }

        fn on_log(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
            let sum = exchange.kv_increment("count", 2, None)?;
            exchange.sleep(Duration::from_millis(3))?;
            exchange.set_variable("sum", Value::Integer(sum))?;
            Ok(Verdict::Continue)
        }
    }

    struct Upper {
        does: String,
    }

    impl Drop for Upper {
        fn drop(&mut self) {
            FILTERS.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl BodyFilter for Upper {
        fn chunk(&mut self, chunk: &mut Chunk<'_>) -> Result<Passed, Error> {
            match &*self.does {
                "break" => return Err("enough".into()),
                "panic" => panic!("chunk {}", chunk.offset()),
                "inspect" => return Ok(Passed::Unchanged),
                _ => {}
            }
            chunk.write(&chunk.data().to_ascii_uppercase())?;
            if chunk.is_last() {
                chunk.write(b"!")?;
            }
            Ok(Passed::Replaced)
        }

        fn inspects_only(&self) -> bool {
            self.does == "inspect"
        }
    }

    fn test(call: &Call<'_>) -> Result<(), Error> {
        use forebay_patch::Services;
        let mut buffer = [0; 8];
        call.random(&mut buffer)?;
        if buffer == [0; 8] { Err("no randomness".into()) } else { Ok(()) }
    }

    forebay_patch::patch_in_process! {
        id: "probe",
        version: "1.2.3",
        gateway: ">=0.1.0, <0.2.0",
        components: [middleware adds "probe": Probe],
        self_test: test,
    }
}

fn request(does: &str) -> (Box<Exchange>, Verdict) {
    let (_, _, components) = adopted(patch::entry);
    let step = step(&components[0], &json!({ "does": does })).expect("good settings");
    let mut exchange = exchange();
    let verdict = forebay_engine::native::call(&*step, Hook::Request, &mut exchange, &PlainHost);
    (exchange, verdict)
}

#[test]
fn a_step_changes_the_exchange() {
    let (exchange, verdict) = request("set");
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    assert_eq!(exchange.request.headers["x-seen"], "a/b");
    assert_eq!(exchange.vars["seen"].clone().into_string().unwrap(), "a/b");
}

#[test]
fn replies_and_refusals_reach_the_gateway() {
    let (_, Verdict::Reply(reply)) = request("reply") else { panic!("no reply") };
    assert_eq!((reply.status.as_u16(), &*reply.body), (299, &b"hi"[..]));
    assert_eq!(reply.headers["x-probe"], "1");
    let (_, Verdict::Refuse(refusal)) = request("refuse") else { panic!("no refusal") };
    assert_eq!((refusal.status.as_u16(), refusal.kind, &*refusal.message), (429, "slow_down", "slower"));
    assert_eq!(refusal.headers["retry-after"], "1");
}

#[test]
fn errors_and_panics_are_failures_of_this_call_with_their_reason() {
    let (_, Verdict::Fail(error)) = request("fail") else { panic!("no failure") };
    assert_eq!((error.kind, &*error.message), (ErrorKind::Runtime, "the probe broke"));
    let (_, Verdict::Fail(error)) = request("panic") else { panic!("no failure") };
    assert_eq!((error.kind, &*error.message), (ErrorKind::Panic, "it panicked: the probe fell /a/b"));
    let (_, Verdict::Fail(error)) = request("wait") else { panic!("no failure") };
    assert!(error.message.contains("may not wait"), "{}", error.message);
    assert!(matches!(request("nothing").1, Verdict::Continue), "the next request is served");
}

#[test]
fn settings_that_do_not_fit_are_refused_in_the_words_of_the_patch() {
    let (_, _, components) = adopted(patch::entry);
    let problems = step(&components[0], &json!({})).unwrap_err();
    assert_eq!(problems[0].message, "config.does is missing");
    let problems = step(&components[0], &json!({ "does": 1 })).unwrap_err();
    assert_eq!(problems[0].message, "config.does is not a text");
}

#[test]
fn calls_and_failures_are_counted_and_instances_are_freed_with_their_last_user() {
    let (library, _, components) = adopted(patch::entry);
    let step = step(&components[0], &json!({ "does": "fail" })).expect("good settings");
    assert!(ALIVE.load(Ordering::SeqCst) > 0);
    drop(components);
    let mut exchange = exchange();
    for _ in 0..3 {
        forebay_engine::native::call(&*step, Hook::Request, &mut exchange, &PlainHost);
    }
    let counts = library.counters().total();
    assert_eq!((counts.calls, counts.failures), (3, 3));
    assert_eq!(std::sync::Arc::strong_count(&library), 2, "the step keeps the library");
    drop(step);
    assert_eq!(std::sync::Arc::strong_count(&library), 1);
}

#[test]
fn a_callback_that_waits_runs_on_a_fiber_and_may_be_given_up() {
    let (_, _, components) = adopted(patch::entry);
    let step = step(&components[0], &json!({ "does": "nothing" })).expect("good settings");
    let host: Rc<dyn Host> = Rc::new(PlainHost);
    let begin = || Call::native(step.clone(), Hook::Log, exchange(), host.clone());
    let waits = RefCell::new(Vec::new());
    let mut call = begin();
    let mut answer = Answer::Go;
    let (done, verdict) = loop {
        match call.resume(answer) {
            Progress::Done(exchange, verdict) => break (exchange, verdict),
            Progress::Waiting(wait) => {
                answer = match &wait {
                    Wait::Kv(KvOperation::Increment { by, .. }) => Answer::Kv(Ok(KvValue::Int(40 + by))),
                    _ => Answer::Go,
                };
                waits.borrow_mut().push(wait);
            }
        }
    };
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    assert_eq!(done.vars["sum"].as_int(), Ok(42));
    assert!(matches!(waits.borrow()[..], [Wait::Kv(_), Wait::Sleep(_)]), "{waits:?}");
    let (mut one, mut two) = (begin(), begin());
    assert!(matches!(one.resume(Answer::Go), Progress::Waiting(_)));
    assert!(matches!(two.resume(Answer::Go), Progress::Waiting(_)));
    drop(one);
    let Progress::Done(_, Verdict::Fail(error)) = two.resume(Answer::Expired) else { panic!("no failure") };
    assert!(error.message.contains("time of the call is used up"), "{}", error.message);
}

fn filtered(does: &str) -> Vec<Box<dyn forebay_engine::filter::BodyFilter>> {
    let (_, _, components) = adopted(patch::entry);
    let step = step(&components[0], &json!({ "does": does })).expect("good settings");
    let mut exchange = exchange();
    let (status, mut headers) = (StatusCode::OK, HeaderMap::new());
    headers.insert("etag", http::HeaderValue::from_static("\"1\""));
    exchange.response = Some(Response { status, headers, body: Body::Unread, origin: Origin::Gateway });
    let verdict = forebay_engine::native::call(&*step, Hook::Response, &mut exchange, &PlainHost);
    assert!(matches!(verdict, Verdict::Continue), "{verdict:?}");
    let described = exchange.response.as_ref().is_some_and(|response| response.headers.contains_key("etag"));
    assert_eq!(described, does == "inspect", "what described the body goes unless it stays");
    std::mem::take(&mut exchange.filters.response)
}

#[test]
fn chunks_pass_through_a_filter_which_is_freed_at_the_end() {
    let mut filter = filtered("upper").pop().expect("one filter");
    assert!(FILTERS.load(Ordering::SeqCst) > 0 && !filter.inspects_only());
    assert_eq!(filter.chunk(Bytes::from_static(b"ab"), false).unwrap(), "AB");
    assert_eq!(filter.chunk(Bytes::new(), true).unwrap(), "!");
    let mut broken = filtered("break").pop().expect("one filter");
    assert_eq!(broken.chunk(Bytes::from_static(b"ab"), false).unwrap_err(), "probe: enough");
    let mut panics = filtered("panic").pop().expect("one filter");
    assert_eq!(panics.chunk(Bytes::from_static(b"ab"), false).unwrap_err(), "probe: it panicked: chunk 0");
    let mut inspects = filtered("inspect").pop().expect("one filter");
    assert!(inspects.inspects_only());
    assert_eq!(inspects.chunk(Bytes::from_static(b"ab"), true).unwrap(), "ab");
}
