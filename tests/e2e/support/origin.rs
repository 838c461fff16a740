//! An origin whose answers a test writes byte by byte, and which remembers what it got.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// An origin on loopback; each connection has a thread.
pub(crate) struct Origin {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Origin {
    /// Answers every request with what `answer` makes of its text (head and body). An empty answer closes.
    pub(crate) fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start_raw(move |stream, request| {
            let bytes = answer(request);
            !bytes.is_empty() && stream.write_all(&bytes).is_ok()
        })
    }

    /// Lets `serve` answer on the socket itself; it says whether the connection goes on.
    pub(crate) fn start_raw(serve: impl Fn(&mut TcpStream, &str) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let connections: Arc<AtomicUsize> = Arc::default();
        let (log, count, serve) = (requests.clone(), connections.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                count.fetch_add(1, Ordering::SeqCst);
                let (log, serve) = (log.clone(), serve.clone());
                std::thread::spawn(move || {
                    while let Some(request) = read_request(&mut stream) {
                        log.lock().unwrap().push(request.clone());
                        if !serve(&mut stream, &request) {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, requests, connections }
    }

    /// An origin that answers `ok`.
    pub(crate) fn ok() -> Self {
        Self::start(|_| answer(200, "ok"))
    }

    /// The requests so far, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The last request.
    pub(crate) fn last(&self) -> String {
        self.requests().last().cloned().expect("the origin got a request")
    }

    /// Number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// A configuration with this origin behind one route that takes everything.
    pub(crate) fn config(&self, steps: &str) -> String {
        format!(
            "workers: 1\nupstreams: {{ o: {{ targets: [\"http://{}\"] }} }}\n\
             routes:\n  - {{ name: all, path: \"/{{*rest}}\", steps: [{steps}], upstream: o }}\n",
            self.address
        )
    }
}

/// A response with a body.
pub(crate) fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Reads a head and a body of declared or chunked length.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some(end) = text.find("\r\n\r\n") {
            let head = text[..end].to_lowercase();
            let length: Option<usize> =
                head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            let complete = match length {
                Some(length) => bytes.len() >= end + 4 + length,
                None => !head.contains("transfer-encoding: chunked") || text.ends_with("\r\n0\r\n\r\n"),
            };
            if complete {
                return Some(text.into_owned());
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
