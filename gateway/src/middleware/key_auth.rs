//! `key_auth`: lets requests through that present a known key, and says who they come from.
//!
//! Where keys are looked up is a component of its own: the built-in lookup has the digests of keys in the configuration,
//! a patch may ask elsewhere. Keys themselves are never configured, kept or logged.

mod keys;
mod places;

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_engine::{ErrorKind, Exchange, Hook, Host, NativeStep, Refusal, Verdict, Waiter, native};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::places::{Found, Place, PlaceSettings};
use super::{Common, Problems, common_methods, read};
use crate::component::{Credential, KeyLookup, Kind, Middleware, SettingProblem, Setup};
use crate::config::{closest, listed};
pub(super) use keys::{ConfiguredKeys, KeySettings};

/// Id of the built-in key lookup.
pub(super) const KEYS: &str = "keys";

/// Settings of `key_auth`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Where a key may stand; the first place that has one counts. `x-api-key` without this.
    #[serde(default = "api_key_header")]
    #[schemars(extend("minItems" = 1))]
    from: Vec<PlaceSettings>,
    /// The keys by the name of who has them: `sha256:` and the digest in hex, or a map.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<BTreeMap<String, KeySettings>>,
    /// In place of `keys`: id of a key lookup that a patch brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup: Option<String>,
    /// Settings of that lookup.
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup_config: Option<serde_json::Map<String, Value>>,
    /// Whether the upstream does not get to see the key.
    #[serde(default = "yes")]
    hide: bool,
    /// Whether requests without a key are let through, without an identity. A wrong key is refused all the same.
    #[serde(default)]
    optional: bool,
    /// What the key is for, told to clients that have none.
    #[serde(default = "realm")]
    realm: String,
}

fn api_key_header() -> Vec<PlaceSettings> {
    vec![PlaceSettings::header("x-api-key")]
}

fn yes() -> bool {
    true
}

fn realm() -> String {
    "forebay".to_owned()
}

#[derive(Debug)]
pub(super) struct KeyAuth;

impl Middleware for KeyAuth {
    fn build(&self, setup: &Setup<'_>) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>> {
        let settings: Settings = read(setup.settings)?;
        let mut problems = Problems::default();
        let places: Vec<Place> = settings
            .from
            .iter()
            .enumerate()
            .filter_map(|(index, place)| Place::read(place, &format!("/from/{index}"), &mut problems))
            .collect();
        let challenge = challenge(&settings, &mut problems);
        match lookup(&settings, setup, &mut problems) {
            Some(lookup) => problems.finish(Arc::new(Step {
                common: Common::of(setup),
                places,
                lookup,
                hide: settings.hide,
                optional: settings.optional,
                challenge,
            }) as Arc<dyn NativeStep>),
            None => Err(problems.0),
        }
    }

    /// It uses a key lookup, which may be another after the reload; and it keeps nothing.
    fn survives_reload(&self) -> bool {
        false
    }
}

/// The value of `WWW-Authenticate` (RFC 9110, section 11.6.1). Keys have no registered scheme; one that is sent as a
/// bearer token is asked for as such.
fn challenge(settings: &Settings, problems: &mut Problems) -> HeaderValue {
    let is_quotable = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    if !settings.realm.chars().all(is_quotable) {
        let help = "use visible ASCII characters without quotes and backslashes";
        problems.add("/realm", "this is not usable as a realm", help);
    }
    let scheme = settings.from.iter().find_map(PlaceSettings::scheme).unwrap_or("ApiKey");
    HeaderValue::from_str(&format!("{scheme} realm=\"{}\"", settings.realm))
        .unwrap_or(HeaderValue::from_static("ApiKey"))
}

fn lookup(settings: &Settings, setup: &Setup<'_>, problems: &mut Problems) -> Option<Arc<dyn KeyLookup>> {
    let none = serde_json::Map::new();
    let (id, config, prefix) = match (&settings.keys, &settings.lookup) {
        (Some(keys), None) => (KEYS, json!({ "keys": keys }), ""),
        (None, Some(id)) => {
            (id.as_str(), settings.lookup_config.as_ref().unwrap_or(&none).clone().into(), "/lookup_config")
        }
        (Some(_), Some(_)) => {
            problems.add("/lookup", "`keys` and `lookup` exclude each other", "keep one of the two");
            return None;
        }
        (None, None) => {
            problems.add("", "there are no keys", "add `keys`, or `lookup` with the id of a key lookup");
            return None;
        }
    };
    let Some(kind) = setup.registry.key_lookup(id) else {
        let ids = || setup.registry.ids(Kind::KeyLookup).map(|id| &**id).filter(|id| *id != KEYS);
        let help = match closest(id, ids()) {
            Some(known) => format!("did you mean `{known}`?"),
            None if ids().next().is_none() => "a patch has to bring it; none does".to_owned(),
            None => format!("there are {}", listed(ids())),
        };
        problems.add("/lookup", format!("there is no key lookup `{id}`"), help);
        return None;
    };
    match kind.create(&config) {
        Ok(lookup) => Some(lookup),
        Err(found) => {
            let placed =
                |problem: SettingProblem| SettingProblem { at: format!("{prefix}{}", problem.at), ..problem };
            problems.0.extend(found.into_iter().map(placed));
            None
        }
    }
}

#[derive(Debug)]
struct Step {
    common: Common,
    places: Vec<Place>,
    lookup: Arc<dyn KeyLookup>,
    hide: bool,
    optional: bool,
    challenge: HeaderValue,
}

impl Step {
    fn decide(&self, exchange: &mut Exchange, host: &dyn Host, waiter: Option<&dyn Waiter>) -> Verdict {
        let found = self
            .places
            .iter()
            .map(|place| place.find(&exchange.request))
            .find(|found| *found != Found::Nothing);
        let verdict = match found {
            None | Some(Found::Nothing) if self.optional => Verdict::Continue,
            None | Some(Found::Nothing) => self.refuse("a key is needed"),
            Some(Found::Ambiguous) => self.refuse("more than one key was sent"),
            Some(Found::Key(key)) => {
                let found = self.lookup.find(&Credential { key: &key, exchange, host, waiter });
                match found {
                    Ok(Some(identity)) => {
                        exchange.identity = identity;
                        Verdict::Continue
                    }
                    Ok(None) => self.refuse("the key is not known"),
                    Err(reason) => {
                        native::fail(self, ErrorKind::Runtime, format!("the key lookup failed: {reason}"))
                    }
                }
            }
        };
        if self.hide && matches!(verdict, Verdict::Continue) {
            for place in &self.places {
                place.hide(&mut exchange.request);
            }
        }
        verdict
    }

    fn refuse(&self, message: &str) -> Verdict {
        let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, "unauthenticated", message);
        refusal.headers.insert(WWW_AUTHENTICATE, self.challenge.clone());
        Verdict::Refuse(Box::new(refusal))
    }
}

impl NativeStep for Step {
    common_methods!();

    fn has(&self, hook: Hook) -> bool {
        hook == Hook::Request
    }

    fn secret_parameters(&self) -> Vec<Arc<str>> {
        self.places.iter().filter_map(Place::parameter).map(Arc::from).collect()
    }

    fn may_wait(&self, hook: Hook) -> bool {
        hook == Hook::Request && self.lookup.may_wait()
    }

    fn call(&self, _hook: Hook, exchange: &mut Exchange, host: &dyn Host) -> Verdict {
        self.decide(exchange, host, None)
    }

    fn call_waiting(
        &self,
        _hook: Hook,
        exchange: &mut Exchange,
        host: &dyn Host,
        waiter: &dyn Waiter,
    ) -> Verdict {
        self.decide(exchange, host, Some(waiter))
    }
}
