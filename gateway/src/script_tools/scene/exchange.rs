//! From the shape a person writes to the engine's exchange, with an error for each value that fits nowhere.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use forebay_engine::exchange::{
    AccessRecord, Body, Client, Failure, Origin, PeerCertificate, Request, Response, RouteInfo, Tls,
};
use forebay_engine::host::HttpAnswer;
use forebay_engine::script::tools;
use forebay_engine::{Exchange, Hook};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use serde_json::Value;

use super::{AccessShape, FailureShape, MockShape, Payload, ResponseShape, Scene, TlsShape};

/// The bodies that a script reads by waiting for them.
#[derive(Debug, Clone, Default)]
pub(in crate::script_tools) struct Bodies {
    pub(in crate::script_tools) request: Bytes,
    pub(in crate::script_tools) response: Bytes,
}

/// The exchange a hook of this kind would meet. What the hook needs and the scene does not say has defaults.
///
/// # Errors
/// The key and what it should have been.
pub(in crate::script_tools) fn build(scene: &Scene, hook: Hook) -> Result<(Box<Exchange>, Bodies), String> {
    let mut bodies = Bodies { request: scene.body.bytes(), response: Bytes::new() };
    let answer = match (&scene.response, hook) {
        (Some(shape), _) => Some(response(shape)?),
        (None, Hook::Response | Hook::Log) => Some(response(&ResponseShape::default())?),
        (None, Hook::Request | Hook::Error) => None,
    };
    let answer = answer.map(|(response, body)| {
        bodies.response = body;
        response
    });
    let failure = match (&scene.failure, hook) {
        (Some(shape), _) => Some(failure(shape)?),
        (None, Hook::Error) => Some(failure(&FailureShape::default())?),
        (None, _) => None,
    };
    let access = match (&scene.access, hook) {
        (Some(shape), _) => Some(access(shape)),
        (None, Hook::Log) => Some(access(&AccessShape::default())),
        (None, _) => None,
    };
    let ip = &scene.client.ip;
    let exchange = Exchange {
        id: id(scene.id.as_deref())?,
        request: request(scene)?,
        response: answer,
        client: Client {
            ip: ip.parse().map_err(|_| format!("client.ip: {ip:?} is no IP address"))?,
            port: scene.client.port,
            tls: scene.tls.as_ref().map(tls).transpose()?.map(Arc::new),
        },
        route: RouteInfo {
            name: scene.route.name.as_str().into(),
            params: scene
                .route
                .params
                .iter()
                .map(|(key, value)| (Arc::from(&**key), value.clone()))
                .collect(),
        },
        identity: identity(&scene.identity)?,
        vars: scene.vars.iter().map(|(key, value)| (key.into(), tools::from_json(value.clone()))).collect(),
        upstream_override: None,
        request_body_max: None,
        answer_fields: Vec::new(),
        attempt: scene.attempt,
        failure,
        access,
        filters: forebay_engine::filter::Filters::default(),
    };
    Ok((Box::new(exchange), bodies))
}

/// A connection of which the scene says something; what it does not say is the usual.
fn tls(shape: &TlsShape) -> Result<Tls, String> {
    let peer = shape.peer.clone().map(|peer| PeerCertificate {
        subject: peer.subject,
        issuer: peer.issuer,
        serial: peer.serial,
        sha256: peer.sha256,
        not_before: peer.not_before,
        not_after: peer.not_after,
        names: peer.names,
    });
    Ok(Tls {
        version: match shape.version.as_deref() {
            None | Some("1.3") => "1.3",
            Some("1.2") => "1.2",
            Some(other) => return Err(format!("tls.version: {other:?} is neither \"1.2\" nor \"1.3\"")),
        },
        cipher: shape.cipher.clone().unwrap_or_else(|| "TLS13_AES_256_GCM_SHA384".into()),
        server_name: shape.sni.clone(),
        alpn: shape.alpn.clone(),
        resumed: shape.resumed,
        peer,
    })
}

fn id(id: Option<&str>) -> Result<String, String> {
    let id = id.unwrap_or("offline-1");
    let fits = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(id.to_owned()) } else { Err(format!("id: {id:?} is not 1 to 128 visible ASCII characters")) }
}

fn identity(value: &Value) -> Result<rhai::Dynamic, String> {
    match value {
        Value::Null => Ok(rhai::Dynamic::UNIT),
        Value::Object(entries) if entries.contains_key("id") => Ok(tools::from_json(value.clone())),
        _ => Err("identity: expected an object with at least an \"id\"".into()),
    }
}

fn request(scene: &Scene) -> Result<Request, String> {
    let method = scene.method.as_deref().unwrap_or("GET");
    let target = scene.path.as_deref().unwrap_or("/");
    let uri: Option<Uri> = target.parse().ok().filter(|_| target.starts_with('/'));
    let mut headers = header_map("headers", &scene.headers)?;
    if !headers.contains_key(header::HOST) {
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    }
    describe(&mut headers, &scene.body);
    let host = headers.get(header::HOST).map(|value| tools::header_text(value).to_lowercase());
    Ok(Request {
        method: Method::from_bytes(method.as_bytes())
            .map_err(|_| format!("method: {method:?} is no HTTP method"))?,
        uri: uri.ok_or_else(|| {
            format!("path: {target:?} is no request target; it begins with / and may hold a ?query")
        })?,
        raw_target: target.to_owned(),
        scheme: match scene.scheme.as_deref() {
            None if scene.tls.is_some() => "https",
            None | Some("http") => "http",
            Some("https") => "https",
            Some(other) => return Err(format!("scheme: {other:?} is neither \"http\" nor \"https\"")),
        },
        host: host.unwrap_or_default(),
        version: Version::HTTP_11,
        headers,
        body: if scene.body.bytes().is_empty() { Body::Empty } else { Body::Unread },
    })
}

/// A response and the bytes of its body.
pub(in crate::script_tools) fn response(shape: &ResponseShape) -> Result<(Response, Bytes), String> {
    let mut headers = header_map("response.headers", &shape.headers)?;
    describe(&mut headers, &shape.body);
    let body = shape.body.bytes();
    let response = Response {
        status: status("response.status", shape.status)?,
        headers,
        body: if body.is_empty() { Body::Empty } else { Body::Unread },
        origin: match shape.origin.as_str() {
            "upstream" => Origin::Upstream { address: "upstream.test:80".into(), microseconds: 0 },
            "step" => Origin::Step,
            "gateway" => Origin::Gateway,
            other => {
                return Err(format!(
                    "response.origin: {other:?} is unknown; there are upstream, step and gateway"
                ));
            }
        },
    };
    Ok((response, body))
}

fn failure(shape: &FailureShape) -> Result<Failure, String> {
    Ok(Failure {
        status: status("failure.status", shape.status)?,
        kind: interned(&shape.kind),
        message: shape.message.clone(),
    })
}

fn access(shape: &AccessShape) -> AccessRecord {
    AccessRecord {
        total_microseconds: shape.total_us,
        upstream_microseconds: shape.upstream_us,
        steps_microseconds: shape.steps_us,
        request_bytes: shape.request_bytes,
        response_bytes: shape.response_bytes,
        end_reason: interned(&shape.end_reason),
        ..AccessRecord::default()
    }
}

/// A final status code.
fn status(key: &str, code: u16) -> Result<StatusCode, String> {
    let status = StatusCode::from_u16(code).ok().filter(|_| (200..600).contains(&code));
    status.ok_or_else(|| format!("{key}: {code} is no final status code; expected 200 to 599"))
}

/// Header fields from texts, numbers, booleans and lists of them.
fn header_map(key: &str, entries: &BTreeMap<String, Value>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in entries {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("{key}: {name:?} is no header name"))?;
        let values = match value {
            Value::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => return Err(format!("{key}: {name} takes a string or a list of strings")),
            };
            let value = HeaderValue::from_bytes(text.as_bytes())
                .map_err(|_| format!("{key}: the value of {name} holds a control character"))?;
            headers.append(parsed.clone(), value);
        }
    }
    Ok(headers)
}

/// A body written as JSON says so, unless the headers say something else.
fn describe(headers: &mut HeaderMap, body: &Payload) {
    if matches!(body, Payload::Json(_)) && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
}

/// The word as a constant. The engine's codes are constants of the program; those of a file are kept for the
/// life of the process instead, each once.
fn interned(word: &str) -> &'static str {
    static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = words.get(word) {
        return known;
    }
    let word: &'static str = Box::leak(word.to_owned().into_boxed_str());
    words.insert(word);
    word
}

/// What a mock answers.
pub(in crate::script_tools) fn mock_answer(shape: &MockShape) -> Result<Result<HttpAnswer, String>, String> {
    if let Some(reason) = &shape.error {
        if shape.status.is_some() || !matches!(shape.body, Payload::Nothing) {
            return Err("http: a mock has either an error or an answer (status, headers, body)".into());
        }
        return Ok(Err(reason.clone()));
    }
    let mut headers = header_map("http.headers", &shape.headers)?;
    describe(&mut headers, &shape.body);
    let status = status("http.status", shape.status.unwrap_or(200))?;
    Ok(Ok(HttpAnswer { status, headers, body: shape.body.bytes() }))
}
