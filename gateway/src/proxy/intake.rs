//! From a received head to an exchange on its route, or to the reason why it is refused.

use std::rc::Rc;
use std::sync::Arc;

use forebay_engine::Exchange;
use forebay_engine::exchange::{Body, Client, Request, RouteInfo};
use forebay_engine::filter::Filters;
use http::request::Parts;
use http::{HeaderValue, Method, Uri, Version, header};
use http_body::Body as _;
use rhai::{Dynamic, Map};

use crate::body::ProxyBody;
use crate::config::ClientLimits;
use crate::generation::Generation;
use crate::hygiene::{self, Forwarding, PeerTrust, UpstreamHost};
use crate::middleware::preflight;
use crate::path;
use crate::respond::GatewayError;
use crate::route::{Lookup, RequestHead};
use crate::steps::Upgrade;
use crate::worker::connection::ConnectionState;
use crate::worker::{Serving, Worker};

/// A request that has a route.
pub(super) struct Taken {
    pub(super) exchange: Box<Exchange>,
    /// Index of its route.
    pub(super) route: usize,
    /// Whether its client asks to switch protocols.
    pub(super) upgrade: Upgrade,
}

/// A request that is refused, with what the log says of it.
pub(super) struct Refused {
    pub(super) error: GatewayError,
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// Its `Accept` field.
    pub(super) accept: Option<HeaderValue>,
}

/// Parameters of a path by name.
type Params = Vec<(Arc<str>, String)>;

/// Checks, normalises and routes a request.
pub(super) fn take(
    worker: &Rc<Worker>,
    serving: &Rc<Serving>,
    connection: &ConnectionState,
    mut head: Parts,
    body: &ProxyBody,
) -> Result<Taken, Box<Refused>> {
    let (address, edge) = (connection.peer(), connection.edge());
    let generation = &serving.generation;
    let client = hygiene::client_address(&head.headers, address.ip(), &generation.config.trusted_proxies);
    let id = worker.request_ids.choose(&head.headers, client.trust);
    let raw = head.uri.clone();
    let refuse = |error: GatewayError, head: Parts, uri: Uri, id: String| {
        let accept = head.headers.get(header::ACCEPT).cloned();
        Err(Box::new(Refused { error, id, method: head.method, uri, accept }))
    };
    if let Err(error) = hygiene::check_request(&head) {
        return refuse(GatewayError::from(&error), head, raw, id);
    }
    if let Err(error) = check_size(&head, body, &generation.config.client) {
        return refuse(error, head, raw, id);
    }
    let host_field = head.headers.get(header::HOST);
    let (uri, host) = match path::normalise(&head.method, std::mem::take(&mut head.uri), host_field) {
        Ok(target) => (target.uri, target.host.into_owned()),
        Err(error) => return refuse(GatewayError::from(error), head, raw, id),
    };
    let (route, params) = match routed(generation, &host, &uri, &head) {
        Ok(routed) => routed,
        Err(error) => return refuse(error, head, raw, id),
    };
    let forwarding = Forwarding {
        edge,
        client,
        host: &host,
        request_id: &id,
        version: head.version,
        // Which target it goes to is not known yet; sending it sets the target's own name if that is wanted.
        upstream_host: UpstreamHost::Preserve { client: &host, target: &worker.unknown_host },
    };
    let asked = hygiene::asked_upgrade(&head).filter(|_| body.is_end_stream());
    let upgrade = asked.map_or(Upgrade::No, Upgrade::Asked);
    hygiene::prepare_upstream_request(&mut head.headers, &forwarding);
    let trusted_ip = if client.trust == PeerTrust::Trusted { client.ip } else { address.ip().to_canonical() };
    let exchange = Box::new(Exchange {
        request: Request {
            method: head.method,
            uri,
            raw_target: text_of(&raw),
            scheme: edge.scheme().as_str(),
            host,
            version: head.version,
            headers: head.headers,
            body: if body.is_end_stream() { Body::Empty } else { Body::Unread },
        },
        id,
        response: None,
        client: Client { ip: trusted_ip, port: address.port(), tls: connection.tls().cloned() },
        route: RouteInfo { name: generation.routes[route].name.clone(), params },
        identity: Dynamic::UNIT,
        vars: Map::new(),
        upstream_override: None,
        request_body_max: None,
        answer_fields: Vec::new(),
        attempt: 0,
        failure: None,
        access: None,
        filters: Filters::default(),
    });
    Ok(Taken { exchange, route, upgrade })
}

/// The route of a request, by its index, with the parameters of its path. A preflight request belongs to the route of
/// the request it asks about, if that answers such.
fn routed(
    generation: &Generation,
    host: &str,
    uri: &Uri,
    head: &Parts,
) -> Result<(usize, Params), GatewayError> {
    let (path, query, headers) = (uri.path(), uri.query(), &head.headers);
    if let Some(method) = preflight::method(&head.method, headers) {
        let about = RequestHead { host, path, query, method: &method, headers };
        if let Lookup::Found(found) = generation.router.find(&about)
            && generation.routes[found.index].answers_preflight
        {
            return Ok((found.index, found.to_params()));
        }
    }
    match generation.router.find(&RequestHead { host, path, query, method: &head.method, headers }) {
        // It sends a request back with all its fields, which is for those who ask for it (RFC 9110, section 9.3.8).
        Lookup::Found(found) if head.method == Method::TRACE && !names_trace(generation, found.index) => {
            Err(GatewayError::method(generation.config.routes[found.index].matcher.methods.clone()))
        }
        Lookup::Found(found) => Ok((found.index, found.to_params())),
        Lookup::MethodNotAllowed { allow } => Err(GatewayError::method(allow)),
        Lookup::NotFound => Err(GatewayError::no_route()),
    }
}

fn names_trace(generation: &Generation, route: usize) -> bool {
    generation.config.routes[route].matcher.methods.contains(&Method::TRACE)
}

/// Whether the request is within what its head says of its size.
fn check_size(head: &Parts, body: &ProxyBody, limits: &ClientLimits) -> Result<(), GatewayError> {
    // For HTTP/1 the parser has counted the fields.
    if head.version == Version::HTTP_2 && head.headers.len() > limits.headers_max {
        return Err(GatewayError::too_many_headers());
    }
    if body.size_hint().lower() > limits.body_bytes_max {
        return Err(GatewayError::body_too_large(limits.body_bytes_max));
    }
    Ok(())
}

/// The target as it was received. Almost always it is in origin form, which needs no formatting.
fn text_of(target: &Uri) -> String {
    match (target.scheme(), target.path_and_query()) {
        (None, Some(text)) => text.as_str().to_owned(),
        _ => target.to_string(),
    }
}
