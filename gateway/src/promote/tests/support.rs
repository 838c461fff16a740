//! A compiler whose programs ask the interpreter, or do what a test wants; a host that counts its effects.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay_engine::host::{KvOperation, KvValue, LogLine, Metric};
use forebay_engine::{
    Answer, Call, Exchange, Hook, HookProgram, Host, Limits, OnError, Program, ProgramView, Progress, Script,
    ScriptStep, Verdict, Wait,
};
use rhai::{AST, Dynamic, Engine, EvalAltResult, Scope};
use serde_json::json;

use crate::config::{CompileMode, CompileSettings, OnRejection};
use crate::promote::compile::{self, Compiler, Rejection};
use crate::promote::record::Recorder;
use crate::promote::report::{Report, State};
use crate::promote::service::Promotion;
use crate::promote::watch::{Plan, Watch};

/// What a program of the double does instead of the interpreter's work; `None` is the interpreter's work.
pub(super) type Twist = fn(Hook, &mut [Dynamic]) -> Option<Result<Dynamic, Box<EvalAltResult>>>;

/// Runs hooks in the interpreter, after a twist.
struct Double {
    hooks: [Option<(Vec<String>, AST)>; 4],
    twist: Twist,
    code_bytes: usize,
}

impl HookProgram for Double {
    fn run(
        &self,
        engine: &Engine,
        hook: Hook,
        arguments: &mut [Dynamic],
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        if let Some(result) = (self.twist)(hook, arguments) {
            return result;
        }
        let (parameters, body) = self.hooks[hook as usize].as_ref().unwrap();
        let mut scope = Scope::new();
        for (name, value) in parameters.iter().zip(arguments) {
            scope.push_dynamic(name.as_str(), std::mem::take(value));
        }
        engine.eval_ast_with_scope(&mut scope, body)
    }

    fn code_bytes(&self) -> usize {
        self.code_bytes
    }

    fn explain(&self, view: ProgramView) -> String {
        format!("{view:?}")
    }
}

/// What the next compilation does; faithful programs when nothing is left.
pub(super) enum Next {
    Twisted(Twist),
    Bytes(usize),
    Rejected(&'static str),
    Panics,
    Takes(Duration),
    /// Calls this before it is done.
    Meanwhile(Box<dyn FnOnce() + Send>),
}

/// The compiler of the tests.
#[derive(Default, Clone)]
pub(super) struct Doubles(Arc<Mutex<(VecDeque<Next>, usize)>>);

impl Doubles {
    pub(super) fn then(&self, next: Next) {
        self.0.lock().unwrap().0.push_back(next);
    }

    pub(super) fn compilations(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

impl Compiler for Doubles {
    fn compile(&self, step: &ScriptStep, _options: compile::Options) -> Result<Arc<Program>, Rejection> {
        let next = {
            let mut doubles = self.0.lock().unwrap();
            doubles.1 += 1;
            doubles.0.pop_front()
        };
        let (mut twist, mut code_bytes): (Twist, usize) = (|_, _| None, 1_000);
        match next {
            None => {}
            Some(Next::Twisted(other)) => twist = other,
            Some(Next::Bytes(bytes)) => code_bytes = bytes,
            Some(Next::Rejected(reason)) => return Err(Rejection::new(reason, "the test says so")),
            Some(Next::Panics) => panic!("as the test wishes"),
            Some(Next::Takes(time)) => std::thread::sleep(time),
            Some(Next::Meanwhile(act)) => act(),
        }
        let hooks = Hook::ALL.map(|hook| {
            step.script().hook(hook).map(|source| (source.parameters.to_vec(), source.body.clone()))
        });
        Ok(Program::new(Double { hooks, twist, code_bytes }))
    }
}

pub(super) fn settings() -> CompileSettings {
    CompileSettings {
        enabled: true,
        mode: CompileMode::Auto,
        on_rejection: OnRejection::Fail,
        queue_max: 2,
        code_bytes_max: 10_000,
        time_max: Duration::from_secs(2),
        hot_calls: 10,
        hot_time: Duration::from_nanos(1),
        trial_samples: 8,
        shadow_every: 4,
        shadow_for: Duration::from_mins(10),
    }
}

pub(super) fn promotion(doubles: &Doubles, folder: &Path) -> Arc<Promotion> {
    Promotion::new(Box::new(doubles.clone()), settings(), Some(folder.to_owned()), 1)
}

pub(super) const COUNTER: &str = "fn on_request(req) {
    req.headers[\"x-count\"] = kv::incr(\"n\");
    log::info(`at ${time::now()}`);
    return;
}";

pub(super) fn watch(promotion: &Promotion, name: &str, source: &str, mode: CompileMode) -> Arc<Watch> {
    let limits = Limits::default();
    let script = Script::load(name, source, &limits, &()).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let step = ScriptStep::new(Arc::new(script), &json!({}), &limits, OnError::Closed).unwrap();
    promotion.watch(Arc::new(step), "{}".into(), mode, &settings())
}

/// Serves a call as a worker does, and gives the value of `x-count`.
pub(super) fn serve(watch: &Arc<Watch>, host: &Rc<Effects>) -> String {
    let (exchange, _) = serve_exchange(watch, host);
    let count = exchange.request.headers.get("x-count");
    count.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

pub(super) fn serve_exchange(watch: &Arc<Watch>, host: &Rc<Effects>) -> (Box<Exchange>, Verdict) {
    let exchange = crate::script_tools::rehearsal::exchange(Hook::Request, json!({ "path": "/orders" }));
    let real: Rc<dyn Host> = host.clone();
    let step = watch.step().clone();
    let begin = |program, exchange, host| Call::begin_in(step, program, Hook::Request, exchange, host);
    let (call, recording) = match watch.plan(0, Hook::Request) {
        Plan::Compiled(program) => (begin(Some(program), exchange, real), None),
        Plan::Interpreted { measured, recorded } => {
            if measured {
                watch.measured(0, Duration::from_micros(10));
            }
            match recorded {
                None => (begin(None, exchange, real), None),
                Some(purpose) => {
                    let recorder = Recorder::begin(real, Hook::Request, &exchange).unwrap();
                    (begin(None, exchange, recorder.clone()), Some((purpose, recorder)))
                }
            }
        }
    };
    let (exchange, verdict) = host.drive(call, recording.as_ref().map(|(_, recorder)| &**recorder));
    if let Some((purpose, recorder)) = recording
        && let Some(sample) = recorder.finish(&exchange, &verdict)
    {
        watch.take(purpose, sample);
    }
    (exchange, verdict)
}

/// A host whose effects can be counted.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) counter: Cell<i64>,
    pub(super) lines: RefCell<Vec<String>>,
    clock: Cell<i128>,
}

impl Effects {
    fn drive(&self, mut call: Call, recorder: Option<&Recorder>) -> (Box<Exchange>, Verdict) {
        let mut answer = Answer::Go;
        loop {
            match call.resume(answer) {
                Progress::Done(exchange, verdict) => return (exchange, verdict),
                Progress::Waiting(wait) => {
                    answer = self.answer(&wait);
                    if let Some(recorder) = recorder {
                        recorder.waited(wait, &answer);
                    }
                }
            }
        }
    }

    fn answer(&self, wait: &Wait) -> Answer {
        match wait {
            Wait::Kv(KvOperation::Increment { by, .. }) => {
                self.counter.set(self.counter.get() + by);
                Answer::Kv(Ok(KvValue::Int(self.counter.get())))
            }
            _ => Answer::Go,
        }
    }
}

/// Drives a call; every body that it asks for is this one.
pub(super) fn answered(mut call: Call, body: &'static [u8]) -> (Box<Exchange>, Verdict) {
    let mut answer = Answer::Go;
    loop {
        match call.resume(answer) {
            Progress::Done(exchange, verdict) => return (exchange, verdict),
            Progress::Waiting(Wait::RequestBody) => {
                answer = Answer::Body(Ok(bytes::Bytes::from_static(body)));
            }
            Progress::Waiting(_) => answer = Answer::Go,
        }
    }
}

impl Host for Effects {
    fn unix_time_ns(&self) -> i128 {
        self.clock.set(self.clock.get() + 1_000_000_000);
        self.clock.get()
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }

    fn heap_bytes(&self) -> i64 {
        0
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }

    fn log(&self, line: LogLine<'_>) {
        self.lines.borrow_mut().push(line.message.to_owned());
    }

    fn env(&self, _name: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn secret(&self, _name: &str) -> Result<String, String> {
        Ok("hunter2".into())
    }

    fn metric(&self, _metric: Metric<'_>) {}
}

/// Does all work there is.
pub(super) fn work(promotion: &Promotion) {
    while promotion.work() {}
}

/// Promotes and does the work.
pub(super) fn promote(promotion: &Promotion, name: &str) -> Report {
    let mut report = promotion.promote(name).unwrap();
    work(promotion);
    report.try_recv().expect("the work settles it")
}

pub(super) fn state(promotion: &Promotion, name: &str) -> State {
    let reports = promotion.reports();
    reports.into_iter().find(|report| report.script == name).unwrap().state
}

/// Waits for what was freed by a tick.
pub(super) fn tick(promotion: &Promotion) {
    promotion.tick(std::time::Instant::now());
}
