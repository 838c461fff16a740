//! The first bytes of a plain connection: HTTP/2 by prior knowledge (RFC 9113, section 3.3), or HTTP/1.
//!
//! One look at what has come decides, and leaves it in the socket; that is one system call for each connection. Only
//! a client that sends its preface in pieces makes us take them out, and put them in front again.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::frames::PREFACE;

/// A connection whose protocol is known.
pub(super) enum Opened {
    /// HTTP/1, nothing read.
    Http1(TcpStream),
    /// HTTP/2, nothing read.
    Http2(TcpStream),
    /// HTTP/1 that began like a preface.
    Http1Begun(Begun<TcpStream>),
    /// HTTP/2 whose preface came in pieces.
    Http2Begun(Begun<TcpStream>),
}

/// Finds out which protocol the client speaks. An end before anything came is HTTP/1's business.
pub(super) async fn look(mut stream: TcpStream) -> io::Result<Opened> {
    let mut seen = [0; PREFACE.len()];
    let count = stream.peek(&mut seen).await?;
    if !PREFACE.starts_with(&seen[..count]) || count == 0 {
        return Ok(Opened::Http1(stream));
    }
    if count == PREFACE.len() {
        return Ok(Opened::Http2(stream));
    }
    let mut read = BytesMut::with_capacity(PREFACE.len());
    while read.len() < PREFACE.len() {
        let mut rest = (&mut stream).take((PREFACE.len() - read.len()) as u64);
        let ended = rest.read_buf(&mut read).await? == 0;
        if ended || !PREFACE.starts_with(&read) {
            return Ok(Opened::Http1Begun(Begun { read, io: stream }));
        }
    }
    Ok(Opened::Http2Begun(Begun { read, io: stream }))
}

/// A connection of which some bytes were read already.
pub(super) struct Begun<S> {
    read: BytesMut,
    io: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buffer);
        }
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..count]);
        self.read.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
