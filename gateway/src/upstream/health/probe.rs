//! One check of one target: a connection, a request or the health service of gRPC. Each is a connection of its own,
//! because whether one can be opened is part of the question.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::dial::{Stream, dial};
use crate::config::{HealthCheck, HealthKind, Target};
use crate::tls::Client;

/// Most bytes of an answer of gRPC that are read; the real one has seven.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Asks the target once; the error says what is wrong with it. The caller bounds the time.
pub(super) async fn probe(
    target: &Target,
    tls: Option<&Client>,
    settings: &HealthCheck,
) -> Result<(), String> {
    let stream = dial(target, tls, settings).await?;
    match &settings.kind {
        HealthKind::Tcp => Ok(()),
        HealthKind::Http { path, host, statuses } => {
            let host = host.clone().unwrap_or_else(|| target.address());
            let status = ask(stream, path, &host).await.map_err(|error| format!("no answer: {error}"))?;
            let is_good =
                if statuses.is_empty() { (200..300).contains(&status) } else { statuses.contains(&status) };
            if is_good { Ok(()) } else { Err(format!("answered {status}")) }
        }
        HealthKind::Grpc { service } => ask_grpc(stream, &target.address(), service).await,
    }
}

async fn ask(
    stream: Box<dyn Stream>,
    path: &str,
    host: &str,
) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .uri(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, "forebay-health")
        .header(header::CONNECTION, "close")
        .body(Full::<Bytes>::default())?;
    // The connection may end before its answer is looked at; whether there was one, the answer says.
    let drive = async {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        answer = sender.send_request(request) => Ok(answer?.status().as_u16()),
        never = drive => match never {},
    }
}

/// `grpc.health.v1.Health/Check`, as the gRPC health checking protocol has it.
async fn ask_grpc(stream: Box<dyn Stream>, authority: &str, service: &str) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("no answer: {error}");
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let uri: Uri = format!("http://{authority}/grpc.health.v1.Health/Check")
        .parse()
        .map_err(|error: http::uri::InvalidUri| failed(&error))?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .body(Full::new(question(service)))
        .map_err(|error| failed(&error))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| failed(&error))?;
        let status = body.trailers().and_then(|trailers| trailers.get("grpc-status"));
        let status = status.or_else(|| head.headers.get("grpc-status")).cloned();
        match status {
            Some(status) if status == "0" && is_serving(&body.to_bytes()) => Ok(()),
            Some(status) if status == "0" => Err("does not serve".to_owned()),
            Some(status) => Err(format!("answered with gRPC status {}", status.to_str().unwrap_or("?"))),
            None => Err(format!("answered {}, not gRPC", head.status.as_u16())),
        }
    };
    let answer = answer.await;
    connection.abort();
    answer
}

/// `HealthCheckRequest { service = 1 }` with the prefix of a gRPC message: not compressed, four bytes of length.
fn question(service: &str) -> Bytes {
    let mut message = Vec::new();
    // Validation has made sure that the length fits one byte of a varint.
    if let Ok(length @ 1..) = u8::try_from(service.len()) {
        message.extend_from_slice(&[0x0a, length]);
        message.extend_from_slice(service.as_bytes());
    }
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), &message].concat().into()
}

/// Whether the answer is `HealthCheckResponse { status = 1: SERVING }`.
fn is_serving(answer: &[u8]) -> bool {
    answer == [0, 0, 0, 0, 2, 0x08, 0x01]
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Response};
    use hyper::service::service_fn;
    use tokio::net::TcpListener;

    use super::*;

    /// A server of the health service that answers each connection with this message and status.
    async fn grpc_server(message: &'static [u8], status: &'static str) -> Target {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service_fn(async move |request: Request<hyper::body::Incoming>| {
                    let asked = (
                        request.uri().path().to_owned(),
                        request.into_body().collect().await.unwrap().to_bytes(),
                    );
                    assert_eq!(asked, ("/grpc.health.v1.Health/Check".to_owned(), question("shop")));
                    let trailers = HeaderMap::from_iter([(
                        "grpc-status".parse().unwrap(),
                        HeaderValue::from_static(status),
                    )]);
                    let body = Full::new(Bytes::from_static(message));
                    let body = body.with_trailers(std::future::ready(Some(Ok::<_, Infallible>(trailers))));
                    Ok::<_, Infallible>(Response::new(body))
                });
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
        Target { host: "127.0.0.1".into(), port, tls: false, weight: 1 }
    }

    #[tokio::test]
    async fn the_health_service_of_grpc_is_understood() {
        let settings =
            HealthCheck { kind: HealthKind::Grpc { service: "shop".into() }, ..HealthCheck::default() };
        let ask = async |message, status| probe(&grpc_server(message, status).await, None, &settings).await;
        assert_eq!(ask(&[0, 0, 0, 0, 2, 8, 1], "0").await, Ok(()));
        assert_eq!(ask(&[0, 0, 0, 0, 2, 8, 2], "0").await, Err("does not serve".into()));
        assert_eq!(ask(&[], "12").await, Err("answered with gRPC status 12".into()));
    }

    #[tokio::test]
    async fn a_connection_is_enough_for_tcp_and_none_is_an_error() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Target { host: "127.0.0.1".into(), port: 1, tls: false, weight: 1 };
        let settings = HealthCheck { port: Some(port), ..HealthCheck::default() };
        assert_eq!(probe(&target, None, &settings).await, Ok(()));
        drop(listener);
        assert!(probe(&target, None, &settings).await.unwrap_err().starts_with("cannot connect: "));
    }

    #[test]
    fn messages_of_grpc_are_what_the_protocol_says() {
        assert_eq!(question("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(question("a.B")[..], [0, 0, 0, 0, 5, 0x0a, 3, b'a', b'.', b'B']);
        assert!(is_serving(&[0, 0, 0, 0, 2, 8, 1]));
        assert!(!is_serving(&[0, 0, 0, 0, 2, 8, 2]) && !is_serving(&[0, 0, 0, 0, 0]) && !is_serving(b""));
    }
}
