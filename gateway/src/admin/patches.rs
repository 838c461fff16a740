//! The part of the admin interface about patches: what there is, and decisions about it.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Admin, answer, report_json, wrong_method};
use crate::control::Event;
use crate::patch::service::{Change, ChangeError};

impl Admin {
    /// The patches of the folder, as the generation that serves has them.
    pub(super) fn patches(&self) -> Value {
        let generation = self.shared.published.current();
        let mut report = self.shared.patches.report(&generation.patches);
        report["generation"] = generation.number.into();
        report
    }

    /// Carries a decision out and says what serves then.
    pub(super) async fn decide(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let Some(change) = decision(path) else {
            let error =
                "there is /v1/patches/NAME/disable, enable and revert, and /v1/patches/NAME/apply/SHA256";
            return answer(StatusCode::NOT_FOUND, &json!({ "error": error }));
        };
        if method != Method::POST {
            return wrong_method();
        }
        let (reply, outcome) = oneshot::channel();
        let applied = match &change {
            Change::Apply { digest, .. } => Some(*digest),
            _ => None,
        };
        let sent = self.shared.events.send(Event::Patch { change, reply: Some(reply) });
        let report = match (sent, outcome.await) {
            (Ok(()), Ok(Ok(report))) => report,
            (Ok(()), Ok(Err(error))) => return refused(&error),
            _ => {
                return answer(
                    StatusCode::SERVICE_UNAVAILABLE,
                    &json!({ "error": "the gateway is stopping" }),
                );
            }
        };
        let mut body = report_json(&report);
        let patches = self.patches();
        body["patches"] = patches["patches"].clone();
        if !report.published {
            return answer(StatusCode::UNPROCESSABLE_ENTITY, &body);
        }
        // What was applied is to serve, and not to stand by for a higher version.
        if let Some(digest) = applied {
            let entries = patches["patches"].as_array().map(Vec::as_slice).unwrap_or_default();
            let digest = digest.to_string();
            let is_it = |entry: &&Value| entry["sha256"] == digest.as_str();
            let states: Vec<_> = entries.iter().filter(is_it).map(|entry| &entry["state"]).collect();
            if !states.iter().any(|state| *state == "active") {
                let reason = entries.iter().find(is_it).and_then(|entry| entry["reason"].as_str());
                let reason = reason.unwrap_or("its file is not in patches.folder");
                body["error"] = format!("it does not serve: {reason}").into();
                return answer(StatusCode::CONFLICT, &body);
            }
        }
        answer(StatusCode::OK, &body)
    }
}

fn refused(error: &ChangeError) -> Response<Full<Bytes>> {
    let status = match error {
        ChangeError::Unknown(_) => StatusCode::NOT_FOUND,
        ChangeError::State(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    };
    answer(status, &json!({ "error": error.to_string() }))
}

/// Takes `/v1/patches/NAME/revert` and its like apart.
fn decision(path: &str) -> Option<Change> {
    let mut parts = path.strip_prefix("/v1/patches/")?.split('/');
    let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let change = match (parts.next()?, parts.next()) {
        ("disable", None) => Change::Disable { name, reason: "disabled by an operator".to_owned() },
        ("enable", None) => Change::Enable { name },
        ("revert", None) => Change::Revert { name },
        ("apply", Some(digest)) => Change::Apply { name, digest: digest.parse().ok()? },
        _ => return None,
    };
    parts.next().is_none().then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::digest::Digest;

    #[test]
    fn paths_are_decisions_or_nothing() {
        let digest = Digest::of(b"x");
        let apply = format!("/v1/patches/fix/apply/{digest}");
        assert_eq!(decision(&apply), Some(Change::Apply { name: "fix".into(), digest }));
        assert_eq!(decision("/v1/patches/fix/revert"), Some(Change::Revert { name: "fix".into() }));
        for path in
            ["/v1/patches/fix", "/v1/patches//revert", "/v1/patches/fix/revert/x", "/v1/patches/fix/apply/1"]
        {
            assert_eq!(decision(path), None, "{path}");
        }
    }
}
