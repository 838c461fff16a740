//! The functions that the gateway gives to patches: one table, the same for every patch and the whole process.
//!
//! A function finds the exchange it works on through the call it is given: [`frame`] holds the callback that is
//! running on this thread and compares. What a patch passes is checked here as strictly as what scripts pass, by the same
//! rules where there are any; a function that refuses leaves a reason for `last_error`.

mod bodies;
mod exchange;
pub(in crate::patch) mod frame;
mod headers;
mod outcome;
mod plain;
mod services;
#[cfg(test)]
pub(in crate::patch) mod tests;
mod values;
mod waits;

use forebay_patch_abi::{self as abi, Host, Slice};

use frame::{Frame, Phase};
pub(in crate::patch) use plain::PlainHost;

/// The host's table. It stays at its address until the process ends.
pub fn table() -> *const Host {
    &raw const TABLE
}

/// What this gateway can do.
const FEATURES: u64 = abi::FEATURE_WAIT
    | abi::FEATURE_STREAM
    | abi::FEATURE_BALANCER
    | abi::FEATURE_KEY_LOOKUP
    | abi::FEATURE_ERROR_PAGE
    | abi::FEATURE_ACCESS_FILTER;

static TABLE: Host = Host {
    size: size_of::<Host>(),
    abi_major: abi::ABI_MAJOR,
    abi_minor: abi::ABI_MINOR,
    features: FEATURES,
    version: Slice::text(env!("CARGO_PKG_VERSION")),
    fail: outcome::fail,
    last_error: outcome::last_error,
    reply: outcome::reply,
    refuse: outcome::refuse,
    result: outcome::result,
    text: exchange::text,
    set_text: exchange::set_text,
    number: exchange::number,
    set_number: exchange::set_number,
    header: headers::header,
    headers: headers::headers,
    set_header: headers::set_header,
    add_header: headers::add_header,
    remove_header: headers::remove_header,
    parameter: values::parameter,
    variable: values::variable,
    set_variable: values::set_variable,
    identity: values::identity,
    set_identity: values::set_identity,
    body: bodies::body,
    set_body: bodies::set_body,
    stream_body: bodies::stream_body,
    chunk_write: bodies::chunk_write,
    config: values::config,
    environment: services::environment,
    secret: services::secret,
    log: services::log,
    metric: services::metric,
    unix_time: services::unix_time,
    monotonic_time: services::monotonic_time,
    random: services::random,
    kv_get: waits::kv_get,
    kv_set: waits::kv_set,
    kv_increment: waits::kv_increment,
    kv_delete: waits::kv_delete,
    kv_ttl: waits::kv_ttl,
    sleep: waits::sleep,
    http: waits::http,
    access_field: values::access_field,
    access_drop: exchange::access_drop,
};

/// Runs the self-test of a patch; `name` is the patch's.
///
/// # Errors
/// The reason the patch gave, or what it returned.
pub(in crate::patch) fn self_test(name: &str, test: frame::SelfTest) -> Result<(), String> {
    let mut frame = Frame::new(name, Phase::Apart, &PlainHost);
    let status = frame::run(&mut frame, |call| frame::enter(test, call));
    match status {
        abi::OK => Ok(()),
        status => Err(frame.explain(status)),
    }
}
