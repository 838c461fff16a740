//! `headers`: sets, adds and removes header fields of requests and answers, under conditions.
//!
//! Rules of answers apply to whatever is answered: the upstream's response, a step's reply and the gateway's own
//! errors. Fields that frame messages or belong to one connection are refused when the step is built.

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_engine::exchange::{FieldChange, FieldValue};
use forebay_engine::header_rules::settable;
use forebay_engine::{Exchange, Hook, Host, NativeStep, Verdict};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::{About, Condition, When};
use super::{Common, Problems, common_methods, escaped, read};
use crate::component::{Middleware, SettingProblem, Setup};

/// Settings of `headers`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Rules for requests before they go on: one or a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Rules>,
    /// Rules for answers, whoever makes them: one or a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Rules>,
}

/// One rule or several.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Rules {
    /// One.
    One(Box<Rule>),
    /// Several, applied in order.
    Many(#[schemars(extend("minItems" = 1))] Vec<Rule>),
}

/// What a field becomes with a value.
type Becomes = fn(HeaderValue) -> FieldValue;

/// Header fields by name.
type Fields = Option<BTreeMap<String, String>>;

/// Changes of header fields: removed first, then set, added and given defaults.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// When it applies; always without this.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<When>,
    /// Names of fields to remove.
    #[schemars(extend("uniqueItems" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    remove: Option<Vec<String>>,
    /// Fields that have this one value afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Fields,
    /// Fields that get one more line.
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Fields,
    /// Fields that get this value unless they are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Fields,
}

#[derive(Debug)]
pub(super) struct Headers;

impl Middleware for Headers {
    fn build(&self, setup: &Setup<'_>) -> Result<Arc<dyn NativeStep>, Vec<SettingProblem>> {
        let settings: Settings = read(setup.settings)?;
        let mut problems = Problems::default();
        let request = rules(settings.request.as_ref(), About::Request, "/request", &mut problems);
        let response = rules(settings.response.as_ref(), About::Answer, "/response", &mut problems);
        if request.is_empty() && response.is_empty() {
            problems.add("", "there is nothing to do", "add `request` or `response`, or remove the step");
        }
        problems
            .finish(Arc::new(Step { common: Common::of(setup), request, response }) as Arc<dyn NativeStep>)
    }
}

fn rules(written: Option<&Rules>, about: About, at: &str, problems: &mut Problems) -> Vec<Change> {
    match written {
        None => Vec::new(),
        Some(Rules::One(rule)) => vec![change(rule, about, at, problems)],
        Some(Rules::Many(rules)) => {
            let rules = rules.iter().enumerate();
            rules.map(|(index, rule)| change(rule, about, &format!("{at}/{index}"), problems)).collect()
        }
    }
}

fn change(rule: &Rule, about: About, at: &str, problems: &mut Problems) -> Change {
    let when = rule.when.as_ref().map(|when| Condition::of(when, about, &format!("{at}/when"), problems));
    let mut fields = Vec::new();
    for (index, written) in rule.remove.iter().flatten().enumerate() {
        if let Some(name) = field_name(written, &format!("{at}/remove/{index}"), problems) {
            fields.push(FieldChange { name, to: FieldValue::Removed });
        }
    }
    let kinds: [(&str, &Fields, Becomes); 3] = [
        ("set", &rule.set, FieldValue::Set),
        ("add", &rule.add, FieldValue::Append),
        ("default", &rule.default, FieldValue::Default),
    ];
    for (key, written, to) in kinds {
        for (name, value) in written.iter().flatten() {
            let at = format!("{at}/{key}/{}", escaped(name));
            let name = field_name(name, &at, problems);
            let Ok(value) = HeaderValue::from_str(value) else {
                let help = "use visible ASCII characters and spaces";
                problems.add(at, "this is not a usable header value", help);
                continue;
            };
            fields.extend(name.map(|name| FieldChange { name, to: to(value) }));
        }
    }
    if fields.is_empty()
        && rule.remove.is_none()
        && rule.set.is_none()
        && rule.add.is_none()
        && rule.default.is_none()
    {
        problems.add(at, "this rule changes nothing", "add `set`, `add`, `default` or `remove`");
    }
    Change { when, fields }
}

fn field_name(written: &str, at: &str, problems: &mut Problems) -> Option<HeaderName> {
    let Ok(name) = HeaderName::from_bytes(written.as_bytes()) else {
        problems.add(
            at,
            "this is not a usable header name",
            "use letters, digits and `-`, such as `x-version`",
        );
        return None;
    };
    match settable(&name) {
        Ok(()) => Some(name),
        Err(reason) => {
            problems.add(at, format!("`{name}` cannot be changed here"), reason);
            None
        }
    }
}

/// One rule, ready to be applied.
#[derive(Debug)]
struct Change {
    when: Option<Condition>,
    fields: Vec<FieldChange>,
}

impl Change {
    fn apply(&self, headers: &mut HeaderMap) {
        for field in &self.fields {
            field.clone().apply(headers);
        }
    }
}

#[derive(Debug)]
struct Step {
    common: Common,
    request: Vec<Change>,
    response: Vec<Change>,
}

impl NativeStep for Step {
    common_methods!();

    fn has(&self, hook: Hook) -> bool {
        match hook {
            Hook::Request => !self.request.is_empty(),
            Hook::Response | Hook::Error => !self.response.is_empty(),
            Hook::Log => false,
        }
    }

    fn call(&self, hook: Hook, exchange: &mut Exchange, _host: &dyn Host) -> Verdict {
        if hook == Hook::Request {
            for change in &self.request {
                let request = &mut exchange.request;
                let applies = change.when.as_ref().is_none_or(|when| {
                    when.takes_request(&request.method, request.uri.path(), &request.headers)
                });
                if applies {
                    change.apply(&mut request.headers);
                }
            }
            return Verdict::Continue;
        }
        for change in &self.response {
            self::answer(change, exchange);
        }
        Verdict::Continue
    }
}

/// Applies a rule to the answer, or, where the gateway has still to make it, notes what is to be applied.
fn answer(change: &Change, exchange: &mut Exchange) {
    let Exchange { request, response, failure, answer_fields, .. } = exchange;
    let for_request = change
        .when
        .as_ref()
        .is_none_or(|when| when.takes_request(&request.method, request.uri.path(), &request.headers));
    if !for_request {
        return;
    }
    match (response, failure) {
        (Some(response), _) => {
            let applies =
                change.when.as_ref().is_none_or(|when| when.takes_answer(response.status, &response.headers));
            if applies {
                change.apply(&mut response.headers);
            }
        }
        (None, Some(failure)) => {
            let none = HeaderMap::new();
            if change.when.as_ref().is_none_or(|when| when.takes_answer(failure.status, &none)) {
                answer_fields.extend(change.fields.iter().cloned());
            }
        }
        (None, None) => {}
    }
}
