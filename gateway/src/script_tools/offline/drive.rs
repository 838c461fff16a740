//! Runs one hook to its end and serves every wait at once, moving the clock by the time it would have taken.
//!
//! A wait that would outlast the call ends it, as it does in the gateway.

use std::time::Duration;

use forebay_engine::host::{Answer, HttpCall, KvOperation, KvValue};
use forebay_engine::{Call, Exchange, Hook, Progress, Step, Verdict, Wait};

use super::{Offline, State};
use crate::script_tools::Project;
use crate::script_tools::scene::Bodies;

/// Runs the step's function for `hook`.
pub(in crate::script_tools) fn drive(
    project: &Project,
    world: &Offline,
    step: &Step,
    hook: Hook,
    exchange: Box<Exchange>,
    bodies: &Bodies,
) -> (Box<Exchange>, Verdict) {
    let call = step.begin(hook, exchange, &world.host(project));
    match drive_call(project, world, call, bodies, |_, _| true) {
        Some(done) => done,
        // Only an observer ends a call early.
        None => unreachable!("nobody ended the call"),
    }
}

/// Runs a call to its end; `observe` sees each wait with its answer and says whether to go on. A call that is not
/// to go on is cancelled.
pub(in crate::script_tools) fn drive_call(
    project: &Project,
    world: &Offline,
    mut call: Call,
    bodies: &Bodies,
    mut observe: impl FnMut(&Wait, &Answer) -> bool,
) -> Option<(Box<Exchange>, Verdict)> {
    let mut answer = Answer::Go;
    loop {
        match call.resume(answer) {
            Progress::Done(exchange, verdict) => return Some((exchange, verdict)),
            Progress::Waiting(wait) => {
                let served = serve(&mut world.state(), &wait, bodies, project.body_bytes_max);
                let deadline_ns = call.deadline_ns();
                answer = pass(&mut world.state(), served, deadline_ns);
                if !observe(&wait, &answer) {
                    return None;
                }
            }
        }
    }
}

/// The answer to one wait, for a caller that does without deadlines.
pub(in crate::script_tools) fn answer(
    project: &Project,
    world: &Offline,
    wait: &Wait,
    bodies: &Bodies,
) -> Answer {
    serve(&mut world.state(), wait, bodies, project.body_bytes_max).answer
}

/// An answer, the time it takes, and a line about it for the report.
struct Served {
    answer: Answer,
    took: Duration,
    line: Option<String>,
}

fn serve(state: &mut State, wait: &Wait, bodies: &Bodies, body_bytes_max: usize) -> Served {
    let at_once = |answer, line| Served { answer, took: Duration::ZERO, line };
    let body = |which: &str, bytes: &bytes::Bytes| {
        let line = Some(format!("{which} body, {} bytes", bytes.len()));
        if bytes.len() > body_bytes_max {
            let reason = format!("the {which} body is larger than {body_bytes_max} bytes");
            return at_once(Answer::Body(Err(reason)), line);
        }
        at_once(Answer::Body(Ok(bytes.clone())), line)
    };
    match wait {
        Wait::TimeSlice => at_once(Answer::Go, None),
        Wait::Sleep(time) => {
            Served { answer: Answer::Go, took: *time, line: Some(format!("sleep {time:?}")) }
        }
        Wait::RequestBody => body("request", &bodies.request),
        Wait::ResponseBody => body("response", &bodies.response),
        Wait::Http(calls) => http(state, calls),
        Wait::Kv(operation) => {
            let now = state.clock.unix_ns();
            let result = state.kv.apply(operation, now);
            let line = format!("{} -> {}", kv_name(operation), kv_result(&result));
            at_once(Answer::Kv(result), Some(line))
        }
    }
}

/// Calls that are sent together take as long as the slowest.
fn http(state: &mut State, calls: &[HttpCall]) -> Served {
    let mut took = Duration::ZERO;
    let mut lines = Vec::new();
    let mut results = Vec::new();
    for call in calls {
        let served = state.http.serve(call);
        took = took.max(served.took);
        let outcome = match &served.result {
            Ok(answer) => format!("{}, {} bytes", answer.status.as_u16(), answer.body.len()),
            Err(reason) => format!("failed: {reason}"),
        };
        lines.push(format!("http {} {} -> {outcome}", call.method, call.url));
        results.push(served.result);
    }
    Served { answer: Answer::Http(results), took, line: Some(lines.join("\n")) }
}

/// Lets the time of a wait pass, but not beyond the end of the call.
fn pass(state: &mut State, served: Served, deadline_ns: u64) -> Answer {
    let left = Duration::from_nanos(deadline_ns.saturating_sub(state.clock.monotonic_ns()));
    let expires = served.took > left;
    state.clock.advance(served.took.min(left));
    if let Some(mut line) = served.line {
        if expires {
            line.push_str(" (longer than the call may take)");
        }
        let bytes = line.len();
        state.waits.push(line, bytes);
    }
    if expires { Answer::Expired } else { served.answer }
}

fn kv_name(operation: &KvOperation) -> String {
    match operation {
        KvOperation::Get { key } => format!("kv get {key}"),
        KvOperation::Set { key, only_if_absent: false, .. } => format!("kv set {key}"),
        KvOperation::Set { key, .. } => format!("kv set_nx {key}"),
        KvOperation::Increment { key, by, .. } => format!("kv incr {key} by {by}"),
        KvOperation::Delete { key } => format!("kv delete {key}"),
        KvOperation::Ttl { key } => format!("kv ttl {key}"),
    }
}

fn kv_result(result: &Result<KvValue, String>) -> String {
    match result {
        Ok(KvValue::Nothing) => "nothing".into(),
        Ok(KvValue::Bytes(bytes)) => format!("{} bytes", bytes.len()),
        Ok(KvValue::Int(number)) => number.to_string(),
        Ok(KvValue::Bool(flag)) => flag.to_string(),
        Err(reason) => format!("failed: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script_tools::scene::Scene;
    use forebay_engine::host::HttpAnswer;
    use serde_json::{Value, json};

    fn world(scene: Value) -> Offline {
        Offline::new(&serde_json::from_value::<Scene>(scene).unwrap()).unwrap()
    }

    fn answer(world: &Offline, wait: &Wait) -> Answer {
        let bodies = Bodies { request: "hello".into(), response: "x".repeat(11).into() };
        let deadline = world.state().clock.monotonic_ns() + 5_000_000_000;
        let served = serve(&mut world.state(), wait, &bodies, 10);
        pass(&mut world.state(), served, deadline)
    }

    #[test]
    fn sleeping_moves_the_clock_and_never_beyond_the_call() {
        let world = world(json!({ "now": "1970-01-01T00:00:00Z" }));
        assert!(matches!(answer(&world, &Wait::Sleep(Duration::from_secs(4))), Answer::Go));
        assert_eq!(world.state().clock.unix_ns(), 4_000_000_000);
        assert!(matches!(answer(&world, &Wait::Sleep(Duration::from_hours(1))), Answer::Expired));
        assert!(world.state().clock.unix_ns() <= 9_000_000_000);
        assert_eq!(world.state().waits.entries.len(), 2);
    }

    #[test]
    fn bodies_are_those_of_the_scene_within_the_limit() {
        let world = world(json!({}));
        assert!(matches!(answer(&world, &Wait::RequestBody), Answer::Body(Ok(bytes)) if bytes == "hello"));
        let Answer::Body(Err(reason)) = answer(&world, &Wait::ResponseBody) else { panic!("too large") };
        assert_eq!(reason, "the response body is larger than 10 bytes");
    }

    #[test]
    fn calls_sent_together_take_as_long_as_the_slowest() {
        let world = world(json!({ "now": "1970-01-01T00:00:00Z", "http": [
            { "url": "http://a.test/slow", "delay_ms": 300, "body": { "ok": true } },
            { "url": "http://a.test/*", "delay_ms": 200, "error": "refused" },
        ] }));
        let call = |url: &str| HttpCall {
            method: http::Method::GET,
            url: url.into(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            timeout: None,
        };
        let Answer::Http(results) =
            answer(&world, &Wait::Http(vec![call("http://a.test/slow"), call("http://a.test/x")]))
        else {
            panic!("calls are answered with results")
        };
        let [Ok(HttpAnswer { body, headers, .. }), Err(reason)] = &results[..] else { panic!("{results:?}") };
        assert_eq!((body.as_ref(), reason.as_str()), (&b"{\"ok\":true}"[..], "refused"));
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(world.state().clock.unix_ns(), 300_000_000);
    }

    #[test]
    fn the_store_sees_the_mocked_clock() {
        let world = world(json!({ "now": "2026-01-01T00:00:00Z", "kv": { "n": 4 } }));
        let add = Wait::Kv(KvOperation::Increment { key: "n".into(), by: 1, ttl: None });
        assert!(matches!(answer(&world, &add), Answer::Kv(Ok(KvValue::Int(5)))));
        assert_eq!(world.state().waits.entries, ["kv incr n by 1 -> 5"]);
    }
}
