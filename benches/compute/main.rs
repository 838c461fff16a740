//! Pure computation: the same programs interpreted, as bytecode, compiled, in Rust, and in other languages. It belongs to
//! the compiler's package, so that nothing else has to be built for it: `cargo bench -p forebay-jit --bench compute`.
//!
//! The tiers take turns, so that a busy moment of the machine touches all of them, and ratios are made within a round
//! before their median is taken. All of them must come to the same results. `-- --only NAME` runs one program,
//! `-- --rounds N` more or fewer rounds, `-- --fast` leaves out the slow tiers.

mod measure;
mod native;
mod peer;
mod report;

use std::time::Duration;

use forebay_jit::Options;
use measure::{Subject, Tier, cpu_time, engine};
use mimalloc::MiMalloc;
use peer::Peer;
use report::{Row, compile_table, time_table};

/// The gateway's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SOURCE: &str = include_str!("programs.rhai");

/// The programs and their sizes.
const PROGRAMS: [(&str, i64); 10] = [
    ("fib", 27),
    ("sieve", 100_000),
    ("nbody", 50_000),
    ("strings", 20_000),
    ("words", 100_000),
    ("matmul", 64),
    ("mandel", 64),
    ("sortcmp", 20_000),
    ("tree", 6),
    ("tree_ref", 6),
];

/// CPU seconds of one measurement; a tier that is slower than that runs once.
const SECONDS: f64 = 0.03;

/// What is asked for on the command line.
struct Request {
    rounds: usize,
    only: Option<String>,
    fast: bool,
}

fn main() {
    let request = request();
    let mut tiers = tiers(request.fast);
    let names: Vec<_> = tiers.iter().map(|(name, _)| *name).collect();
    let mut rows = Vec::new();
    for (name, size) in PROGRAMS {
        if request.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let subject = Subject::new(SOURCE, name, size);
        rows.push(measure(&subject, &mut tiers, request.rounds));
    }
    print!("{}", time_table(&names, &rows));
    print!("{}", compile_table(&compile_times(&request)));
}

fn request() -> Request {
    let mut request = Request { rounds: 7, only: None, fast: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => {
                let rounds = words.next().and_then(|count| count.parse().ok()).filter(|rounds| *rounds > 0);
                request.rounds = rounds.expect("--rounds wants a number from 1");
            }
            "--only" => request.only = Some(words.next().expect("--only wants the name of a program")),
            "--fast" => request.fast = true,
            // Cargo passes this to every bench.
            "--bench" => {}
            other => panic!("unknown option {other:?}: use --rounds N, --only NAME or --fast"),
        }
    }
    let known = |only: &String| PROGRAMS.iter().any(|(name, _)| name == only);
    assert!(request.only.as_ref().is_none_or(known), "there is no program {:?}", request.only);
    request
}

/// All tiers that this machine has; those of other languages only where they are installed.
fn tiers(fast: bool) -> Vec<(&'static str, Tier)> {
    let mut tiers = vec![("promoted", Tier::Promoted), ("Rust", Tier::Native)];
    if !fast {
        tiers.splice(0..0, [("interpreted", Tier::Interpreted), ("grain", Tier::Grain)]);
    }
    for (name, command, programs) in [("LuaJIT", "luajit", "programs.lua"), ("Node", "node", "programs.js")] {
        match Peer::start(command, programs) {
            Some(peer) => tiers.push((name, Tier::Peer(peer))),
            None => eprintln!("{command} is not installed; its column is left out"),
        }
    }
    tiers
}

/// Measures all tiers in turns.
fn measure(subject: &Subject, tiers: &mut [(&'static str, Tier)], rounds: usize) -> Row {
    let mut seconds = vec![Vec::new(); tiers.len()];
    let mut expected: Option<String> = None;
    // The first turn is for caches, and for the compilers of others.
    for round in 0..=rounds {
        for (place, (name, tier)) in tiers.iter_mut().enumerate() {
            let sample = subject.sample(tier, SECONDS);
            let expected = expected.get_or_insert_with(|| sample.result.clone());
            assert_eq!(&sample.result, expected, "{} by {name}", subject.name);
            if round > 0 {
                seconds[place].push(sample.seconds);
            }
        }
    }
    let report = subject.program.report();
    Row { name: subject.name, seconds, code_bytes: report.code_bytes, instances: report.instances }
}

/// For each program alone and for all of them together: lines, CPU time to compile, bytes of code.
fn compile_times(request: &Request) -> Vec<(String, usize, Duration, usize)> {
    let functions = functions_of(SOURCE);
    let mut all = Vec::new();
    for (name, size) in PROGRAMS {
        if request.only.as_ref().is_none_or(|only| only == name) {
            let source = format!("{}{name}({size})\n", needed(&functions, name));
            all.push((name.to_owned(), source));
        }
    }
    let calls: Vec<_> = PROGRAMS.iter().map(|(name, size)| format!("{name}({size});\n")).collect();
    all.push(("all of them".to_owned(), format!("{SOURCE}{}", calls.concat())));
    all.into_iter().map(|(name, source)| compile_time(name, &source)).collect()
}

fn compile_time(name: String, source: &str) -> (String, usize, Duration, usize) {
    let engine = engine();
    let ast = engine.compile(source).expect("the programs are well-formed");
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..15 {
        let began = cpu_time();
        let program = forebay_jit::compile(&engine, &ast, &Options::default()).expect("they can be compiled");
        times.push(cpu_time().saturating_sub(began));
        bytes = program.report().code_bytes;
    }
    times.sort_unstable();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    (name, source.lines().filter(is_code).count(), times[times.len() / 2], bytes)
}

/// The functions of a source by name, each with its text.
fn functions_of(source: &str) -> Vec<(&str, String)> {
    let mut functions: Vec<(&str, String)> = Vec::new();
    for line in source.lines() {
        if let Some((name, _)) = line.strip_prefix("fn ").and_then(|rest| rest.split_once('(')) {
            functions.push((name, String::new()));
        }
        if let Some((_, text)) = functions.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    functions
}

/// The text of a function and of those that it calls.
fn needed(functions: &[(&str, String)], name: &str) -> String {
    let mut wanted = vec![name];
    let mut next = 0;
    while let Some(name) = wanted.get(next) {
        let text = functions.iter().find(|(found, _)| found == name).map_or("", |(_, text)| text.as_str());
        for (other, _) in functions {
            if text.contains(&format!("{other}(")) && !wanted.contains(other) {
                wanted.push(other);
            }
        }
        next += 1;
    }
    functions.iter().filter(|(name, _)| wanted.contains(name)).map(|(_, text)| text.as_str()).collect()
}
