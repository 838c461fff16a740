//! An origin that speaks TLS, HTTP/2 or both. What it answers is chosen by the path.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::http2::Upload;
use super::tls::{Authority, Certificate};

/// The origin.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    _runtime: Runtime,
}

/// What it speaks.
#[derive(Clone)]
pub(crate) enum Speaks {
    /// HTTP/2 without TLS.
    Http2,
    /// TLS, and what is agreed on in the handshake.
    Tls(Arc<ServerConfig>),
}

impl Speaks {
    /// TLS with this certificate and these protocols; clients have to show a certificate of the authority, if one is
    /// given.
    pub(crate) fn tls(certificate: &Certificate, protocols: &[&str], clients: Option<&Authority>) -> Self {
        let provider = Arc::new(default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = match clients {
            None => builder.unwrap().with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.unwrap().with_client_cert_verifier(verifier.unwrap())
            }
        };
        let chain = vec![CertificateDer::from_pem_slice(certificate.pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self::Tls(Arc::new(config))
    }
}

impl Server {
    /// Starts it.
    pub(crate) fn start(speaks: Speaks) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let connections: Arc<AtomicUsize> = Arc::default();
        let (log, count) = (seen.clone(), connections.clone());
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, speaks.clone(), log.clone(), count.clone()));
            }
        });
        Self { address, seen, connections, _runtime: runtime }
    }

    /// What it was asked so far: version, authority or host, path, server name and common fields.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Number of connections whose handshake was finished.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn connection(
    stream: TcpStream,
    speaks: Speaks,
    log: Arc<Mutex<Vec<String>>>,
    count: Arc<AtomicUsize>,
) {
    match speaks {
        Speaks::Http2 => {
            count.fetch_add(1, Ordering::SeqCst);
            serve(stream, true, String::new(), log).await;
        }
        Speaks::Tls(config) => {
            let Ok(stream) = tokio_rustls::TlsAcceptor::from(config).accept(stream).await else { return };
            count.fetch_add(1, Ordering::SeqCst);
            let session = stream.get_ref().1;
            let is_http2 = session.alpn_protocol() == Some(b"h2");
            let name = session.server_name().unwrap_or_default().to_owned();
            serve(stream, is_http2, name, log).await;
        }
    }
}

async fn serve<S>(stream: S, is_http2: bool, name: String, log: Arc<Mutex<Vec<String>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let leaving = Arc::new(Notify::new());
    let leave = leaving.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        if request.uri().path() == "/leave" {
            leave.notify_one();
        }
        let line = describe(&request, &name);
        log.lock().unwrap().push(line.clone());
        answer(request, line)
    });
    let io = TokioIo::new(stream);
    // How a connection ends is no concern of the origin.
    if is_http2 {
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let mut connection = std::pin::pin!(builder.serve_connection(io, service));
        tokio::select! {
            _ = connection.as_mut() => {}
            () = leaving.notified() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    } else {
        let builder = hyper::server::conn::http1::Builder::new();
        let _ = builder.serve_connection(io, service).with_upgrades().await;
    }
}

fn describe(request: &Request<Incoming>, name: &str) -> String {
    let field = |name: &str| request.headers().get(name).map_or("-", |value| value.to_str().unwrap());
    let authority = request.uri().authority().map_or_else(|| field("host").to_owned(), ToString::to_string);
    format!(
        "{:?} {} {authority} {} sni={name} te={} scheme={}",
        request.version(),
        request.method(),
        request.uri().path(),
        field("te"),
        request.uri().scheme_str().unwrap_or("-"),
    )
}

/// `/leave` makes an HTTP/2 connection end in order (GOAWAY); `/upgrade` switches protocols and sends
/// everything back; `/grpc` sends back each piece as it comes, then trailers; `/refused` has trailers only; `/reset` ends the stream;
/// everything else describes the request.
async fn answer(request: Request<Incoming>, line: String) -> Result<Response<Upload>, &'static str> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    match request.uri().path() {
        "/grpc" => {
            let (sender, body) = Upload::channel();
            tokio::spawn(async move {
                let mut incoming = request.into_body();
                while let Some(Ok(frame)) = incoming.frame().await {
                    if let Ok(data) = frame.into_data()
                        && sender.send(Frame::data(data)).await.is_err()
                    {
                        return;
                    }
                }
                let _ = sender.send(Frame::trailers(trailers)).await;
            });
            Ok(Response::builder().header("content-type", "application/grpc").body(body).unwrap())
        }
        "/refused" => {
            let response =
                Response::builder().header("content-type", "application/grpc").header("grpc-status", "7");
            Ok(response.body(Upload::of("")).unwrap())
        }
        "/reset" => Err("as asked"),
        "/upgrade" => {
            tokio::spawn(async move {
                let upgraded = hyper::upgrade::on(request).await.unwrap();
                let (mut read, mut write) = tokio::io::split(TokioIo::new(upgraded));
                // How a tunnel ends is no concern of the origin.
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
            let response = Response::builder().status(101).header("connection", "upgrade");
            Ok(response.header("upgrade", "websocket").body(Upload::of("")).unwrap())
        }
        _ => {
            let body: Result<_, _> = request.into_body().collect().await;
            let bytes = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            Ok(Response::new(Upload::of(&format!("{line} body={}", String::from_utf8_lossy(&bytes)))))
        }
    }
}
