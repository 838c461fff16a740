//! Middleware: a step of a chain.

use core::ffi::c_void;

use crate::{Call, Slice, Status};

/// A chunk of a body on its way.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// Size of this table as the host was built with it.
    pub size: usize,
    /// `FOREBAY_CHUNK_LAST`, or 0.
    pub flags: u32,
    /// `FOREBAY_REQUEST_SIDE` or `FOREBAY_RESPONSE_SIDE`.
    pub side: u32,
    /// The bytes; may be empty in the last chunk. Valid until the callback returns.
    pub data: Slice,
    /// Bytes of this body that came before this chunk.
    pub offset: u64,
}

/// The callbacks of a middleware. An *instance* is one step of one route in one generation, with its settings.
///
/// A hook returns `FOREBAY_OK` (go on), `FOREBAY_REPLY` (answer with what `reply` began), `FOREBAY_REFUSE` (answer the
/// error that `refuse` began), `FOREBAY_FAILED` or `FOREBAY_PANICKED`. Anything else counts as failed.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Middleware {
    /// Size of this table as the patch was built with it.
    pub size: usize,
    /// Bits of the hooks that act. A bit whose function is null refuses the patch.
    pub hooks: u32,
    /// Bits of the hooks that may wait. Those run on a stack of their own (of 1 MiB or more), the
    /// others on the worker's, which costs less. `on_log` may wait as well.
    pub waits: u32,
    /// `FOREBAY_MIDDLEWARE_...`, or 0.
    pub flags: u32,
    /// Bits of the hooks before which the host reads the body of their message, so that `body` gives it without
    /// waiting: the request's for `on_request`, the response's for `on_response`; no others, and none that is in `waits`.
    /// Where it cannot be read the hook is not called, and the step has failed. Costs less than waiting; a hook
    /// that refuses by the head alone, before a body has come, waits instead.
    pub bodies: u32,
    /// Makes an instance. The settings are to be had from `config` of `call` and only here; waiting is not
    /// possible. On success `*instance` is what the other callbacks get; it may be null. On failure the step's
    /// configuration is refused with the reason given by `fail`. On the control thread. May be null: then every
    /// instance is null and settings are refused.
    pub create: Option<unsafe extern "C" fn(call: Call, instance: *mut *mut c_void) -> Status>,
    /// Frees an instance. Called once, after its last callback has returned, on any thread. May be null.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Before the upstream is asked.
    pub on_request: Option<unsafe extern "C" fn(instance: *mut c_void, call: Call) -> Status>,
    /// After the head of a response has come. `FOREBAY_REPLY` replaces the response.
    pub on_response: Option<unsafe extern "C" fn(instance: *mut c_void, call: Call) -> Status>,
    /// The gateway itself is about to answer an error. `FOREBAY_REPLY` replaces that answer.
    pub on_error: Option<unsafe extern "C" fn(instance: *mut c_void, call: Call) -> Status>,
    /// After the last byte. The result does not change the answer any more.
    pub on_log: Option<unsafe extern "C" fn(instance: *mut c_void, call: Call) -> Status>,
    /// A chunk of a body for which `stream_body` was called, with the `state` given there. Returns `FOREBAY_OK`
    /// (pass it on untouched), `FOREBAY_REPLACED` (pass on what `chunk_write` was given, possibly nothing), or
    /// a failure, which breaks the message off. On the worker's thread, one call at a time for one body; must not
    /// wait. Of the host's functions those work that need no exchange. May be null.
    pub on_chunk: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            state: *mut c_void,
            call: Call,
            chunk: *const Chunk,
        ) -> Status,
    >,
    /// The body of `state` is over, completely or not, and no chunk follows: frees `state`. Called once for each
    /// successful `stream_body`, on the thread of the chunks, before the instance is destroyed. May be null.
    pub stream_end: Option<unsafe extern "C" fn(instance: *mut c_void, state: *mut c_void)>,
}
