//! A client's HTTP/1 connection: the protocol library with its limits, and an orderly end.

use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Worker;
use super::connection::ConnectionState;
use super::timed_io::TimedIo;
use crate::config::ClientLimits;
use crate::proxy;

/// Smallest read buffer hyper accepts, in bytes.
const BUFFER_BYTES_MIN: usize = 8 << 10;
/// hyper's own limit on the number of header fields.
const HYPER_HEADERS_MAX: usize = 100;

/// hyper's side of the limits.
fn builder(limits: &ClientLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The state's own limit replaces hyper's, which would need a timer per head.
    builder
        .header_read_timeout(None)
        .max_buf_size(limits.header_bytes_max.max(BUFFER_BYTES_MIN))
        .max_header_size(limits.header_bytes_max);
    // Naming the number, even its own default, makes hyper allocate for each head.
    if limits.headers_max != HYPER_HEADERS_MAX {
        builder.max_headers(limits.headers_max);
    }
    builder
}

/// Serves a connection until it is closed.
pub(super) async fn serve<S>(worker: &Rc<Worker>, state: &Rc<ConnectionState>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limits = worker.serving().generation.config.client.clone();
    let service = service_fn(|request| {
        let (worker, state) = (worker.clone(), state.clone());
        async move { Ok::<_, std::convert::Infallible>(proxy::serve(worker, state, request).await) }
    });
    let mut connection = builder(&limits).serve_connection(TimedIo::new(stream, state.clone()), service);
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(peer = %state.peer(), %error, "client connection ended");
                }
                break;
            }
            expired = state.woken() => {
                if expired {
                    tracing::debug!(peer = %state.peer(), "client connection timed out");
                    return;
                }
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    // After a 101 the library leaves the socket open. Draining waits for the tunnel's end, within its time.
    if let Some(tunnel) = state.take_tunnel() {
        let parts = connection.into_parts();
        Box::pin(tunnel.run(worker, parts.io.into_inner(), parts.read_buf)).await;
    }
}
