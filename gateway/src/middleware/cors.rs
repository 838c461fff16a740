//! `cors`: cross-origin requests, as the Fetch standard has them (section 3.2, "CORS protocol").
//!
//! Answers preflight requests itself and puts the fields on every other answer, errors of the gateway included; what
//! the upstream says about cross-origin access is replaced. A request from an origin that is not allowed is served
//! without the fields: the browser then keeps the answer from the page. Place it before steps that refuse requests.

mod origins;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use forebay_engine::exchange::{FieldChange, FieldValue};
use forebay_engine::{Exchange, Hook, Host, NativeStep, Reply, Verdict};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::origins::Origins;
use super::{Common, Problems, common_methods, preflight, read};
use crate::component::{Middleware, SettingProblem, Setup};
use crate::config::RawDuration;

/// Settings of `cors`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Origins that may read answers: `https://app.example.com`, `https://*.example.com`, `null`, or `*` for all.
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    origins: Vec<String>,
    /// Methods that pages may use; `*` for all.
    #[serde(default = "safelisted")]
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    methods: Vec<String>,
    /// Request header fields that pages may set beside the safelisted ones; `*` for all.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    headers: Vec<String>,
    /// Header fields of answers that pages may read beside the safelisted ones; `*` for all, without `credentials` only.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    expose: Vec<String>,
    /// Whether pages may send cookies and other credentials. Not with `origins: ["*"]`.
    #[serde(default)]
    credentials: bool,
    /// How long browsers may keep the answer to a preflight request; their own default (5 s) without this.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<RawDuration>,
}

/// The methods that need no preflight request.
fn safelisted() -> Vec<String> {
    ["GET", "HEAD", "POST"].map(str::to_owned).to_vec()
}

#[derive(Debug)]
pub(super) struct Cors;

impl Middleware for Cors {
    fn build(&self, setup: &Setup<'_>) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>> {
        let settings: Settings = read(setup.settings)?;
        let mut problems = Problems::default();
        let origins = Origins::read(&settings.origins, settings.credentials, &mut problems);
        let methods = Listed::read(&settings.methods, "/methods", &mut problems, |text| {
            let is_method = Method::from_bytes(text.as_bytes()).is_ok();
            (is_method && !text.contains(|c: char| c.is_ascii_lowercase())).then(|| text.to_owned())
        });
        let field = |text: &str| HeaderName::from_bytes(text.as_bytes()).ok().map(|name| name.to_string());
        let headers = Listed::read(&settings.headers, "/headers", &mut problems, field);
        let expose = Listed::read(&settings.expose, "/expose", &mut problems, field);
        if settings.credentials && matches!(expose, Listed::All) {
            let help = "name the fields: with credentials, browsers take `*` for a name";
            problems.add("/expose", "`*` means nothing together with `credentials`", help);
        }
        let credentials = settings.credentials;
        let max_age = settings.max_age.map(|age| HeaderValue::from(seconds(age.0)));
        let common = Common::of(setup);
        problems
            .finish(Arc::new(Step { common, origins, methods, headers, expose, credentials, max_age }) as _)
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs()
}

/// A list of methods or field names in one header value.
#[derive(Debug)]
enum Listed {
    All,
    Nothing,
    These(HeaderValue),
}

impl Listed {
    fn read(
        list: &[String],
        at: &str,
        problems: &mut Problems,
        checked: impl Fn(&str) -> Option<String>,
    ) -> Self {
        if list.iter().any(|text| text == "*") {
            if list.len() > 1 {
                problems.add(at, "`*` stands beside others", "write `*` alone, or remove it");
            }
            return Self::All;
        }
        let mut texts = Vec::new();
        for (index, text) in list.iter().enumerate() {
            match checked(text) {
                Some(text) => texts.push(text),
                None => problems.add(
                    format!("{at}/{index}"),
                    "this is not a usable name",
                    "write methods in capitals such as `PUT`, header names such as `x-version`, or `*`",
                ),
            }
        }
        match HeaderValue::from_str(&texts.join(", ")) {
            Ok(value) if !texts.is_empty() => Self::These(value),
            _ => Self::Nothing,
        }
    }

    /// The value to answer when `asked` was asked for.
    fn answer(&self, asked: Option<&HeaderValue>) -> Option<HeaderValue> {
        match self {
            Self::All => asked.cloned(),
            Self::Nothing => None,
            Self::These(value) => Some(value.clone()),
        }
    }
}

#[derive(Debug)]
struct Step {
    common: Common,
    origins: Origins,
    methods: Listed,
    headers: Listed,
    expose: Listed,
    credentials: bool,
    max_age: Option<HeaderValue>,
}

const TRUE: HeaderValue = HeaderValue::from_static("true");
const ANY: HeaderValue = HeaderValue::from_static("*");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");
const VARY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

impl Step {
    /// Answers a preflight request. Without an allowed origin the answer grants nothing.
    fn preflight(&self, request: &HeaderMap) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert(VARY, VARY_PREFLIGHT);
        if let Some(origin) = self.origins.answer(request.get(ORIGIN)) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if self.credentials {
                headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
            }
            let methods = self.methods.answer(request.get(ACCESS_CONTROL_REQUEST_METHOD));
            let fields = self.headers.answer(request.get(ACCESS_CONTROL_REQUEST_HEADERS));
            let granted = [
                (ACCESS_CONTROL_ALLOW_METHODS, methods),
                (ACCESS_CONTROL_ALLOW_HEADERS, fields),
                (ACCESS_CONTROL_MAX_AGE, self.max_age.clone()),
            ];
            for (name, value) in granted {
                if let Some(value) = value {
                    headers.insert(name, value);
                }
            }
        }
        Reply { status: StatusCode::NO_CONTENT, headers, body: Bytes::new() }
    }

    /// Notes the fields of the answer that is still to come.
    fn mark(&self, exchange: &mut Exchange) {
        let origin = self.origins.answer(exchange.request.headers.get(ORIGIN));
        let is_allowed = origin.is_some();
        let credentials = (is_allowed && self.credentials).then_some(TRUE);
        let expose = match &self.expose {
            Listed::All if is_allowed => Some(ANY),
            Listed::These(value) if is_allowed => Some(value.clone()),
            _ => None,
        };
        let fields = [
            (ACCESS_CONTROL_ALLOW_ORIGIN, origin),
            (ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials),
            (ACCESS_CONTROL_EXPOSE_HEADERS, expose),
        ];
        for (name, value) in fields {
            let to = value.map_or(FieldValue::Removed, FieldValue::Set);
            exchange.answer_fields.push(FieldChange { name, to });
        }
        if self.origins.depend_on_request() {
            exchange.answer_fields.push(FieldChange { name: VARY, to: FieldValue::Append(VARY_ORIGIN) });
        }
    }
}

impl NativeStep for Step {
    common_methods!();

    fn has(&self, hook: Hook) -> bool {
        hook == Hook::Request
    }

    fn answers_preflight(&self) -> bool {
        true
    }

    fn call(&self, _hook: Hook, exchange: &mut Exchange, _host: &dyn Host) -> Verdict {
        let request = &exchange.request;
        if preflight::method(&request.method, &request.headers).is_some() {
            return Verdict::Reply(self.preflight(&request.headers));
        }
        self.mark(exchange);
        Verdict::Continue
    }
}
