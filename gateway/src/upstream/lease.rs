//! The use of a connection for one request: all of an HTTP/1.1 connection, or a place on one of HTTP/2.

use std::rc::Rc;
use std::sync::Arc;

use super::connection::Connection;
use super::endpoint::{Endpoint, Settings};
use super::multiplexed::Stream;

/// The use of a connection. Dropped, it returns the connection if that is fit for another request, and closes it
/// otherwise; so a lease has to live as long as the response body does.
pub(super) struct Lease {
    pub(super) endpoint: Option<Rc<Endpoint>>,
    pub(super) held: Leased,
    pub(super) reused: bool,
    /// What whoever uses it wants to become of it.
    pub(super) settings: Settings,
}

/// What a lease holds.
pub(super) enum Leased {
    /// A connection for one request at a time; `None` is the right to open one.
    Exclusive(Option<Connection>),
    /// A place on a connection that others use as well.
    Shared(Stream),
}

impl Lease {
    /// Whether the connection has served a request before.
    pub(super) fn is_reused(&self) -> bool {
        self.reused
    }

    /// The connection, if it is held alone.
    pub(super) fn exclusive(&self) -> Option<&Connection> {
        match &self.held {
            Leased::Exclusive(connection) => connection.as_ref(),
            Leased::Shared(_) => None,
        }
    }

    pub(super) fn exclusive_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.held {
            Leased::Exclusive(connection) => connection.as_mut(),
            Leased::Shared(_) => None,
        }
    }

    pub(super) fn take_exclusive(&mut self) -> Option<Connection> {
        match &mut self.held {
            Leased::Exclusive(connection) => connection.take(),
            Leased::Shared(_) => None,
        }
    }

    /// Whether the connection is still open as far as can be told.
    pub(super) fn is_open(&self) -> bool {
        match &self.held {
            Leased::Exclusive(connection) => connection.as_ref().is_some_and(Connection::is_open),
            Leased::Shared(stream) => stream.connection().is_ready(),
        }
    }

    /// Whether the request has left nothing behind on the connection, though its response body may not be read yet.
    pub(super) fn is_over(&self) -> bool {
        self.exclusive().is_some_and(Connection::is_ready)
    }

    /// The address connected to, as text.
    pub(super) fn address(&self) -> Arc<str> {
        match &self.held {
            Leased::Exclusive(Some(connection)) => Arc::clone(connection.address()),
            Leased::Exclusive(None) => "".into(),
            Leased::Shared(stream) => Arc::clone(stream.connection().address()),
        }
    }

    /// The scheme of the target, for requests that name it.
    pub(super) fn scheme(&self) -> &'static str {
        self.endpoint.as_ref().map_or("http", |endpoint| endpoint.scheme)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(endpoint) = self.endpoint.take() else { return };
        match std::mem::replace(&mut self.held, Leased::Exclusive(None)) {
            Leased::Exclusive(connection) => endpoint.release(connection, self.settings),
            Leased::Shared(stream) => {
                drop(stream);
                endpoint.released_place(self.settings);
            }
        }
    }
}
