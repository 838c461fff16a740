//! A body that can be sent again: what passes is remembered, up to a bound.
//!
//! Its pieces share their memory with what is sent, so remembering copies nothing. A body that turns out to be larger
//! than the bound passes like any other, and can only be sent once. Of several readers the one that began last reads;
//! an earlier one, left behind by a connection that failed, gets an
//! error. A body that has passed whole can be read by any number.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::{BodyError, BodyFault, ProxyBody, Side};

/// One reading of the body, from its beginning.
#[derive(Debug)]
pub(super) struct Kept {
    shared: Rc<RefCell<Recording>>,
    /// Which reading this is, once it has begun.
    turn: Option<u64>,
    /// Pieces read of those remembered.
    position: usize,
}

#[derive(Debug)]
struct Recording {
    inner: ProxyBody,
    /// The length as the source declared it.
    declared: SizeHint,
    pieces: Vec<Piece>,
    bytes: usize,
    bytes_max: usize,
    /// Whether everything so far is in `pieces`.
    is_whole: bool,
    /// Whether the source has ended.
    ended: bool,
    /// The reading that began last.
    turn: u64,
}

#[derive(Debug, Clone)]
enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl Piece {
    fn frame(self) -> Frame<Bytes> {
        match self {
            Self::Data(data) => Frame::data(data),
            Self::Trailers(trailers) => Frame::trailers(trailers),
        }
    }
}

impl Kept {
    pub(super) fn new(inner: ProxyBody, bytes_max: usize) -> Self {
        let declared = inner.size_hint();
        let recording = Recording {
            inner,
            declared,
            pieces: Vec::new(),
            bytes: 0,
            bytes_max,
            is_whole: true,
            ended: false,
            turn: 0,
        };
        Self { shared: Rc::new(RefCell::new(recording)), turn: None, position: 0 }
    }

    /// Another reading, from the beginning.
    pub(super) fn again(&self) -> Self {
        Self { shared: Rc::clone(&self.shared), turn: None, position: 0 }
    }

    /// Whether a reading that begins now would see the whole body.
    pub(super) fn can_begin(&self) -> bool {
        let recording = self.shared.borrow();
        recording.is_whole && !recording.inner.has_failed()
    }

    /// Whether all of the body has passed and is here.
    pub(super) fn is_complete(&self) -> bool {
        self.shared.borrow().is_complete()
    }

    pub(super) fn watch(&self) -> Option<Rc<super::Progress>> {
        self.shared.borrow_mut().inner.watch()
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let recording = self.shared.borrow();
        recording.ended && self.position >= recording.pieces.len()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        if self.turn.is_none() { self.shared.borrow().declared } else { SizeHint::default() }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let recording = &mut *self.shared.borrow_mut();
        // What has come to its end can be read by any number at a time.
        if recording.is_complete() {
            self.turn.get_or_insert(0);
            let piece = recording.pieces.get(self.position).cloned();
            self.position += 1;
            return Poll::Ready(piece.map(|piece| Ok(piece.frame())));
        }
        let turn = *self.turn.get_or_insert_with(|| {
            recording.turn += 1;
            recording.turn
        });
        if turn != recording.turn || (self.position == 0 && !recording.is_whole) {
            return Poll::Ready(Some(Err(BodyError { side: Side::Client, fault: BodyFault::Gone })));
        }
        if let Some(piece) = recording.pieces.get(self.position) {
            self.position += 1;
            return Poll::Ready(Some(Ok(piece.clone().frame())));
        }
        if recording.ended {
            return Poll::Ready(None);
        }
        let item = ready!(Pin::new(&mut recording.inner).poll_frame(cx));
        match &item {
            Some(Ok(frame)) => {
                recording.remember(frame);
                self.position += 1;
                recording.ended = recording.inner.is_end_stream();
            }
            None => recording.ended = true,
            Some(Err(_)) => {}
        }
        Poll::Ready(item)
    }
}

impl Recording {
    /// Whether all of the body has passed and is here.
    fn is_complete(&self) -> bool {
        self.ended && self.is_whole
    }

    fn remember(&mut self, frame: &Frame<Bytes>) {
        if !self.is_whole {
            return;
        }
        self.bytes += frame.data_ref().map_or(0, Bytes::len);
        if self.bytes > self.bytes_max {
            self.is_whole = false;
            self.pieces = Vec::new();
            return;
        }
        let data = frame.data_ref().cloned().map(Piece::Data);
        self.pieces.extend(data.or_else(|| frame.trailers_ref().cloned().map(Piece::Trailers)));
    }
}
