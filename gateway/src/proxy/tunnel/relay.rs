//! Bytes both ways between two connections that have switched protocols, until both sides have closed.
//!
//! A side that closes its half is told to the other side, which may go on. A tunnel that waits holds no buffer: bytes are
//! read into one that the thread has for all, and only what the other side does not take at once is kept.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Most bytes read at a time.
const PIECE_BYTES: usize = 16 << 10;

thread_local! {
    static PIECE: RefCell<Box<[u8]>> = RefCell::new(vec![0; PIECE_BYTES].into());
}

/// One side of a tunnel.
pub(super) struct Side<S> {
    pub(super) io: S,
    /// What was read from it before the tunnel began.
    pub(super) read: Bytes,
}

/// How a tunnel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides have closed.
    Closed,
    /// Reading from, or writing to, the client failed.
    ClientGone,
    /// Reading from, or writing to, the upstream failed.
    UpstreamGone,
    /// No byte passed for too long.
    Idle,
}

/// What passed through a tunnel, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// Bytes from the client to the upstream.
    pub(super) from_client: u64,
    /// Bytes from the upstream to the client.
    pub(super) from_upstream: u64,
    pub(super) end: End,
}

/// One direction of a tunnel.
struct Direction {
    /// Read and not written yet.
    rest: Bytes,
    bytes: u64,
    stage: Stage,
    is_flushed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// The source has closed; the destination is to be told.
    Closing,
    Closed,
}

/// Which side failed.
enum Failed {
    Source,
    Destination,
}

impl Direction {
    fn new(rest: Bytes) -> Self {
        Self { bytes: rest.len() as u64, rest, stage: Stage::Open, is_flushed: true }
    }

    /// Moves what can be moved. Ready once the destination knows that the source has closed.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
    ) -> Poll<Result<(), Failed>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while !self.rest.is_empty() {
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.rest));
                let count = written.ok().filter(|&count| count > 0).ok_or(Failed::Destination)?;
                self.rest.advance(count);
                self.is_flushed = false;
                *moved = true;
            }
            match self.stage {
                Stage::Open => match self.poll_read(cx, from, to) {
                    Poll::Ready(Ok(0)) => self.stage = Stage::Closing,
                    Poll::Ready(Ok(_)) => *moved = true,
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(Failed::Source)),
                    Poll::Pending => {
                        if !self.is_flushed {
                            ready!(Pin::new(&mut *to).poll_flush(cx)).map_err(|_| Failed::Destination)?;
                            self.is_flushed = true;
                        }
                        return Poll::Pending;
                    }
                },
                Stage::Closing => {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(|_| Failed::Destination)?;
                    self.stage = Stage::Closed;
                }
                Stage::Closed => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Reads one piece and writes as much of it as is taken at once. A failing write is found again by the next one.
    fn poll_read<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<io::Result<usize>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        PIECE.with_borrow_mut(|piece| {
            let mut buffer = ReadBuf::new(piece);
            ready!(Pin::new(&mut *from).poll_read(cx, &mut buffer))?;
            let read = buffer.filled();
            if read.is_empty() {
                return Poll::Ready(Ok(0));
            }
            self.bytes += read.len() as u64;
            let written = match Pin::new(&mut *to).poll_write(cx, read) {
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(_)) | Poll::Pending => 0,
            };
            self.is_flushed = false;
            self.rest = Bytes::copy_from_slice(&read[written..]);
            Poll::Ready(Ok(read.len()))
        })
    }
}

/// Runs the tunnel until both sides have closed, one fails, or nothing passes for `idle`.
pub(super) async fn relay<C, U>(client: Side<C>, upstream: Side<U>, idle: Duration) -> Passed
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let (mut client, up) = (client.io, Direction::new(client.read));
    let (mut upstream, down) = (upstream.io, Direction::new(upstream.read));
    let (mut up, mut down) = (up, down);
    let mut timer = pin!(tokio::time::sleep(idle));
    let mut last = Instant::now();
    let end = poll_fn(|cx| {
        let mut moved = false;
        let upwards = up.poll(cx, &mut client, &mut upstream, &mut moved);
        let downwards = down.poll(cx, &mut upstream, &mut client, &mut moved);
        match (upwards, downwards) {
            (Poll::Ready(Err(Failed::Source)), _) | (_, Poll::Ready(Err(Failed::Destination))) => {
                return Poll::Ready(End::ClientGone);
            }
            (Poll::Ready(Err(Failed::Destination)), _) | (_, Poll::Ready(Err(Failed::Source))) => {
                return Poll::Ready(End::UpstreamGone);
            }
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(End::Closed),
            _ => {}
        }
        let now = Instant::now();
        if moved {
            last = now;
        }
        // The timer is moved when it goes off, not for each byte.
        while timer.as_mut().poll(cx).is_ready() {
            if now.duration_since(last) >= idle {
                return Poll::Ready(End::Idle);
            }
            timer.as_mut().reset(last + idle);
        }
        Poll::Pending
    })
    .await;
    Passed { from_client: up.bytes, from_upstream: down.bytes, end }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    /// The outer ends of a tunnel, and the tunnel.
    fn tunnel(idle: Duration) -> (DuplexStream, DuplexStream, impl Future<Output = Passed>) {
        let (client, near) = tokio::io::duplex(64);
        let (upstream, far) = tokio::io::duplex(64);
        let near = Side { io: near, read: Bytes::from_static(b"early ") };
        let far = Side { io: far, read: Bytes::new() };
        (client, upstream, relay(near, far, idle))
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_and_a_half_may_close_first() {
        let (mut client, mut upstream, tunnel) = tunnel(Duration::from_mins(1));
        let outside = async {
            let large = vec![b'x'; 100_000];
            let (sent, got) = tokio::join!(
                async {
                    client.write_all(&large).await.unwrap();
                    client.shutdown().await.unwrap();
                },
                async {
                    let mut got = Vec::new();
                    upstream.read_to_end(&mut got).await.unwrap();
                    got
                }
            );
            let () = sent;
            assert_eq!((&got[..6], got.len()), (&b"early "[..], 100_006));
            upstream.write_all(b"still here").await.unwrap();
            upstream.shutdown().await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "still here");
        };
        let (passed, ()) = tokio::join!(tunnel, outside);
        assert_eq!(passed, Passed { from_client: 100_006, from_upstream: 10, end: End::Closed });
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_in_which_nothing_passes_ends() {
        let (mut client, mut upstream, tunnel) = tunnel(Duration::from_mins(1));
        let started = Instant::now();
        let outside = async {
            tokio::time::sleep(Duration::from_secs(50)).await;
            client.write_all(b"a").await.unwrap();
            upstream.read_exact(&mut [0; 7]).await.unwrap();
        };
        let (passed, ()) = tokio::join!(tunnel, outside);
        assert_eq!((passed.end, started.elapsed().as_secs()), (End::Idle, 110));
    }

    #[tokio::test]
    async fn the_side_that_fails_is_named() {
        let (client, upstream, tunnel) = tunnel(Duration::from_mins(1));
        drop(upstream);
        assert_eq!(tunnel.await.end, End::UpstreamGone);
        drop(client);
    }
}
