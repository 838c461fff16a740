//! Made-up exchanges for trials: what a script meets before there is real traffic, and what real traffic seldom
//! holds. The interpreter runs first, in a world without network and store; its record is the measure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_engine::{Hook, ScriptStep};
use serde_json::{Value, json};

use super::sample::Sample;
use crate::script_tools::rehearsal;

/// Longest time to make the samples of one step; those not begun by then are left out.
const TIME_MAX: Duration = Duration::from_secs(1);
/// Longest time of one call; a script that works longer than this is tried with real exchanges only.
const SAMPLE_TIME_MAX: Duration = Duration::from_millis(200);

/// Recorded calls of every hook the script has.
pub(super) fn samples(step: &Arc<ScriptStep>) -> Vec<Arc<Sample>> {
    let began = Instant::now();
    let scenes = scenes();
    let mut samples = Vec::new();
    for hook in step.script().hooks() {
        for scene in &scenes {
            if began.elapsed() > TIME_MAX {
                return samples;
            }
            samples.extend(record(step, hook, scene).map(Arc::new));
        }
    }
    samples
}

fn record(step: &Arc<ScriptStep>, hook: Hook, scene: &Value) -> Option<Sample> {
    let mut scene = scene.clone();
    // The clock and the randomness of a scene are fixed, so that two trials of one program agree.
    scene["now"] = json!("2026-01-02T03:04:05Z");
    scene["seed"] = json!(7);
    scene["http"] = json!([{ "url": "*", "status": 200, "body": { "ok": true, "active": true } }]);
    rehearsal::record(step, hook, scene, SAMPLE_TIME_MAX)
}

fn scenes() -> [Value; 4] {
    [
        json!({}),
        json!({
            "method": "POST", "path": "/orders/7?page=2&tag=a&tag=b%20c",
            "headers": {
                "host": "shop.example", "accept": "application/json", "authorization": "Bearer abc.def.ghi",
                "cookie": "session=1; theme=dark", "user-agent": "curl/8.5.0", "x-many": ["1", "2"],
            },
            "body": { "id": 7, "items": [{ "sku": "a", "quantity": 2, "price": 1.5 }], "note": "ü" },
            "client": { "ip": "203.0.113.9", "port": 40000 },
            "route": { "name": "orders", "params": { "id": "7" } },
            "identity": { "id": "ann", "kind": "user" }, "vars": { "seen": true },
            "response": {
                "status": 200, "headers": { "content-type": "application/json", "set-cookie": "a=b" },
                "body": { "id": 7, "secret": "4111111111111111" },
            },
            "kv": { "counter": 4 },
        }),
        json!({
            "method": "PUT", "path": "/%2e%2e/x?q=%3Cscript%3E", "headers": { "content-type": "text/xml" },
            "body": "<order id=\"7\"><item>a</item></order>", "client": { "ip": "2001:db8::1", "port": 1 },
            "response": { "status": 503, "body": "busy" },
            "failure": { "status": 504, "kind": "response_timeout", "message": "the service did not answer" },
        }),
        json!({
            "method": "POST", "path": "/form", "body": "a=1&b=two+words&broken=%zz",
            "headers": { "content-type": "application/x-www-form-urlencoded" },
            "response": { "status": 404, "headers": { "content-type": "text/plain" }, "body": "" },
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use forebay_engine::{Limits, OnError, Script};

    #[test]
    fn a_script_that_works_without_end_holds_nobody_up() {
        let limits =
            Limits { operations_max: u64::MAX, wall_time_max: Duration::from_hours(1), ..Limits::default() };
        let script = Script::load("demo", "fn on_request(req) { loop { } }", &limits, &()).unwrap();
        let step = ScriptStep::new(Arc::new(script), &json!({}), &limits, OnError::Closed).unwrap();
        let began = Instant::now();
        assert!(samples(&Arc::new(step)).is_empty());
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    }

    #[test]
    fn every_hook_is_rehearsed_with_every_scene() {
        let source = "fn on_request(req) { let n = req.body.len; return; }
            fn on_response(req, res) { res.body.len; kv::incr(\"counter\"); return; }
            fn on_error(req, err) { reply(err.status, err.kind) }
            fn on_log(req, res, log) { log.extra.n = random::int(1, 6); return; }";
        let script = Script::load("demo", source, &Limits::default(), &()).unwrap();
        let step =
            ScriptStep::new(Arc::new(script), &json!({}), &Limits::default(), OnError::Closed).unwrap();
        let samples = samples(&Arc::new(step));
        assert_eq!(samples.len(), 4 * scenes().len());
        let waits = samples.iter().filter(|sample| !sample.trace.is_empty()).count();
        assert!(waits >= 8, "bodies, the store and randomness are in the records: {waits}");
    }
}
