//! A socket that hyper drives and that can be asked meanwhile whether its peer has gone.
//!
//! hyper learns of a closed idle connection only when the runtime next looks for events; a request sent in
//! between is lost. For a request that must not be sent twice the kernel is asked first.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP socket with two owners on one thread: hyper reads and writes, the pool looks.
#[derive(Clone)]
pub(super) struct Socket(Rc<Inner>);

struct Inner {
    stream: RefCell<TcpStream>,
    is_shut: Cell<bool>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Rc::new(Inner { stream: RefCell::new(stream), is_shut: Cell::new(false) }))
    }

    /// Whether the peer has neither closed nor sent anything; one system call. For an idle connection anything
    /// that can be read makes it unfit for use.
    pub(super) fn is_silent(&self) -> bool {
        let stream = self.0.stream.borrow();
        let mut byte = [MaybeUninit::uninit()];
        let seen = SockRef::from(&*stream).peek(&mut byte);
        seen.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether our half was closed.
    pub(super) fn is_shut(&self) -> bool {
        self.0.is_shut.get()
    }

    fn with<T>(&self, act: impl FnOnce(Pin<&mut TcpStream>) -> T) -> T {
        act(Pin::new(&mut self.0.stream.borrow_mut()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write_vectored(cx, data))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.stream.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.is_shut.set(true);
        self.with(|stream| stream.poll_shutdown(cx))
    }
}
