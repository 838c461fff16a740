//! What the host does for patches: one table of functions.
#![expect(unsafe_code, reason = "the table holds a pointer and is shared by all threads")]

use crate::{Call, Fields, Slice, Status, Value};

/// An outbound request.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct HttpRequest {
    /// Size of this table as the patch was built with it.
    pub size: usize,
    /// Method; `GET` if absent.
    pub method: Slice,
    /// Absolute URL; must be one that the configuration allows.
    pub url: Slice,
    /// Header fields.
    pub headers: Fields,
    /// Body; absent for none.
    pub body: Slice,
    /// Milliseconds for the whole request; 0 for the configured time.
    pub timeout_milliseconds: u64,
}

/// The answer to an outbound request. Set by the host up to `size`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct HttpAnswer {
    /// Size of this table; set by the patch before the call.
    pub size: usize,
    /// Status; 0 if there was no answer.
    pub status: u32,
    /// Header fields. These slices, unlike others, are valid until the callback returns.
    pub headers: Fields,
    /// Body. Valid as the header fields are.
    pub body: Slice,
    /// Why there was no answer; absent if there was one. Valid as the header fields are.
    pub error: Slice,
}

/// The host's functions. One table for the whole process, at one address until it ends; none of them is null.
///
/// Every function takes the call it is made for and may be called on its thread only. All return `FOREBAY_OK` or
/// what stands at each; any may return `FOREBAY_STALE`, `FOREBAY_INVALID` and `FOREBAY_UNAVAILABLE`. Where a
/// function gives something through a pointer, that is set to zero or absent unless it returns `FOREBAY_OK`, and
/// must not be null. "Waits" means: only in callbacks that may wait; may return `FOREBAY_CANNOT_WAIT`,
/// `FOREBAY_EXPIRED` and `FOREBAY_CANCELLED`; the worker serves other requests meanwhile, on the same thread.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Size of this table as the host was built with it.
    pub size: usize,
    /// The host's major.
    pub abi_major: u32,
    /// The host's minor.
    pub abi_minor: u32,
    /// What the host can do: `FOREBAY_FEATURE_...`.
    pub features: u64,
    /// Version of the gateway. Valid until the process ends.
    pub version: Slice,

    /// Says why the callback is about to return a failure. For the operator, never for a client.
    pub fail: unsafe extern "C" fn(call: Call, reason: Slice) -> Status,
    /// The reason of the last failure of a function for this call, for people. Absent if there was none.
    pub last_error: unsafe extern "C" fn(call: Call, reason: *mut Slice) -> Status,
    /// Begins the reply of this callback, dropping one begun earlier. `status` is 200 to 599.
    pub reply: unsafe extern "C" fn(call: Call, status: u32, body: Slice) -> Status,
    /// Begins an error that the gateway answers, as it answers its own, to a request that is not let through: error
    /// steps and the error page may shape it. `status` is 400 to 599; `kind` is a stable word for logs,
    /// `[a-z][a-z0-9_]*`, at most 64 bytes; the client is told `message`.
    pub refuse: unsafe extern "C" fn(call: Call, status: u32, kind: Slice, message: Slice) -> Status,
    /// Gives the result of a lookup.
    pub result: unsafe extern "C" fn(call: Call, value: *const Value) -> Status,

    /// A text of the exchange, `FOREBAY_TEXT_...`; `FOREBAY_ABSENT` where there is none.
    pub text: unsafe extern "C" fn(call: Call, which: u32, text: *mut Slice) -> Status,
    /// Sets a text of the exchange that can be set.
    pub set_text: unsafe extern "C" fn(call: Call, which: u32, text: Slice) -> Status,
    /// A number of the exchange, `FOREBAY_NUMBER_...`; `FOREBAY_ABSENT` where there is none.
    pub number: unsafe extern "C" fn(call: Call, which: u32, number: *mut i64) -> Status,
    /// Sets a number of the exchange that can be set.
    pub set_number: unsafe extern "C" fn(call: Call, which: u32, number: i64) -> Status,
    /// Value number `nth` (from 0) of a header field of a message, by name in any case; `FOREBAY_ABSENT` if there
    /// are fewer.
    pub header:
        unsafe extern "C" fn(call: Call, side: u32, name: Slice, nth: usize, value: *mut Slice) -> Status,
    /// All header fields of a message.
    pub headers: unsafe extern "C" fn(call: Call, side: u32, fields: *mut Fields) -> Status,
    /// Sets a header field, removing other values of that name. `FOREBAY_REFUSED` for fields that are the gateway's
    /// own: those of the connection, of the framing, and `Host`.
    pub set_header: unsafe extern "C" fn(call: Call, side: u32, name: Slice, value: Slice) -> Status,
    /// Adds a header field beside others of that name. As `set_header`.
    pub add_header: unsafe extern "C" fn(call: Call, side: u32, name: Slice, value: Slice) -> Status,
    /// Removes all values of a header field; `FOREBAY_ABSENT` if there was none. As `set_header`.
    pub remove_header: unsafe extern "C" fn(call: Call, side: u32, name: Slice) -> Status,
    /// A parameter of the route's path, decoded; `FOREBAY_ABSENT` if there is none of that name.
    pub parameter: unsafe extern "C" fn(call: Call, name: Slice, value: *mut Slice) -> Status,
    /// A variable of the exchange, `req.vars[name]` in scripts; `FOREBAY_ABSENT` if it is not set.
    pub variable: unsafe extern "C" fn(call: Call, name: Slice, value: *mut Value) -> Status,
    /// Sets a variable of the exchange; `FOREBAY_VALUE_NONE` removes it.
    pub set_variable: unsafe extern "C" fn(call: Call, name: Slice, value: *const Value) -> Status,
    /// Who the caller is, `req.identity` in scripts, or one entry of it if `name` is present; `FOREBAY_ABSENT` if
    /// nobody has said so.
    pub identity: unsafe extern "C" fn(call: Call, name: Slice, value: *mut Value) -> Status,
    /// Says who the caller is; `FOREBAY_VALUE_NONE` for nobody.
    pub set_identity: unsafe extern "C" fn(call: Call, value: *const Value) -> Status,
    /// The whole body of a message. Waits, unless it has been read, replaced or is empty. `FOREBAY_UNREACHABLE`
    /// if it broke off or is larger than the configuration allows.
    pub body: unsafe extern "C" fn(call: Call, side: u32, body: *mut Slice) -> Status,
    /// Replaces the body of a message. Header fields that described the old one (`Content-Encoding`, `ETag`, digests)
    /// go; `Content-Length` follows by itself.
    pub set_body: unsafe extern "C" fn(call: Call, side: u32, body: Slice) -> Status,
    /// From now on the chunks of this body go through `on_chunk` of the middleware, with this state. The request's
    /// in the request phase, the response's in the response phase. `flags` is 0 or `FOREBAY_STREAM_INSPECT`; without
    /// it the message's length is unknown to the client, and header fields that described the body go. A body that
    /// is in memory when it is sent comes as one chunk; an empty one has no chunks.
    pub stream_body:
        unsafe extern "C" fn(call: Call, side: u32, flags: u32, state: *mut core::ffi::c_void) -> Status,
    /// Adds bytes to what is passed on instead of the chunk. In `on_chunk` only.
    pub chunk_write: unsafe extern "C" fn(call: Call, data: Slice) -> Status,

    /// A setting by JSON pointer (RFC 6901): `/burst`, `/keys/0`; the empty pointer is all of it, as JSON. Texts
    /// stay valid until the callback returns. In `create` only. `FOREBAY_ABSENT` if there is none.
    pub config: unsafe extern "C" fn(call: Call, pointer: Slice, value: *mut Value) -> Status,
    /// An environment variable. In hooks of middleware and in key lookups; not in `create`, because an instance outlives
    /// reloads that change what may be read. `FOREBAY_REFUSED` for one that the configuration does not name;
    /// `FOREBAY_ABSENT` if it is not set.
    pub environment: unsafe extern "C" fn(call: Call, name: Slice, value: *mut Slice) -> Status,
    /// A secret of the configuration. Where `environment` is to be had, for the same reason. `FOREBAY_REFUSED` if there is none of that name.
    pub secret: unsafe extern "C" fn(call: Call, name: Slice, value: *mut Slice) -> Status,
    /// Writes a line to the log, `FOREBAY_LOG_...`. At most 8 KiB of it.
    pub log: unsafe extern "C" fn(call: Call, level: u32, message: Slice) -> Status,
    /// Adds to a counter or sets a gauge, `FOREBAY_METRIC_...`. Names are `[a-z_]+`, at most 64 bytes.
    /// Counted while requests are served, whatever the component; in `create` and the self-test it does nothing.
    pub metric: unsafe extern "C" fn(call: Call, name: Slice, kind: u32, value: f64) -> Status,
    /// Wall clock, nanoseconds since 1970-01-01 UTC.
    pub unix_time: unsafe extern "C" fn(call: Call, nanoseconds: *mut i64) -> Status,
    /// Monotonic clock, nanoseconds since a start of its own, the same for all threads.
    pub monotonic_time: unsafe extern "C" fn(call: Call, nanoseconds: *mut u64) -> Status,
    /// Fills `len` bytes with random ones, fit for keys.
    pub random: unsafe extern "C" fn(call: Call, buffer: *mut u8, len: usize) -> Status,

    /// A value of the key-value store; `FOREBAY_ABSENT` if there is none. Keys are UTF-8 of 1 to 512 bytes. Waits.
    pub kv_get: unsafe extern "C" fn(call: Call, key: Slice, value: *mut Slice) -> Status,
    /// Stores a value for so many milliseconds (0: for ever). With `only_if_absent` 1, `FOREBAY_ABSENT` says that
    /// nothing was stored because there was a value. Waits.
    pub kv_set: unsafe extern "C" fn(
        call: Call,
        key: Slice,
        value: Slice,
        ttl_milliseconds: u64,
        only_if_absent: u32,
    ) -> Status,
    /// Adds to a decimal number (0 if absent), gives the sum; a key that this makes lives so many milliseconds (0:
    /// for ever). Waits.
    pub kv_increment:
        unsafe extern "C" fn(call: Call, key: Slice, by: i64, ttl_milliseconds: u64, sum: *mut i64) -> Status,
    /// Deletes a value; `FOREBAY_ABSENT` if there was none. Waits.
    pub kv_delete: unsafe extern "C" fn(call: Call, key: Slice) -> Status,
    /// Milliseconds a value has left, -1 for ever; `FOREBAY_ABSENT` if there is none. Waits.
    pub kv_ttl: unsafe extern "C" fn(call: Call, key: Slice, milliseconds: *mut i64) -> Status,
    /// Goes on after so many milliseconds; 0 lets other requests have their turn. Waits.
    pub sleep: unsafe extern "C" fn(call: Call, milliseconds: u64) -> Status,
    /// Sends `count` requests at once and waits for all. `requests` and `answers` are arrays of `count` pointers.
    /// `FOREBAY_OK` even if some had no answer: see each. Waits.
    pub http: unsafe extern "C" fn(
        call: Call,
        requests: *const *const HttpRequest,
        answers: *const *mut HttpAnswer,
        count: usize,
    ) -> Status,

    /// Adds a field to the access record, or replaces one; `FOREBAY_VALUE_NONE` removes it. In `on_log` the field
    /// is one of `extra`. In an access filter, `client`, `host` and `target` are replaced (with a text) and any
    /// other name is one of `extra`.
    pub access_field: unsafe extern "C" fn(call: Call, name: Slice, value: *const Value) -> Status,
    /// The access record is not to be written. In `on_log`.
    pub access_drop: unsafe extern "C" fn(call: Call) -> Status,
}

// SAFETY: the table is never changed, and its one pointer leads to text that stays until the process ends.
unsafe impl Sync for Host {}
// SAFETY: as above.
unsafe impl Send for Host {}
