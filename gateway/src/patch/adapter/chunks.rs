//! Bodies that pass through a patch chunk by chunk.
#![expect(unsafe_code, reason = "functions of patches are called, and their states kept")]

use std::ffi::c_void;
use std::sync::Arc;

use bytes::Bytes;
use forebay_engine::filter::BodyFilter;
use forebay_patch_abi::{self as abi, Slice};

use super::instance::Instance;
use crate::patch::host::PlainHost;
use crate::patch::host::frame::{Frame, Phase};

/// One body of one exchange, on its way through one step.
#[derive(Debug)]
pub(in crate::patch) struct ChunkFilter {
    instance: Arc<Instance<abi::Middleware>>,
    state: *mut c_void,
    side: u32,
    inspects: bool,
    offset: u64,
}

// SAFETY: the state is used by whoever owns the filter, one call at a time. That is the worker of the exchange: an
// exchange with filters does not leave it, and copies of exchanges are made without.
unsafe impl Send for ChunkFilter {}
// SAFETY: through a shared reference the state cannot be reached.
unsafe impl Sync for ChunkFilter {}

impl ChunkFilter {
    pub(in crate::patch) fn new(
        instance: Arc<Instance<abi::Middleware>>,
        state: *mut c_void,
        side: u32,
        inspects: bool,
    ) -> Self {
        Self { instance, state, side, inspects, offset: 0 }
    }
}

impl BodyFilter for ChunkFilter {
    fn chunk(&mut self, data: Bytes, last: bool) -> Result<Bytes, String> {
        let flags = if last { abi::CHUNK_LAST } else { 0 };
        let size = size_of::<abi::Chunk>();
        let chunk = abi::Chunk { size, flags, side: self.side, data: Slice::of(&data), offset: self.offset };
        let (state, instance) = (self.state, self.instance.clone());
        let mut frame = Frame::new(instance.name(), Phase::Chunk, &PlainHost);
        let status = instance.call(&mut frame, |table, pointer, call| match table.on_chunk {
            // SAFETY: the function is of a mapped library, called with an instance and a state that it made.
            Some(on_chunk) => unsafe { on_chunk(pointer, state, call, &raw const chunk) },
            None => abi::OK,
        });
        self.offset += data.len() as u64;
        match status {
            abi::OK => Ok(data),
            abi::REPLACED if self.inspects => {
                Err(format!("{}: it changed a chunk of a body that it said to inspect only", instance.name()))
            }
            abi::REPLACED => Ok(Bytes::from(std::mem::take(&mut frame.output))),
            status => Err(format!("{}: {}", instance.name(), frame.explain(status))),
        }
    }

    fn inspects_only(&self) -> bool {
        self.inspects
    }
}

impl Drop for ChunkFilter {
    fn drop(&mut self) {
        let state = self.state;
        if let Some(end) = self.instance.table().stream_end {
            // SAFETY: the state is what the patch gave with `stream_body`, and no chunk follows.
            self.instance.outside_of_a_call(|_, pointer| unsafe { end(pointer, state) });
        }
    }
}
