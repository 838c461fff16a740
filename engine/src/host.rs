//! What the engine needs from outside: ambient services, called directly, and waits, handed to the caller.
//!
//! The engine has no clock, no randomness, no files and no sockets. A [`Host`] answers at once; everything
//! that may take time is a [`Wait`] value that the caller of [`Call::resume`](crate::Call::resume) serves.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

/// Services that answer at once. One value per worker; never called by two threads.
pub trait Host {
    /// Wall clock, nanoseconds since 1970-01-01 UTC.
    fn unix_time_ns(&self) -> i128;
    /// Monotonic clock, nanoseconds since an arbitrary start.
    fn monotonic_ns(&self) -> u64;
    /// Heap bytes this thread holds at the moment; only differences are used. Zero where it is not counted.
    fn heap_bytes(&self) -> i64;
    /// Fills the buffer with random bytes fit for keys.
    fn fill_random(&self, buffer: &mut [u8]);
    /// Takes one log line of a script.
    fn log(&self, line: LogLine<'_>);
    /// An environment variable: `None` if it is unset, an error if scripts may not read it.
    fn env(&self, name: &str) -> Result<Option<String>, String>;
    /// A named secret: an error if there is none of that name.
    fn secret(&self, name: &str) -> Result<String, String>;
    /// Adds to a counter or records a value; names are `[a-z_]+`, at most 64 characters.
    fn metric(&self, metric: Metric<'_>);
}

/// Severity of a script's log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Finest.
    Trace,
    /// For the author of the script; also what `debug(...)` writes.
    Debug,
    /// Also what `print(...)` writes.
    Info,
    /// Something an operator should see.
    Warn,
    /// Something an operator must see.
    Error,
}

/// One line that a script logs.
#[derive(Debug)]
pub struct LogLine<'a> {
    /// Severity.
    pub level: LogLevel,
    /// Name of the script.
    pub script: &'a str,
    /// Id of the request it ran for.
    pub request_id: &'a str,
    /// The text; may hold any character, the writer escapes it.
    pub message: &'a str,
}

/// One measurement that a script reports.
#[derive(Debug)]
pub struct Metric<'a> {
    /// Name of the script.
    pub script: &'a str,
    /// Name of the metric.
    pub name: &'a str,
    /// What to do with the value.
    pub kind: MetricKind,
    /// The amount.
    pub value: f64,
}

/// What a measurement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Adds to a counter.
    Count,
    /// Sets a gauge.
    Gauge,
}

/// Something a script waits for. The caller serves it and resumes the call with the matching [`Answer`].
#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    /// The time slice is used up: let others run, then answer [`Answer::Go`].
    TimeSlice,
    /// Answer [`Answer::Go`] after this time.
    Sleep(Duration),
    /// Read the request's body into memory; answer [`Answer::Body`].
    RequestBody,
    /// Read the response's body into memory; answer [`Answer::Body`].
    ResponseBody,
    /// Send these requests at once and wait for all; answer [`Answer::Http`] in the same order.
    Http(Vec<HttpCall>),
    /// One operation on the key-value store; answer [`Answer::Kv`].
    Kv(KvOperation),
}

/// What a [`Wait`] came to.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Go on.
    Go,
    /// The body, or why it could not be read.
    Body(Result<Bytes, String>),
    /// One result per call.
    Http(Vec<Result<HttpAnswer, String>>),
    /// The store's answer, or why it could not answer.
    Kv(Result<KvValue, String>),
    /// The call's wall time is used up: the script ends with that error.
    Expired,
    /// Nobody waits for the result any more: the script ends as soon as possible.
    Cancelled,
}

/// An outbound HTTP request of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpCall {
    /// Method.
    pub method: Method,
    /// Absolute URL.
    pub url: String,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body, possibly empty.
    pub body: Bytes,
    /// Time for the whole call; the configured default if `None`.
    pub timeout: Option<Duration>,
}

/// The answer to an outbound HTTP request.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// Status code.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body, within the size limit of script bodies.
    pub body: Bytes,
}

/// One operation on the key-value store. Keys are 1 to 512 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvOperation {
    /// The value, or [`KvValue::Nothing`].
    Get {
        /// Key.
        key: String,
    },
    /// Stores a value; answers [`KvValue::Bool`]: whether it was stored.
    Set {
        /// Key.
        key: String,
        /// Value.
        value: Bytes,
        /// Time to live; `None` keeps it until it is deleted or evicted.
        ttl: Option<Duration>,
        /// Store only if there is no value yet.
        only_if_absent: bool,
    },
    /// Adds to a decimal integer (0 if absent) and answers the new value as [`KvValue::Int`].
    Increment {
        /// Key.
        key: String,
        /// Amount, may be negative.
        by: i64,
        /// Time to live given to a key that this operation creates.
        ttl: Option<Duration>,
    },
    /// Removes a key; answers [`KvValue::Bool`]: whether it existed.
    Delete {
        /// Key.
        key: String,
    },
    /// Time left in milliseconds as [`KvValue::Int`]: -1 for ever, -2 no such key (as Redis has it).
    Ttl {
        /// Key.
        key: String,
    },
}

/// An answer of the key-value store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvValue {
    /// No such key.
    Nothing,
    /// A stored value.
    Bytes(Bytes),
    /// A number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}
