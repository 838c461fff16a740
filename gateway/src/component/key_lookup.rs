//! Key lookups: from what a client presents to who that is.

use std::sync::Arc;

use forebay_engine::{Exchange, Host, Waiter};
use rhai::Dynamic;
use serde_json::Value;

use super::SettingProblem;

/// One place that keys can be looked up in.
pub trait KeyLookupKind: Send + Sync + std::fmt::Debug {
    /// A lookup with these settings, an object. Called while a generation is built. Pointers of problems begin in
    /// `settings`.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    fn create(&self, settings: &Value) -> Result<Arc<dyn KeyLookup>, Vec<SettingProblem>>;
}

/// A lookup, used by every worker.
pub trait KeyLookup: Send + Sync + std::fmt::Debug {
    /// Whether [`KeyLookup::find`] may wait; the same for every call. It is given a waiter then.
    fn may_wait(&self) -> bool {
        false
    }

    /// The identity that a key belongs to, as scripts see it in `req.identity`: a map with `id` is usual. `None` for
    /// an unknown key.
    ///
    /// # Errors
    /// Why it cannot be told, for the log; nobody is let in then.
    fn find(&self, credential: &Credential<'_>) -> Result<Option<Dynamic>, String>;
}

/// A key that a client presents.
#[derive(Clone, Copy)]
pub struct Credential<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The request it came with.
    pub exchange: &'a Exchange,
    /// Services that answer at once.
    pub host: &'a dyn Host,
    /// For lookups that may wait.
    pub waiter: Option<&'a dyn Waiter>,
}
