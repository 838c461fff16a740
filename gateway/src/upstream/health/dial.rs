//! Opening a connection to check a target, as its requests would open one.

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::config::{HealthCheck, HealthKind, Target};
use crate::tls::Client;

/// An open connection of whatever kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to the target, over TLS if it is spoken to so; the error says what is wrong with it.
pub(super) async fn dial(
    target: &Target,
    tls: Option<&Client>,
    settings: &HealthCheck,
) -> Result<Box<dyn Stream>, String> {
    let failed = |error: std::io::Error| format!("cannot connect: {error}");
    let stream: Box<dyn Stream> = if target.host.starts_with('/') {
        Box::new(UnixStream::connect(&target.host).await.map_err(failed)?)
    } else {
        let port = settings.port.unwrap_or(target.port);
        Box::new(TcpStream::connect((target.host.as_str(), port)).await.map_err(failed)?)
    };
    let Some(tls) = tls.filter(|_| target.tls) else { return Ok(stream) };
    let Some(name) = tls.server_name(&target.host) else {
        return Err("no TLS: its host is no name that a certificate can have".to_owned());
    };
    let stream = TlsConnector::from(spoken(tls, &settings.kind)).connect(name, stream).await;
    stream.map(|stream| Box::new(stream) as Box<dyn Stream>).map_err(|error| format!("no TLS: {error}"))
}

/// What a check speaks over TLS: gRPC needs HTTP/2, and the others do with HTTP/1.1.
fn spoken(tls: &Client, kind: &HealthKind) -> Arc<ClientConfig> {
    let (config, http1) = tls.configs();
    if !matches!(kind, HealthKind::Grpc { .. }) {
        return http1;
    }
    let mut config = (*config).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}
