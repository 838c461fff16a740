//! Conditions under which a rule applies: on the request and, on the way back, on the answer.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, Method, StatusCode};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, escaped};
use crate::config::ValueMatch;

/// When a rule applies; all that is given must hold.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// The request's method is one of these.
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<String>>,
    /// The request's path is this or begins with it and a `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    /// Conditions on header fields of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_headers: Option<BTreeMap<String, Value>>,
    /// Conditions on header fields of the answer, for rules of answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_headers: Option<BTreeMap<String, Value>>,
    /// The answer's status is one of these, for rules of answers: `404`, `4xx` or `500-503`.
    #[schemars(extend("minItems" = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Vec<Status>>,
}

/// Condition on a value: `present`, `absent`, the exact text, or a map.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Value {
    /// `present`, `absent`, or the exact text.
    Text(String),
    /// The map form.
    Regex(Pattern),
}

/// A pattern for a value.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pattern {
    /// A regular expression found anywhere in the value; anchor it for the whole value.
    regex: String,
}

/// A status, a class such as `4xx`, or a range such as `500-503`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Status {
    /// One status.
    Code(#[schemars(extend("minimum" = 100, "maximum" = 599))] u16),
    /// A class or a range.
    Text(String),
}

/// Which message a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Request,
    Answer,
}

/// A condition, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Condition {
    methods: Vec<Method>,
    path_prefix: Option<String>,
    request_headers: Vec<(HeaderName, ValueMatch)>,
    response_headers: Vec<(HeaderName, ValueMatch)>,
    status: Vec<(u16, u16)>,
}

impl Condition {
    /// Reads a condition; `at` is the pointer to it.
    pub(super) fn of(when: &When, about: About, at: &str, problems: &mut Problems) -> Self {
        if about == About::Request && (when.status.is_some() || when.response_headers.is_some()) {
            let message = "a rule of requests cannot depend on the answer";
            problems.add(
                at,
                message,
                "move the rule to `response`, or remove `status` and `response_headers`",
            );
        }
        let mut methods = Vec::new();
        for (index, text) in when.methods.iter().flatten().enumerate() {
            match Method::from_bytes(text.as_bytes()) {
                Ok(method) if text.chars().all(|c| !c.is_ascii_lowercase()) => methods.push(method),
                _ => problems.add(
                    format!("{at}/methods/{index}"),
                    "this is not a usable method",
                    "write a method such as `GET`, in capitals",
                ),
            }
        }
        if when.path_prefix.as_ref().is_some_and(|prefix| !prefix.starts_with('/')) {
            problems.add(
                format!("{at}/path_prefix"),
                "a path begins with `/`",
                "write a prefix such as `/api`",
            );
        }
        let request_headers =
            fields(when.request_headers.as_ref(), &format!("{at}/request_headers"), problems);
        let response_headers =
            fields(when.response_headers.as_ref(), &format!("{at}/response_headers"), problems);
        let mut status = Vec::new();
        for (index, written) in when.status.iter().flatten().enumerate() {
            match range(written) {
                Some(range) => status.push(range),
                None => problems.add(
                    format!("{at}/status/{index}"),
                    "this is neither a status nor a range of them",
                    "write `404`, `4xx` or `500-503`",
                ),
            }
        }
        let path_prefix = when.path_prefix.as_ref().map(|prefix| prefix.trim_end_matches('/').to_owned());
        Self { methods, path_prefix, request_headers, response_headers, status }
    }

    /// Whether it holds for a request.
    pub(super) fn takes_request(&self, method: &Method, path: &str, headers: &HeaderMap) -> bool {
        (self.methods.is_empty() || self.methods.contains(method))
            && self.path_prefix.as_ref().is_none_or(|prefix| {
                path.strip_prefix(prefix.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            && hold(&self.request_headers, headers)
    }

    /// Whether it holds for an answer.
    pub(super) fn takes_answer(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let status = status.as_u16();
        (self.status.is_empty() || self.status.iter().any(|&(low, high)| (low..=high).contains(&status)))
            && hold(&self.response_headers, headers)
    }
}

fn fields(
    written: Option<&BTreeMap<String, Value>>,
    at: &str,
    problems: &mut Problems,
) -> Vec<(HeaderName, ValueMatch)> {
    let mut conditions = Vec::new();
    for (name, value) in written.into_iter().flatten() {
        let at = format!("{at}/{}", escaped(name));
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            let help = "use letters, digits and `-`, such as `x-version`";
            problems.add(at, "this is not a usable header name", help);
            continue;
        };
        let wanted = match value {
            Value::Text(text) if text == "present" => ValueMatch::Present,
            Value::Text(text) if text == "absent" => ValueMatch::Absent,
            Value::Text(text) => ValueMatch::Exact(text.clone()),
            Value::Regex(pattern) => match Regex::new(&pattern.regex) {
                Ok(regex) => ValueMatch::Regex(regex),
                Err(error) => {
                    let text = error.to_string();
                    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    let message = format!("this regular expression cannot be read: {reason}");
                    let help =
                        "the syntax is that of Rust's regex crate: no look-around and no back-references";
                    problems.add(format!("{at}/regex"), message, help);
                    continue;
                }
            },
        };
        conditions.push((name, wanted));
    }
    conditions
}

fn range(written: &Status) -> Option<(u16, u16)> {
    let text = match written {
        Status::Code(code) => return Some((*code, *code)),
        Status::Text(text) => text,
    };
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse().ok().filter(|code| (100..=599).contains(code));
    let (low, high) = (number(low)?, number(high)?);
    (low <= high).then_some((low, high))
}

/// Of several values of one field, one has to satisfy the condition.
fn hold(conditions: &[(HeaderName, ValueMatch)], headers: &HeaderMap) -> bool {
    conditions.iter().all(|(name, wanted)| match wanted {
        ValueMatch::Present => headers.contains_key(name),
        ValueMatch::Absent => !headers.contains_key(name),
        ValueMatch::Exact(text) => {
            headers.get_all(name).iter().any(|value| value.as_bytes() == text.as_bytes())
        }
        ValueMatch::Regex(regex) => {
            headers.get_all(name).iter().any(|value| value.to_str().is_ok_and(|text| regex.is_match(text)))
        }
    })
}
