//! A plain HTTP/1.1 client that can also send what no client should.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::gateway::PATIENCE;
use super::tls::Stream;

/// A connection to the gateway.
pub(crate) struct Client {
    reader: BufReader<Box<dyn Stream>>,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    /// Status code.
    pub(crate) status: u16,
    /// Status line and header fields, as received.
    pub(crate) head: String,
    /// Body, unchunked.
    pub(crate) body: String,
}

impl Response {
    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| {
            line.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(&prefix))?;
            line.get(prefix.len()..)
        })
    }
}

impl Client {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }

    /// Speaks over a connection that is there already.
    pub(crate) fn over(stream: impl Stream + 'static) -> Self {
        Self { reader: BufReader::new(Box::new(stream)) }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let stream = self.reader.get_mut();
        stream.write_all(bytes.as_ref()).unwrap();
        stream.flush().unwrap();
    }

    /// Sends a GET request.
    pub(crate) fn send_get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: shop.test\r\n\r\n"));
    }

    /// Sends a GET request and reads the response.
    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send_get(path);
        self.response()
    }

    /// Sends a POST request and reads the response.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Response {
        let length = body.len();
        self.send(format!(
            "POST {path} HTTP/1.1\r\nhost: shop.test\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        self.response()
    }

    /// Reads one response to something other than HEAD.
    pub(crate) fn response(&mut self) -> Response {
        self.try_response().expect("the connection was closed before a response")
    }

    /// Reads one response; `None` if the connection ends before it is complete.
    pub(crate) fn try_response(&mut self) -> Option<Response> {
        let head = self.head()?;
        let status: u16 = head.get(9..12)?.parse().ok()?;
        let mut response = Response { status, head, body: String::new() };
        let mut body = Vec::new();
        if let Some(length) = response.header("content-length") {
            body.resize(length.parse().ok()?, 0);
            self.reader.read_exact(&mut body).ok()?;
        } else if response.header("transfer-encoding") == Some("chunked") {
            loop {
                let mut line = String::new();
                self.reader.read_line(&mut line).ok()?;
                let size = usize::from_str_radix(line.trim(), 16).ok()?;
                let mut chunk = vec![0; size + 2];
                self.reader.read_exact(&mut chunk).ok()?;
                if size == 0 {
                    break;
                }
                body.extend_from_slice(&chunk[..size]);
            }
        }
        response.body = String::from_utf8_lossy(&body).into_owned();
        Some(response)
    }

    /// Reads a head only.
    pub(crate) fn head(&mut self) -> Option<String> {
        let mut head = String::new();
        loop {
            if self.reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
            if head.ends_with("\r\n\r\n") {
                return Some(head);
            }
        }
    }

    /// Reads exactly this many bytes.
    pub(crate) fn read_exact(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Whether the gateway has closed the connection; waits for it.
    pub(crate) fn is_closed(&mut self) -> bool {
        !matches!(self.reader.read(&mut [0; 64]), Ok(count) if count > 0)
    }
}

/// One GET request over a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> Response {
    Client::connect(address).get(path)
}
