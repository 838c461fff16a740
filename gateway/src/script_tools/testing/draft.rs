//! `request(...)`: a request as a test writes it, before it meets a hook.

use rhai::{Dynamic, Map};

use super::api::Api;

/// A request that is being written; methods give a changed copy.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft(Map);

/// Registers requests.
pub(super) fn register(api: &mut Api) {
    api.add_type::<Draft>("Request");
    api.add("", "request() -> Request", "A request to go on with: `GET /`.", Draft::default);
    api.add(
        "",
        "request(method: string, path: string) -> Request",
        "A request with this method and path; the path may have a query.",
        |method: &str, path: &str| Draft::default().with("method", method.into()).with("path", path.into()),
    );
    api.add(
        "",
        "request(parts: map) -> Request",
        "A request from the keys of a request file: `method`, `path`, `headers`, `body`, `client`, `route`, \
         `identity`, `vars`, `response`, `failure`, `access`, `id`, `scheme`, `tls`, `attempt`.",
        Draft,
    );
    api.add(
        "Request",
        "header(name: string, value: any) -> Request",
        "The request with this header; an array gives it several times.",
        |draft: &mut Draft, name: &str, value: Dynamic| {
            let headers = draft.0.get("headers").and_then(|headers| headers.clone().try_cast::<Map>());
            let mut headers = headers.unwrap_or_default();
            headers.insert(name.into(), value);
            draft.with("headers", headers.into())
        },
    );
    api.add(
        "Request",
        "body(value: any) -> Request",
        "The request with this body: a string, a blob, or a map or array that becomes JSON.",
        |draft: &mut Draft, value: Dynamic| draft.with("body", value),
    );
    api.add(
        "Request",
        "set(key: string, value: any) -> Request",
        "The request with another key of the request file, such as `identity`, `vars` or `route`.",
        |draft: &mut Draft, key: &str, value: Dynamic| draft.with(key, value),
    );
}

impl Draft {
    /// The keys written so far.
    pub(super) fn parts(&self) -> Map {
        self.0.clone()
    }

    fn with(&self, key: &str, value: Dynamic) -> Self {
        let mut map = self.0.clone();
        map.insert(key.into(), value);
        Self(map)
    }
}
