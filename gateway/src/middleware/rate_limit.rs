//! `rate_limit`: how many requests a caller may send, counted in this process.
//!
//! The algorithm is GCRA (generic cell rate algorithm, ITU-T I.371): of each caller one number is kept, the time at
//! which it has used up nothing. Fields of answers are those of draft-ietf-httpapi-ratelimit-headers-10, or older ones.
//! A limit written in the common steps counts over all routes; one written in a route counts for that route.

mod gcra;
mod table;

use std::net::IpAddr;
use std::sync::Arc;

use forebay_engine::exchange::{FieldChange, FieldValue};
use forebay_engine::host::{Metric, MetricKind};
use forebay_engine::{Exchange, Hook, Host, NativeStep, Refusal, Verdict};
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};
use rhai::{Dynamic, ImmutableString, Map};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::gcra::{Decision, Rate};
use self::table::Table;
use super::{Common, Problems, common_methods, read};
use crate::component::{Middleware, SettingProblem, Setup};
use crate::config::RawDuration;

/// Settings of `rate_limit`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Requests that a caller may send in the time `per`.
    #[schemars(extend("minimum" = 1, "maximum" = 1_000_000_000))]
    requests: u64,
    /// The time for that many requests, such as `1s`, `1m` or `24h`.
    per: RawDuration,
    /// Requests that a caller who has been quiet may send at once; as many as `requests` without this.
    #[schemars(extend("minimum" = 1, "maximum" = 1_000_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u64>,
    /// What tells callers apart: `ip`, `identity`, `route` (all callers together), or a header field. A request without
    /// that identity or field is counted by its address.
    #[serde(default)]
    key: Key,
    /// Bits of an IPv6 address that tell callers apart: whoever has one such address usually has a whole /64.
    #[serde(default = "ipv6_prefix")]
    #[schemars(extend("minimum" = 32, "maximum" = 128))]
    ipv6_prefix: u8,
    /// Most callers that are remembered at once; beyond it, those with the most left are forgotten.
    #[serde(default = "keys_max")]
    #[schemars(extend("minimum" = 8, "maximum" = 16_777_216))]
    keys_max: u32,
    /// Which fields answers get: `ietf` is `RateLimit` and `RateLimit-Policy`, `split` is `RateLimit-Limit`,
    /// `-Remaining` and `-Reset`, `legacy` is the same with `X-` in front, `none` is none. `Retry-After` comes always.
    #[serde(default)]
    fields: Fields,
    /// Name of the policy in those fields: letters, digits, `_` and `-`.
    #[serde(default = "policy")]
    policy: String,
}

fn ipv6_prefix() -> u8 {
    64
}

fn keys_max() -> u32 {
    65_536
}

fn policy() -> String {
    "default".to_owned()
}

/// What tells callers apart.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Key {
    /// One of the words.
    Word(Word),
    /// A header field.
    Header(HeaderKey),
}

impl Default for Key {
    fn default() -> Self {
        Self::Word(Word::Ip)
    }
}

/// What tells callers apart, in one word.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Word {
    /// The client's address.
    Ip,
    /// The `id` of the identity that an earlier step found.
    Identity,
    /// Nothing: all callers share the limit.
    Route,
}

/// A header field that tells callers apart.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HeaderKey {
    /// Name of the field.
    header: String,
}

/// Which fields answers get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Fields {
    /// `RateLimit` and `RateLimit-Policy`.
    #[default]
    Ietf,
    /// `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`.
    Split,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`.
    Legacy,
    /// None.
    None,
}

#[derive(Debug)]
pub(super) struct RateLimit;

impl Middleware for RateLimit {
    fn build(&self, setup: &Setup<'_>) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>> {
        let settings: Settings = read(setup.settings)?;
        let mut problems = Problems::default();
        let burst = settings.burst.unwrap_or(settings.requests);
        let rate = Rate::new(settings.requests, settings.per.0, burst);
        if rate.is_none() {
            let help = "allow at most one request per nanosecond, and a burst that is over within a year";
            problems.add("/requests", "this rate cannot be counted", help);
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if settings.policy.is_empty() || !settings.policy.chars().all(is_word) {
            problems.add("/policy", "this is not a usable name", "use letters, digits, `_` and `-`");
        }
        let source = match &settings.key {
            Key::Word(Word::Ip) => Source::Ip,
            Key::Word(Word::Identity) => Source::Identity,
            Key::Word(Word::Route) => Source::Everyone,
            Key::Header(HeaderKey { header }) => {
                let name = HeaderName::from_bytes(header.as_bytes()).ok();
                if name.is_none() {
                    let help = "use letters, digits and `-`, such as `x-tenant`";
                    problems.add("/key/header", "this is not a usable header name", help);
                }
                name.map_or(Source::Ip, Source::Header)
            }
        };
        let Some(rate) = rate else { return Err(problems.0) };
        let keys_max = if matches!(source, Source::Everyone) { 1 } else { settings.keys_max };
        problems.finish(Arc::new(Step {
            common: Common::of(setup),
            rate,
            source,
            ipv6_prefix: settings.ipv6_prefix.min(128),
            table: Table::new(keys_max),
            announcement: Announcement::new(&settings, burst),
        }) as Arc<dyn NativeStep>)
    }
}

/// Where the key of a request comes from.
#[derive(Debug)]
enum Source {
    Ip,
    Identity,
    Everyone,
    Header(HeaderName),
}

#[derive(Debug)]
struct Step {
    common: Common,
    rate: Rate,
    source: Source,
    ipv6_prefix: u8,
    table: Table,
    announcement: Announcement,
}

impl Step {
    /// A number for the caller. Kinds of key are kept apart, so that nobody can pass for another by a header.
    fn caller(&self, exchange: &Exchange) -> u64 {
        match &self.source {
            Source::Everyone => self.table.hash(&0_u8),
            Source::Header(name) => match exchange.request.headers.get(name) {
                Some(value) => self.table.hash(&(1_u8, value.as_bytes())),
                None => self.address(exchange.client.ip),
            },
            Source::Identity => with_id(&exchange.identity, |id| self.table.hash(&(2_u8, id)))
                .unwrap_or_else(|| self.address(exchange.client.ip)),
            Source::Ip => self.address(exchange.client.ip),
        }
    }

    fn address(&self, address: IpAddr) -> u64 {
        match address.to_canonical() {
            IpAddr::V4(address) => self.table.hash(&(3_u8, address.to_bits())),
            IpAddr::V6(address) => {
                let ignored = 128 - u32::from(self.ipv6_prefix);
                let network = address.to_bits().checked_shr(ignored).unwrap_or(0);
                self.table.hash(&(4_u8, network))
            }
        }
    }
}

/// Calls `f` with the identity's `id`, or with the identity itself if it is a text.
fn with_id<T>(identity: &Dynamic, f: impl Fn(&str) -> T) -> Option<T> {
    if let Some(text) = identity.read_lock::<ImmutableString>() {
        return Some(f(&text));
    }
    let identity = identity.read_lock::<Map>()?;
    let id = identity.get("id").filter(|id| !id.is_unit())?;
    match id.read_lock::<ImmutableString>() {
        Some(text) => Some(f(&text)),
        None => Some(f(&id.to_string())),
    }
}

impl NativeStep for Step {
    common_methods!();

    fn has(&self, hook: Hook) -> bool {
        hook == Hook::Request
    }

    fn call(&self, _hook: Hook, exchange: &mut Exchange, host: &dyn Host) -> Verdict {
        // Times begin far enough from 0 that "never" is in the past.
        let now = host.monotonic_ns().saturating_add(1);
        let decision = self.table.take(self.caller(exchange), &self.rate, now);
        self.announcement.put(&decision, &mut exchange.answer_fields);
        if decision.is_allowed {
            return Verdict::Continue;
        }
        let (script, name, kind) = (&*self.common.name, "rate_limited", MetricKind::Count);
        host.metric(Metric { script, name, kind, value: 1.0 });
        let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests");
        refusal.headers.insert(RETRY_AFTER, HeaderValue::from(decision.retry_after_seconds()));
        Verdict::Refuse(Box::new(refusal))
    }
}

/// What answers say of the limit.
#[derive(Debug)]
struct Announcement {
    fields: Fields,
    policy: String,
    /// The value of `RateLimit-Policy`.
    policy_value: HeaderValue,
    limit: u64,
}

impl Announcement {
    /// The quota is the burst: the most that is ever to be had at once, which is what `r` counts down from. The window
    /// is the time in which all of it comes back.
    fn new(settings: &Settings, burst: u64) -> Self {
        let window = settings.per.0.as_secs_f64() * ratio(burst, settings.requests);
        let policy = settings.policy.clone();
        let text = format!("\"{policy}\";q={burst};w={}", window.ceil().max(1.0));
        let policy_value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        Self { fields: settings.fields, policy, policy_value, limit: burst }
    }

    fn put(&self, decision: &Decision, answer: &mut Vec<FieldChange>) {
        let (remaining, reset) = (decision.remaining, decision.reset_seconds());
        let mut set = |name: &'static str, value: HeaderValue, is_list: bool| {
            let to = if is_list { FieldValue::Append(value) } else { FieldValue::Set(value) };
            answer.push(FieldChange { name: HeaderName::from_static(name), to });
        };
        match self.fields {
            Fields::None => {}
            Fields::Ietf => {
                // Both are lists: several limits of one route each add theirs.
                let text = format!("\"{}\";r={remaining};t={reset}", self.policy);
                if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(text)) {
                    set("ratelimit", value, true);
                }
                set("ratelimit-policy", self.policy_value.clone(), true);
            }
            Fields::Split => {
                set("ratelimit-limit", self.limit.into(), false);
                set("ratelimit-remaining", remaining.into(), false);
                set("ratelimit-reset", reset.into(), false);
            }
            Fields::Legacy => {
                set("x-ratelimit-limit", self.limit.into(), false);
                set("x-ratelimit-remaining", remaining.into(), false);
                set("x-ratelimit-reset", reset.into(), false);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds for people")]
fn ratio(burst: u64, requests: u64) -> f64 {
    burst as f64 / requests as f64
}
