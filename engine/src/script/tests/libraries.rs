//! The namespaces, called by real scripts: known vectors, and what is refused.

mod ambient;
mod digests;
mod encoding;
mod http;
mod ip;
mod jwt;
mod kv;
mod xml;

use super::support::{failure, output};

/// What an expression gives, as text.
#[track_caller]
fn check(expression: &str, expected: &str) {
    let found = output(&format!("req.headers[\"x-out\"] = {expression}"));
    assert_eq!(found, expected, "{expression}");
}

/// The error an expression ends with must say this.
#[track_caller]
fn refused(expression: &str, expected: &str) {
    let error = failure(&format!("fn on_request(req) {{ {expression}; return; }}"));
    assert!(error.message.contains(expected), "{expression}: {}", error.message);
}
