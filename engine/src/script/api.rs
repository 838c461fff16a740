//! The objects a script meets: `req`, `res`, `log` and what hangs off them.
//!
//! The handles are empty markers: they name a part of the running call's exchange and hold nothing of it, so
//! copying one costs nothing, every copy means the same thing, and nothing is converted before it is read.

mod access;
mod body;
mod convert;
mod cookies;
mod headers;
mod http_response;
mod json_text;
mod query;
mod reply;
mod request;
mod response;
mod table;
mod tls;

pub use access::Log;
pub use body::BodyHandle;
pub use cookies::Cookies;
pub use headers::Headers;
pub use http_response::HttpResponse;
pub use query::Query;
pub use reply::Reply;
pub use request::{ClientHandle, RequestHandle, Route, Vars};
pub use response::{ResponseHandle, UpstreamHandle};
pub use table::Table;

pub(crate) use body::describe as describe_body;
pub(crate) use convert::{
    dynamic_to_json, header_name, header_text, header_value, json_to_dynamic, scalar_text, to_body_bytes,
};
pub(crate) use json_text::from_slice as json_from_slice;
pub(crate) use query::{ENCODED, parse as parse_form, serialize as serialize_form};
pub(crate) use reply::set_headers;

use super::bind::Prepared;
use super::table::{Form, HostFunction, Type};
use rhai::{Dynamic, Module};

/// The `err` of `on_error`: a map with `status`, `kind` and `message`.
pub(super) fn failure_map() -> Dynamic {
    let failure = super::context::with_exchange(|exchange| exchange.failure.clone()).ok().flatten();
    let mut map = rhai::Map::new();
    if let Some(failure) = failure {
        map.insert("status".into(), i64::from(failure.status.as_u16()).into());
        map.insert("kind".into(), failure.kind.into());
        map.insert("message".into(), failure.message.into());
    }
    Dynamic::from_map(map)
}

/// The value of a hook's parameter of this type.
pub(super) fn view_root(kind: Type) -> Option<Dynamic> {
    Some(match kind {
        Type::Request => Dynamic::from(RequestHandle),
        Type::Response => Dynamic::from(ResponseHandle),
        Type::Log => Dynamic::from(Log),
        _ => return None,
    })
}

/// A member of a view with a constant name, with all that can be done beforehand; `None` when that is nothing.
pub(super) fn prepare(row: &HostFunction, view: &Dynamic, name: &str) -> Option<Prepared> {
    let headers = view.read_lock::<Headers>()?;
    match row.form {
        Form::IndexGetter => headers::prepare_get(*headers, name),
        Form::IndexSetter => headers::prepare_set(*headers, name),
        _ => None,
    }
}

/// Which of the two messages a part belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The request.
    Request,
    /// The response.
    Response,
}

/// The rows of every object.
pub(super) static TABLES: &[&[HostFunction]] = &[
    request::TABLE,
    headers::TABLE,
    query::TABLE,
    cookies::TABLE,
    body::TABLE,
    response::TABLE,
    reply::TABLE,
    access::TABLE,
    table::TABLE,
    http_response::TABLE,
];

/// Type names and iterators, which are no functions and so no rows.
pub(super) fn set_types(module: &mut Module) {
    module.set_custom_type::<RequestHandle>("Request");
    module.set_custom_type::<ResponseHandle>("Response");
    module.set_custom_type::<Headers>("Headers");
    module.set_custom_type::<Query>("Query");
    module.set_custom_type::<Cookies>("Cookies");
    module.set_custom_type::<BodyHandle>("Body");
    module.set_custom_type::<ClientHandle>("Client");
    module.set_custom_type::<Route>("Route");
    module.set_custom_type::<Vars>("Vars");
    module.set_custom_type::<UpstreamHandle>("Upstream");
    module.set_custom_type::<Reply>("Reply");
    module.set_custom_type::<HttpResponse>("HttpResponse");
    module.set_custom_type::<Log>("Log");
    module.set_custom_type::<Table>("Table");
    headers::set_iterator(module);
    query::set_iterator(module);
    cookies::set_iterator(module);
}
