//! The built-in echo upstream: answers 200 with a JSON description of the request it got.
//!
//! For the bundled example and for tests: it shows what a real upstream would have received. The request body
//! is read to its end whatever its size, but no more than [`BODY_SHOWN_MAX`] bytes of it are kept.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::body::{BodyError, ProxyBody};

/// Largest body whose text is part of the answer, in bytes.
const BODY_SHOWN_MAX: usize = 64 * 1024;

/// Describes `request`: `method`, `path`, `query` (`null` without `?`), `headers` as a list of pairs in their
/// order, `body_bytes`, and `body` (`null` if it is not UTF-8 or larger than [`BODY_SHOWN_MAX`]).
///
/// Fails if the request's body does.
pub(super) async fn answer(request: Request<ProxyBody>) -> Result<Response<ProxyBody>, BodyError> {
    let (head, mut body) = request.into_parts();
    let mut kept = Vec::new();
    let mut length: u64 = 0;
    while let Some(data) = body.next_data().await? {
        length += data.len() as u64;
        if length <= BODY_SHOWN_MAX as u64 {
            kept.extend_from_slice(&data);
        } else {
            kept = Vec::new();
        }
    }
    let shown = if length <= BODY_SHOWN_MAX as u64 { String::from_utf8(kept).ok() } else { None };
    let headers: Vec<Value> = head
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect();
    let description = json!({
        "method": head.method.as_str(),
        "path": head.uri.path(),
        "query": head.uri.query(),
        "headers": headers,
        "body_bytes": length,
        "body": shown,
    });
    let mut text = format!("{description:#}");
    text.push('\n');
    let mut response = Response::new(ProxyBody::full(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo(body: Bytes) -> Value {
        let request = Request::builder().method("PUT").uri("/a%2Fb?q=1&q=2").header("x-a", "1");
        let request = request.header("x-a", "2").body(ProxyBody::full(body)).unwrap();
        let response = answer(request).await.unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        serde_json::from_slice(&response.into_body().collect(u64::MAX).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn describes_the_request() {
        let expected = json!({
            "method": "PUT", "path": "/a%2Fb", "query": "q=1&q=2",
            "headers": [["x-a", "1"], ["x-a", "2"]],
            "body_bytes": 5, "body": "hello",
        });
        assert_eq!(echo(Bytes::from_static(b"hello")).await, expected);
    }

    #[tokio::test]
    async fn shows_a_body_only_if_it_is_text_of_moderate_size() {
        let binary = echo(Bytes::from_static(b"\xff\xfe")).await;
        assert_eq!((&binary["body_bytes"], &binary["body"]), (&json!(2), &Value::Null));
        let largest = echo(Bytes::from(vec![b'x'; BODY_SHOWN_MAX])).await;
        assert_eq!(largest["body"].as_str().map(str::len), Some(BODY_SHOWN_MAX));
        let larger = echo(Bytes::from(vec![b'x'; BODY_SHOWN_MAX + 1])).await;
        assert_eq!((&larger["body_bytes"], &larger["body"]), (&json!(BODY_SHOWN_MAX + 1), &Value::Null));
    }
}
