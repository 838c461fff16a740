//! A bound on the HTTP/2 frames that carry no request and no data.
//!
//! Pings, settings, window updates, priorities, resets and frames of unknown type cost the sender nothing, are
//! answered or worked through all the same, and no limit of the protocol library counts them (the floods of
//! CVE-2019-9512, -9515 and their like). So the frame headers in what a client sends are counted here as they pass.
//! A client earns the right to send such frames: over time, by the requests it makes, and by the bytes that move,
//! since each some kilobytes call for a window update.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connection::ConnectionState;

/// What every HTTP/2 connection begins with (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Control frames that a client may send before it has earned any, and the most it can save up.
const CREDIT_START: i64 = 1_000;
const CREDIT_MAX: i64 = 10_000;
/// Control frames earned by a second, by a request, and by a KiB of data either way.
const PER_SECOND: i64 = 50;
const PER_REQUEST: i64 = 10;
const PER_KIB: i64 = 1;

/// Frame types (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
/// On DATA and HEADERS: the last frame of its stream.
const END_STREAM: u8 = 1;

/// Counts control frames against what was earned.
pub(super) struct Meter {
    credit: i64,
    /// Bytes that have not made a KiB yet.
    bytes: usize,
    counted: Instant,
}

impl Meter {
    fn new() -> Self {
        Self { credit: CREDIT_START, bytes: 0, counted: Instant::now() }
    }

    fn earn(&mut self, credit: i64) {
        self.credit = (self.credit + credit).min(CREDIT_MAX);
    }

    fn moved(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.earn(PER_KIB * i64::try_from(self.bytes >> 10).unwrap_or(CREDIT_MAX));
        self.bytes &= (1 << 10) - 1;
    }

    /// Takes one frame into account; `false` when the client has no credit left.
    fn frame(&mut self, kind: u8, flags: u8, length: usize) -> bool {
        match kind {
            HEADERS => self.earn(PER_REQUEST),
            DATA if length > 0 || flags & END_STREAM != 0 => self.moved(length),
            _ => self.credit -= 1,
        }
        self.credit > 0 || self.has_earned_meanwhile()
    }

    /// The clock is only asked when there is nothing left.
    fn has_earned_meanwhile(&mut self) -> bool {
        let now = Instant::now();
        let seconds = now.duration_since(self.counted).as_secs();
        if seconds > 0 {
            self.counted = now;
            self.earn(PER_SECOND * i64::try_from(seconds).unwrap_or(CREDIT_MAX).min(CREDIT_MAX));
        }
        self.credit > 0
    }
}

/// Where the reader stands in the bytes of the client.
enum Place {
    /// So many bytes of the preface are still to come.
    Preface(usize),
    /// So many bytes of a frame header have come.
    Header([u8; 9], usize),
    /// So many bytes of a frame are still to come.
    Payload(usize),
}

/// A client's HTTP/2 connection whose frames are counted.
pub(super) struct Metered<S> {
    io: S,
    state: Rc<ConnectionState>,
    place: Place,
    meter: Meter,
}

impl<S> Metered<S> {
    pub(super) fn new(io: S, state: Rc<ConnectionState>) -> Self {
        Self { io, state, place: Place::Preface(PREFACE.len()), meter: Meter::new() }
    }

    /// Looks at bytes of the client in their order.
    fn read(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match &mut self.place {
                Place::Preface(left) | Place::Payload(left) => {
                    let taken = bytes.len().min(*left);
                    *left -= taken;
                    bytes = &bytes[taken..];
                    if *left == 0 {
                        if matches!(self.place, Place::Preface(_)) {
                            self.state.http2_begins();
                        }
                        self.place = Place::Header([0; 9], 0);
                    }
                }
                Place::Header(header, have) => {
                    let taken = bytes.len().min(header.len() - *have);
                    header[*have..*have + taken].copy_from_slice(&bytes[..taken]);
                    *have += taken;
                    bytes = &bytes[taken..];
                    if *have == header.len() {
                        let length = usize::from(header[0]) << 16
                            | usize::from(header[1]) << 8
                            | usize::from(header[2]);
                        if !self.meter.frame(header[3], header[4], length) {
                            return Err(io::Error::other("more HTTP/2 control frames than a client needs"));
                        }
                        self.place =
                            if length == 0 { Place::Header([0; 9], 0) } else { Place::Payload(length) };
                    }
                }
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.io).poll_read(cx, buffer);
        if let Poll::Ready(Ok(())) = result {
            self.read(&buffer.filled()[before..]).inspect_err(|_| self.state.flooded())?;
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = result {
            self.meter.moved(count);
        }
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(count)) = result {
            self.meter.moved(count);
        }
        result
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How many frames of a kind a client can send at once before it is cut off.
    fn accepted(meter: &mut Meter, kind: u8, length: usize, most: usize) -> usize {
        (0..most).take_while(|_| meter.frame(kind, 0, length)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn control_frames_are_earned() {
        const PING: u8 = 6;
        let mut meter = Meter::new();
        assert_eq!(accepted(&mut meter, PING, 8, 5_000), 999);
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
        assert_eq!(accepted(&mut meter, PING, 8, 5_000), 99);
        meter.moved(300 << 10);
        assert_eq!(accepted(&mut meter, 8, 4, 5_000), 299);
        meter.frame(HEADERS, 0, 20);
        assert_eq!(accepted(&mut meter, PING, 8, 5_000), 9);
    }

    #[tokio::test]
    async fn empty_data_counts_unless_it_ends_a_stream() {
        let mut meter = Meter::new();
        assert_eq!(accepted(&mut meter, DATA, 0, 5_000), 999);
        let mut meter = Meter::new();
        assert!((0..5_000).all(|_| meter.frame(DATA, END_STREAM, 0)));
        assert_eq!(accepted(&mut meter, DATA, 100, 5_000), 5_000);
    }
}
