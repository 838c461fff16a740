//! From a received head to an exchange on its route, or to the reason why it is refused.

use std::net::SocketAddr;
use std::rc::Rc;

use forebay_engine::Exchange;
use forebay_engine::exchange::{Body, Client, Request, RouteInfo};
use http::request::Parts;
use http::{Method, Uri, header};
use http_body::Body as _;
use rhai::{Dynamic, Map};

use crate::body::ProxyBody;
use crate::hygiene::{self, Edge, Forwarding, PeerTrust, UpstreamHost};
use crate::path;
use crate::respond::GatewayError;
use crate::route::{Lookup, RequestHead};
use crate::worker::{Serving, Worker};

/// A request that has a route.
pub(super) struct Taken {
    pub(super) exchange: Box<Exchange>,
    /// Index of its route.
    pub(super) route: usize,
}

/// A request that is refused, with what the log says of it.
pub(super) struct Refused {
    pub(super) error: GatewayError,
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) uri: Uri,
}

/// Checks, normalises and routes a request.
pub(super) fn take(
    worker: &Rc<Worker>,
    serving: &Rc<Serving>,
    peer: (SocketAddr, &Edge),
    mut head: Parts,
    body: &ProxyBody,
) -> Result<Taken, Box<Refused>> {
    let (address, edge) = peer;
    let generation = &serving.generation;
    let client = hygiene::client_address(&head.headers, address.ip(), &generation.config.trusted_proxies);
    let id = worker.request_ids.choose(&head.headers, client.trust);
    let raw = head.uri.clone();
    let refuse = |error: GatewayError, method: Method, uri: Uri, id: String| {
        Err(Box::new(Refused { error, id, method, uri }))
    };
    if let Err(error) = hygiene::check_request(&head) {
        return refuse(GatewayError::from(&error), head.method, raw, id);
    }
    let limit = generation.config.client.body_bytes_max;
    if body.size_hint().lower() > limit {
        return refuse(GatewayError::body_too_large(limit), head.method, raw, id);
    }
    let host_field = head.headers.get(header::HOST);
    let (uri, host) = match path::normalise(&head.method, std::mem::take(&mut head.uri), host_field) {
        Ok(target) => (target.uri, target.host.into_owned()),
        Err(error) => return refuse(GatewayError::from(error), head.method, raw, id),
    };
    let lookup = generation.router.find(&RequestHead {
        host: &host,
        path: uri.path(),
        query: uri.query(),
        method: &head.method,
        headers: &head.headers,
    });
    let (route, params) = match lookup {
        Lookup::Found(found) => (found.index, found.to_params()),
        Lookup::MethodNotAllowed { allow } => {
            return refuse(GatewayError::method(allow), head.method, raw, id);
        }
        Lookup::NotFound => return refuse(GatewayError::no_route(), head.method, raw, id),
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
    hygiene::prepare_upstream_request(&mut head.headers, &forwarding);
    let trusted_ip = if client.trust == PeerTrust::Trusted { client.ip } else { address.ip().to_canonical() };
    let exchange = Box::new(Exchange {
        request: Request {
            method: head.method,
            uri,
            raw_target: text_of(&raw),
            scheme: "http",
            host,
            version: head.version,
            headers: head.headers,
            body: if body.is_end_stream() { Body::Empty } else { Body::Unread },
        },
        id,
        response: None,
        client: Client { ip: trusted_ip, port: address.port() },
        route: RouteInfo { name: generation.routes[route].name.clone(), params },
        identity: Dynamic::UNIT,
        vars: Map::new(),
        upstream_override: None,
        attempt: 0,
        failure: None,
        access: None,
    });
    Ok(Taken { exchange, route })
}

/// The target as it was received. Almost always it is in origin form, which needs no formatting.
fn text_of(target: &Uri) -> String {
    match (target.scheme(), target.path_and_query()) {
        (None, Some(text)) => text.as_str().to_owned(),
        _ => target.to_string(),
    }
}
