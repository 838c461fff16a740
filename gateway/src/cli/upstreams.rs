//! The part of `forebay status` about upstreams: how many targets are used, and each one that is not.

use std::fmt::Write;

use serde_json::Value;

use super::commands::text;

/// One line for each upstream with targets, and one for each target that is out.
pub(super) fn status_text(upstreams: &Value) -> String {
    let mut lines = String::new();
    for upstream in upstreams.as_array().into_iter().flatten() {
        let targets = upstream["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
        if targets.is_empty() {
            continue;
        }
        let out: Vec<&Value> = targets.iter().filter(|target| target["condition"] != "up").collect();
        let (name, balance) = (text(&upstream["name"]), text(&upstream["balance"]));
        let up = targets.len() - out.len();
        let _ = write!(lines, "\nupstream     {name}: {up} of {} targets up, {balance}", targets.len());
        for target in out {
            let (address, condition) = (text(&target["address"]), text(&target["condition"]));
            let _ = write!(lines, "\n             {address} {condition}: {}", text(&target["problem"]));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn targets_that_are_out_are_named_with_the_reason() {
        let target = |address, condition, problem| json!({ "address": address, "condition": condition, "problem": problem });
        let targets = [
            target("a:1", "up", Value::Null),
            target("b:2", "unhealthy", "answered 503".into()),
            target("c:3", "ejected", "5 requests without an answer in a row; out for 30s".into()),
        ];
        let upstreams = json!([
            { "name": "demo", "builtin": "echo", "targets": [] },
            { "name": "shop", "balance": "round_robin", "targets": targets },
        ]);
        let expected = "\nupstream     shop: 1 of 3 targets up, round_robin\
                        \n             b:2 unhealthy: answered 503\
                        \n             c:3 ejected: 5 requests without an answer in a row; out for 30s";
        assert_eq!(status_text(&upstreams), expected);
    }
}
