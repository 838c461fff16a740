//! Bodies, chunk by chunk.
#![expect(unsafe_code, reason = "a filter is the host's to keep while its body passes")]

use std::ffi::c_void;

use forebay_patch_abi::{self as abi, Slice, Status};

use crate::entry::contained;
use crate::{Call, Error, Services};

/// Sees the chunks of one body, one after the other, on one thread at a time. Dropped when the body is over.
pub trait BodyFilter: Send + 'static {
    /// Takes a chunk. What [`Chunk::write`] is given goes on instead of it if the answer is [`Passed::Replaced`]. It
    /// must not wait.
    ///
    /// # Errors
    /// Breaks the message off, so that the receiver sees that it is not complete.
    fn chunk(&mut self, chunk: &mut Chunk<'_>) -> Result<Passed, Error>;

    /// Whether no chunk is ever replaced; the message keeps its length then.
    fn inspects_only(&self) -> bool {
        false
    }
}

/// What goes on of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// The chunk as it is.
    Unchanged,
    /// What was written, possibly nothing.
    Replaced,
}

/// One chunk of a body.
#[derive(Debug)]
pub struct Chunk<'call> {
    call: Call<'call>,
    data: &'call [u8],
    offset: u64,
    last: bool,
}

impl<'call> Chunk<'call> {
    /// The bytes; may be none in the last chunk.
    pub fn data(&self) -> &'call [u8] {
        self.data
    }

    /// Bytes of this body that came before this chunk.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether this is the last chunk.
    pub fn is_last(&self) -> bool {
        self.last
    }

    /// Adds to what goes on instead of the chunk.
    ///
    /// # Errors
    /// When that becomes too large.
    pub fn write(&mut self, data: &[u8]) -> Result<(), Error> {
        // SAFETY: the host's function, with bytes that it reads before it returns.
        let status = unsafe { (self.call.host().chunk_write)(self.call.number(), Slice::of(data)) };
        self.call.check(status).map(|_| ())
    }
}

impl<'call> Services<'call> for Chunk<'call> {
    fn as_call(&self) -> &Call<'call> {
        &self.call
    }
}

/// A filter that is about to be the host's.
pub(crate) struct State(*mut Box<dyn BodyFilter>);

pub(crate) fn state_of(filter: impl BodyFilter) -> State {
    State(Box::into_raw(Box::new(Box::new(filter))))
}

impl State {
    pub(crate) fn pointer(&self) -> *mut c_void {
        self.0.cast()
    }

    /// The host has it now.
    pub(crate) fn given_away(self) {
        std::mem::forget(self);
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the host refused the filter, so it is still ours, as `state_of` made it.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// `on_chunk` of every middleware.
pub(crate) unsafe extern "C" fn on_chunk(
    _instance: *mut c_void,
    state: *mut c_void,
    call: abi::Call,
    chunk: *const abi::Chunk,
) -> Status {
    contained(call, |_| {
        // SAFETY: the host gives back the state that it was given, to one thread at a time.
        let filter = unsafe { &mut *state.cast::<Box<dyn BodyFilter>>() };
        // SAFETY: the host passes a chunk that is valid during this call.
        let chunk = unsafe { &*chunk };
        // SAFETY: as above.
        let data = unsafe { chunk.data.bytes() };
        let last = chunk.flags & abi::CHUNK_LAST != 0;
        let mut chunk = Chunk { call: Call::new(call), data, offset: chunk.offset, last };
        Ok(match filter.chunk(&mut chunk)? {
            Passed::Unchanged => abi::OK,
            Passed::Replaced => abi::REPLACED,
        })
    })
}

/// `stream_end` of every middleware.
pub(crate) unsafe extern "C" fn stream_end(_instance: *mut c_void, state: *mut c_void) {
    crate::entry::quietly(|| {
        // SAFETY: the host gives the state back, once, as `state_of` made it.
        drop(unsafe { Box::from_raw(state.cast::<Box<dyn BodyFilter>>()) });
    });
}
