//! A patch that is part of this program, written with the SDK, behind the gateway's own traits.

mod examples;
mod kinds;
mod steps;

use std::sync::Arc;

use forebay_engine::{Hook, NativeStep, OnError};
use semver::Version;
use serde_json::{Value, json};

use super::adopt;
use crate::component::{Component, Part, Registry, SettingProblem, Setup};
use crate::patch::crash::Named;
use crate::patch::digest::Digest;
use crate::patch::interface::{Described, shake_hands};
use crate::patch::library::Library;

fn library(entry: forebay_patch::abi::Entry) -> Arc<Library> {
    let named =
        Named { name: "probe".into(), version: Version::new(1, 0, 0), digest: Digest::of(b"probe"), pid: 1 };
    Arc::new(Library::linked(entry, named))
}

fn adopted(entry: forebay_patch::abi::Entry) -> (Arc<Library>, Described, Vec<Component>) {
    let library = library(entry);
    let described = shake_hands(&library).expect("a patch of this very version");
    let components = adopt(&library, &described).expect("whole tables");
    (library, described, components)
}

fn step(component: &Component, settings: &Value) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>> {
    let Part::Middleware(middleware) = &component.part else { panic!("no middleware") };
    middleware.build(&Setup {
        name: &"probe".into(),
        implementation: &component.implementation,
        on_error: OnError::Closed,
        settings,
        registry: &Registry::builtin(),
    })
}

#[test]
fn a_patch_is_described_and_adopted_as_it_was_declared() {
    let (_, described, components) = adopted(steps::patch::entry);
    let descriptor = &described.descriptor;
    assert_eq!((&*descriptor.name, descriptor.version.to_string()), ("probe", "1.2.3".to_owned()));
    assert_eq!(descriptor.gateways.to_string(), ">=0.1.0, <0.2.0");
    assert_eq!(components[0].implementation.to_string(), "probe 1.2.3 (patch probe)");
    crate::patch::interface::self_test(&library(steps::patch::entry), &described).expect("it tests well");
    let step = step(&components[0], &json!({ "does": "nothing" })).expect("good settings");
    assert!(step.has(Hook::Request) && step.may_wait(Hook::Log) && !step.may_wait(Hook::Request));
    assert!(!step.has(Hook::Error) && !step.answers_preflight());
}
