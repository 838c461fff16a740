//! A server for tests that says exactly what it is told to, byte by byte.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A listener on loopback that runs one script per connection. Dropped, it stops with all connections.
pub(super) struct Server {
    pub(super) port: u16,
    record: Rc<Record>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Record {
    connections: Cell<usize>,
    requests: RefCell<Vec<String>>,
    closed: Cell<usize>,
    changed: tokio::sync::Notify,
}

/// The server's end of one connection.
pub(super) struct Peer {
    /// Which connection this is, from 0 in the order of acceptance.
    pub(super) index: usize,
    stream: TcpStream,
    record: Rc<Record>,
}

impl Server {
    pub(super) async fn start(script: impl AsyncFn(Peer) + 'static) -> Self {
        Self::start_at(([127, 0, 0, 1], 0), script).await
    }

    /// At this address and port; port 0 takes a free one.
    pub(super) async fn start_at(at: ([u8; 4], u16), script: impl AsyncFn(Peer) + 'static) -> Self {
        let listener = TcpListener::bind(std::net::SocketAddr::from(at)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let record: Rc<Record> = Rc::default();
        let shared = Rc::clone(&record);
        let script = Rc::new(script);
        let task = tokio::task::spawn_local(async move {
            let mut peers = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let index = shared.connections.replace(shared.connections.get() + 1);
                let (record, script) = (Rc::clone(&shared), Rc::clone(&script));
                let peer = Peer { index, stream, record };
                peers.spawn_local(async move { script(peer).await });
            }
        });
        Self { port, record, task }
    }

    /// Connections accepted so far.
    pub(super) fn connections(&self) -> usize {
        self.record.connections.get()
    }

    /// Request lines of the requests received so far, in full.
    pub(super) fn requests(&self) -> Vec<String> {
        self.record.requests.borrow().iter().map(|text| text.lines().next().unwrap().to_owned()).collect()
    }

    /// Waits until `count` requests were received.
    pub(super) async fn received(&self, count: usize) {
        loop {
            let changed = self.record.changed.notified();
            if self.record.requests.borrow().len() >= count {
                return;
            }
            changed.await;
        }
    }

    /// The request received last: head and body.
    pub(super) fn last_request(&self) -> String {
        self.record.requests.borrow().last().unwrap().clone()
    }

    /// Waits until `count` connections were closed by the other side, as [`Peer::closed`] and
    /// [`Peer::request`] see it, or by the script's end.
    pub(super) async fn closed(&self, count: usize) {
        loop {
            let changed = self.record.changed.notified();
            if self.record.closed.get() >= count {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// Reads one request with its body; `None` when the connection was closed before it was complete.
    pub(super) async fn request(&mut self) -> Option<String> {
        let mut text = self.head().await?;
        let head = text.to_ascii_lowercase();
        let length = head
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
        let start = text.len();
        let chunked = head.contains("transfer-encoding: chunked");
        while text.len() < start + length || (chunked && !text.ends_with("0\r\n\r\n")) {
            text.push(self.byte().await?);
        }
        self.record.requests.borrow_mut().push(text.clone());
        self.record.changed.notify_waiters();
        Some(text)
    }

    /// Reads a request head and leaves the body.
    pub(super) async fn head(&mut self) -> Option<String> {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            text.push(self.byte().await?);
        }
        Some(text)
    }

    async fn byte(&mut self) -> Option<char> {
        self.stream.read_u8().await.ok().map(char::from)
    }

    pub(super) async fn send(&mut self, text: &str) {
        // a client that has gone is noticed by the next read
        let _ = self.stream.write_all(text.as_bytes()).await;
    }

    /// Waits until the other side closes; what it sends meanwhile is thrown away.
    pub(super) async fn closed(&mut self) {
        while self.byte().await.is_some() {}
    }

    /// Closes with a reset.
    pub(super) fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.record.closed.set(self.record.closed.get() + 1);
        self.record.changed.notify_waiters();
    }
}
