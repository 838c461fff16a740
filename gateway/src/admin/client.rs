//! The other end of the admin socket, for the command line.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Calls the gateway behind an admin socket.
///
/// # Errors
/// When none answers there within the time, or the answer is no JSON.
pub fn call(
    socket: &Path,
    method: Method,
    path: &str,
    timeout: Duration,
) -> anyhow::Result<(StatusCode, Value)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match tokio::time::timeout(timeout, exchange(socket, method, path)).await {
            Ok(answer) => answer,
            Err(_) => bail!("the gateway at {} did not answer within {timeout:?}", socket.display()),
        }
    })
}

async fn exchange(socket: &Path, method: Method, path: &str) -> anyhow::Result<(StatusCode, Value)> {
    let stream = UnixStream::connect(socket).await.with_context(|| {
        format!("no gateway answers at {}; is it running, with this configuration?", socket.display())
    })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = match Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => bail!("the gateway's answer could not be read: {error}"),
    };
    Ok((status, serde_json::from_slice(&body).context("the gateway's answer is no JSON")?))
}
