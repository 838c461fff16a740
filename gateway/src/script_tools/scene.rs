//! The shape of a request file: one exchange and the world around it, in JSON.
//!
//! ```json
//! {
//!   "method": "POST", "path": "/orders?page=2", "headers": { "x-a": "1", "x-many": ["1", "2"] },
//!   "body": { "sku": "a" }, "client": { "ip": "203.0.113.9", "port": 40000 },
//!   "tls": { "sni": "shop.example", "peer": { "subject": "CN=ann" } },
//!   "route": { "name": "orders", "params": { "id": "7" } }, "identity": { "id": "ann" }, "vars": {},
//!   "response": { "status": 200, "headers": {}, "body": "" },
//!   "failure": { "status": 504, "kind": "response_timeout", "message": "..." },
//!   "config": { "header": "x-key" }, "now": "2026-01-01T00:00:00Z", "seed": 7, "kv": { "key": "value" },
//!   "http": [{ "method": "GET", "url": "https://auth.example/*", "status": 200, "body": { "ok": true } }],
//!   "env": { "REGION": "north" }, "secrets": { "signing": "..." }
//! }
//! ```
//! Everything is optional, unknown keys are refused. The tests' `world(...)` and `request(...)` take the same
//! keys as a map. How the exchange is made of it is in [`exchange`].

mod exchange;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

pub(super) use exchange::{Bodies, build, mock_answer};

/// Everything a request file can say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Scene {
    pub(super) id: Option<String>,
    pub(super) method: Option<String>,
    /// Target with query.
    pub(super) path: Option<String>,
    /// `http` or `https`.
    pub(super) scheme: Option<String>,
    /// Text, or a list of texts, by name.
    pub(super) headers: BTreeMap<String, Value>,
    pub(super) body: Payload,
    pub(super) client: ClientShape,
    /// How the client's connection is secured; plain without it.
    pub(super) tls: Option<TlsShape>,
    pub(super) route: RouteShape,
    pub(super) identity: Value,
    pub(super) vars: Map<String, Value>,
    pub(super) attempt: u32,
    pub(super) response: Option<ResponseShape>,
    pub(super) failure: Option<FailureShape>,
    pub(super) access: Option<AccessShape>,
    pub(super) config: Value,
    /// RFC 3339; fixes the clock, which then moves only by waits.
    pub(super) now: Option<String>,
    /// Fixes the randomness.
    pub(super) seed: Option<u64>,
    pub(super) kv: BTreeMap<String, Value>,
    pub(super) http: Vec<MockShape>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
}

/// Keys of a [`Scene`] that describe the world and not the exchange.
pub(super) const WORLD_KEYS: &[&str] = &["config", "now", "seed", "kv", "http", "env", "secrets"];

/// A body: text goes as it is, any other value as JSON.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Value")]
pub(super) enum Payload {
    #[default]
    Nothing,
    Bytes(Bytes),
    Json(Bytes),
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::String(text) => Self::Bytes(text.into()),
            other => Self::Json(other.to_string().into()),
        }
    }
}

impl Payload {
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::Bytes(bytes) | Self::Json(bytes) => bytes.clone(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClientShape {
    pub(super) ip: String,
    pub(super) port: u16,
}

impl Default for ClientShape {
    fn default() -> Self {
        Self { ip: "127.0.0.1".into(), port: 40_000 }
    }
}

/// What `req.tls` shows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsShape {
    pub(super) version: Option<String>,
    pub(super) cipher: Option<String>,
    pub(super) sni: Option<String>,
    pub(super) alpn: Option<String>,
    pub(super) resumed: bool,
    pub(super) peer: Option<PeerShape>,
}

/// The verified client certificate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PeerShape {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) serial: String,
    pub(super) sha256: String,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
    pub(super) names: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RouteShape {
    pub(super) name: String,
    pub(super) params: BTreeMap<String, String>,
}

impl Default for RouteShape {
    fn default() -> Self {
        Self { name: "offline".into(), params: BTreeMap::new() }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ResponseShape {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, Value>,
    pub(super) body: Payload,
    /// `upstream`, `step` or `gateway`.
    pub(super) origin: String,
}

impl Default for ResponseShape {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new(), body: Payload::Nothing, origin: "upstream".into() }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FailureShape {
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) message: String,
}

impl Default for FailureShape {
    fn default() -> Self {
        Self {
            status: 502,
            kind: "upstream_error".into(),
            message: "the upstream could not be reached".into(),
        }
    }
}

/// The access record of `on_log`, under the names scripts use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AccessShape {
    pub(super) total_us: u64,
    pub(super) upstream_us: u64,
    pub(super) steps_us: u64,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    pub(super) end_reason: String,
}

impl Default for AccessShape {
    fn default() -> Self {
        Self {
            total_us: 0,
            upstream_us: 0,
            steps_us: 0,
            request_bytes: 0,
            response_bytes: 0,
            end_reason: "ok".into(),
        }
    }
}

/// An outbound call that is answered: the first mock that fits and is not used up answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MockShape {
    /// Any method if it is missing.
    pub(super) method: Option<String>,
    /// The whole URL; `*` stands for any text.
    pub(super) url: String,
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) body: Payload,
    /// Fails the call with this text instead of answering.
    pub(super) error: Option<String>,
    /// Milliseconds the call takes on the mocked clock.
    #[serde(default)]
    pub(super) delay_ms: u64,
    /// How often it answers; without end if missing.
    pub(super) times: Option<u64>,
}
