//! Steps that are native code: a built-in one, and patches that do the same and what the measured scripts do.
//!
//! The patches are part of the bench instead of libraries; they are called through the same tables of function pointers,
//! so that nothing of them is compiled into the host's functions or the other way round.

use std::sync::Arc;

use forebay_engine::{Implementation, NativeStep, OnError, Provider, Step};
use forebay_gateway::component::{Part, Registry, Setup};
use forebay_gateway::patch::adapter::adopt;
use forebay_gateway::patch::crash::Named;
use forebay_gateway::patch::digest::Digest;
use forebay_gateway::patch::interface::shake_hands;
use forebay_gateway::patch::library::Library;
use forebay_patch::abi::Entry;
use serde_json::{Value, json};

#[path = "../../patches/examples/validate_order/src/lib.rs"]
mod validate_order;

/// Sets the header that the script `one_header` sets.
mod one_header {
    use forebay_patch::{Error, Exchange, Hooks, Message, Middleware, Setup, Verdict};

    struct OneHeader;

    impl Middleware for OneHeader {
        const HOOKS: Hooks = Hooks::REQUEST;

        fn create(_setup: &Setup<'_>) -> Result<Self, Error> {
            Ok(Self)
        }

        fn on_request(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
            exchange.set_header(Message::Request, "x-hook", "1")?;
            Ok(Verdict::Continue)
        }
    }

    forebay_patch::patch_in_process! {
        id: "one-header",
        version: "1.0.0",
        components: [middleware adds "one_header": OneHeader],
    }
}

/// Does nothing.
mod empty {
    use forebay_patch::{Error, Exchange, Hooks, Middleware, Setup, Verdict};

    struct Empty;

    impl Middleware for Empty {
        const HOOKS: Hooks = Hooks::REQUEST;

        fn create(_setup: &Setup<'_>) -> Result<Self, Error> {
            Ok(Self)
        }

        fn on_request(&self, _exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
            Ok(Verdict::Continue)
        }
    }

    forebay_patch::patch_in_process! {
        id: "empty",
        version: "1.0.0",
        components: [middleware adds "empty": Empty],
    }
}

pub(crate) fn empty_hook() -> Step {
    patch(empty::entry)
}

pub(crate) fn set_one_header() -> Step {
    patch(one_header::entry)
}

pub(crate) fn validate_order() -> Step {
    patch(validate_order::forebay_patch_v1)
}

/// The built-in middleware that sets the header.
pub(crate) fn headers_built_in() -> Step {
    built_in("headers", &json!({ "request": { "set": { "x-hook": "1" } } }))
}

/// Built-in middleware that no script is measured beside, by name.
pub(crate) fn built_in_alone() -> Vec<(&'static str, Step)> {
    let limit = json!({ "requests": 1_000_000_000, "per": "1s", "fields": "none" });
    vec![
        ("ip", built_in("ip", &json!({ "allow": ["127.0.0.0/8"] }))),
        ("rate limit", built_in("rate_limit", &limit)),
    ]
}

fn setup<'a>(
    name: &'a Arc<str>,
    implementation: &'a Implementation,
    settings: &'a Value,
    registry: &'a Registry,
) -> Setup<'a> {
    Setup { name, implementation, on_error: OnError::Closed, settings, registry }
}

fn step(built: Result<Arc<dyn NativeStep>, Vec<forebay_gateway::component::SettingProblem>>) -> Step {
    Step::Native(built.unwrap_or_else(|problems| panic!("{problems:?}")))
}

fn built_in(id: &str, settings: &Value) -> Step {
    let registry = Registry::builtin();
    let (implementation, middleware) = registry.middleware(id).expect("a built-in middleware");
    step(middleware.build(&setup(&id.into(), implementation, settings, &registry)))
}

fn patch(entry: Entry) -> Step {
    let version = semver::Version::new(1, 0, 0);
    let named =
        Named { name: "bench".into(), version, digest: Digest::of(b"bench"), pid: std::process::id() };
    let library = Arc::new(Library::linked(entry, named));
    let described = shake_hands(&library).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let components = adopt(&library, &described).unwrap_or_else(|reason| panic!("{reason}"));
    let Part::Middleware(middleware) = &components[0].part else {
        panic!("the bench's patches are middleware")
    };
    let implementation =
        Implementation { id: "bench".into(), version: "1.0.0".into(), provider: Provider::BuiltIn };
    step(middleware.build(&setup(&"bench".into(), &implementation, &json!({}), &Registry::builtin())))
}
