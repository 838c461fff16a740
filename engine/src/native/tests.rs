//! A native step in a chain: called at its hooks, contained when it panics, named in its errors.

use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::script::call::{Call, Progress};
use crate::script::tests::support::{TestHost, exchange};
use crate::step::Step;

#[derive(Debug)]
struct Probe {
    name: Arc<str>,
    implementation: Implementation,
}

impl Probe {
    fn step() -> Step {
        let id: Arc<str> = "probe".into();
        let implementation =
            Implementation { id: id.clone(), version: "1.2.3".into(), provider: Provider::BuiltIn };
        Step::Native(Arc::new(Self { name: id, implementation }))
    }
}

impl NativeStep for Probe {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn implementation(&self) -> &Implementation {
        &self.implementation
    }

    fn has(&self, hook: Hook) -> bool {
        matches!(hook, Hook::Request | Hook::Response)
    }

    fn on_error(&self) -> OnError {
        OnError::Open
    }

    fn call(&self, hook: Hook, exchange: &mut Exchange, _host: &dyn Host) -> Verdict {
        assert_ne!(hook, Hook::Response, "no response here");
        exchange.request.headers.insert("x-probe", http::HeaderValue::from_static("1"));
        Verdict::Continue
    }
}

#[test]
fn a_native_step_changes_the_exchange_through_the_same_call_as_a_script() {
    let step = Probe::step();
    assert!(step.has(Hook::Request) && !step.has(Hook::Log));
    assert_eq!((&**step.name(), step.on_error()), ("probe", OnError::Open));
    let host: Rc<dyn Host> = Rc::new(TestHost::default());
    let mut call = step.begin(Hook::Request, exchange(), &host);
    let Progress::Done(exchange, Verdict::Continue) = call.resume(Answer::Go) else { panic!("not done") };
    assert_eq!(exchange.request.headers["x-probe"], "1");
}

#[test]
fn a_panic_is_an_error_that_names_the_code() {
    let Step::Native(step) = Probe::step() else { unreachable!("made above") };
    let verdict = call(&*step, Hook::Response, &mut exchange(), &TestHost::default());
    let Verdict::Fail(error) = verdict else { panic!("{verdict:?}") };
    assert_eq!(error.kind, ErrorKind::Panic);
    let text = error.to_string();
    assert!(text.starts_with("probe: probe 1.2.3 (built-in) panicked:"), "{text}");
    assert!(text.contains("no response here"), "{text}");
}

#[test]
fn an_implementation_names_its_provider() {
    let provider = Provider::Patch { name: "limits-fix".into() };
    let shown = Implementation { id: "rate_limit".into(), version: "1.0.1".into(), provider };
    assert_eq!(shown.to_string(), "rate_limit 1.0.1 (patch limits-fix)");
}

/// Sleeps twice, and leaves in the exchange how that went.
#[derive(Debug)]
struct Sleeper(Probe);

impl NativeStep for Sleeper {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }
    fn implementation(&self) -> &Implementation {
        &self.0.implementation
    }
    fn has(&self, _hook: Hook) -> bool {
        true
    }
    fn on_error(&self) -> OnError {
        OnError::Closed
    }
    fn may_wait(&self, _hook: Hook) -> bool {
        true
    }
    fn wall_time_max(&self) -> Duration {
        Duration::from_millis(7)
    }
    fn call(&self, _hook: Hook, _exchange: &mut Exchange, _host: &dyn Host) -> Verdict {
        panic!("a call that may wait was made as one that does not")
    }
    fn call_waiting(
        &self,
        hook: Hook,
        exchange: &mut Exchange,
        _host: &dyn Host,
        waiter: &dyn Waiter,
    ) -> Verdict {
        for wait in [Wait::Sleep(Duration::from_millis(1)), Wait::TimeSlice] {
            let answer = match waiter.wait(wait) {
                Answer::Go => "go",
                Answer::Expired => "expired",
                Answer::Cancelled => "cancelled",
                other => panic!("{other:?}"),
            };
            exchange.id.push(' ');
            exchange.id.push_str(answer);
        }
        assert_ne!(hook, Hook::Log, "no log here");
        Verdict::Continue
    }
}

fn sleeper(hook: Hook) -> Call {
    let id: Arc<str> = "sleeper".into();
    let implementation =
        Implementation { id: id.clone(), version: "1.0.0".into(), provider: Provider::BuiltIn };
    let step = Arc::new(Sleeper(Probe { name: id, implementation }));
    Call::native(step, hook, exchange(), Rc::new(TestHost::default()))
}

#[test]
fn a_native_step_that_waits_suspends_and_goes_on_with_the_answer() {
    let mut call = sleeper(Hook::Request);
    assert_eq!(call.deadline_ns(), 7_000_000 + TestHost::default().monotonic_ns());
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(Wait::Sleep(_))));
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(Wait::TimeSlice)));
    let Progress::Done(exchange, Verdict::Continue) = call.resume(Answer::Go) else { panic!("not done") };
    assert!(exchange.id.ends_with(" go go"), "{}", exchange.id);
}

#[test]
fn once_expired_a_native_step_cannot_wait_any_more() {
    let mut call = sleeper(Hook::Request);
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(Wait::Sleep(_))));
    let Progress::Done(exchange, _) = call.resume(Answer::Expired) else { panic!("it waited again") };
    assert!(exchange.id.ends_with(" expired expired"), "{}", exchange.id);
}

#[test]
fn a_call_of_a_native_step_may_be_dropped_before_it_begins_and_while_it_waits() {
    drop(sleeper(Hook::Request));
    let mut call = sleeper(Hook::Request);
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(_)));
    drop(call);
}

#[test]
fn a_panic_on_the_fiber_is_an_error_of_the_step() {
    let mut call = sleeper(Hook::Log);
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(_)));
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(_)));
    let Progress::Done(_, Verdict::Fail(error)) = call.resume(Answer::Go) else { panic!("no error") };
    assert_eq!(error.kind, ErrorKind::Panic);
}

/// Needs the body of its message.
#[derive(Debug)]
struct Reader(Probe);

impl NativeStep for Reader {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }
    fn implementation(&self) -> &Implementation {
        &self.0.implementation
    }
    fn has(&self, _hook: Hook) -> bool {
        true
    }
    fn on_error(&self) -> OnError {
        OnError::Closed
    }
    fn needs_body(&self, hook: Hook) -> bool {
        hook == Hook::Request
    }
    fn call(&self, hook: Hook, exchange: &mut Exchange, _host: &dyn Host) -> Verdict {
        let body = body_of(hook, exchange).and_then(|body| body.bytes().cloned());
        exchange.id = format!("{body:?}");
        Verdict::Continue
    }
}

fn reader(hook: Hook, body: Body) -> Call {
    let Step::Native(probe) = Probe::step() else { unreachable!("made above") };
    let (name, implementation) = (probe.name().clone(), probe.implementation().clone());
    let mut exchange = exchange();
    exchange.request.body = body;
    let step = Arc::new(Reader(Probe { name, implementation }));
    Call::native(step, hook, exchange, Rc::new(TestHost::default()))
}

#[test]
fn a_body_that_a_step_needs_is_read_before_its_call() {
    let mut call = reader(Hook::Request, Body::Unread);
    assert!(call.deadline_ns() > 0);
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(Wait::RequestBody)));
    let answer = Answer::Body(Ok(bytes::Bytes::from_static(b"abc")));
    let Progress::Done(exchange, Verdict::Continue) = call.resume(answer) else { panic!("not done") };
    assert_eq!(exchange.id, "Some(b\"abc\")");
    for (hook, body, seen) in [
        (Hook::Request, Body::Empty, "Some(b\"\")"),
        (Hook::Request, Body::Read("x".into()), "Some(b\"x\")"),
        (Hook::Log, Body::Unread, "None"),
    ] {
        let Progress::Done(exchange, Verdict::Continue) = reader(hook, body).resume(Answer::Go) else {
            panic!("it waited for {seen}")
        };
        assert_eq!(exchange.id, seen);
    }
}

#[test]
fn a_body_that_cannot_be_read_fails_the_step_without_a_call() {
    for (answer, kind) in [
        (Answer::Body(Err("it broke off".into())), ErrorKind::Runtime),
        (Answer::Expired, ErrorKind::WallTime),
        (Answer::Cancelled, ErrorKind::Cancelled),
    ] {
        let mut call = reader(Hook::Request, Body::Unread);
        assert!(matches!(call.resume(Answer::Go), Progress::Waiting(_)));
        let Progress::Done(exchange, Verdict::Fail(error)) = call.resume(answer) else {
            panic!("no failure")
        };
        assert_eq!((error.kind, exchange.request.body.bytes()), (kind, None));
    }
    drop(reader(Hook::Request, Body::Unread));
    let mut call = reader(Hook::Request, Body::Unread);
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(_)));
    drop(call);
}
