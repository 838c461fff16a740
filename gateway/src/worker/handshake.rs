//! The handshake of a client connection, within its time.

use std::rc::Rc;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Worker;
use super::connection::ConnectionState;
use crate::tls::{self, HandshakeFailure};

/// Agrees on keys with the client; `None` when that failed, took too long, or the worker is stopping. All of it is
/// counted.
pub(super) async fn accept(
    worker: &Rc<Worker>,
    state: &Rc<ConnectionState>,
    stream: TcpStream,
    config: Arc<ServerConfig>,
) -> Option<TlsStream<TcpStream>> {
    let accepted = tokio::select! {
        biased;
        accepted = TlsAcceptor::from(config).accept(stream) => accepted,
        expired = state.woken() => {
            if expired {
                failed(worker, state, HandshakeFailure::Timeout, &"timed out");
            }
            return None;
        }
    };
    match accepted {
        Ok(stream) => {
            let tls = tls::settled(stream.get_ref().1);
            let metrics = &worker.metrics.tls;
            if tls.resumed { &metrics.resumed } else { &metrics.full }.add(1);
            state.secured(tls);
            Some(stream)
        }
        Err(error) => {
            failed(worker, state, HandshakeFailure::of(&error), &error);
            None
        }
    }
}

fn failed(
    worker: &Worker,
    state: &ConnectionState,
    failure: HandshakeFailure,
    error: &dyn std::fmt::Display,
) {
    worker.metrics.tls.failed(failure);
    tracing::debug!(peer = %state.peer(), reason = failure.as_str(), %error, "handshake failed");
}
