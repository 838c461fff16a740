//! The client's socket as hyper sees it, noting when bytes came and when they could not go.
//!
//! hyper has one time limit for a request's head and none for idle connections or slow readers. Timers per
//! connection would cost a registration per request; instead the socket notes times in its state, and the
//! worker looks at all connections a few times a second.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::ConnectionState;

/// A socket that tells its connection's state what happens.
pub(super) struct TimedIo<S> {
    io: TokioIo<S>,
    state: Rc<ConnectionState>,
}

impl<S> TimedIo<S> {
    pub(super) fn new(stream: S, state: Rc<ConnectionState>) -> Self {
        Self { io: TokioIo::new(stream), state }
    }

    /// The socket.
    pub(super) fn into_inner(self) -> S {
        self.io.into_inner()
    }

    fn noted<T>(&self, result: Poll<T>) -> Poll<T> {
        match result {
            Poll::Ready(_) => self.state.wrote(),
            Poll::Pending => self.state.write_blocked(),
        }
        result
    }
}

impl<S: AsyncRead + Unpin> Read for TimedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_read(cx, buffer);
        if result.is_ready() {
            self.state.received();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> Write for TimedIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.noted(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.noted(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS takes more than the socket does, and what it holds back is only noticed here.
        let result = Pin::new(&mut self.io).poll_flush(cx);
        self.noted(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
