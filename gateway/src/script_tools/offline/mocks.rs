//! Answers to outbound calls, as the author wrote them down, and a record of the calls.

use std::time::Duration;

use forebay_engine::host::{HttpAnswer, HttpCall};
use http::{Method, StatusCode};

use super::Record;
use crate::script_tools::scene::{MockShape, mock_answer};

/// Mocked answers, asked in the order they were given.
#[derive(Debug, Default)]
pub(in crate::script_tools) struct Mocks {
    answers: Vec<Mock>,
    pub(in crate::script_tools) calls: Record<RecordedCall>,
    /// Calls that no mock answered, as `METHOD URL`.
    pub(in crate::script_tools) missing: Record<String>,
}

#[derive(Debug)]
struct Mock {
    method: Option<Method>,
    /// The pattern, cut at its stars.
    url: Vec<String>,
    answer: Result<HttpAnswer, String>,
    delay: Duration,
    times_left: Option<u64>,
}

/// A call that a script made.
#[derive(Debug, Clone)]
pub(in crate::script_tools) struct RecordedCall {
    pub(in crate::script_tools) call: HttpCall,
    /// Status, or the reason of the failure.
    pub(in crate::script_tools) outcome: Result<StatusCode, String>,
}

/// What a call comes to and how long it takes.
pub(super) struct Served {
    pub(super) result: Result<HttpAnswer, String>,
    pub(super) took: Duration,
}

impl Mocks {
    /// Adds a mock behind the others.
    ///
    /// # Errors
    /// The key and what it should have been.
    pub(in crate::script_tools) fn add(&mut self, shape: &MockShape) -> Result<(), String> {
        let method = shape.method.as_deref().filter(|method| *method != "*").map(|method| {
            Method::from_bytes(method.as_bytes()).map_err(|_| format!("http: {method:?} is no HTTP method"))
        });
        self.answers.push(Mock {
            method: method.transpose()?,
            url: shape.url.split('*').map(str::to_owned).collect(),
            answer: mock_answer(shape)?,
            delay: Duration::from_millis(shape.delay_ms),
            times_left: shape.times,
        });
        Ok(())
    }

    /// Answers a call from the first mock that fits and is not used up.
    pub(super) fn serve(&mut self, call: &HttpCall) -> Served {
        let served = self.answer(call);
        let outcome = served.result.as_ref().map(|answer| answer.status).map_err(Clone::clone);
        self.calls.push(RecordedCall { call: call.clone(), outcome }, call.url.len() + call.body.len());
        served
    }

    fn answer(&mut self, call: &HttpCall) -> Served {
        let fits = |mock: &&mut Mock| {
            mock.method.as_ref().is_none_or(|method| *method == call.method)
                && mock.times_left != Some(0)
                && matches_pattern(&mock.url, &call.url)
        };
        let Some(mock) = self.answers.iter_mut().find(fits) else {
            let what = format!("{} {}", call.method, call.url);
            let reason = format!("no mock for {what}; give one under `http`, or with world.mock_http");
            self.missing.push(what, call.url.len());
            return Served { result: Err(reason), took: Duration::ZERO };
        };
        if let Some(left) = &mut mock.times_left {
            *left -= 1;
        }
        match call.timeout {
            Some(timeout) if mock.delay > timeout => Served {
                result: Err(format!("{} {}: no answer within {timeout:?}", call.method, call.url)),
                took: timeout,
            },
            _ => Served { result: mock.answer.clone(), took: mock.delay },
        }
    }
}

/// Whether a text is the pattern's parts with anything between them.
fn matches_pattern(parts: &[String], text: &str) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.iter().all(|part| part == text);
    };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for part in middle {
        match rest.find(part.as_str()) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::{Value, json};

    fn mocks(shapes: Value) -> Mocks {
        let mut mocks = Mocks::default();
        for shape in serde_json::from_value::<Vec<MockShape>>(shapes).unwrap() {
            mocks.add(&shape).unwrap();
        }
        mocks
    }

    fn ask(mocks: &mut Mocks, method: Method, url: &str) -> Result<u16, String> {
        let timeout = Some(Duration::from_millis(100));
        let call =
            HttpCall { method, url: url.into(), headers: HeaderMap::new(), body: Bytes::new(), timeout };
        mocks.serve(&call).result.map(|answer| answer.status.as_u16())
    }

    #[test]
    fn the_first_mock_that_fits_and_is_not_used_up_answers() {
        let mut mocks = mocks(json!([
            { "url": "http://a.test/x", "status": 500, "times": 1 },
            { "method": "POST", "url": "http://a.test/*", "status": 201 },
            { "url": "http://*.test/*/end", "error": "connection refused" },
            { "url": "http://a.test/*" },
        ]));
        assert_eq!(ask(&mut mocks, Method::GET, "http://a.test/x"), Ok(500));
        assert_eq!(ask(&mut mocks, Method::GET, "http://a.test/x"), Ok(200));
        assert_eq!(ask(&mut mocks, Method::POST, "http://a.test/x"), Ok(201));
        assert_eq!(ask(&mut mocks, Method::GET, "http://b.test/y/end"), Err("connection refused".into()));
        assert_eq!(mocks.calls.entries.len(), 4);
        assert!(mocks.missing.entries.is_empty());
    }

    #[test]
    fn a_missing_mock_is_named() {
        let mut mocks = mocks(json!([{ "url": "http://a.test/x" }]));
        let error = ask(&mut mocks, Method::DELETE, "http://a.test/xy").unwrap_err();
        assert!(error.starts_with("no mock for DELETE http://a.test/xy"), "{error}");
        assert_eq!(mocks.missing.entries, ["DELETE http://a.test/xy"]);
    }

    #[test]
    fn a_slow_mock_runs_into_the_time_limit_of_the_call() {
        let mut mocks = mocks(json!([{ "url": "*", "delay_ms": 101 }]));
        assert!(
            ask(&mut mocks, Method::GET, "http://a.test/").unwrap_err().contains("no answer within 100ms")
        );
    }

    #[test]
    fn mocks_that_cannot_be_are_refused() {
        let add = |shape| Mocks::default().add(&serde_json::from_value::<MockShape>(shape).unwrap());
        assert!(add(json!({ "url": "x", "method": "G T" })).unwrap_err().contains("no HTTP method"));
        assert!(add(json!({ "url": "x", "status": 99 })).unwrap_err().contains("http.status"));
        let both = add(json!({ "url": "x", "status": 200, "error": "no" })).unwrap_err();
        assert!(both.contains("either"), "{both}");
    }
}
