//! The host that programs run against: it records every call, and counts the clones and drops of its own type.
//!
//! Records are kept per thread, as one thread runs one program in one tier at a time.

use std::cell::{Cell, RefCell};

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext, Position};

type HostResult<T> = Result<T, Box<EvalAltResult>>;

thread_local! {
    static TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static KEPT: RefCell<Dynamic> = const { RefCell::new(Dynamic::UNIT) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

/// Most entries that are kept of a trace; a loop can make many, and a difference shows early or not at all.
const TRACE_MAX: usize = 20_000;

/// Forgets all records of this thread.
pub(crate) fn reset() {
    TRACE.take();
    drop(KEPT.take());
    LIVE.set(0);
}

/// The calls so far.
pub(crate) fn take_trace() -> Vec<String> {
    TRACE.take()
}

/// How many counters exist: made or cloned, and not dropped. What the host has kept is dropped.
pub(crate) fn live() -> i64 {
    drop(KEPT.take());
    LIVE.get()
}

fn record(call: impl FnOnce() -> String) {
    TRACE.with_borrow_mut(|trace| {
        if trace.len() < TRACE_MAX {
            trace.push(call());
        }
    });
}

/// A host type whose clones and drops are counted.
#[derive(Debug)]
pub(crate) struct Counter {
    value: i64,
    extra: Dynamic,
}

impl Counter {
    fn new(value: i64) -> Self {
        LIVE.set(LIVE.get() + 1);
        Self { value, extra: Map::new().into() }
    }
}

impl Clone for Counter {
    fn clone(&self) -> Self {
        LIVE.set(LIVE.get() + 1);
        Self { value: self.value, extra: self.extra.clone() }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        // A value that is dropped while its thread ends has nobody to tell.
        let _ended = LIVE.try_with(|live| live.set(live.get() - 1));
    }
}

/// Registers everything.
pub(crate) fn register(engine: &mut Engine) {
    register_counter(engine);
    register_counter_operators(engine);
    register_functions(engine);
    register_failures(engine);
    engine.on_print(|text| record(|| format!("print {text}")));
    engine.on_debug(|text, source, position| record(|| format!("debug {text} {source:?} {position:?}")));
}

fn register_counter(engine: &mut Engine) {
    engine.register_type_with_name::<Counter>("Counter");
    engine.register_fn("host_counter", |value: i64| {
        record(|| format!("host_counter {value}"));
        Counter::new(value)
    });
    engine.register_get_set(
        "value",
        |counter: &mut Counter| {
            record(|| format!("get value {}", counter.value));
            counter.value
        },
        |counter: &mut Counter, value: i64| {
            record(|| format!("set value {} {value}", counter.value));
            counter.value = value;
        },
    );
    engine.register_get_set(
        "extra",
        |counter: &mut Counter| {
            record(|| format!("get extra {:?}", counter.extra));
            counter.extra.clone()
        },
        |counter: &mut Counter, value: Dynamic| {
            record(|| format!("set extra {value:?}"));
            counter.extra = value;
        },
    );
    engine.register_get("fixed", |counter: &mut Counter| counter.value);
    engine.register_fn("add", |counter: &mut Counter, by: i64| {
        record(|| format!("add {} {by}", counter.value));
        counter.value = counter.value.wrapping_add(by);
        counter.value
    });
    engine.register_fn("to_string", |counter: &mut Counter| format!("counter {}", counter.value));
    engine.register_fn("to_debug", |counter: &mut Counter| format!("Counter({})", counter.value));
    rhai::FuncRegistration::new("doubled").with_purity(true).in_global_namespace().register_into_engine(
        engine,
        |counter: &mut Counter| {
            record(|| format!("doubled {}", counter.value));
            counter.value.wrapping_mul(2)
        },
    );
    engine.register_indexer_get_set(
        indexed,
        |counter: &mut Counter, bit: i64, value: i64| -> HostResult<()> {
            record(|| format!("index set {bit} {value}"));
            indexed(counter, bit)?;
            counter.value = value;
            Ok(())
        },
    );
}

fn indexed(counter: &mut Counter, bit: i64) -> HostResult<i64> {
    record(|| format!("index get {} {bit}", counter.value));
    match u32::try_from(bit) {
        Ok(bit @ 0..64) => Ok(counter.value.wrapping_shr(bit) & 1),
        _ => Err(EvalAltResult::ErrorIndexNotFound(bit.into(), Position::NONE).into()),
    }
}

fn register_counter_operators(engine: &mut Engine) {
    engine.register_fn("+", |a: Counter, b: Counter| Counter::new(a.value.wrapping_add(b.value)));
    engine.register_fn("+", |a: Counter, b: i64| Counter::new(a.value.wrapping_add(b)));
    engine.register_fn("+", |a: &str, b: Counter| format!("{a}{}", b.value));
    engine.register_fn("+", |a: Counter, b: &str| format!("{}{b}", a.value));
    engine.register_fn("==", |a: Counter, b: Counter| a.value == b.value);
    engine.register_fn("<", |a: Counter, b: Counter| a.value < b.value);
}

fn register_functions(engine: &mut Engine) {
    engine.register_fn("probe", |value: Dynamic| {
        record(|| format!("probe {value:?}"));
        value
    });
    engine.register_fn("keep_it", |value: Dynamic| KEPT.set(value));
    engine.register_fn("kept_before", || KEPT.take());
    engine.register_fn("kept", |value: Dynamic| {
        KEPT.set(value.clone());
        value
    });
    // Values as a host can hand them out: marked as constants, and in cells. Compiled programs follow such marks only
    // where they refer to constants by qualified names; elsewhere they end with the call.
    engine.register_fn("frozen_of", |value: Dynamic| value.into_read_only());
    engine.register_fn("shared_of", |value: Dynamic| value.into_shared());
    engine.register_fn("try_it", |context: NativeCallContext<'_>, function: FnPtr| {
        match function.call_within_context::<Dynamic>(&context, ()) {
            Ok(value) => value,
            Err(error) => format!("{error:?}").into(),
        }
    });
    engine.register_fn("apply_twice", |context: NativeCallContext<'_>, function: FnPtr, value: Dynamic| {
        record(|| format!("apply_twice {value:?}"));
        let once: Dynamic = function.call_within_context(&context, (value,))?;
        function.call_within_context::<Dynamic>(&context, (once,))
    });
    engine.register_fn("call_level", |context: NativeCallContext<'_>| {
        i64::try_from(context.call_level()).unwrap_or(-1)
    });
    engine.register_fn("call_position", |context: NativeCallContext<'_>| {
        format!("{} {:?} {:?}", context.fn_name(), context.call_source(), context.call_position())
    });
    engine.register_fn("describe", |value: i64| format!("int {value}"));
    engine.register_fn("describe", |value: f64| format!("float {value:?}"));
    engine.register_fn("describe", |value: bool| format!("bool {value}"));
    engine.register_fn("describe", |value: char| format!("char {value}"));
    engine.register_fn("describe", |value: &str| format!("string {value}"));
    engine.register_fn("describe", |value: Array| format!("array of {}", value.len()));
    engine.register_fn("describe", |value: Map| format!("map of {}", value.len()));
    engine.register_fn("describe", |(): ()| "unit".to_owned());
    engine.register_fn("combine", |a: i64| format!("one {a}"));
    engine.register_fn("combine", |a: i64, b: i64| format!("two {a} {b}"));
    engine.register_fn("combine", |a: &str, b: i64| format!("text {a} {b}"));
    engine.register_fn("combine", |a: i64, b: Dynamic| format!("any {a} {b:?}"));
    engine.register_fn("mutate", |value: &mut Array| value.push(Dynamic::UNIT));
    engine.register_fn("mutate", |value: &mut rhai::ImmutableString| *value += "!");
    engine.register_fn("mutate", |value: &mut i64| *value = value.wrapping_add(1));
}

fn register_failures(engine: &mut Engine) {
    engine.register_fn("fail", |message: &str| -> HostResult<Dynamic> {
        record(|| format!("fail {message}"));
        Err(message.into())
    });
    engine.register_fn("fail_as", |kind: &str| -> HostResult<Dynamic> {
        record(|| format!("fail_as {kind}"));
        let here = Position::new(7, 7);
        let error = match kind {
            "arithmetic" => EvalAltResult::ErrorArithmetic("host".into(), Position::NONE),
            "mismatch" => EvalAltResult::ErrorMismatchDataType("a".into(), "b".into(), here),
            "bounds" => EvalAltResult::ErrorArrayBounds(3, 5, Position::NONE),
            "missing" => EvalAltResult::ErrorFunctionNotFound("host".into(), here),
            "terminated" => EvalAltResult::ErrorTerminated("host".into(), Position::NONE),
            _ => EvalAltResult::ErrorRuntime(kind.into(), Position::NONE),
        };
        Err(error.into())
    });
}
