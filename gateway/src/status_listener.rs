//! The read-only listener for probes and metrics: `/livez`, `/readyz`, `/healthz`, `/metrics`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::control::LastReload;
use crate::metrics::{self, WorkerMetrics};
use crate::worker::{Phase, Shared};

/// What the listener reads.
pub struct Status {
    /// What the workers share.
    pub shared: Arc<Shared>,
    /// Whether the process is draining.
    pub phase: watch::Receiver<Phase>,
    /// How the last reload went.
    pub last_reload: watch::Receiver<LastReload>,
}

/// Binds the listener.
///
/// # Errors
/// When the address cannot be bound.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until the process ends.
pub async fn serve(status: Arc<Status>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let status = status.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = status.handle(&request);
                async move { Ok::<_, std::convert::Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(5))
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "status connection ended");
            }
        });
    }
}

impl Status {
    fn handle(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "this listener is read-only\n".into());
        }
        match request.uri().path() {
            "/readyz" | "/healthz" if *self.phase.borrow() == Phase::Draining => {
                text(StatusCode::SERVICE_UNAVAILABLE, "draining\n".into())
            }
            "/livez" | "/readyz" | "/healthz" => text(StatusCode::OK, "ok\n".into()),
            "/metrics" => text(StatusCode::OK, self.metrics()),
            _ => text(StatusCode::NOT_FOUND, "there is /livez, /readyz and /metrics\n".into()),
        }
    }

    fn metrics(&self) -> String {
        let workers: Vec<&WorkerMetrics> = self.shared.metrics.iter().map(|worker| &**worker).collect();
        let last = self.last_reload.borrow();
        let serving = self.shared.published.current();
        let generation = serving.number;
        let successful = u8::from(last.successful != Some(false));
        let mut promotion = String::new();
        self.shared.promotion.metrics(&mut promotion);
        metrics::render_upstreams(&mut promotion, serving.upstreams.iter());
        let servers = serving.tls.iter().flatten();
        metrics::render_expiries(&mut promotion, servers.flat_map(|server| &server.expiries));
        format!(
            "# TYPE forebay_build_info gauge\nforebay_build_info{{version=\"{}\"}} 1\n\
             # TYPE forebay_config_generation gauge\nforebay_config_generation {generation}\n\
             # TYPE forebay_config_last_reload_successful gauge\nforebay_config_last_reload_successful {successful}\n\
             # TYPE forebay_config_reload_failures_total counter\nforebay_config_reload_failures_total {}\n\
             # TYPE forebay_generations_freed_total counter\nforebay_generations_freed_total {}\n{}{promotion}",
            env!("CARGO_PKG_VERSION"),
            last.failures,
            self.shared.published.freed(),
            metrics::render(&workers),
        )
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let value = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, value);
    response
}
