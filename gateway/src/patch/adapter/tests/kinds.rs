//! Balancers, key lookups, error pages and access filters of a patch.

use forebay_engine::exchange::AccessRecord;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, json};

use super::adopted;
use crate::component::{
    AccessFilter, AccessView, Candidate, Choice, Credential, ErrorInfo, Keep, Part, Server, Standing,
};
use crate::patch::host::PlainHost;
use crate::patch::host::tests::exchange;

mod patch {
    use forebay_patch::{
        AccessFilter, AccessRecord, Balancer, Choice, Error, ErrorInfo, ErrorPage, Exchange, Keep, KeyLookup,
        Message, Reply, Setup, Standing,
    };

    struct First(String);

    impl Balancer for First {
        fn create(setup: &Setup<'_>) -> Result<Self, Error> {
            Ok(Self(setup.text("/upstream")?.unwrap_or_default().to_owned()))
        }

        fn pick(&self, choice: &Choice<'_>) -> Result<Option<usize>, Error> {
            assert_eq!(choice.upstream(), self.0);
            match choice.header("x-pick") {
                Some(b"beyond") => return Ok(Some(99)),
                Some(b"fail") => return Err("cannot choose".into()),
                Some(wanted) => {
                    return Ok(choice.targets().position(|target| target.address.as_bytes() == wanted));
                }
                None => {}
            }
            Ok(choice.targets().position(|target| target.standing == Standing::Free && target.weight > 1))
        }
    }

    struct Keys(String);

    impl KeyLookup for Keys {
        fn create(setup: &Setup<'_>) -> Result<Self, Error> {
            Ok(Self(setup.text("/key")?.ok_or("config.key is missing")?.to_owned()))
        }

        fn find(&self, exchange: &mut Exchange<'_>, key: &[u8]) -> Result<Option<String>, Error> {
            if exchange.set_header(Message::Request, "x", "y").is_ok() {
                return Err("a lookup could change the exchange".into());
            }
            match key {
                b"broken" => Err("the database is away".into()),
                key if key == self.0.as_bytes() => Ok(Some(format!("{{\"id\":\"{}\"}}", exchange.path()))),
                _ => Ok(None),
            }
        }
    }

    struct Page;

    impl ErrorPage for Page {
        fn create(_setup: &Setup<'_>) -> Result<Self, Error> {
            Ok(Self)
        }

        fn render(&self, error: &ErrorInfo<'_>) -> Result<Option<Reply>, Error> {
            if error.accept != Some(b"text/plain") {
                return Ok(None);
            }
            let text = format!("{} {}: {} ({})", error.status, error.kind, error.message, error.request_id);
            Ok(Some(Reply::new(error.status).header("content-type", "text/plain").body(text)))
        }
    }

    struct Mask;

    impl AccessFilter for Mask {
        fn create(_setup: &Setup<'_>) -> Result<Self, Error> {
            Ok(Self)
        }

        fn filter(&self, record: &mut AccessRecord<'_>) -> Result<Keep, Error> {
            if record.target() == "/health" {
                return Ok(Keep::Dropped);
            }
            record.set("client", "0.0.0.0")?;
            if record.status() == 500 {
                return Err("cannot look at errors".into());
            }
            record.set("slow", record.took().as_millis() > 5)?;
            Ok(Keep::Written)
        }
    }

    forebay_patch::patch_in_process! {
        id: "kinds",
        version: "0.1.0",
        description: "one of each",
        components: [
            balancer adds "first": First,
            key_lookup adds "keys": Keys,
            error_page overrides "problem_details": Page,
            access_filter adds "mask": Mask,
        ],
    }
}

fn parts() -> Vec<Part> {
    let (_, _, components) = adopted(patch::entry);
    components.into_iter().map(|component| component.part).collect()
}

#[test]
fn a_balancer_sees_targets_and_header_fields_and_its_mistakes_choose_nothing() {
    let Part::Balancer(kind) = &parts()[0] else { panic!("no balancer") };
    let balancer = kind.create("shop").unwrap();
    let server = |address: &str| Server { address: address.into(), weight: 1 };
    let mut turns = balancer.turns(&["a:1", "b:2", "c:3"].map(server));
    let candidate = |weight, standing| Candidate { weight, active: 0, standing };
    let candidates =
        [candidate(1, Standing::Free), candidate(2, Standing::Away), candidate(2, Standing::Free)];
    let mut pick = |field: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        if let Some(field) = field {
            headers.insert("x-pick", HeaderValue::from_static(field));
        }
        let (candidates, headers) = (&candidates, &headers);
        turns.pick(&Choice { upstream: "shop", attempt: 0, candidates, headers, hash: None })
    };
    assert_eq!(pick(None), Some(2));
    assert_eq!(pick(Some("b:2")), Some(1));
    assert_eq!((pick(Some("d:4")), pick(Some("beyond")), pick(Some("fail"))), (None, None, None));
}

#[test]
fn a_key_lookup_tells_who_it_is_or_that_it_cannot_tell() {
    let Part::KeyLookup(kind) = &parts()[1] else { panic!("no lookup") };
    assert_eq!(kind.create(&json!({})).unwrap_err()[0].message, "config.key is missing");
    let lookup = kind.create(&json!({ "key": "good" })).unwrap();
    assert!(!lookup.may_wait());
    let exchange = exchange();
    let find = |key: &'static str| {
        lookup.find(&Credential { key: key.as_bytes(), exchange: &exchange, host: &PlainHost, waiter: None })
    };
    let identity = find("good").unwrap().unwrap();
    assert_eq!(identity.read_lock::<rhai::Map>().unwrap()["id"].clone().into_string().unwrap(), "/a/b");
    assert!(find("bad").unwrap().is_none());
    assert_eq!(find("broken").unwrap_err(), "the database is away");
}

#[test]
fn an_error_page_renders_what_it_likes_and_leaves_the_rest() {
    let Part::ErrorPage(page) = &parts()[2] else { panic!("no page") };
    let render = |accept| {
        page.render(&ErrorInfo {
            status: StatusCode::BAD_GATEWAY,
            kind: "connect",
            message: "no answer",
            request_id: "id-9",
            accept,
        })
    };
    let reply = render(Some(&b"text/plain"[..])).unwrap();
    assert_eq!((reply.status.as_u16(), &*reply.body), (502, &b"502 connect: no answer (id-9)"[..]));
    assert!(render(None).is_none());
}

fn view<'a>(target: &'a str, status: u16, record: &'a AccessRecord) -> AccessView<'a> {
    AccessView {
        request_id: "id",
        client: "192.0.2.1",
        method: "GET",
        host: "h",
        target,
        route: None,
        end_reason: "complete",
        server: None,
        status,
        attempts: 1,
        record,
    }
}

#[test]
fn an_access_filter_masks_adds_and_drops_and_its_failure_changes_nothing() {
    let parts = parts();
    let Part::AccessFilter(filter) = &parts[3] else { panic!("no filter") };
    let filter: &dyn AccessFilter = &**filter;
    let record = AccessRecord { total_microseconds: 9_000, ..AccessRecord::default() };
    let mut fields = Map::new();
    assert_eq!(filter.filter(&view("/health", 200, &record), &mut fields), Keep::Dropped);
    assert_eq!(filter.filter(&view("/a", 500, &record), &mut fields), Keep::Written);
    assert!(fields.is_empty(), "{fields:?}");
    assert_eq!(filter.filter(&view("/a", 200, &record), &mut fields), Keep::Written);
    assert_eq!(json!(fields), json!({ "client": "0.0.0.0", "slow": true }));
}
