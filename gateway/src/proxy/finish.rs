//! The end of an exchange, however it comes: the answer is complete, the client has gone, the body broke.
//!
//! Counting and logging hang off the response body's end, or off dropping the request before there is one, so
//! that each request is counted and logged exactly once.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use forebay_engine::exchange::{AccessRecord, Body, Origin};
use forebay_engine::{Exchange, Hook};
use http::{HeaderMap, Method, StatusCode, Uri, Version, header};
use serde_json::{Map, Value, json};

use super::Answered;
use super::intake::Refused;
use super::target::told;
use super::tunnel::Tunnel;
use crate::body::{BodyEnd, EndReason, Outcome, Progress, ProxyBody, Side};
use crate::component::{AccessFilter, AccessView, Keep};
use crate::hygiene;
use crate::proxy_protocol::Ends;
use crate::steps::{StepRunner, Unread, Upgrade};
use crate::worker::connection::ConnectionState;
use crate::worker::{Serving, Worker};

/// Status the log shows for a client that has gone, as nginx has it; it is never sent.
const CLIENT_GONE: u16 = 499;

/// What is to be done when the exchange is over.
pub(super) struct Finish(Option<Box<Ending>>);

struct Ending {
    worker: Rc<Worker>,
    connection: Rc<ConnectionState>,
    serving: Rc<Serving>,
    started: Instant,
    steps: Duration,
    upstream: Duration,
    request_body: Option<Rc<Progress>>,
    /// Bytes from the client after the connection has switched protocols.
    tunnelled: u64,
    /// What the log says of the request if there is no exchange at the end.
    summary: Summary,
    /// Index of the route and the exchange, for `on_log`.
    route: Option<usize>,
    exchange: Option<Box<Exchange>>,
    version: Version,
    /// The server that answered.
    address: Option<Arc<str>>,
    status: u16,
    end: &'static str,
}

#[derive(Default)]
struct Summary {
    id: String,
    method: Method,
    uri: Uri,
    host: String,
    client: String,
}

impl Finish {
    pub(super) fn begin(
        worker: &Rc<Worker>,
        connection: &Rc<ConnectionState>,
        serving: &Rc<Serving>,
        version: Version,
    ) -> Self {
        worker.metrics.active.add(1);
        Self(Some(Box::new(Ending {
            worker: worker.clone(),
            connection: connection.clone(),
            serving: serving.clone(),
            started: Instant::now(),
            steps: Duration::ZERO,
            upstream: Duration::ZERO,
            request_body: None,
            tunnelled: 0,
            summary: Summary::default(),
            route: None,
            exchange: None,
            version,
            address: None,
            status: CLIENT_GONE,
            end: EndReason::ClientGone.code(),
        })))
    }

    fn edit(&mut self, change: impl FnOnce(&mut Ending)) {
        if let Some(ending) = &mut self.0 {
            change(ending);
        }
    }

    pub(super) fn watch_request(&mut self, body: &mut ProxyBody) {
        self.edit(|ending| {
            if ending.worker.access_log.is_on() {
                ending.request_body = body.watch();
            }
        });
    }

    pub(super) fn refused(&mut self, refused: &Refused) {
        let (id, method, uri) = (refused.id.clone(), refused.method.clone(), refused.uri.clone());
        self.edit(|ending| {
            let client = ending.connection.peer().ip().to_string();
            ending.summary = Summary { id, method, uri, host: String::new(), client };
        });
    }

    pub(super) fn taken(&mut self, exchange: &Exchange, route: usize) {
        self.edit(|ending| {
            ending.route = Some(route);
            let request = &exchange.request;
            ending.summary.id.clone_from(&exchange.id);
            ending.summary.method = request.method.clone();
            // The rest is read by the access log alone.
            if ending.worker.access_log.is_on() {
                ending.summary.uri = request.uri.clone();
                ending.summary.host.clone_from(&request.host);
                ending.summary.client = exchange.client.ip.to_string();
            }
        });
    }

    pub(super) fn request_id(&self) -> &str {
        self.0.as_ref().map_or("", |ending| &ending.summary.id)
    }

    /// Both ends of the client's connection.
    pub(super) fn ends(&self) -> Option<Ends> {
        self.0.as_ref().map(|ending| ending.connection.ends())
    }

    /// The method that the client used.
    pub(super) fn method(&self) -> &Method {
        self.0.as_ref().map_or(&Method::GET, |ending| &ending.summary.method)
    }

    pub(super) fn upstream_waited(&mut self, time: Duration) {
        self.edit(|ending| ending.upstream += time);
    }

    pub(super) fn steps_spent(&mut self, time: Duration) {
        self.edit(|ending| ending.steps += time);
    }

    /// Turns an answer into the response for hyper, with the ending tied to its body.
    pub(super) fn respond(mut self, answered: Answered) -> http::Response<ProxyBody> {
        let Answered { response, mut exchange, end, body, close, upgrade } = answered;
        let mut headers = response.headers;
        // An answer to HEAD tells the length of a body that is not there; not of one that a step has put there.
        if matches!(response.body, Body::Replaced(_) | Body::Empty) {
            headers.remove(header::CONTENT_LENGTH);
        }
        let is_http2 = self.0.as_ref().is_some_and(|ending| ending.version == Version::HTTP_2);
        // HTTP/2 has no such field; there only the one stream ends.
        if close && !is_http2 {
            headers.insert(header::CONNECTION, http::HeaderValue::from_static("close"));
        }
        let is_empty = matches!(response.body, Body::Empty);
        let mut body = match response.body {
            Body::Empty => ProxyBody::empty(),
            Body::Read(bytes) | Body::Replaced(bytes) => ProxyBody::full(bytes),
            Body::Unread => body.unwrap_or_else(ProxyBody::empty),
        };
        if let Some(exchange) = &mut exchange {
            body = body.filtered(Side::Upstream, std::mem::take(&mut exchange.filters.response));
        }
        if let Some(mut ending) = self.0.take() {
            ending.status = response.status.as_u16();
            ending.end = end;
            ending.exchange = exchange;
            if let Origin::Upstream { address, .. } = &response.origin {
                ending.address = Some(address.clone());
            }
            if ending.has_log_steps()
                && let Some(exchange) = &mut ending.exchange
            {
                let (status, headers) = (response.status, headers.clone());
                let body = if is_empty { Body::Empty } else { Body::Unread };
                let origin = response.origin;
                exchange.response =
                    Some(forebay_engine::exchange::Response { status, headers, body, origin });
            }
            if response.status == StatusCode::SWITCHING_PROTOCOLS
                && let Upgrade::Switched(protocol, upgraded) = upgrade
            {
                hygiene::set_upgrade(&mut headers, protocol);
                let connection = ending.connection.clone();
                connection.switches(Tunnel::new(Self(Some(ending)), upgraded));
                return assembled(response.status, headers, ProxyBody::empty());
            }
            if is_http2 && let Some(progress) = body.watch() {
                ending.connection.watch_response(progress);
            }
            body.on_end(move |end| ending.over(end));
        }
        assembled(response.status, headers, body)
    }

    /// The tunnel that the exchange had become is over. The bytes are those from the client and those to it.
    pub(super) fn tunnelled(mut self, (from_client, to_client): (u64, u64), end: EndReason) {
        if let Some(mut ending) = self.0.take() {
            ending.tunnelled = from_client;
            ending.end = end.code();
            ending.over(BodyEnd { bytes: to_client, outcome: Outcome::Complete });
        }
    }
}

fn assembled(status: StatusCode, headers: HeaderMap, body: ProxyBody) -> http::Response<ProxyBody> {
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

impl Drop for Finish {
    fn drop(&mut self) {
        if let Some(ending) = self.0.take() {
            ending.over(BodyEnd { bytes: 0, outcome: Outcome::Dropped });
        }
    }
}

impl Ending {
    fn has_log_steps(&self) -> bool {
        self.route.is_some_and(|route| self.serving.generation.routes[route].chain.has(Hook::Log))
    }

    /// The exchange is over.
    fn over(mut self: Box<Self>, end: BodyEnd) {
        self.connection.request_ends();
        let total = self.started.elapsed();
        self.worker.metrics.active.subtract(1);
        self.worker.metrics.finished(self.status, total);
        match end.outcome {
            Outcome::Complete => {}
            Outcome::Failed(error) => self.end = error.end_reason().code(),
            // hyper drops the body of an answer to HEAD unread; that is its end.
            Outcome::Dropped if self.summary.method == Method::HEAD => {}
            Outcome::Dropped => self.end = EndReason::ClientGone.code(),
        }
        if self.has_log_steps() && self.exchange.is_some() {
            let ending = self.worker.ends();
            tokio::task::spawn_local(async move {
                if let Some(record) = self.log_steps(total, end.bytes).await {
                    self.write(&record);
                }
                drop(ending);
            });
        } else if self.worker.access_log.is_on() {
            let record = self.record(total, end.bytes);
            self.write(&record);
        }
    }

    fn record(&self, total: Duration, response_bytes: u64) -> AccessRecord {
        let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        AccessRecord {
            started_unix_ns: now.saturating_sub(total).as_nanos(),
            total_microseconds: us(total),
            upstream_microseconds: us(self.upstream),
            steps_microseconds: us(self.steps),
            request_bytes: self.request_body.as_ref().map_or(0, |progress| progress.bytes()) + self.tunnelled,
            response_bytes,
            end_reason: self.end,
            ..AccessRecord::default()
        }
    }

    /// Runs `on_log`; `None` when a step has suppressed the record.
    async fn log_steps(&mut self, total: Duration, response_bytes: u64) -> Option<AccessRecord> {
        let record = self.record(total, response_bytes);
        let (Some(route), Some(mut exchange)) = (self.route, self.exchange.take()) else {
            return Some(record);
        };
        exchange.access = Some(record);
        let route = &self.serving.generation.routes[route];
        let mut run =
            StepRunner { worker: &self.worker, serving: &self.serving, route, spent: Duration::ZERO };
        let (mut exchange, _) = run.run(Hook::Log, exchange, &mut Unread::passed_on()).await;
        let record = exchange.access.take();
        self.exchange = Some(exchange);
        record.filter(|record| !record.suppressed)
    }

    fn write(&self, record: &AccessRecord) {
        if !self.worker.access_log.is_on() {
            return;
        }
        let exchange = self.exchange.as_ref();
        let extra: serde_json::Map<String, serde_json::Value> = record
            .extra
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), serde_json::to_value(value).ok()?)))
            .collect();
        let mut line = json!({
            "time_unix_us": u64::try_from(record.started_unix_ns / 1_000).unwrap_or(u64::MAX),
            "request_id": self.summary.id,
            "client": self.summary.client,
            "method": self.summary.method.as_str(),
            "host": self.summary.host,
            "protocol": match self.version {
                Version::HTTP_10 => "1.0",
                Version::HTTP_2 => "2",
                _ => "1.1",
            },
            "target": self.target(),
            "route": exchange.map(|exchange| &*exchange.route.name),
            "status": self.status,
            "end_reason": record.end_reason,
            "upstream": self.address.as_deref(),
            "attempts": exchange.map_or(0, |exchange| exchange.attempt),
            "total_us": record.total_microseconds,
            "upstream_us": record.upstream_microseconds,
            "steps_us": record.steps_microseconds,
            "request_bytes": record.request_bytes,
            "response_bytes": record.response_bytes,
            "generation": self.serving.generation.number,
        });
        if let Some(tls) = self.connection.tls() {
            line["tls"] = json!({
                "version": tls.version,
                "cipher": tls.cipher,
                "server_name": tls.server_name,
                "resumed": tls.resumed,
                "client": tls.peer.as_ref().map(|peer| &peer.subject),
            });
        }
        if !extra.is_empty() {
            line["extra"] = extra.into();
        }
        if let Some(filter) = self.serving.generation.registry.access_filter()
            && self.filtered(filter, record, &mut line) == Keep::Dropped
        {
            return;
        }
        self.worker.access_log.line(|buffer| {
            // Writing to a Vec cannot fail.
            let _ = write!(buffer, "{line}");
        });
    }

    /// The target as the log tells it.
    fn target(&self) -> String {
        let generation = &self.serving.generation;
        let secret = match self.route {
            Some(route) => &generation.routes[route].secret_parameters,
            None => &generation.secret_parameters,
        };
        told(self.summary.uri.to_string(), secret)
    }

    /// Lets a filter see the record and change its line. One that panics leaves it as it is.
    fn filtered(&self, filter: &dyn AccessFilter, record: &AccessRecord, line: &mut Value) -> Keep {
        let exchange = self.exchange.as_ref();
        let target = self.target();
        let view = AccessView {
            request_id: &self.summary.id,
            client: &self.summary.client,
            method: self.summary.method.as_str(),
            host: &self.summary.host,
            target: &target,
            route: exchange.map(|exchange| &*exchange.route.name),
            end_reason: record.end_reason,
            server: self.address.as_deref(),
            status: self.status,
            attempts: exchange.map_or(0, |exchange| exchange.attempt),
            record,
        };
        let mut fields = Map::new();
        let keep = catch_unwind(AssertUnwindSafe(|| filter.filter(&view, &mut fields)));
        let Ok(keep) = keep else {
            tracing::error!(request_id = self.summary.id, "the access-record filter panicked");
            return Keep::Written;
        };
        let Value::Object(line) = line else { return keep };
        for (name, value) in fields {
            if let Some(own) = line.get_mut(&name) {
                *own = value;
            } else if let Value::Object(extra) = line.entry("extra").or_insert_with(|| Map::new().into()) {
                extra.insert(name, value);
            }
        }
        keep
    }
}
