//! `world(...)`: the script under test with its settings, in surroundings that belong to one test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use forebay_engine::script::tools;
use forebay_engine::{Hook, OnError, ScriptStep, Step, Verdict};
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};

use super::api::Api;
use super::case::Case;
use super::failure::{Failure, TestResult, misuse};
use super::subject::{self, Went};
use super::values::Fields;
use crate::script_tools::offline::{Offline, RecordedCall, drive};
use crate::script_tools::scene::{MockShape, WORLD_KEYS};

/// A script with its settings and the world it runs in; copies are the same one.
#[derive(Clone)]
pub(super) struct World {
    case: Arc<Case>,
    step: Step,
    offline: Offline,
}

/// Registers worlds.
pub(super) fn register(api: &mut Api) {
    api.add_type::<World>("World");
    api.add(
        "",
        "world() -> World",
        "The script under test without settings, on the real clock.",
        |context: NativeCallContext| World::new(&context, Map::new()),
    );
    api.add(
        "",
        "world(parts: map) -> World",
        "The script under test with `config`, `now` (RFC 3339; the clock then stands still but for waits), `seed` \
         (repeatable randomness), `kv`, `http` (mocked calls), `env` and `secrets`, as in a request file.",
        |context: NativeCallContext, parts: Map| World::new(&context, parts),
    );
    register_hooks(api);
    api.add(
        "World",
        "mock_http(mock: map) -> ()",
        "Answers calls: `url` (`*` stands for any text), `method`, `status`, `headers`, `body`, or `error`; \
         `delay_ms`, `times`. The first mock that fits and is not used up answers.",
        World::mock_http,
    );
    api.add(
        "World",
        "http_calls() -> array",
        "The calls made so far: maps with `method`, `url`, `headers`, `body`, `timeout_ms`, `status`, `error`.",
        |world: &mut World| -> Array {
            world.offline.state().http.calls.entries.iter().map(recorded).collect()
        },
    );
    api.add(
        "World",
        "kv -> map",
        "The key-value store, as texts (blobs where it is not UTF-8); can be assigned, whole or by key.",
        World::kv,
    );
    api.add_setter("kv", World::set_kv);
    api.add("World", "advance(seconds: any) -> ()", "Lets time pass.", World::advance);
    api.add("World", "now() -> i64", "The world's clock, in seconds since 1970.", |world: &mut World| {
        i64::try_from(world.offline.state().clock.unix_ns() / 1_000_000_000).unwrap_or(i64::MAX)
    });
    api.add(
        "World",
        "logs() -> array",
        "The log lines of the script so far: maps with `level` and `message`.",
        |world: &mut World| -> Array {
            let state = world.offline.state();
            let line = |level: &'static str, message: &str| {
                Map::from([("level".into(), level.into()), ("message".into(), message.into())])
            };
            state.log.entries.iter().map(|entry| line(entry.level, &entry.message).into()).collect()
        },
    );
    api.add(
        "World",
        "metrics() -> array",
        "The measurements so far: maps with `name`, `kind` (`count` or `gauge`) and `value`.",
        |world: &mut World| -> Array {
            let state = world.offline.state();
            let entry = |name: &str, kind: &'static str, value: f64| {
                Map::from([
                    ("name".into(), name.into()),
                    ("kind".into(), kind.into()),
                    ("value".into(), value.into()),
                ])
            };
            let entries = state.metrics.entries.iter();
            entries.map(|metric| entry(&metric.name, metric.kind, metric.value).into()).collect()
        },
    );
}

fn register_hooks(api: &mut Api) {
    api.add(
        "World",
        "on_request(request: any) -> Exchange",
        "Runs `on_request` on a map with the keys of a request file, a `request(...)`, or an exchange.",
        |world: &mut World, subject: Dynamic| world.run(Hook::Request, &subject, Map::new()),
    );
    api.add(
        "World",
        "on_response(request: any) -> Exchange",
        "Runs `on_response` on a request with a `response`, or on an exchange; 200 without one.",
        |world: &mut World, subject: Dynamic| world.run(Hook::Response, &subject, Map::new()),
    );
    api.add(
        "World",
        "on_response(request: any, response: any) -> Exchange",
        "Runs `on_response` with this response: a status, or a map with `status`, `headers`, `body`. An exchange \
         from `on_request` carries its variables and identity over.",
        |world: &mut World, subject: Dynamic, response: Dynamic| {
            world.run(Hook::Response, &subject, response_part(response))
        },
    );
    api.add(
        "World",
        "on_error(request: any, error: map) -> Exchange",
        "Runs `on_error` with an error: `status`, `kind`, `message`.",
        |world: &mut World, subject: Dynamic, error: Map| {
            world.run(Hook::Error, &subject, Map::from([("failure".into(), error.into())]))
        },
    );
    api.add(
        "World",
        "on_log(request: any) -> Exchange",
        "Runs `on_log` on a request with a `response`, or on an exchange.",
        |world: &mut World, subject: Dynamic| world.run(Hook::Log, &subject, Map::new()),
    );
    api.add(
        "World",
        "on_log(request: any, response: any) -> Exchange",
        "Runs `on_log` with this response.",
        |world: &mut World, subject: Dynamic, response: Dynamic| {
            world.run(Hook::Log, &subject, response_part(response))
        },
    );
    api.add(
        "World",
        "on_log(request: any, response: any, log: map) -> Exchange",
        "Runs `on_log` with this response and access record: `total_us`, `upstream_us`, `steps_us`, \
         `request_bytes`, `response_bytes`, `end_reason`.",
        |world: &mut World, subject: Dynamic, response: Dynamic, log: Map| {
            let mut parts = response_part(response);
            parts.insert("access".into(), log.into());
            world.run(Hook::Log, &subject, parts)
        },
    );
}

/// A response as a part of a request file; a number is its status.
fn response_part(response: Dynamic) -> Map {
    let response = match response.as_int() {
        Ok(status) => Map::from([("status".into(), status.into())]).into(),
        Err(_) => response,
    };
    Map::from([("response".into(), response)])
}

fn recorded(recorded: &RecordedCall) -> Dynamic {
    let call = &recorded.call;
    let body = match std::str::from_utf8(&call.body) {
        Ok(text) => text.into(),
        Err(_) => Dynamic::from_blob(call.body.to_vec()),
    };
    let timeout = call.timeout.and_then(|time| i64::try_from(time.as_millis()).ok());
    let (status, error) = match &recorded.outcome {
        Ok(status) => (i64::from(status.as_u16()).into(), Dynamic::UNIT),
        Err(reason) => (Dynamic::UNIT, reason.clone().into()),
    };
    Dynamic::from_map(Map::from([
        ("method".into(), call.method.as_str().into()),
        ("url".into(), call.url.clone().into()),
        ("headers".into(), Dynamic::from(Fields::new(&call.headers))),
        ("body".into(), body),
        ("timeout_ms".into(), timeout.map_or(Dynamic::UNIT, Dynamic::from)),
        ("status".into(), status),
        ("error".into(), error),
    ]))
}

impl World {
    fn new(context: &NativeCallContext, parts: Map) -> TestResult<Self> {
        let Some(case) = context.tag().and_then(|tag| tag.clone().try_cast::<Arc<Case>>()) else {
            return misuse("a world exists in a test only");
        };
        if let Some(key) = parts.keys().find(|key| !WORLD_KEYS.contains(&key.as_str())) {
            let keys = WORLD_KEYS.join(", ");
            return misuse(format!("a world has no `{key}`; it has {keys}; the rest belongs to the request"));
        }
        let made = subject::scene(&parts).and_then(|scene| Ok((Offline::new(&scene)?, scene)));
        let (offline, scene) = match made {
            Ok(made) => made,
            Err(message) => return misuse(message),
        };
        case.add_world(&offline);
        let limits = &case.project.limits;
        match ScriptStep::new(case.script.clone(), &scene.config, limits, OnError::Closed) {
            Ok(step) => Ok(Self { case, step: Step::Script(Arc::new(step)), offline }),
            Err(mut errors) => {
                let rest: Vec<String> = errors.iter().skip(1).map(|error| error.message.clone()).collect();
                let mut failure = Failure::of_script("the script cannot be set up", errors.swap_remove(0));
                failure.notes = rest;
                failure.raise()
            }
        }
    }

    fn run(&mut self, hook: Hook, subject: &Dynamic, parts: Map) -> TestResult<Went> {
        if !self.step.has(hook) {
            return misuse(format!("{}.rhai has no {}", self.step.name(), hook.function()));
        }
        let (exchange, bodies) = subject::begin(subject, parts, hook)?;
        let project = &self.case.project;
        let (exchange, verdict) = drive(project, &self.offline, &self.step, hook, exchange, &bodies);
        let reply = match verdict {
            Verdict::Continue => None,
            Verdict::Reply(reply) => Some(reply),
            Verdict::Refuse(_) => unreachable!("scripts reply and do not refuse"),
            Verdict::Fail(error) => {
                return Failure::of_script(&format!("{} failed", hook.function()), *error).raise();
            }
        };
        Ok(Went::new(exchange, bodies, reply))
    }

    fn mock_http(&mut self, mock: Map) -> TestResult<()> {
        let shape = tools::to_json(&Dynamic::from_map(mock)).and_then(|json| {
            serde_json::from_value::<MockShape>(json).map_err(|error| format!("mock_http: {error}"))
        });
        match shape.and_then(|shape| self.offline.state().http.add(&shape)) {
            Ok(()) => Ok(()),
            Err(message) => misuse(message),
        }
    }

    fn kv(&mut self) -> Map {
        let state = self.offline.state();
        let now = state.clock.unix_ns();
        let value = |bytes: &Bytes| match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => Dynamic::from_blob(bytes.to_vec()),
        };
        state.kv.entries(now).map(|(key, bytes)| (key.into(), value(bytes))).collect()
    }

    fn set_kv(&mut self, entries: Map) -> TestResult<()> {
        let mut stored = BTreeMap::new();
        for (key, value) in entries {
            let bytes = if let Some(blob) = value.read_lock::<rhai::Blob>() {
                blob.to_vec().into()
            } else if let Some(text) = value.read_lock::<ImmutableString>() {
                Bytes::copy_from_slice(text.as_bytes())
            } else if value.is_int() || value.is_float() || value.is_bool() {
                value.to_string().into()
            } else {
                return misuse(format!(
                    "kv holds texts, blobs, numbers and booleans, not {}",
                    value.type_name()
                ));
            };
            stored.insert(key.to_string(), bytes);
        }
        self.offline.state().kv.replace(stored);
        Ok(())
    }

    fn advance(&mut self, seconds: Dynamic) -> TestResult<()> {
        #[expect(clippy::cast_precision_loss, reason = "seconds of a test are far below 2^52")]
        let number = seconds.as_float().or_else(|_| seconds.as_int().map(|whole| whole as f64));
        match number.ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            Some(time) => {
                self.offline.state().clock.advance(time);
                Ok(())
            }
            None => misuse("advance takes a number of seconds that is not negative"),
        }
    }
}
