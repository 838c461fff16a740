//! Runs many generated programs in every tier and makes the first difference small.
//!
//! `cargo run --release --example soak -- [--programs N] [--seed S] [--threads T] [--findings N] [--no-optimise]
//! [--show SEED] [--file PATH] [--in-turn]`. It ends after so many findings, one if not told otherwise; those that
//! differ in numbers only count once. The exit code is 1 when there is a finding; the smallest program that shows it is printed. `--file` runs
//! the program of a file instead, and tells how it ends. With `--in-turn` each program runs in one of the tiers only.

#[allow(dead_code, reason = "other targets use more of it")]
mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::choices::Choices;
use harness::compare::{Comparison, Difference, compare};
use harness::engine::Setup;
use harness::tiers::{Tier, equal_tiers};
use harness::{generate, minimise};
use rhai::Engine;

const STACK_BYTES: usize = 512 << 20;

/// A program that takes longer than this is told about: it should not exist.
const SLOW: Duration = Duration::from_secs(20);

/// So many words of a reason tell it from others.
const REASON_WORDS: usize = 6;

struct Options {
    programs: u64,
    seed: u64,
    threads: u64,
    findings: u64,
    optimise: bool,
    in_turn: bool,
    show: Option<u64>,
    file: Option<String>,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            programs: 100_000,
            seed: 0,
            threads: 1,
            findings: 1,
            optimise: true,
            in_turn: false,
            show: None,
            file: None,
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            if argument == "--file" {
                options.file = Some(arguments.next().ok_or("--file needs a path")?);
                continue;
            }
            let mut number = || {
                let text = arguments.next().ok_or(format!("{argument} needs a number"))?;
                text.parse::<u64>().map_err(|error| format!("{argument} {text}: {error}"))
            };
            match argument.as_str() {
                "--programs" => options.programs = number()?,
                "--seed" => options.seed = number()?,
                "--threads" => options.threads = number()?.max(1),
                "--findings" => options.findings = number()?.max(1),
                "--show" => options.show = Some(number()?),
                "--in-turn" => options.in_turn = true,
                "--no-optimise" => options.optimise = false,
                _ => return Err(format!("what is {argument}?")),
            }
        }
        Ok(options)
    }
}

/// What the threads have done so far.
#[derive(Default)]
struct Progress {
    compared: AtomicU64,
    skipped: AtomicU64,
    unparsed: AtomicU64,
    failing: AtomicU64,
    stop: AtomicBool,
    /// Findings without their digits, to tell new ones.
    findings: Mutex<BTreeSet<String>>,
    /// Why programs were not compared, with how many there were.
    reasons: Mutex<BTreeMap<String, u64>>,
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    if let Some(seed) = options.show {
        print!("{}", generate::program(&mut Choices::Seeded(seed)));
        return ExitCode::SUCCESS;
    }
    if let Some(path) = &options.file {
        return run_file(&options, path);
    }
    let began = Instant::now();
    let progress = Progress::default();
    thread::scope(|scope| {
        for worker in 0..options.threads {
            let (progress, options) = (&progress, &options);
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, move || soak(options, worker, progress)).expect("a thread");
        }
    });
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{} programs compared in {:.1} s, {} of them ended in an error; {} skipped, {} do not parse",
        count(&progress.compared),
        began.elapsed().as_secs_f64(),
        count(&progress.failing),
        count(&progress.skipped),
        count(&progress.unparsed)
    );
    for (reason, programs) in progress.reasons.lock().expect("no thread panics with the lock").iter() {
        println!("{programs:>8} {reason}");
    }
    let findings = progress.findings.lock().expect("no thread panics with the lock").len();
    println!("{findings} findings");
    ExitCode::from(u8::from(findings > 0))
}

/// Runs the program of a file in every tier.
fn run_file(options: &Options, path: &str) -> ExitCode {
    let source = match std::fs::read_to_string(path) {
        Ok(source) => source,
        Err(error) => {
            eprintln!("error: {path}: {error}");
            return ExitCode::from(2);
        }
    };
    let optimise = options.optimise;
    let work = move || {
        let engine = Setup { optimise, ..Setup::GENERATED }.engine();
        let ast = engine.compile(&source).map_err(|error| error.to_string())?;
        match compare(&engine, &ast, &equal_tiers()) {
            Comparison::Equal(outcome) => Ok(format!("in every tier: {}", outcome.end)),
            Comparison::Skipped(outcome) => Ok(format!("not compared: {}", outcome.end)),
            Comparison::Different(difference) => Err(difference.to_string()),
        }
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("a thread");
    match thread.join().expect("it does not panic") {
        Ok(text) => println!("{text}"),
        Err(text) => {
            println!("{text}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// What one thread does.
fn soak(options: &Options, worker: u64, progress: &Progress) {
    let engine = Setup { optimise: options.optimise, ..Setup::GENERATED }.engine();
    let tiers = equal_tiers();
    let end = options.seed + options.programs;
    let mut seed = options.seed + worker;
    while seed < end && !progress.stop.load(Ordering::Relaxed) {
        let source = generate::program(&mut Choices::Seeded(seed));
        let began = Instant::now();
        let tiers = if options.in_turn {
            // The first is the interpreter itself.
            let tier = 1 + usize::try_from(seed).unwrap_or_default() % (tiers.len() - 1);
            &tiers[tier..=tier]
        } else {
            &tiers[..]
        };
        match run(&engine, tiers, &source) {
            Err(error) => {
                progress.unparsed.fetch_add(1, Ordering::Relaxed);
                note_reason(progress, &error);
            }
            Ok(Comparison::Equal(outcome)) => {
                progress.compared.fetch_add(1, Ordering::Relaxed);
                progress.failing.fetch_add(u64::from(outcome.failed()), Ordering::Relaxed);
            }
            Ok(Comparison::Skipped(outcome)) => {
                progress.skipped.fetch_add(1, Ordering::Relaxed);
                note_reason(progress, &outcome.end);
            }
            Ok(Comparison::Different(first)) => {
                found(options, progress, &smallest(&engine, tiers, seed, &source, &first));
            }
        }
        if began.elapsed() > SLOW {
            println!("seed {seed} took {:?}", began.elapsed());
        }
        seed += options.threads;
    }
}

/// Prints a finding if it is new, and ends the run if it was the last that is wanted.
fn found(options: &Options, progress: &Progress, finding: &str) {
    let kind = finding.chars().filter(|c| !c.is_ascii_digit()).collect();
    let mut findings = progress.findings.lock().expect("no thread panics with the lock");
    if findings.insert(kind) {
        println!("{finding}");
    }
    if findings.len() as u64 >= options.findings {
        progress.stop.store(true, Ordering::Relaxed);
    }
}

/// Counts why a program was not compared: the beginning of what was said, without what differs from program to program.
fn note_reason(progress: &Progress, text: &str) {
    let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 2);
    let reason = words.take(REASON_WORDS).collect::<Vec<_>>().join(" ");
    *progress.reasons.lock().expect("no thread panics with the lock").entry(reason).or_default() += 1;
}

fn run(engine: &Engine, tiers: &[Box<dyn Tier>], source: &str) -> Result<Comparison, String> {
    let ast = engine.compile(source).map_err(|error| error.to_string())?;
    Ok(compare(engine, &ast, tiers))
}

fn smallest(engine: &Engine, tiers: &[Box<dyn Tier>], seed: u64, source: &str, first: &Difference) -> String {
    let mut shows = |source: &str| matches!(run(engine, tiers, source), Ok(Comparison::Different(_)));
    let small = minimise::minimise(source, &mut shows);
    match run(engine, tiers, &small) {
        Ok(Comparison::Different(difference)) => format!("seed {seed}:\n{small}\n{difference}"),
        _ => format!("seed {seed}: a difference that does not repeat:\n{source}\n{first}"),
    }
}
