//! What hooks are run on in tests, and what comes out of them.

use std::sync::Arc;

use bytes::Bytes;
use forebay_engine::exchange::{Body, Origin, Request, Response};
use forebay_engine::filter::Filters;
use forebay_engine::script::tools;
use forebay_engine::verdict::Reply;
use forebay_engine::{Exchange, Hook};
use rhai::{Blob, Dynamic, ImmutableString, Map};

use super::api::Api;
use super::draft::Draft;
use super::failure::{TestResult, misuse};
use super::values::{Fields, plain};
use crate::script_tools::scene::{self, Bodies, Payload, Scene, WORLD_KEYS};
use crate::script_tools::view;

/// An exchange after a hook.
#[derive(Debug, Clone)]
pub(super) struct Went {
    pub(super) exchange: Arc<Exchange>,
    pub(super) bodies: Bodies,
    pub(super) reply: Option<Reply>,
}

/// Registers exchanges.
pub(super) fn register(api: &mut Api) {
    api.add_type::<Went>("Exchange");
    api.add("Exchange", "verdict -> string", "`continue` or `reply`.", |went: &mut Went| {
        if went.reply.is_some() { "reply" } else { "continue" }
    });
    api.add(
        "Exchange",
        "reply -> any",
        "The answer of the hook: `status`, `headers`, `body`, `json`; or `()`.",
        |went: &mut Went| {
            let answer = |reply: &Reply| {
                let mut map = message(&reply.headers, &reply.body);
                map.insert("status".into(), i64::from(reply.status.as_u16()).into());
                Dynamic::from_map(map)
            };
            went.reply.as_ref().map_or(Dynamic::UNIT, answer)
        },
    );
    api.add(
        "Exchange",
        "request -> map",
        "The request as it would go on: `method`, `path`, `query` (text), `headers`, `body`, `json` (the body \
         parsed, or `()`).",
        request_map,
    );
    api.add(
        "Exchange",
        "response -> any",
        "The response as it would go on: `status`, `headers`, `body`, `json`, `origin`; or `()`. A reply is one.",
        response_map,
    );
    api.add("Exchange", "vars -> map", "The values in `req.vars`.", |went: &mut Went| {
        went.exchange.vars.clone()
    });
    api.add("Exchange", "identity -> any", "Who the caller is, or `()`.", |went: &mut Went| {
        went.exchange.identity.clone()
    });
    api.add("Exchange", "upstream -> any", "The upstream a hook chose, or `()`.", |went: &mut Went| {
        let name = went.exchange.upstream_override.as_deref();
        name.map_or(Dynamic::UNIT, |name| ImmutableString::from(name).into())
    });
    api.add(
        "Exchange",
        "access -> any",
        "After `on_log`: `suppressed`, and the fields it added in `extra`; else `()`.",
        |went: &mut Went| {
            went.exchange.access.as_ref().map_or(Dynamic::UNIT, |access| {
                Dynamic::from_map(Map::from([
                    ("suppressed".into(), access.suppressed.into()),
                    ("extra".into(), access.extra.clone().into()),
                ]))
            })
        },
    );
}

fn message(headers: &http::HeaderMap, body: &Bytes) -> Map {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text.into(),
        Err(_) => Dynamic::from_blob(body.to_vec()),
    };
    let json = serde_json::from_slice(body).map_or(Dynamic::UNIT, tools::from_json);
    let headers = Dynamic::from(Fields::new(headers));
    Map::from([("headers".into(), headers), ("body".into(), text), ("json".into(), json)])
}

fn request_map(went: &mut Went) -> Map {
    let request = &went.exchange.request;
    let mut map = message(&request.headers, view::body_bytes(&request.body, &went.bodies.request));
    map.insert("method".into(), request.method.as_str().into());
    map.insert("path".into(), request.uri.path().into());
    map.insert("query".into(), request.uri.query().unwrap_or_default().into());
    map
}

fn response_map(went: &mut Went) -> Dynamic {
    let Some(response) = &went.exchange.response else { return Dynamic::UNIT };
    let mut map = message(&response.headers, view::body_bytes(&response.body, &went.bodies.response));
    map.insert("status".into(), i64::from(response.status.as_u16()).into());
    map.insert("origin".into(), response.origin.as_str().into());
    Dynamic::from_map(map)
}

/// A scene from a map with the keys of a request file; bodies may be blobs.
pub(super) fn scene(parts: &Map) -> Result<Scene, String> {
    let mut parts = plain(&Dynamic::from_map(parts.clone())).cast::<Map>();
    let body = take_blob(&mut parts);
    let response_body = parts
        .get_mut("response")
        .and_then(Dynamic::write_lock::<Map>)
        .and_then(|mut map| take_blob(&mut map));
    let json = tools::to_json(&Dynamic::from_map(parts))?;
    let mut scene: Scene = serde_json::from_value(json).map_err(|error| error.to_string())?;
    if let Some(body) = body {
        scene.body = body;
    }
    if let (Some(body), Some(response)) = (response_body, &mut scene.response) {
        response.body = body;
    }
    Ok(scene)
}

fn take_blob(parts: &mut Map) -> Option<Payload> {
    let bytes: Bytes = parts.get("body")?.read_lock::<Blob>()?.to_vec().into();
    parts.remove("body");
    Some(Payload::Bytes(bytes))
}

/// What a hook is about to be run on: a map, a request, or an exchange that goes on, with the parts the hook
/// needs besides.
pub(super) fn begin(subject: &Dynamic, parts: Map, hook: Hook) -> TestResult<(Box<Exchange>, Bodies)> {
    let replaces_response = parts.contains_key("response");
    let went = subject.read_lock::<Went>().map(|went| went.clone());
    let draft = subject.read_lock::<Draft>().map(|draft| draft.parts());
    let mut map = match (&went, draft.or_else(|| subject.clone().try_cast::<Map>())) {
        (Some(_), _) => Map::new(),
        (None, Some(map)) => map,
        (None, None) => {
            return misuse(format!(
                "{} is run on a map, a request(...) or an exchange, not on {}",
                hook.function(),
                subject.type_name()
            ));
        }
    };
    if let Some(key) = map.keys().find(|key| WORLD_KEYS.contains(&key.as_str())) {
        return misuse(format!("`{key}` belongs to the world: world(#{{ {key}: ... }})"));
    }
    map.extend(parts);
    let built = scene(&map).and_then(|scene| scene::build(&scene, hook));
    let (fresh, mut bodies) = match built {
        Ok(built) => built,
        Err(message) => return misuse(message),
    };
    let Some(went) = went else { return Ok((fresh, bodies)) };
    let mut exchange = went.copy();
    bodies.request = went.bodies.request;
    if replaces_response || exchange.response.is_none() {
        exchange.response = fresh.response;
    } else {
        bodies.response = went.bodies.response;
    }
    exchange.failure = fresh.failure;
    exchange.access = fresh.access;
    let is_answered_upstream =
        exchange.response.as_ref().is_some_and(|response| matches!(response.origin, Origin::Upstream { .. }));
    if is_answered_upstream && exchange.attempt == 0 {
        exchange.attempt = 1;
    }
    Ok((exchange, bodies))
}

impl Went {
    /// What a hook left behind; a reply becomes the response, as it does in the gateway.
    pub(super) fn new(mut exchange: Box<Exchange>, bodies: Bodies, reply: Option<Reply>) -> Self {
        if let Some(reply) = &reply {
            exchange.response = Some(Response {
                status: reply.status,
                headers: reply.headers.clone(),
                body: Body::Replaced(reply.body.clone()),
                origin: Origin::Step,
            });
        }
        Self { exchange: Arc::new(*exchange), bodies, reply }
    }

    /// A copy to go on with. Exchanges are not cloned in the gateway, so the engine has no `Clone` for them.
    fn copy(&self) -> Box<Exchange> {
        let Exchange { request, response, .. } = &*self.exchange;
        Box::new(Exchange {
            id: self.exchange.id.clone(),
            request: Request {
                method: request.method.clone(),
                uri: request.uri.clone(),
                raw_target: request.raw_target.clone(),
                scheme: request.scheme,
                host: request.host.clone(),
                version: request.version,
                headers: request.headers.clone(),
                body: request.body.clone(),
            },
            response: response.as_ref().map(|response| Response {
                status: response.status,
                headers: response.headers.clone(),
                body: response.body.clone(),
                origin: response.origin.clone(),
            }),
            client: self.exchange.client.clone(),
            route: self.exchange.route.clone(),
            identity: self.exchange.identity.clone(),
            vars: self.exchange.vars.clone(),
            upstream_override: self.exchange.upstream_override.clone(),
            request_body_max: self.exchange.request_body_max,
            answer_fields: self.exchange.answer_fields.clone(),
            attempt: self.exchange.attempt,
            failure: self.exchange.failure.clone(),
            access: self.exchange.access.clone(),
            filters: Filters::default(),
        })
    }
}
