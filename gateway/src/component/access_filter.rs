//! Access-record filters: what the access log says of an exchange, and whether it says anything.
//!
//! The gateway has none of its own: every record is written. At most one filter serves.

use serde_json::{Map, Value};

/// A filter of access records.
pub trait AccessFilter: Send + Sync + std::fmt::Debug {
    /// Looks at a record that is about to be written. What is put into `fields` is added to it; a field named like one
    /// of the record takes its place, so that it can be masked. Must not wait.
    fn filter(&self, record: &AccessView<'_>, fields: &mut Map<String, Value>) -> Keep;
}

/// Whether a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is, with the fields added.
    Written,
    /// It is not.
    Dropped,
}

/// One exchange as the access log will tell it.
#[derive(Debug, Clone, Copy)]
pub struct AccessView<'a> {
    /// Id of the request.
    pub request_id: &'a str,
    /// Address of the client.
    pub client: &'a str,
    /// Method.
    pub method: &'a str,
    /// Host the client asked for.
    pub host: &'a str,
    /// Target in origin form.
    pub target: &'a str,
    /// Name of the route, if it has one.
    pub route: Option<&'a str>,
    /// How it ended.
    pub end_reason: &'a str,
    /// Address of the server that answered, if one did.
    pub server: Option<&'a str>,
    /// Status as logged.
    pub status: u16,
    /// How often it was sent upstream.
    pub attempts: u32,
    /// When it began, how long it took and how much it carried.
    pub record: &'a forebay_engine::exchange::AccessRecord,
}
