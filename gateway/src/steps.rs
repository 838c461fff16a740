//! Runs the steps of a chain over an exchange and serves what they wait for.
//!
//! Scripts run on fibers of the engine; when one waits, this future waits for it, and the worker's other
//! requests go on. Dropping the future (the client has gone) cancels the script. Native steps that do not wait are
//! plain calls from here.

mod unread;

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_engine::exchange::{Body, Origin, Response};
use forebay_engine::host::{HttpAnswer, HttpCall};
use forebay_engine::{
    Answer, Call, Exchange, Hook, Host, OnError, Progress, Refusal, Reply, ScriptError, Step, Verdict, Wait,
    native,
};
use http::StatusCode;
use tokio::task::JoinSet;

use crate::body::Side;
use crate::generation::Route;
use crate::promote::{Plan, Purpose, Recorder, Watch};
use crate::script_host::one_line;
use crate::upstream;
use crate::worker::{Serving, Worker};

pub use unread::{Unread, Upgrade};

/// What the steps of one hook came to.
pub enum Outcome {
    /// Every step let the exchange pass.
    Passed,
    /// A step answered; its reply is the response of the exchange.
    Replied,
    /// A step does not let the request through.
    Refused(Box<Refusal>),
    /// A step failed and its policy is to close.
    Failed(Box<ScriptError>),
}

/// Where and for what the steps of an exchange run.
pub struct StepRunner<'a> {
    /// The worker.
    pub worker: &'a Rc<Worker>,
    /// The generation of the exchange.
    pub serving: &'a Rc<Serving>,
    /// The route, with its chain.
    pub route: &'a Route,
    /// Time spent in steps so far.
    pub spent: Duration,
}

impl StepRunner<'_> {
    /// Runs every step of this hook until one answers, refuses or fails. On the way back a reply replaces the response,
    /// and the native steps further out still see it.
    pub async fn run(
        &mut self,
        hook: Hook,
        mut exchange: Box<Exchange>,
        unread: &mut Unread,
    ) -> (Box<Exchange>, Outcome) {
        if !self.route.chain.has(hook) {
            return (exchange, Outcome::Passed);
        }
        let started = Instant::now();
        let mut outcome = Outcome::Passed;
        for (index, step) in self.route.chain.steps(hook) {
            if matches!((&outcome, step), (Outcome::Replied, Step::Script(_))) {
                continue;
            }
            let verdict = match (step, &self.route.watches[index]) {
                (Step::Native(step), _)
                    if step.may_wait(hook) || native::is_body_missing(&**step, hook, &mut exchange) =>
                {
                    let verdict;
                    self.worker.metrics.native_calls.add(1);
                    unread.failure = None;
                    let call = Call::native(step.clone(), hook, exchange, self.serving.host.clone());
                    (exchange, verdict) = self.drive(call, unread).await;
                    within_body_max(verdict, &mut exchange, unread)
                }
                (Step::Native(step), _) => {
                    self.worker.metrics.native_calls.add(1);
                    let verdict = native::call(&**step, hook, &mut exchange, &*self.serving.host);
                    within_body_max(verdict, &mut exchange, unread)
                }
                (Step::Script(_), Some(watch)) => {
                    let verdict;
                    (exchange, verdict) = self.call(watch, hook, exchange, unread).await;
                    verdict
                }
                (Step::Script(_), None) => unreachable!("a generation watches every script step"),
            };
            match verdict {
                Verdict::Continue => {}
                Verdict::Reply(reply) => {
                    exchange.response = Some(response_of(reply));
                    // They were for the response that is replaced.
                    exchange.filters.response.clear();
                    outcome = Outcome::Replied;
                    if matches!(hook, Hook::Request | Hook::Log) {
                        break;
                    }
                }
                Verdict::Refuse(refusal) => {
                    outcome = Outcome::Refused(refusal);
                    break;
                }
                Verdict::Fail(error) => {
                    self.report(step, hook, &exchange, &error);
                    if step.on_error() == OnError::Closed {
                        outcome = Outcome::Failed(error);
                        break;
                    }
                }
            }
        }
        let spent = started.elapsed();
        self.spent += spent;
        self.worker.metrics.script_us.add(u64::try_from(spent.as_micros()).unwrap_or(u64::MAX));
        (exchange, outcome)
    }

    /// Calls a script step in the tier that is its turn.
    async fn call(
        &self,
        watch: &Arc<Watch>,
        hook: Hook,
        exchange: Box<Exchange>,
        unread: &mut Unread,
    ) -> (Box<Exchange>, Verdict) {
        self.worker.metrics.script_calls.add(1);
        unread.failure = None;
        let host = &self.serving.host;
        match watch.plan(self.worker.index, hook) {
            Plan::Compiled(program) => {
                let call = Call::begin_in(watch.step().clone(), Some(program), hook, exchange, host.clone());
                self.drive(call, unread).await
            }
            Plan::Interpreted { measured: false, recorded: None } => {
                let call = Call::begin_in(watch.step().clone(), None, hook, exchange, host.clone());
                self.drive(call, unread).await
            }
            Plan::Interpreted { measured, recorded } => {
                Box::pin(self.observe(watch, hook, exchange, unread, (measured, recorded))).await
            }
        }
    }

    async fn drive(&self, mut call: Call, unread: &mut Unread) -> (Box<Exchange>, Verdict) {
        let mut answer = Answer::Go;
        loop {
            match call.resume(answer) {
                Progress::Done(exchange, verdict) => return (exchange, verdict),
                Progress::Waiting(wait) => {
                    let left = call.deadline_ns().saturating_sub(self.serving.host.monotonic_ns());
                    answer = self.serve(wait, Duration::from_nanos(left), unread).await;
                }
            }
        }
    }

    /// An interpreted call that is timed, recorded, or both.
    async fn observe(
        &self,
        watch: &Arc<Watch>,
        hook: Hook,
        exchange: Box<Exchange>,
        unread: &mut Unread,
        (measured, recorded): (bool, Option<Purpose>),
    ) -> (Box<Exchange>, Verdict) {
        let host = &self.serving.host;
        let recorder = recorded.as_ref().and_then(|_| Recorder::begin(host.clone(), hook, &exchange));
        let seen: Rc<dyn Host> = match &recorder {
            Some(recorder) => recorder.clone(),
            None => host.clone(),
        };
        let mut call = Call::begin_in(watch.step().clone(), None, hook, exchange, seen);
        let mut answer = Answer::Go;
        let mut spent = Duration::ZERO;
        let (exchange, verdict) = loop {
            let began = Instant::now();
            let progress = call.resume(answer);
            spent += began.elapsed();
            match progress {
                Progress::Done(exchange, verdict) => break (exchange, verdict),
                Progress::Waiting(wait) => {
                    let left = call.deadline_ns().saturating_sub(host.monotonic_ns());
                    answer = self.serve(wait.clone(), Duration::from_nanos(left), unread).await;
                    if let Some(recorder) = &recorder {
                        recorder.waited(wait, &answer);
                    }
                }
            }
        };
        if measured {
            watch.measured(self.worker.index, spent);
        }
        if let (Some(purpose), Some(recorder)) = (recorded, recorder)
            && let Some(sample) = recorder.finish(&exchange, &verdict)
        {
            watch.take(purpose, sample);
        }
        (exchange, verdict)
    }

    /// Serves one wait of a script, for at most the time its call has left.
    async fn serve(&self, wait: Wait, left: Duration, unread: &mut Unread) -> Answer {
        match wait {
            Wait::TimeSlice => {
                tokio::task::yield_now().await;
                Answer::Go
            }
            Wait::Sleep(time) if time > left => {
                tokio::time::sleep(left).await;
                Answer::Expired
            }
            Wait::Sleep(time) => {
                tokio::time::sleep(time).await;
                Answer::Go
            }
            Wait::RequestBody => within(left, Box::pin(self.read(unread, Side::Client))).await,
            Wait::ResponseBody => within(left, Box::pin(self.read(unread, Side::Upstream))).await,
            // Boxed: as part of this future it would cost every idle connection 16 KiB.
            Wait::Http(calls) => within(left, Box::pin(self.http(calls))).await,
            Wait::Kv(operation) => Answer::Kv(self.worker.shared.kv.apply(operation)),
        }
    }

    async fn read(&self, unread: &mut Unread, side: Side) -> Answer {
        let limit = self.serving.generation.config.scripts.body_bytes_max as u64;
        Answer::Body(unread.read(side, limit).await)
    }

    async fn http(&self, calls: Vec<HttpCall>) -> Answer {
        let settings = &self.serving.generation.config.scripts;
        let response_bytes_max = settings.body_bytes_max as u64;
        let started = |call: HttpCall| {
            let client = self.serving.http.clone();
            let timeout = call.timeout.unwrap_or(settings.http_timeout);
            async move {
                let HttpCall { method, url, headers, body, .. } = call;
                let call = upstream::HttpCall { method, url, headers, body, timeout, response_bytes_max };
                match client.call(call).await {
                    Ok(answer) => {
                        let upstream::HttpAnswer { status, headers, body } = answer;
                        Ok(HttpAnswer { status, headers, body })
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        Answer::Http(all(calls.into_iter().map(started).collect()).await)
    }

    /// An error of a script is for the operator, with all there is to know; the client learns the id only.
    fn report(&self, step: &Step, hook: Hook, exchange: &Exchange, error: &ScriptError) {
        self.worker.metrics.script_error(error.kind);
        let policy = match step.on_error() {
            OnError::Closed => "closed",
            OnError::Open => {
                self.worker.metrics.script_errors_open.add(1);
                "open"
            }
        };
        tracing::error!(
            target: "script",
            request_id = %exchange.id,
            route = %exchange.route.name,
            step = %step.name(),
            hook = hook.function(),
            kind = error.kind.as_str(),
            on_error = policy,
            "{}", one_line(&error.to_string())
        );
    }
}

/// Lowers the limit of the request's body; false if it is known already that the body is larger.
fn is_within(limit: u64, exchange: &Exchange, unread: &mut Unread) -> bool {
    unread.lower_request_limit(limit)
        && exchange.request.body.bytes().is_none_or(|bytes| bytes.len() as u64 <= limit)
}

fn too_large(limit: u64) -> Refusal {
    let message = format!("the request body is larger than {limit} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "client_too_large", message)
}

/// A step's reply as the response of an exchange.
fn response_of(reply: Reply) -> Response {
    let body = if reply.body.is_empty() { Body::Empty } else { Body::Replaced(reply.body) };
    Response { status: reply.status, headers: reply.headers, body, origin: Origin::Step }
}

/// The verdict of a native step, unless it lowered the limit of the request's body below what the body has.
fn within_body_max(verdict: Verdict, exchange: &mut Exchange, unread: &mut Unread) -> Verdict {
    match exchange.request_body_max.take() {
        Some(limit) if !is_within(limit, exchange, unread) => match verdict {
            Verdict::Continue => Verdict::Refuse(Box::new(too_large(limit))),
            other => other,
        },
        _ => verdict,
    }
}

/// The result of `future`, or [`Answer::Expired`] when the time is over first.
async fn within(time: Duration, future: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(time, future).await.unwrap_or(Answer::Expired)
}

/// Awaits all futures at once; the results are in their order. Dropping this drops them all.
async fn all<T: 'static>(
    futures: Vec<impl Future<Output = Result<T, String>> + 'static>,
) -> Vec<Result<T, String>> {
    let count = futures.len();
    if count == 1 {
        let mut results = Vec::new();
        for future in futures {
            results.push(future.await);
        }
        return results;
    }
    let mut tasks = JoinSet::new();
    for (index, future) in futures.into_iter().enumerate() {
        tasks.spawn_local(async move { (index, future.await) });
    }
    let mut results: Vec<Result<T, String>> =
        (0..count).map(|_| Err("the call was given up".to_owned())).collect();
    while let Some(joined) = tasks.join_next().await {
        if let Ok((index, result)) = joined {
            results[index] = result;
        }
    }
    results
}
