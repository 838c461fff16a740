//! `jwt`: JSON Web Tokens in their compact form (RFC 7515, RFC 7519).
//!
//! The token is taken apart and its claims are judged here, with the host's clock; signatures are made and
//! checked by the library. What a token says about itself is believed only as far as the options allow it: its
//! algorithm must be listed, an HMAC is only ever checked with `secret` and a signature with `key`.

mod key;

use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto;
use rhai::{Dynamic, ImmutableString, Map};
use serde_json::{Value, json};

use self::key::{Keys, algorithm};
use super::base64::to_url_text;
use super::values::Options;
use crate::script::api::{dynamic_to_json, json_to_dynamic};
use crate::script::context::{HostResult, fail, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// The parts of a token as a map of `header` and `claims`, both maps, WITHOUT checking the signature: whoever
    /// sent it can have written anything. For choosing a key by `header.kid`; use `verify` before trusting claims.
    Pure Function [jwt] decode(token: Str) -> Map = decode;
    /// The claims of a token whose signature and times are right; else an error with the reason. Options:
    /// `algorithms` (array, required: `HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA`),
    /// `secret` (string or blob) for `HS...` or `key` (public key in PEM) for the others, `issuer` and `audience`
    /// (a string or an array of which one must match; then the claim is required), `kid` (must be in the header),
    /// `leeway` (seconds that clocks may differ, 0 to 86,400, 0 if missing). `exp` and `nbf` are checked where the
    /// token has them; one without `exp` never expires.
    Ambient Function [jwt] verify(token: Str, options: Map) -> Map = verify;
    /// A signed token with these claims. Options: `algorithm` (`HS256` if missing; see `verify`), `secret` (string
    /// or blob) or `key` (private key in PEM, PKCS#8; an encrypted one cannot be used), `kid` for the header, `issuer` and `audience` to set `iss`
    /// and `aud`, `ttl` in seconds (1 to 3,153,600,000) to set `iat` to now and `exp` that much later.
    Ambient Function [jwt] sign(claims: Map, options: Map) -> Str = sign;
};

const LEEWAY_SECONDS_MAX: i64 = 86_400;
const TTL_SECONDS_MAX: i64 = 3_153_600_000;

type Object = serde_json::Map<String, Value>;

/// A token taken apart, with nothing checked.
struct Parts<'a> {
    header: Object,
    claims: Object,
    /// What the signature is over.
    signed: &'a str,
    signature: &'a str,
}

fn split(token: &str) -> HostResult<Parts<'_>> {
    let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
        let (header, claims) = signed.split_once('.')?;
        (!claims.contains('.')).then_some((header, claims, signed, signature))
    });
    let Some((header, claims, signed, signature)) = parts else {
        return fail("not a token: a JWT has three parts with points between them");
    };
    Ok(Parts { header: object("header", header)?, claims: object("claims", claims)?, signed, signature })
}

fn object(what: &str, part: &str) -> HostResult<Object> {
    // RFC 7515 allows the URL alphabet without padding only; more would give one token several spellings.
    let is_url_text = !part.contains(['+', '/', '=']);
    let bytes = if is_url_text { super::base64::from_text(part).ok() } else { None };
    match bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        Some(object) => Ok(object),
        None => fail(format!("not a token: the part of its {what} is no JSON object in base64url")),
    }
}

fn decode(token: &str) -> HostResult<Map> {
    let parts = split(token)?;
    let mut map = Map::new();
    map.insert("header".into(), json_to_dynamic(Value::Object(parts.header)));
    map.insert("claims".into(), json_to_dynamic(Value::Object(parts.claims)));
    Ok(map)
}

fn verify(token: &str, options: Map) -> HostResult<Map> {
    let mut options = Options::new("jwt::verify", options);
    let expected = Expected::from(&mut options)?;
    let keys = Keys::take(&mut options)?;
    options.finish("algorithms, secret, key, kid, issuer, audience and leeway")?;

    let parts = split(token)?;
    let algorithm = expected.header(&parts.header)?;
    let key = keys.verifying(algorithm)?;
    match crypto::verify(parts.signature, parts.signed.as_bytes(), &key.key, algorithm) {
        Ok(true) => {}
        _ if key.fits(algorithm) => return fail("the token's signature is wrong"),
        _ => return fail(format!("jwt: the key is no public key for {algorithm:?}")),
    }
    expected.claims(&parts.claims)?;
    let claims = parts.claims.into_iter().map(|(name, value)| (name.into(), json_to_dynamic(value)));
    Ok(claims.collect())
}

/// What a token must say to be accepted.
struct Expected {
    algorithms: Vec<Algorithm>,
    kid: Option<ImmutableString>,
    issuer: Option<Vec<ImmutableString>>,
    audience: Option<Vec<ImmutableString>>,
    leeway_seconds: i64,
}

impl Expected {
    fn from(options: &mut Options) -> HostResult<Self> {
        let Some(names) = options.texts("algorithms")?.filter(|names| !names.is_empty()) else {
            return fail(
                "jwt::verify: the option algorithms is missing; name those you accept, such as [\"RS256\"]",
            );
        };
        Ok(Self {
            algorithms: names.iter().map(|name| algorithm(name)).collect::<HostResult<_>>()?,
            kid: options.text("kid")?,
            issuer: options.texts("issuer")?,
            audience: options.texts("audience")?,
            leeway_seconds: options.whole("leeway", 0, LEEWAY_SECONDS_MAX)?.unwrap_or(0),
        })
    }

    /// The algorithm of a token whose header is acceptable.
    fn header(&self, header: &Object) -> HostResult<Algorithm> {
        let named = header.get("alg").and_then(Value::as_str).and_then(|name| name.parse().ok());
        let Some(algorithm) = named.filter(|algorithm| self.algorithms.contains(algorithm)) else {
            return fail("the token's algorithm is not one of those accepted");
        };
        if header.contains_key("crit") {
            return fail("the token demands extensions (crit) that are not supported");
        }
        match &self.kid {
            Some(kid) if header.get("kid").and_then(Value::as_str) != Some(kid.as_str()) => {
                fail("the token was signed with another key: its kid is not the expected one")
            }
            _ => Ok(algorithm),
        }
    }

    fn claims(&self, claims: &Object) -> HostResult<()> {
        let now = seconds(now_seconds()?);
        let leeway = seconds(self.leeway_seconds);
        if numeric_date(claims, "exp")?.is_some_and(|expires| now >= expires + leeway) {
            return fail("the token has expired");
        }
        if numeric_date(claims, "nbf")?.is_some_and(|begins| now < begins - leeway) {
            return fail("the token is not valid yet");
        }
        if !matches_one(self.issuer.as_deref(), claims.get("iss")) {
            return fail("the token is from another issuer");
        }
        if !matches_one(self.audience.as_deref(), claims.get("aud")) {
            return fail("the token is for another audience");
        }
        Ok(())
    }
}

/// Whether a claim, a string or an array of strings, holds one of the expected values.
fn matches_one(expected: Option<&[ImmutableString]>, claim: Option<&Value>) -> bool {
    let Some(expected) = expected else { return true };
    let is_expected =
        |value: &Value| value.as_str().is_some_and(|text| expected.iter().any(|one| one == text));
    match claim {
        Some(Value::Array(values)) => values.iter().any(is_expected),
        Some(value) => is_expected(value),
        None => false,
    }
}

fn now_seconds() -> HostResult<i64> {
    with(|context| i64::try_from(context.host.unix_time_ns().div_euclid(1_000_000_000)).unwrap_or(i64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "times in seconds are far below 2^53")]
fn seconds(whole: i64) -> f64 {
    whole as f64
}

/// A claim that is a time in seconds since 1970, possibly with a fraction.
fn numeric_date(claims: &Object, name: &str) -> HostResult<Option<f64>> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(time) => Ok(Some(time)),
            None => fail(format!("the token's claim {name} is no number")),
        },
    }
}

fn sign(claims: Map, options: Map) -> HostResult<ImmutableString> {
    let mut options = Options::new("jwt::sign", options);
    let name = options.text("algorithm")?.unwrap_or_else(|| "HS256".into());
    let algorithm = algorithm(&name)?;
    let keys = Keys::take(&mut options)?;
    let mut header = json!({ "alg": name.as_str(), "typ": "JWT" });
    if let Some(kid) = options.text("kid")? {
        header["kid"] = kid.as_str().into();
    }
    let mut claims = dynamic_to_json(&Dynamic::from_map(claims))?;
    if let Some(issuer) = options.text("issuer")? {
        claims["iss"] = issuer.as_str().into();
    }
    if let Some(audience) = options.take("audience") {
        claims["aud"] = dynamic_to_json(&audience)?;
    }
    if let Some(ttl_seconds) = options.whole("ttl", 1, TTL_SECONDS_MAX)? {
        let now = now_seconds()?;
        claims["iat"] = now.into();
        claims["exp"] = now.saturating_add(ttl_seconds).into();
    }
    options.finish("algorithm, secret, key, kid, issuer, audience and ttl")?;

    let key = keys.signing(algorithm)?;
    let text = |part: &Value| to_url_text(part.to_string().as_bytes());
    let signed = format!("{}.{}", text(&header), text(&claims));
    match crypto::sign(signed.as_bytes(), &key, algorithm) {
        Ok(signature) => Ok(format!("{signed}.{signature}").into()),
        // The library's own words could quote the key.
        Err(_) => fail(format!("jwt: the key is no private key (PKCS#8) for {name}")),
    }
}
