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
use tokio::net::{TcpStream, UnixStream};

/// What carries bytes.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Does the same with either.
macro_rules! either {
    ($socket:ident, $stream:ident => $act:expr) => {
        match &mut *$socket.0.stream.borrow_mut() {
            Stream::Tcp($stream) => $act,
            Stream::Unix($stream) => $act,
        }
    };
}

/// A socket with two owners on one thread: hyper reads and writes, the pool looks.
#[derive(Clone)]
pub(super) struct Socket(Rc<Inner>);

struct Inner {
    stream: RefCell<Stream>,
    is_shut: Cell<bool>,
}

impl Socket {
    pub(super) fn new(stream: Stream) -> Self {
        Self(Rc::new(Inner { stream: RefCell::new(stream), is_shut: Cell::new(false) }))
    }

    /// Whether the peer has neither closed nor sent anything; one system call. For an idle connection anything
    /// that can be read makes it unfit for use.
    pub(super) fn is_silent(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let seen = either!(self, stream => SockRef::from(&*stream).peek(&mut byte));
        seen.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether our half was closed.
    pub(super) fn is_shut(&self) -> bool {
        self.0.is_shut.get()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write(cx, data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write_vectored(cx, data))
    }

    fn is_write_vectored(&self) -> bool {
        either!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.is_shut.set(true);
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
