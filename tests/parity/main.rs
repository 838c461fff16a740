//! Every tier does what the interpreter does: the corpus, what the generator makes, and what was once found.
//!
//! `PARITY_VERBOSE=1 cargo test --test parity corpus -- --nocapture` lists how each program of the corpus ends.

#[allow(dead_code, reason = "other targets use more of it")]
mod harness;

use std::collections::BTreeSet;
use std::thread::{self, JoinHandle};

use harness::choices::Choices;
use harness::compare::{Comparison, compare};
use harness::corpus::{self, Program};
use harness::engine::Setup;
use harness::outcome::observe;
use harness::tiers::{Grain, coverage, equal_tiers};
use harness::{generate, minimise};
use rhai::Engine;

/// An unoptimised interpreter needs much stack for what the limits allow.
const STACK_BYTES: usize = 512 << 20;

/// Programs per run of the ordinary tests; `soak` does the rest.
const GENERATED: u64 = 3_000;

fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("a thread")
}

fn finish<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn with_a_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    finish(start(work))
}

/// Compares the programs on an engine that folds constants and on one that does not.
fn check(programs: &'static [Program]) {
    let on_engine = |optimise| {
        move || {
            let engine = Setup { optimise, ..Setup::WRITTEN }.engine();
            programs.iter().filter_map(|program| problem(&engine, program)).collect::<Vec<_>>()
        }
    };
    let [folded, plain] = [true, false].map(|optimise| start(on_engine(optimise)));
    let problems = [finish(folded), finish(plain)].concat();
    assert!(problems.is_empty(), "{} differences:\n{}", problems.len(), problems.join("\n"));
}

fn problem(engine: &Engine, program: &Program) -> Option<String> {
    let Program { id, source } = program;
    let ast = match engine.compile(source) {
        Ok(ast) => ast,
        Err(error) => return Some(format!("{id}: does not parse: {error}")),
    };
    match compare(engine, &ast, &equal_tiers()) {
        Comparison::Equal(_) => None,
        Comparison::Skipped(outcome) => Some(format!("{id}: cannot be compared: {}", outcome.end)),
        Comparison::Different(difference) => Some(format!("{id}:\n{difference}")),
    }
}

#[test]
fn the_corpus_runs_alike_in_every_tier() {
    check(corpus::corpus().leak());
}

#[test]
fn what_was_once_found_runs_alike_in_every_tier() {
    check(corpus::findings().leak());
}

#[test]
fn the_corpus_has_what_it_should() {
    let programs = corpus::corpus();
    let verbose = std::env::var_os("PARITY_VERBOSE").is_some();
    let (failing, total) = with_a_large_stack(move || {
        let engine = Setup::WRITTEN.engine();
        let mut names = BTreeSet::new();
        let mut failing = 0;
        for program in &programs {
            assert!(names.insert(&program.id), "{} stands twice", program.id);
            let Ok(ast) = engine.compile(&program.source) else { continue };
            let outcome = observe(&engine, &ast, &harness::tiers::Interpreter);
            failing += usize::from(outcome.failed());
            if verbose {
                println!("{}: {}", program.id, outcome.end);
            }
        }
        (failing, programs.len())
    });
    println!("{total} programs, {failing} of them end in an error");
    assert!(total >= 600 && failing * 5 >= total, "{failing} of {total} end in an error");
}

/// At least so many of a hundred functions of the corpus are compiled without a fallback.
const NATIVE_PERCENT_MIN: usize = 98;

#[test]
fn the_corpus_is_compiled() {
    let (functions, native, fallbacks) = with_a_large_stack(|| {
        let engine = Setup::WRITTEN.engine();
        let (mut functions, mut native, mut fallbacks) = (0, 0, Vec::new());
        for program in corpus::corpus() {
            let Ok(ast) = engine.compile(&program.source) else { continue };
            match coverage(&engine, &ast) {
                Some(report) => {
                    functions += report.functions;
                    native += report.native_functions;
                    let of_program = report.fallbacks.into_iter();
                    fallbacks
                        .extend(of_program.map(|fallback| format!("{}: {}", program.id, fallback.reason)));
                }
                None => fallbacks.push(format!("{}: refused", program.id)),
            }
        }
        (functions, native, fallbacks)
    });
    println!("{}\n{native} of {functions} functions without a fallback", fallbacks.join("\n"));
    assert!(native * 100 >= functions * NATIVE_PERCENT_MIN, "{native} of {functions}");
}

#[test]
fn generated_programs_run_alike_in_every_tier() {
    let halves = [0, 1].map(|first| start(move || compare_generated(first)));
    let halves = halves.map(finish);
    let problems: Vec<_> = halves.iter().flat_map(|half| half.problems.clone()).collect();
    assert!(problems.is_empty(), "{} differences:\n{}", problems.len(), problems.join("\n"));
    let sum = |count: fn(&Generated) -> u64| halves.iter().map(count).sum::<u64>();
    let (compared, failing) = (sum(|half| half.compared), sum(|half| half.failing));
    println!("{compared} of {GENERATED} programs compared, {failing} of them ended in an error");
    assert!(compared * 100 > GENERATED * 95, "{compared}: too many do not parse or hit a limit");
    assert!(failing * 4 > compared && failing * 5 < compared * 4, "{failing} of {compared} end in an error");
}

#[derive(Default)]
struct Generated {
    compared: u64,
    failing: u64,
    problems: Vec<String>,
}

/// Compares every other program, each in one of the tiers in turn.
fn compare_generated(first: u64) -> Generated {
    let engine = Setup::GENERATED.engine();
    let tiers = equal_tiers();
    let mut done = Generated::default();
    for (seed, tier) in (first..GENERATED).step_by(2).zip((0..tiers.len()).cycle()) {
        let source = generate::program(&mut Choices::Seeded(seed));
        // What the parser refuses, it refuses for every tier.
        let Ok(ast) = engine.compile(&source) else { continue };
        match compare(&engine, &ast, &tiers[tier..=tier]) {
            Comparison::Equal(outcome) => {
                done.compared += 1;
                done.failing += u64::from(outcome.failed());
            }
            Comparison::Skipped(_) => {}
            Comparison::Different(difference) => {
                done.problems.push(format!("seed {seed}:\n{difference}\n{source}"));
            }
        }
    }
    done
}

#[test]
fn equal_seeds_and_equal_bytes_make_equal_programs() {
    let seeded = |seed| generate::program(&mut Choices::Seeded(seed));
    assert_eq!(seeded(7), seeded(7));
    assert_ne!(seeded(7), seeded(8));
    let of_bytes = |bytes: &[u8]| generate::program(&mut Choices::Bytes(bytes));
    assert_eq!(of_bytes(b"some bytes"), of_bytes(b"some bytes"));
    assert!(of_bytes(b"").lines().count() < 5, "no bytes, no program");
}

#[test]
fn a_difference_is_minimised() {
    let source =
        "let a = [1, 2, 3];\nfor i in 0..3 {\n    if a[i] == 2 {\n        probe(7 + (1 * 3));\n    }\n}\na\n";
    let engine = Setup::WRITTEN.engine();
    let mut shows = |source: &str| engine.compile(source).is_ok() && source.contains("probe(");
    assert_eq!(minimise::minimise(source, &mut shows), "probe()");
}

#[test]
fn grain_is_compared_for_information() {
    let report = with_a_large_stack(|| {
        let engine = Setup::WRITTEN.engine();
        let tiers: Vec<Box<dyn harness::tiers::Tier>> = vec![Box::new(Grain)];
        let differing = corpus::corpus().into_iter().filter_map(|program| {
            let ast = engine.compile(&program.source).ok()?;
            match compare(&engine, &ast, &tiers) {
                Comparison::Different(difference) => Some(format!("{}:\n{difference}", program.id)),
                Comparison::Equal(_) | Comparison::Skipped(_) => None,
            }
        });
        differing.collect::<Vec<_>>()
    });
    println!("{}\ngrain differs in {} programs", report.join("\n"), report.len());
}
