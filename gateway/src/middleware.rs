//! The middleware that the gateway brings along. `docs/middleware.md` is the page for users.
//!
//! Each has its settings as one type, from which the schema, the check of the shape and the defaults follow; what a
//! schema cannot say is checked when a step is built. None waits unless the key lookup it uses does.

mod condition;
mod cors;
mod headers;
mod ip;
mod key_auth;
pub mod preflight;
mod rate_limit;
mod request_size_limit;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use forebay_engine::{Implementation, OnError};

use crate::component::{Component, Middleware, Part, SettingProblem, Setup};
use crate::config::schema_of;

/// What all steps have in common.
#[derive(Debug)]
struct Common {
    name: Arc<str>,
    implementation: Implementation,
    on_error: OnError,
}

impl Common {
    fn of(setup: &Setup<'_>) -> Self {
        let (name, implementation) = (setup.name.clone(), setup.implementation.clone());
        Self { name, implementation, on_error: setup.on_error }
    }
}

/// Gives a step with a field `common` the methods that say so.
macro_rules! common_methods {
    () => {
        fn name(&self) -> &std::sync::Arc<str> {
            &self.common.name
        }

        fn implementation(&self) -> &forebay_engine::Implementation {
            &self.common.implementation
        }

        fn on_error(&self) -> forebay_engine::OnError {
            self.common.on_error
        }
    };
}
use common_methods;

/// One built-in middleware.
struct BuiltIn {
    id: &'static str,
    version: &'static str,
    code: fn() -> Arc<dyn Middleware>,
    schema: fn() -> Value,
    effective: fn(&Value) -> Value,
}

const BUILT_IN: [BuiltIn; 6] = [
    BuiltIn {
        id: "cors",
        version: "1.0.0",
        code: || Arc::new(cors::Cors),
        schema: schema_of::<cors::Settings>,
        effective: effective_as::<cors::Settings>,
    },
    BuiltIn {
        id: "headers",
        version: "1.0.0",
        code: || Arc::new(headers::Headers),
        schema: schema_of::<headers::Settings>,
        effective: effective_as::<headers::Settings>,
    },
    BuiltIn {
        id: "ip",
        version: "1.0.0",
        code: || Arc::new(ip::Ip),
        schema: schema_of::<ip::Settings>,
        effective: effective_as::<ip::Settings>,
    },
    BuiltIn {
        id: "key_auth",
        version: "1.0.0",
        code: || Arc::new(key_auth::KeyAuth),
        schema: schema_of::<key_auth::Settings>,
        effective: effective_as::<key_auth::Settings>,
    },
    BuiltIn {
        id: "rate_limit",
        version: "1.0.0",
        code: || Arc::new(rate_limit::RateLimit),
        schema: schema_of::<rate_limit::Settings>,
        effective: effective_as::<rate_limit::Settings>,
    },
    BuiltIn {
        id: "request_size_limit",
        version: "1.0.0",
        code: || Arc::new(request_size_limit::RequestSizeLimit),
        schema: schema_of::<request_size_limit::Settings>,
        effective: effective_as::<request_size_limit::Settings>,
    },
];

/// The built-in middleware and key lookup, for the registry.
pub fn components() -> Vec<Component> {
    let middleware =
        BUILT_IN.iter().map(|one| Component::built_in(one.id, one.version, Part::Middleware((one.code)())));
    let lookup =
        Component::built_in(key_auth::KEYS, "1.0.0", Part::KeyLookup(Arc::new(key_auth::ConfiguredKeys)));
    middleware.chain([lookup]).collect()
}

/// The schema of the settings of each built-in middleware, by its id.
pub fn schemas() -> Vec<(&'static str, Value)> {
    BUILT_IN.iter().map(|one| (one.id, (one.schema)())).collect()
}

/// The settings of a step with every default filled in, if the middleware is a built-in one.
pub fn effective(id: &str, settings: &Value) -> Value {
    let built_in = BUILT_IN.iter().find(|one| one.id == id);
    built_in.map_or_else(|| settings.clone(), |one| (one.effective)(settings))
}

fn effective_as<T: DeserializeOwned + Serialize>(settings: &Value) -> Value {
    let read = serde_json::from_value::<T>(settings.clone()).ok();
    read.and_then(|read| serde_json::to_value(read).ok()).unwrap_or_else(|| settings.clone())
}

/// The settings of a step. Their shape was checked when the configuration was read; a step that stands for a script
/// comes without that check.
fn read<T: DeserializeOwned + JsonSchema>(settings: &Value) -> Result<T, Vec<SettingProblem>> {
    parse(settings)
}

fn parse<T: DeserializeOwned>(settings: &Value) -> Result<T, Vec<SettingProblem>> {
    serde_json::from_value(settings.clone()).map_err(|error| {
        vec![SettingProblem::new(
            "",
            format!("the settings cannot be used: {error}"),
            "mend `config` of the step",
        )]
    })
}

/// Collects problems beside what is built.
#[derive(Default)]
struct Problems(Vec<SettingProblem>);

impl Problems {
    fn add(&mut self, at: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(SettingProblem::new(at, message, help));
    }

    fn finish<T>(self, value: T) -> Result<T, Vec<SettingProblem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

/// A key of a map as a part of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
