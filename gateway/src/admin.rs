//! The admin interface: JSON over HTTP on a unix socket that only its owner can open.
//!
//! | | |
//! |---|---|
//! | `POST /v1/reload` | builds and publishes; answers when done: 200, or 422 with the problems |
//! | `GET /v1/status` | generations, workers, counters |
//! | `GET /v1/routes` | the routes, which code serves each step, and all components |
//! | `GET /v1/scripts` | the scripts in use, each with its mode, state and calls by tier |
//! | `POST /v1/scripts/NAME/promote` | compiles a script; answers when settled: 200 if it is installed, else 422 |
//! | `POST /v1/scripts/NAME/demote` | makes the interpreter run it again |
//! | `GET /v1/patches` | the patches of the folder, each with its state and counters |
//! | `POST /v1/patches/NAME/disable`, `enable`, `revert` | decides and reloads: 200, or 409 or 422 with the reason |
//! | `POST /v1/patches/NAME/apply/SHA256` | as above, for a patch that was just put into the folder |

pub mod client;
mod patches;
pub mod socket;
mod upstreams;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::{oneshot, watch};

use crate::config::Route;
use crate::control::{Event, LastReload, ReloadReport};
use crate::diagnostic::{Diagnostic, Style, render_all};
use crate::generation::{Generation, Serves};
use crate::metrics;
use crate::promote::{Refusal, Report, State};
use crate::worker::Shared;

/// What the admin interface can see and do.
pub struct Admin {
    /// What the workers share.
    pub shared: Arc<Shared>,
    /// How the last reload went.
    pub last_reload: watch::Receiver<LastReload>,
    /// When the process began.
    pub started: SystemTime,
}

/// Serves until the process ends.
pub async fn serve(admin: Arc<Admin>, listener: UnixListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let admin = admin.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let admin = admin.clone();
                async move { Ok::<_, std::convert::Infallible>(admin.handle(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(5))
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "admin connection ended");
            }
        });
    }
}

impl Admin {
    async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/v1/reload") => self.reload().await,
            (&Method::GET, "/v1/status") => answer(StatusCode::OK, &self.status()),
            (&Method::GET, "/v1/scripts") => answer(StatusCode::OK, &self.scripts()),
            (&Method::GET, "/v1/routes") => answer(StatusCode::OK, &self.routes()),
            (&Method::GET, "/v1/patches") => answer(StatusCode::OK, &self.patches()),
            (_, "/v1/reload" | "/v1/status" | "/v1/scripts" | "/v1/routes" | "/v1/patches") => wrong_method(),
            (method, path) if path.starts_with("/v1/patches/") => self.decide(method, path).await,
            (method, path) => match script_command(path) {
                Some(_) if method != Method::POST => wrong_method(),
                Some((name, ScriptCommand::Promote)) => self.promote(name).await,
                Some((name, ScriptCommand::Demote)) => self.demote(name).await,
                None => {
                    let error = "there is /v1/reload, /v1/status, /v1/routes, /v1/scripts, /v1/scripts/NAME/promote, \
                                 /v1/scripts/NAME/demote and /v1/patches";
                    answer(StatusCode::NOT_FOUND, &json!({ "error": error }))
                }
            },
        }
    }

    async fn promote(&self, name: &str) -> Response<Full<Bytes>> {
        let report = match self.shared.promotion.promote(name) {
            Ok(report) => report,
            Err(refusal) => return refused(name, &refusal),
        };
        match report.await {
            Ok(report) => {
                let is_installed = report.state == State::Installed;
                let status = if is_installed { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
                answer(status, &report.to_json())
            }
            Err(_) => answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "the gateway is stopping" })),
        }
    }

    async fn demote(&self, name: &str) -> Response<Full<Bytes>> {
        let (promotion, script) = (self.shared.promotion.clone(), name.to_owned());
        // It writes a file.
        match tokio::task::spawn_blocking(move || promotion.demote(&script)).await {
            Ok(Ok(report)) => answer(StatusCode::OK, &report.to_json()),
            Ok(Err(refusal)) => refused(name, &refusal),
            Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": error.to_string() })),
        }
    }

    async fn reload(&self) -> Response<Full<Bytes>> {
        let (reply, report) = oneshot::channel();
        let sent = self.shared.events.send(Event::Reload { trigger: "admin", reply: Some(reply) });
        let Ok(report) = (match sent {
            Ok(()) => report.await.map_err(drop),
            Err(_) => Err(()),
        }) else {
            return answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "the gateway is stopping" }));
        };
        let status = if report.published { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        answer(status, &report_json(&report))
    }

    fn status(&self) -> Value {
        let shared = &self.shared;
        shared.published.free_retired();
        let generation = shared.published.current();
        let last = self.last_reload.borrow().clone();
        let workers = || shared.metrics.iter().map(|metrics| &**metrics);
        let built = generation.built.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "uptime_seconds": self.started.elapsed().unwrap_or_default().as_secs(),
            "workers": shared.metrics.len(),
            "config": generation.config.path,
            "generation": {
                "number": generation.number,
                "built_unix": built,
                "retiring": shared.published.retiring(),
                "freed": shared.published.freed(),
            },
            "last_reload": {
                "successful": last.successful,
                "failures": last.failures,
                "problems": last.problems,
            },
            "routes": generation.routes.len(),
            "scripts": generation.scripts.len(),
            "connections": metrics::sum(workers(), |worker| worker.connections.get()),
            "active_requests": metrics::sum(workers(), |worker| worker.active.get()),
            "script_calls": metrics::sum(workers(), |worker| worker.script_calls.get()),
            "kv_entries": shared.kv.len(),
            "compile": shared.promotion.status(),
            "patches": shared.patches.report(&generation.patches),
            "serving": serving(&generation),
            "upstreams": upstreams::report(&generation),
        })
    }

    /// The routes with what serves their steps, and all components there are.
    fn routes(&self) -> Value {
        let generation = self.shared.published.current();
        let components: Vec<Value> = generation
            .registry
            .components()
            .map(|component| {
                let code = &component.implementation;
                let (kind, provider) = (component.part.kind().as_str(), code.provider.to_string());
                json!({ "kind": kind, "id": code.id, "version": code.version, "provider": provider })
            })
            .collect();
        json!({ "generation": generation.number, "routes": serving(&generation), "components": components })
    }

    fn scripts(&self) -> Value {
        let generation = self.shared.published.current();
        let reports = self.shared.promotion.reports();
        let scripts: Vec<Value> = generation
            .scripts
            .iter()
            .map(|(name, script)| {
                let hooks: Vec<&str> = script.hooks().map(forebay_engine::Hook::function).collect();
                let report = reports.iter().find(|report| *report.script == **name);
                let tier = match report.map(|report| &report.state) {
                    Some(State::Installed) => "compiled",
                    _ => "interpreted",
                };
                let report = report.map(Report::to_json);
                json!({ "name": name, "hooks": hooks, "tier": tier, "promotion": report })
            })
            .collect();
        json!({ "generation": generation.number, "scripts": scripts })
    }
}

/// How a reload went.
fn report_json(report: &ReloadReport) -> Value {
    let problems: Vec<Value> = report.problems.iter().map(Diagnostic::to_json).collect();
    json!({
        "published": report.published,
        "generation": report.generation,
        "took_ms": millis(report.took),
        "problems": problems,
        "rendered": render_all(&report.problems, Style::Plain),
    })
}

/// What serves the steps of each route.
fn serving(generation: &Generation) -> Value {
    let route = |route: &Route| {
        let steps = Serves::of_route(route, &generation.registry);
        json!({ "route": route.name, "steps": steps.iter().map(Serves::to_json).collect::<Vec<_>>() })
    };
    generation.config.routes.iter().map(route).collect()
}

/// What can be asked of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScriptCommand {
    Promote,
    Demote,
}

/// Takes `/v1/scripts/NAME/promote` apart.
fn script_command(path: &str) -> Option<(&str, ScriptCommand)> {
    let (name, command) = path.strip_prefix("/v1/scripts/")?.split_once('/')?;
    let command = match command {
        "promote" => ScriptCommand::Promote,
        "demote" => ScriptCommand::Demote,
        _ => return None,
    };
    (!name.is_empty()).then_some((name, command))
}

fn wrong_method() -> Response<Full<Bytes>> {
    answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "wrong method" }))
}

fn refused(name: &str, refusal: &Refusal) -> Response<Full<Bytes>> {
    let status = match refusal {
        Refusal::Unknown => StatusCode::NOT_FOUND,
        Refusal::QueueFull => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::CONFLICT,
    };
    answer(status, &json!({ "script": name, "error": refusal.to_string() }))
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn answer(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
