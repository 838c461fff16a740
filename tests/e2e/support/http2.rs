//! HTTP/2 clients: one that keeps to the protocol, and one that sends frame by frame what it likes.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::gateway::PATIENCE;
use super::tls::TlsClient;

/// A connection, driven by a thread of its own.
pub(crate) struct Http2 {
    runtime: Runtime,
    sender: SendRequest<Upload>,
    driver: JoinHandle<hyper::Result<()>>,
}

/// A response to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Header fields.
    pub(crate) headers: HeaderMap,
    /// Body, as text.
    pub(crate) body: String,
    /// Trailer fields.
    pub(crate) trailers: HeaderMap,
}

/// A request body whose frames the test sends one by one; it ends when the sender is dropped.
pub(crate) struct Upload(mpsc::Receiver<Frame<Bytes>>);

impl Upload {
    /// A body that is sent piece by piece.
    pub(crate) fn channel() -> (mpsc::Sender<Frame<Bytes>>, Self) {
        let (sender, receiver) = mpsc::channel(16);
        (sender, Self(receiver))
    }

    /// A body that is there already.
    pub(crate) fn of(data: &str) -> Self {
        let (sender, body) = Self::channel();
        if !data.is_empty() {
            sender.try_send(Frame::data(Bytes::copy_from_slice(data.as_bytes()))).unwrap();
        }
        body
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_closed() && self.0.is_empty()
    }
}

impl Http2 {
    /// Connects without TLS, by prior knowledge.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let runtime = runtime();
        let stream = runtime.block_on(tokio::net::TcpStream::connect(address)).unwrap();
        Self::over(runtime, TokioIo::new(stream))
    }

    /// Connects with TLS and agrees on HTTP/2.
    pub(crate) fn secured(client: &TlsClient, address: SocketAddr, name: &str) -> Self {
        let runtime = runtime();
        let stream = runtime.block_on(client.connect_async(address, name)).unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Self::over(runtime, TokioIo::new(stream))
    }

    fn over<S>(runtime: Runtime, stream: S) -> Self
    where
        S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, driver) = runtime.block_on(handshake(TokioExecutor::new(), stream)).unwrap();
        let driver = runtime.spawn(driver);
        Self { runtime, sender, driver }
    }

    /// Sends a request and waits for the whole response.
    pub(crate) fn send(&mut self, request: Request<Upload>) -> hyper::Result<Answer> {
        let under_way = self.start(request);
        self.finish(under_way)
    }

    /// Sends a GET request and waits for the whole response.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(get(path)).unwrap()
    }

    /// Sends a request and does not wait.
    pub(crate) fn start(&mut self, request: Request<Upload>) -> JoinHandle<hyper::Result<Answer>> {
        let answer = self.sender.send_request(request);
        self.runtime.spawn(async move { whole(answer.await?).await })
    }

    /// Sends a request and waits for the head of the response.
    pub(crate) fn head(&mut self, request: Request<Upload>) -> hyper::Result<hyper::Response<Incoming>> {
        self.runtime.block_on(self.sender.send_request(request))
    }

    /// The next frame of a response's body.
    pub(crate) fn frame(
        &self,
        response: &mut hyper::Response<Incoming>,
    ) -> Option<hyper::Result<Frame<Bytes>>> {
        self.runtime.block_on(response.frame())
    }

    /// Waits for the response to a request under way.
    pub(crate) fn finish(&self, under_way: JoinHandle<hyper::Result<Answer>>) -> hyper::Result<Answer> {
        self.runtime.block_on(under_way).unwrap()
    }

    /// Waits for the end of the connection.
    pub(crate) fn ended(self) {
        // How it ends is the gateway's business.
        let _ = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.driver).await.unwrap() });
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn whole(response: hyper::Response<Incoming>) -> hyper::Result<Answer> {
    let (head, body) = response.into_parts();
    let body = body.collect().await?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, trailers })
}

/// A GET request for the test's host.
pub(crate) fn get(path: &str) -> Request<Upload> {
    Request::get(format!("http://shop.test{path}")).body(Upload::of("")).unwrap()
}

/// A connection whose frames the test writes itself.
pub(crate) struct Frames(TcpStream);

/// Frame types.
pub(crate) const HEADERS: u8 = 1;
/// Takes a stream back.
pub(crate) const RST_STREAM: u8 = 3;
/// Settings of a side.
pub(crate) const SETTINGS: u8 = 4;
/// Asks for a sign of life.
pub(crate) const PING: u8 = 6;
/// No more streams.
pub(crate) const GOAWAY: u8 = 7;
/// The rest of a header block.
pub(crate) const CONTINUATION: u8 = 9;

impl Frames {
    /// Connects and begins the protocol, with these settings.
    pub(crate) fn connect(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut this = Self(stream);
        this.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(key, value)| [&key.to_be_bytes()[..], &value.to_be_bytes()[..]].concat())
            .collect();
        this.send(SETTINGS, 0, 0, &payload);
        this
    }

    /// Sends a frame; the gateway may have closed the connection.
    pub(crate) fn try_send(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> std::io::Result<()> {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.write_all(&frame)
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.try_send(kind, flags, stream, payload).unwrap();
    }

    /// Sends a request without a body.
    pub(crate) fn request(&mut self, stream: u32, fields: &[(&str, &str)]) -> std::io::Result<()> {
        self.try_send(HEADERS, 0x5, stream, &block(fields))
    }

    /// The next frame: type, flags, stream and payload; `None` at the end of the connection.
    pub(crate) fn read(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).ok()?;
        Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// Reads until a frame of this type comes; `None` if the connection ends before.
    pub(crate) fn wait_for(&mut self, kind: u8) -> Option<(u8, u8, u32, Vec<u8>)> {
        std::iter::from_fn(|| self.read()).find(|frame| frame.0 == kind)
    }

    /// Whether the gateway ends the connection; waits for it.
    pub(crate) fn is_closed(&mut self) -> bool {
        while self.read().is_some() {}
        // A frame cut off by the time limit of the test would look the same.
        !matches!(self.0.read(&mut [0; 1]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// A header block of literals, nothing compressed (RFC 7541, section 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            integer(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// The fields every request has.
pub(crate) const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "http"), (":authority", "shop.test"), (":path", "/")];

fn integer(block: &mut Vec<u8>, number: usize) {
    if number < 127 {
        block.push(u8::try_from(number).unwrap());
        return;
    }
    block.push(127);
    let mut rest = number - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}
