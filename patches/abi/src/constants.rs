//! Numbers of the ABI. A number is never given another meaning; new ones are added.

use crate::Status;

/// Major version of this ABI: the number in the entry symbol's name.
pub const ABI_MAJOR: u32 = 1;
/// Minor version of this ABI: raised whenever something is added.
pub const ABI_MINOR: u32 = 0;

/// Name of the one symbol a patch exports, ended by a zero byte.
pub const ENTRY_SYMBOL: &[u8; 17] = b"forebay_patch_v1\0";
/// Least number of bytes, all zero, that a host sets aside for the patch's descriptor, so that a patch
/// newer than the host cannot write beyond it.
pub const PATCH_BYTES_MIN: usize = 1024;

// --- Status -------------------------------------------------------------------------------------------------------

/// Done. From a hook of a middleware: go on with the next step. From a chunk callback: pass the chunk on as it is.
pub const OK: Status = 0;
/// From a hook: answer with the reply that was begun with `reply`.
pub const REPLY: Status = 1;
/// From a chunk callback: pass on what was written with `chunk_write` instead of the chunk.
pub const REPLACED: Status = 2;
/// From an access-record filter: do not write the record.
pub const DROP: Status = 3;
/// From a hook: do not let the request through; the gateway answers the error that was begun with `refuse`.
pub const REFUSE: Status = 5;
/// There is no such thing: header field, variable, key, target, setting.
pub const ABSENT: Status = 4;

/// The component failed; the reason was given with `fail`. What that means is the step's `on_error`.
pub const FAILED: Status = -1;
/// The component caught a panic or an exception of its own. As `FAILED`, and told apart in the log.
pub const PANICKED: Status = -2;
/// From the entry: the patch needs a newer minor than the host has, and has filled `abi_major` and `abi_minor`.
pub const UNSUPPORTED: Status = -3;
/// The call is not under way on this thread: it is over, or it belongs to another thread.
pub const STALE: Status = -4;
/// An argument is out of range, not UTF-8, not a header name, ... ; see `last_error`.
pub const INVALID: Status = -5;
/// Not to be had in this callback: no exchange, no response yet, no configuration any more.
pub const UNAVAILABLE: Status = -6;
/// This callback may not wait: its bit is not set in `waits`, or it is one that never may.
pub const CANNOT_WAIT: Status = -7;
/// The time of the call is used up. Every later wait says so too; return soon.
pub const EXPIRED: Status = -8;
/// Nobody waits for the result any more. Every later wait says so too; return soon.
pub const CANCELLED: Status = -9;
/// The host refuses: a header field that is the gateway's own, a variable or secret that may not be read. See
/// `last_error`.
pub const REFUSED: Status = -10;
/// Something outside failed: a body that broke off, a server that did not answer. See `last_error`.
pub const UNREACHABLE: Status = -11;

// --- Feature bits -------------------------------------------------------------------------------------------------

/// The host lets callbacks wait.
pub const FEATURE_WAIT: u64 = 1 << 0;
/// The host passes bodies chunk by chunk.
pub const FEATURE_STREAM: u64 = 1 << 1;
/// The host takes load balancers.
pub const FEATURE_BALANCER: u64 = 1 << 2;
/// The host takes key lookups.
pub const FEATURE_KEY_LOOKUP: u64 = 1 << 3;
/// The host takes error pages.
pub const FEATURE_ERROR_PAGE: u64 = 1 << 4;
/// The host takes access-record filters.
pub const FEATURE_ACCESS_FILTER: u64 = 1 << 5;

// --- Components ---------------------------------------------------------------------------------------------------

/// A middleware; table `Middleware`.
pub const KIND_MIDDLEWARE: u32 = 1;
/// A load balancer; table `Balancer`.
pub const KIND_BALANCER: u32 = 2;
/// A lookup of credentials; table `KeyLookup`.
pub const KIND_KEY_LOOKUP: u32 = 3;
/// A renderer of error pages; table `ErrorPage`.
pub const KIND_ERROR_PAGE: u32 = 4;
/// A filter of access records; table `AccessFilter`.
pub const KIND_ACCESS_FILTER: u32 = 5;

/// The component is new; a component of this id in the gateway is a conflict.
pub const MODE_ADD: u32 = 0;
/// The component takes the place of the one of this id, which must exist.
pub const MODE_OVERRIDE: u32 = 1;

/// Flag of a middleware that answers CORS preflight requests: its routes take those for their methods too.
pub const MIDDLEWARE_ANSWERS_PREFLIGHT: u32 = 1 << 0;

/// Bit of `on_request` in `hooks`, `waits` and `bodies`.
pub const HOOK_REQUEST: u32 = 1 << 0;
/// Bit of `on_response`.
pub const HOOK_RESPONSE: u32 = 1 << 1;
/// Bit of `on_error`.
pub const HOOK_ERROR: u32 = 1 << 2;
/// Bit of `on_log`.
pub const HOOK_LOG: u32 = 1 << 3;

// --- Which message ------------------------------------------------------------------------------------------------

/// The request.
pub const REQUEST_SIDE: u32 = 0;
/// The response; there is none before the upstream has answered.
pub const RESPONSE_SIDE: u32 = 1;
/// The reply that `reply`, or the error that `refuse`, has begun in this callback.
pub const REPLY_SIDE: u32 = 2;
/// The answer to come, whoever makes it: upstream, step or gateway. Header fields can be set, added and removed, and not
/// read; that is done when all steps have run, in the order asked for.
pub const ANSWER_SIDE: u32 = 3;

/// For `stream_body`: the chunks are looked at and never changed, so the message keeps its length.
pub const STREAM_INSPECT: u32 = 1 << 0;
/// For a chunk: it is the last, and may be empty.
pub const CHUNK_LAST: u32 = 1 << 0;

// --- Texts of an exchange -----------------------------------------------------------------------------------------

/// Id of the request. Available in every callback of an exchange.
pub const TEXT_REQUEST_ID: u32 = 1;
/// Method. Can be set in the request phase.
pub const TEXT_METHOD: u32 = 2;
/// Target in origin form: path and query. Can be set in the request phase, and is sent as given; the route is not
/// chosen again.
pub const TEXT_TARGET: u32 = 3;
/// Path. Can be set in the request phase; the query stays.
pub const TEXT_PATH: u32 = 4;
/// Query without its question mark; absent if there is none.
pub const TEXT_QUERY: u32 = 5;
/// Target as it was received.
pub const TEXT_RAW_TARGET: u32 = 6;
/// Host the client asked for, lower case.
pub const TEXT_HOST: u32 = 7;
/// `http` or `https`.
pub const TEXT_SCHEME: u32 = 8;
/// Name of the route.
pub const TEXT_ROUTE: u32 = 9;
/// Address of the client, as text.
pub const TEXT_CLIENT_IP: u32 = 10;
/// Address of the client: 4 or 16 bytes, most significant first.
pub const BYTES_CLIENT_IP: u32 = 11;
/// Name of the upstream a step chose; absent if none did. Can be set in the request phase.
pub const TEXT_UPSTREAM: u32 = 12;
/// `upstream`, `step` or `gateway`: who made the response.
pub const TEXT_ORIGIN: u32 = 13;
/// Address of the server that answered; absent unless one did.
pub const TEXT_SERVER: u32 = 14;
/// Stable word for the error that is about to be answered. In `on_error`.
pub const TEXT_FAILURE_KIND: u32 = 15;
/// What the client is told of it. In `on_error`.
pub const TEXT_FAILURE_MESSAGE: u32 = 16;
/// How the exchange ended. In `on_log`.
pub const TEXT_END_REASON: u32 = 17;

// --- Numbers of an exchange ---------------------------------------------------------------------------------------

/// Status of the response, or of the reply that was begun. Can be set.
pub const NUMBER_STATUS: u32 = 1;
/// Port of the client's connection.
pub const NUMBER_CLIENT_PORT: u32 = 2;
/// Protocol version of the client's request: 10 or 11 for HTTP/1, 20, 30.
pub const NUMBER_HTTP_VERSION: u32 = 3;
/// How often the request was sent upstream.
pub const NUMBER_ATTEMPT: u32 = 4;
/// Microseconds until the head of the upstream's response; absent unless a server answered.
pub const NUMBER_SERVER_MICROSECONDS: u32 = 5;
/// Status of the error that is about to be answered. In `on_error`.
pub const NUMBER_FAILURE_STATUS: u32 = 6;
/// Microseconds from the request's head to the response's last byte. In `on_log`, as are those below.
pub const NUMBER_TOTAL_MICROSECONDS: u32 = 7;
/// Microseconds spent waiting for upstreams.
pub const NUMBER_UPSTREAM_MICROSECONDS: u32 = 8;
/// Microseconds spent in steps.
pub const NUMBER_STEPS_MICROSECONDS: u32 = 9;
/// Body bytes received from the client.
pub const NUMBER_REQUEST_BYTES: u32 = 10;
/// Body bytes sent to the client.
pub const NUMBER_RESPONSE_BYTES: u32 = 11;
/// Wall clock when the request began, microseconds since 1970-01-01 UTC.
pub const NUMBER_STARTED_UNIX_MICROSECONDS: u32 = 12;
/// Most bytes of the request's body; absent where the configuration's limit holds. Can be set in the request phase; a
/// larger body is answered 413.
pub const NUMBER_REQUEST_BODY_MAX: u32 = 13;

// --- Values -------------------------------------------------------------------------------------------------------

/// Nothing.
pub const VALUE_NONE: u32 = 0;
/// Yes or no, in `boolean`.
pub const VALUE_BOOL: u32 = 1;
/// In `integer`.
pub const VALUE_INTEGER: u32 = 2;
/// In `real`.
pub const VALUE_REAL: u32 = 3;
/// UTF-8, in `text`.
pub const VALUE_TEXT: u32 = 4;
/// Bytes, in `text`.
pub const VALUE_BYTES: u32 = 5;
/// An array or object as JSON, in `text`.
pub const VALUE_JSON: u32 = 6;

// --- Load balancing -----------------------------------------------------------------------------------------------

/// Nothing speaks against the target.
pub const STANDING_FREE: u32 = 0;
/// All its connections are busy.
pub const STANDING_SATURATED: u32 = 1;
/// It could not be connected to a moment ago.
pub const STANDING_AWAY: u32 = 2;
/// This request has tried it, and it is not tried again.
pub const STANDING_TRIED: u32 = 3;

// --- Log and metrics ----------------------------------------------------------------------------------------------

/// Finest.
pub const LOG_TRACE: u32 = 0;
/// For the author.
pub const LOG_DEBUG: u32 = 1;
/// Usual.
pub const LOG_INFO: u32 = 2;
/// Something an operator should see.
pub const LOG_WARN: u32 = 3;
/// Something an operator must see.
pub const LOG_ERROR: u32 = 4;

/// Adds to a counter.
pub const METRIC_COUNT: u32 = 0;
/// Sets a gauge.
pub const METRIC_GAUGE: u32 = 1;
