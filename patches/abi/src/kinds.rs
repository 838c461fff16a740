//! The other kinds of component: balancer, key lookup, error page, access-record filter.
//!
//! `create` and `destroy` are in each as they are in [`Middleware`](crate::Middleware).

use core::ffi::c_void;

use crate::{Call, Slice, Status};

/// A server that a balancer may choose.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// `host:port`.
    pub address: Slice,
    /// Its share, from 1.
    pub weight: u32,
    /// Connections of this worker to it that are in use.
    pub active: u32,
    /// One of `FOREBAY_STANDING_...`; the lower the better.
    pub standing: u32,
    /// 0.
    pub reserved: u32,
}

/// The servers of an upstream.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Targets {
    /// Size of this table as the host was built with it.
    pub size: usize,
    /// First target. Target `i` begins `i * stride` bytes further: a newer host's targets are larger.
    pub ptr: *const Target,
    /// Number of targets, at least 1.
    pub len: usize,
    /// Bytes from one target to the next.
    pub stride: usize,
    /// Name of the upstream.
    pub upstream: Slice,
    /// Number of this attempt, from 0.
    pub attempt: u32,
}

/// The callbacks of a load balancer. An instance belongs to one upstream of one generation and is used by every
/// worker. In its `create`, `config` gives the upstream's name at `/upstream`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Balancer {
    /// Size of this table as the patch was built with it.
    pub size: usize,
    /// As in a middleware.
    pub create: Option<unsafe extern "C" fn(call: Call, instance: *mut *mut c_void) -> Status>,
    /// As in a middleware.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Chooses a target: sets `*chosen` to its index and returns `FOREBAY_OK`; `FOREBAY_ABSENT` if none will do.
    /// Must not wait. Of the exchange, the header fields of the request can be read. Not null.
    pub pick: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            call: Call,
            targets: *const Targets,
            chosen: *mut usize,
        ) -> Status,
    >,
}

/// The callbacks of a lookup of credentials: from what a client presents to who that is.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct KeyLookup {
    /// Size of this table as the patch was built with it.
    pub size: usize,
    /// 1 if `find` may wait, else 0.
    pub waits: u32,
    /// As in a middleware.
    pub create: Option<unsafe extern "C" fn(call: Call, instance: *mut *mut c_void) -> Status>,
    /// As in a middleware.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Looks a key up. Returns `FOREBAY_OK` after giving the identity with `result` (any value; an object is
    /// usual), `FOREBAY_ABSENT` for an unknown key, or a failure, which lets nobody in. The exchange can be read and
    /// not changed. Not null.
    pub find: Option<unsafe extern "C" fn(instance: *mut c_void, call: Call, key: Slice) -> Status>,
}

/// An error that the gateway is about to answer.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ErrorInfo {
    /// Size of this table as the host was built with it.
    pub size: usize,
    /// Status, 400 to 599.
    pub status: u32,
    /// Stable word for the error.
    pub kind: Slice,
    /// What the client may be told.
    pub message: Slice,
    /// Id of the request.
    pub request_id: Slice,
    /// The request's `Accept` field; absent if it has none.
    pub accept: Slice,
}

/// The callbacks of a renderer of error pages. There is one instance, without settings.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ErrorPage {
    /// Size of this table as the patch was built with it.
    pub size: usize,
    /// As in a middleware.
    pub create: Option<unsafe extern "C" fn(call: Call, instance: *mut *mut c_void) -> Status>,
    /// As in a middleware.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Renders the page with `reply` and header fields of the reply, and returns `FOREBAY_REPLY`; anything else
    /// leaves the page to the gateway. The call has no exchange: some errors come before there is one. Must not
    /// wait. Not null.
    pub render:
        Option<unsafe extern "C" fn(instance: *mut c_void, call: Call, error: *const ErrorInfo) -> Status>,
}

/// One exchange as the access log will tell it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct AccessRecord {
    /// Size of this table as the host was built with it.
    pub size: usize,
    /// Id of the request.
    pub request_id: Slice,
    /// Address of the client.
    pub client: Slice,
    /// Method.
    pub method: Slice,
    /// Host the client asked for.
    pub host: Slice,
    /// Target in origin form.
    pub target: Slice,
    /// Name of the route; absent for a request without one.
    pub route: Slice,
    /// How it ended.
    pub end_reason: Slice,
    /// Address of the server that answered; absent unless one did.
    pub server: Slice,
    /// Status as logged.
    pub status: u32,
    /// How often it was sent upstream.
    pub attempts: u32,
    /// Wall clock when it began, microseconds since 1970-01-01 UTC.
    pub started_unix_microseconds: u64,
    /// Microseconds it took.
    pub total_microseconds: u64,
    /// Microseconds of it spent waiting for upstreams.
    pub upstream_microseconds: u64,
    /// Microseconds of it spent in steps.
    pub steps_microseconds: u64,
    /// Body bytes received from the client.
    pub request_bytes: u64,
    /// Body bytes sent to the client.
    pub response_bytes: u64,
}

/// The callbacks of a filter of access records. There is one instance, without settings.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct AccessFilter {
    /// Size of this table as the patch was built with it.
    pub size: usize,
    /// As in a middleware.
    pub create: Option<unsafe extern "C" fn(call: Call, instance: *mut *mut c_void) -> Status>,
    /// As in a middleware.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Looks at a record: `FOREBAY_OK` writes it, with the fields that `access_field` set, `FOREBAY_DROP` does
    /// not. A failure writes it unchanged. Must not wait. Not null.
    pub filter: Option<
        unsafe extern "C" fn(instance: *mut c_void, call: Call, record: *const AccessRecord) -> Status,
    >,
}
