//! Programs in place of the interpreter: what a call keeps, what stays the same, what a step gives a compiler.

use std::rc::Rc;
use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, Position, Scope};
use serde_json::json;

use super::support::{TestHost, drive, exchange, expect_failure, run, step, step_with};
use crate::{
    Answer, Call, ErrorKind, Hook, HookProgram, Host, Limits, Program, ProgramView, Progress, ScriptStep,
    Step, Verdict, Wait,
};

type Body = dyn Fn(&Engine, Hook, &mut [Dynamic]) -> Result<Dynamic, Box<EvalAltResult>> + Send + Sync;

/// A program that is a closure.
struct Double(Box<Body>);

impl HookProgram for Double {
    fn run(
        &self,
        engine: &Engine,
        hook: Hook,
        arguments: &mut [Dynamic],
    ) -> Result<Dynamic, Box<EvalAltResult>> {
        (self.0)(engine, hook, arguments)
    }

    fn code_bytes(&self) -> usize {
        64
    }

    fn explain(&self, view: ProgramView) -> String {
        format!("{view:?}")
    }
}

fn double(
    body: impl Fn(&Engine, Hook, &mut [Dynamic]) -> Result<Dynamic, Box<EvalAltResult>> + Send + Sync + 'static,
) -> Arc<Program> {
    Program::new(Double(Box::new(body)))
}

fn script_step(step: &Step) -> &Arc<ScriptStep> {
    let Step::Script(step) = step else { panic!("not a script") };
    step
}

/// A program made of nothing but what a step gives a compiler.
fn from_parts(step: &ScriptStep) -> Arc<Program> {
    let hooks = Hook::ALL
        .map(|hook| step.script().hook(hook).map(|source| (source.parameters.to_vec(), source.body.clone())));
    double(move |engine, hook, arguments| {
        let (parameters, body) = hooks[hook as usize].as_ref().unwrap();
        assert_eq!(parameters.len(), arguments.len());
        let mut scope = Scope::new();
        for (name, value) in parameters.iter().zip(arguments) {
            scope.push_dynamic(name.as_str(), value.clone());
        }
        engine.eval_ast_with_scope(&mut scope, body)
    })
}

const SOURCE: &str = "const LIMIT = 3;
fn twice(x) { x * 2 }
fn on_request(req) {
    req.headers[\"x-out\"] = `${twice(LIMIT)} ${config.word} ${req.body.json().n}`;
    return;
}
fn on_response(req, res) { throw `no ${res.status}`; }
fn on_error(req, err) { reply(418, err.kind) }";

#[test]
fn a_program_of_a_steps_parts_does_what_the_interpreter_does() {
    let step = step_with(SOURCE, &json!({ "word": "w" }), &Limits::default());
    let interpreted = (run(&step), drive(&step, Hook::Response, &Rc::default(), |_| Answer::Go));
    script_step(&step).install(Some(from_parts(script_step(&step))));
    let compiled = (run(&step), drive(&step, Hook::Response, &Rc::default(), |_| Answer::Go));
    let out = |exchange: &crate::Exchange| exchange.request.headers["x-out"].clone();
    assert_eq!(out(&interpreted.0.0), "6 w 1");
    assert_eq!(out(&compiled.0.0), "6 w 1");
    assert_eq!(expect_failure(interpreted.1.1), expect_failure(compiled.1.1));
    let (_, verdict) = drive(&step, Hook::Error, &Rc::default(), |_| Answer::Go);
    assert!(matches!(verdict, Verdict::Reply(reply) if reply.status == 418), "no hook is left out");
}

#[test]
fn constants_are_there_by_name_with_the_settings() {
    let step = step_with(SOURCE, &json!({ "word": "w" }), &Limits::default());
    let constants = script_step(&step).constants();
    assert_eq!(constants.keys().map(String::as_str).collect::<Vec<_>>(), ["LIMIT", "config"]);
    assert_eq!(constants["LIMIT"].as_int(), Ok(3));
}

#[test]
fn a_call_under_way_keeps_its_tier_and_the_next_one_changes() {
    let step = step("fn on_request(req) { sleep(1); req.headers[\"x-out\"] = \"interpreted\"; return; }");
    let host: Rc<dyn Host> = Rc::new(TestHost::default());
    let mut call = step.begin(Hook::Request, exchange(), &host);
    assert!(matches!(call.resume(Answer::Go), Progress::Waiting(Wait::Sleep(_))));
    let program = double(|_, _, _| Ok(Dynamic::UNIT));
    let alive = Arc::downgrade(&program);
    assert!(script_step(&step).install(Some(program)).is_none());
    let Progress::Done(exchange, _) = call.resume(Answer::Go) else { panic!("it waits again") };
    assert_eq!(exchange.request.headers["x-out"], "interpreted");
    assert!(run(&step).0.request.headers.get("x-out").is_none());

    let call = step.begin(Hook::Request, super::support::exchange(), &host);
    drop(script_step(&step).install(None));
    assert!(alive.upgrade().is_some(), "the call under way still has it");
    drop(call);
    assert!(alive.upgrade().is_none());
    assert_eq!(run(&step).0.request.headers["x-out"], "interpreted");
}

#[test]
fn errors_panics_and_values_of_a_program_end_as_those_of_the_interpreter() {
    let step = step("fn on_request(req) { }");
    let with = |program| {
        script_step(&step).install(Some(program));
        expect_failure(run(&step).1)
    };
    let thrown =
        with(double(|_, _, _| Err(EvalAltResult::ErrorRuntime("no".into(), Position::new(3, 4)).into())));
    assert_eq!((thrown.kind, thrown.to_string().as_str()), (ErrorKind::Runtime, "demo.rhai:3:4: no"));
    let odd = with(double(|_, _, _| Ok(5.into())));
    assert_eq!(odd.kind, ErrorKind::Verdict);
    let panicked = with(double(|_, _, _| panic!("broken")));
    assert!(panicked.kind == ErrorKind::Panic && panicked.message.contains("broken"));
}

#[test]
fn operations_that_machine_code_counts_end_the_call_within_the_limit() {
    let limits = Limits { operations_max: 1_000, ..Limits::default() };
    let step = step_with("fn on_request(req) { }", &json!({}), &limits);
    let spending = |rounds: u32, each: u64| {
        double(move |_, _, _| {
            for _ in 0..rounds {
                if let Some(token) = crate::script::tools::spend(each) {
                    return Err(EvalAltResult::ErrorTerminated(token, Position::new(1, 1)).into());
                }
            }
            Ok(Dynamic::UNIT)
        })
    };
    script_step(&step).install(Some(spending(10, 100)));
    assert!(matches!(run(&step).1, Verdict::Continue), "exactly the limit is allowed");
    script_step(&step).install(Some(spending(11, 100)));
    assert_eq!(expect_failure(run(&step).1).kind, ErrorKind::Operations);
    script_step(&step).install(Some(spending(1, 1_001)));
    assert_eq!(expect_failure(run(&step).1).kind, ErrorKind::Operations);
}

#[test]
fn a_long_program_lets_others_have_their_turn_and_ends_with_its_time() {
    let step = step("fn on_request(req) { }");
    script_step(&step).install(Some(double(|_, _, _| {
        loop {
            if let Some(token) = crate::script::tools::spend(1) {
                return Err(EvalAltResult::ErrorTerminated(token, Position::new(1, 1)).into());
            }
        }
    })));
    let host = Rc::new(TestHost::default());
    host.tick_ns.set(100_000_000);
    let turns = std::cell::Cell::new(0);
    let (_, verdict) = drive(&step, Hook::Request, &host, |wait| {
        assert_eq!(*wait, Wait::TimeSlice);
        turns.set(turns.get() + 1);
        Answer::Go
    });
    assert_eq!(expect_failure(verdict).kind, ErrorKind::WallTime);
    assert!(turns.get() > 3, "{turns:?}");
}

#[test]
fn a_forced_tier_ignores_what_is_installed() {
    let step = step("fn on_request(req) { reply(200, \"interpreted\") }");
    let candidate = double(|_, _, _| Ok(Dynamic::UNIT));
    let begin = |program| {
        let host: Rc<dyn Host> = Rc::new(TestHost::default());
        let mut call = Call::begin_in(script_step(&step).clone(), program, Hook::Request, exchange(), host);
        call.resume(Answer::Go)
    };
    assert!(matches!(begin(Some(candidate.clone())), Progress::Done(_, Verdict::Continue)));
    script_step(&step).install(Some(candidate));
    assert!(matches!(begin(None), Progress::Done(_, Verdict::Reply(_))));
}
