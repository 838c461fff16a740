//! The namespaces a script can call: `json::parse(...)` and so on, one file each.

pub mod ip;
pub mod regex;

mod base64;
mod crypto;
mod env;
mod hash;
mod hex;
mod hmac;
mod http;
mod json;
mod jwt;
mod kv;
pub(super) mod log;
mod metrics;
mod random;
mod secrets;
pub(super) mod time;
mod url;
mod uuid;
mod values;
mod xml;

use super::table::HostFunction;
use rhai::Module;

/// The rows of every namespace.
pub(super) static TABLES: &[&[HostFunction]] = &[
    base64::TABLE,
    crypto::TABLE,
    env::TABLE,
    hash::TABLE,
    hex::TABLE,
    hmac::TABLE,
    http::TABLE,
    ip::TABLE,
    json::TABLE,
    jwt::TABLE,
    kv::TABLE,
    log::TABLE,
    metrics::TABLE,
    random::TABLE,
    regex::TABLE,
    secrets::TABLE,
    time::TABLE,
    url::TABLE,
    uuid::TABLE,
    xml::TABLE,
];

/// Type names, which are no functions and so no rows.
pub(super) fn set_types(module: &mut Module) {
    module.set_custom_type::<regex::Pattern>("Regex");
    module.set_custom_type::<ip::IpSet>("IpSet");
}
