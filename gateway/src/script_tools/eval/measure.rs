//! Runs one program in one tier, on a thread of its own with a large stack, and takes the times.

use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rhai::{AST, Engine, EvalAltResult, Scope};

use super::programs::Program;
use super::report::{End, Failure, Output, Report, Times, Value};
use super::tier::{Prepared, Tier};

/// As much stack as no program needs that stays within Rhai's stock limits.
const STACK_BYTES: usize = 64 << 20;

/// How often parsing and compiling are repeated at most; their times vary little.
const COMPILES_MAX: usize = 5;

/// Most bytes of output that are kept.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// What a program printed so far.
#[derive(Default)]
struct Printed {
    entries: Vec<Output>,
    bytes: usize,
    truncated: bool,
}

impl Printed {
    fn add(&mut self, output: Output) {
        self.bytes += output.bytes();
        if self.bytes > OUTPUT_BYTES_MAX {
            self.truncated = true;
        } else {
            self.entries.push(output);
        }
    }
}

fn lock(printed: &Mutex<Printed>) -> MutexGuard<'_, Printed> {
    printed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a program `repeat` times, or fewer when `patience` is over.
pub(super) fn measure(program: &Program, tier: Tier, repeat: NonZeroUsize, patience: Duration) -> Report {
    let printed = Arc::new(Mutex::new(Printed::default()));
    let until = Instant::now() + patience;
    let session = Session { program, tier, repeat: repeat.get(), until, printed: printed.clone() };
    let measured = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("program".into()).stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, || session.report()).map(std::thread::ScopedJoinHandle::join)
    });
    let crash = |message: String| Report::cut_short(program.id.clone(), tier, End::Crash { message });
    let mut report = match measured {
        Ok(Ok(report)) => report,
        Ok(Err(panic)) => crash(format!("panicked: {}", panic_text(&*panic))),
        Err(error) => crash(format!("no thread: {error}")),
    };
    let printed = std::mem::take(&mut *lock(&printed));
    report.output = printed.entries;
    report.output_truncated = printed.truncated;
    report
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("with no message")
}

/// The stock engine, except that what a program prints is kept. No limit of operations or time is set: counting
/// them would change what is measured.
fn engine(printed: &Arc<Mutex<Printed>>) -> Engine {
    let mut engine = Engine::new();
    let sink = printed.clone();
    engine.on_print(move |text| lock(&sink).add(Output::Print { print: text.to_owned() }));
    let sink = printed.clone();
    engine.on_debug(move |text, _, position| lock(&sink).add(Output::debug(text, position)));
    engine
}

/// One program with what is to be done with it.
struct Session<'a> {
    program: &'a Program,
    tier: Tier,
    repeat: usize,
    until: Instant,
    printed: Arc<Mutex<Printed>>,
}

impl Session<'_> {
    fn report(&self) -> Report {
        let engine = engine(&self.printed);
        let compiles = self.repeat.min(COMPILES_MAX);
        let (parsed, parse_ns) = self.timed(compiles, || engine.compile(&self.program.src));
        let mut report = match parsed {
            Ok(ast) => self.compile_and_run(&engine, &ast, compiles),
            Err(error) => self.ended(End::Error { error: Failure::new(&EvalAltResult::from(error)) }),
        };
        report.parse_ns = Times::of(parse_ns);
        report
    }

    fn compile_and_run(&self, engine: &Engine, ast: &AST, compiles: usize) -> Report {
        let (prepared, compile_ns) = self.timed(compiles, || self.tier.prepare(engine, ast));
        let mut report = self.run(engine, &*prepared);
        report.compile_ns = Times::of(compile_ns);
        report.coverage = prepared.coverage();
        report
    }

    fn run(&self, engine: &Engine, prepared: &dyn Prepared) -> Report {
        let (result, run_ns) = self.timed(self.repeat, || prepared.run(engine, &mut Scope::new()));
        let end = match result {
            Ok(value) => End::Value { value: Value::new(engine, &value) },
            Err(error) => End::Error { error: Failure::new(&error) },
        };
        Report { runs: run_ns.len(), run_ns: Times::of(run_ns), ..self.ended(end) }
    }

    fn ended(&self, end: End) -> Report {
        Report::cut_short(self.program.id.clone(), self.tier, end)
    }

    /// Does something `count` times, or fewer if the time is over; the result is that of the first time, the
    /// times are in nanoseconds. What the program printed the first time is kept.
    fn timed<T>(&self, count: usize, once: impl Fn() -> T) -> (T, Vec<u64>) {
        let timed_once = || {
            let began = Instant::now();
            let result = once();
            (result, u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX))
        };
        let (first, time) = timed_once();
        let printed = std::mem::take(&mut *lock(&self.printed));
        let mut times = vec![time];
        while times.len() < count && Instant::now() < self.until {
            let (_again, time) = timed_once();
            times.push(time);
            *lock(&self.printed) = Printed::default();
        }
        *lock(&self.printed) = printed;
        (first, times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(source: &str, tier: Tier, repeat: usize) -> Report {
        let program = Program { id: "p".to_owned(), src: source.to_owned() };
        measure(&program, tier, NonZeroUsize::new(repeat).unwrap(), Duration::from_mins(1))
    }

    /// The report as JSON, without times.
    fn json(source: &str, tier: Tier) -> serde_json::Value {
        let report = run(source, tier, 1);
        let mut json = serde_json::to_value(&report).unwrap();
        for time in ["parse_ns", "compile_ns", "run_ns"] {
            assert!(json.as_object_mut().unwrap().remove(time).is_some());
        }
        json
    }

    #[test]
    fn values_output_and_errors_are_reported_in_every_tier() {
        for tier in [Tier::Ast, Tier::Grain, Tier::Jit] {
            let report = json("print(1);\n  debug(\"x\"); [1.0, \"s\"]", tier);
            assert_eq!(report["outcome"], "value", "{report}");
            assert_eq!(report["value"], serde_json::json!({ "type": "array", "text": "[1.0, \"s\"]" }));
            let output = serde_json::json!([{ "print": "1" }, { "debug": "\"x\"", "line": 2, "column": 3 }]);
            assert_eq!(report["output"], output);
            let report = json("fn f(x) { 1 / x }\nf(0)", tier);
            assert_eq!(report["outcome"], "error", "{report}");
            let error = &report["error"];
            assert_eq!(
                (&error["kind"], &error["line"], &error["column"]),
                (&"ErrorInFunctionCall".into(), &2.into(), &1.into())
            );
            assert_eq!(
                (&error["inner_kind"], &error["inner_line"], &error["inner_column"]),
                (&"ErrorArithmetic".into(), &1.into(), &13.into())
            );
        }
    }

    #[test]
    fn programs_are_repeated_and_only_the_first_output_is_kept() {
        let report = run("print(7); 3", Tier::Ast, 9);
        assert_eq!((report.runs, report.output.len()), (9, 1));
        let times = report.run_ns.unwrap();
        assert!(times.min <= times.median && times.min > 0);
        let program = Program { id: "p".to_owned(), src: "1".to_owned() };
        let report = measure(&program, Tier::Ast, NonZeroUsize::new(9).unwrap(), Duration::ZERO);
        assert_eq!(report.runs, 1, "no patience, no repeats");
    }

    #[test]
    fn output_is_bounded() {
        let report = run(
            "let s = \"0123456789\"; for i in 0..4 { s += s; } for i in 0..9000 { print(s) }",
            Tier::Ast,
            1,
        );
        assert!(report.output_truncated && report.output.len() == OUTPUT_BYTES_MAX / 160);
    }

    #[test]
    fn a_program_that_does_not_parse_is_not_run() {
        let report = run("let x = ;", Tier::Ast, 3);
        assert_eq!((report.runs, report.run_ns, report.compile_ns), (0, None, None));
        let End::Error { error } = report.end else { panic!("{report:?}") };
        assert_eq!((error.kind.as_str(), error.line, error.column), ("ErrorParsing", Some(1), Some(9)));
    }
}
