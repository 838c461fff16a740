//! All targets one worker has connections to, by `host:port` and how they are spoken to.
//!
//! The pool belongs to the worker, not to a generation of the configuration: a reload keeps every connection.
//! A target that is in no configuration any more loses its idle connections to `idle_timeout` like any other,
//! and is forgotten after that. Dropping the pool closes all idle connections; those in use close with their
//! response bodies.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::replay::Recorder;
use super::transport::Transport;

/// The connections of one worker.
#[derive(Default)]
pub(super) struct Pool {
    endpoints: RefCell<HashMap<Arc<str>, Rc<Endpoint>>>,
    pub(super) recorder: Recorder,
}

impl Pool {
    /// The target `host:port` spoken to in this way, made known if it is new.
    pub(super) fn endpoint(&self, host: &str, port: u16, transport: &Transport) -> Rc<Endpoint> {
        let address = if host.starts_with('/') {
            format!("unix:{host}")
        } else if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        let key = address.clone() + &transport.key();
        if let Some(endpoint) = self.endpoints.borrow().get(key.as_str()) {
            return Rc::clone(endpoint);
        }
        let endpoint = Rc::new(Endpoint::new(address.into(), host, port, transport));
        let mut endpoints = self.endpoints.borrow_mut();
        endpoints.retain(|_, known| Rc::strong_count(known) > 1 || !known.is_unused());
        endpoints.insert(key.into(), Rc::clone(&endpoint));
        endpoint
    }

    #[cfg(test)]
    pub(super) fn knows(&self, address: &str) -> bool {
        self.endpoints.borrow().contains_key(address)
    }
}
