//! A client's HTTP/2 connection: the protocol library with its limits, and an orderly end.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Worker;
use super::connection::ConnectionState;
use super::frames::Metered;
use super::timed_io::TimedIo;
use crate::config::ClientLimits;
use crate::proxy;

/// Most bytes of one response that wait for the client within the library.
const SEND_BUFFER_BYTES: usize = 64 << 10;
/// Streams that were reset for what the client did wrong, before the connection is ended.
const OWN_RESETS_MAX: usize = 100;

/// Runs what belongs to a connection on the worker's own thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnThisThread;

impl<F> hyper::rt::Executor<F> for OnThisThread
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

fn builder(limits: &ClientLimits) -> http2::Builder<OnThisThread> {
    let mut builder = http2::Builder::new(OnThisThread);
    let header_bytes_max = u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2.streams_max)
        .max_header_list_size(header_bytes_max)
        .max_pending_accept_reset_streams(limits.http2.resets_max)
        .max_local_error_reset_streams(OWN_RESETS_MAX)
        .initial_stream_window_size(limits.http2.stream_window)
        .initial_connection_window_size(limits.http2.connection_window)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(limits.http2.ping_interval)
        .keep_alive_timeout(limits.http2.ping_timeout);
    builder
}

/// Serves a connection until it is closed.
pub(super) async fn serve<S>(worker: &Rc<Worker>, state: &Rc<ConnectionState>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let limits = worker.serving().generation.config.client.clone();
    worker.metrics.http2.connections.add(1);
    let service = service_fn(|request| {
        let (worker, state) = (worker.clone(), state.clone());
        worker.metrics.http2.requests.add(1);
        async move { Ok::<_, std::convert::Infallible>(proxy::serve(worker, state, request).await) }
    });
    let io = TimedIo::new(Metered::new(stream, state.clone()), state.clone());
    let mut connection = pin!(builder(&limits).serve_connection(io, service));
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if state.is_flooded() {
                    worker.metrics.http2.floods.add(1);
                }
                if let Err(error) = ended {
                    tracing::debug!(peer = %state.peer(), %error, "client connection ended");
                }
                return;
            }
            expired = state.woken() => {
                if expired && !state.closes_gracefully() {
                    tracing::debug!(peer = %state.peer(), "client connection timed out");
                    return;
                }
                // GOAWAY: streams under way are finished, new ones are refused (RFC 9113, section 6.8).
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
