//! The same work interpreted, promoted, as native steps and in Rust, in turns.
//!
//! Every round times a batch of each way, in alternating order, so that whatever else the machine does falls on all
//! of them alike; what is timed is the thread's time on the processor. What is compared is what a way adds to handing an
//! exchange on; the ratio and the difference to Rust are taken within a round.

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use forebay_engine::{Chain, Exchange, Host, Program, Step};
use forebay_gateway::promote::compile::{Options, attempt, compiler};
use rustix::time::{ClockId, clock_gettime};

use crate::{Native, exchange, host, order, run, step};

/// Exchanges of one batch: few, so that they are in the cache as a request just read is.
const BATCH: usize = 32;
/// Batches of one round.
const BATCHES: usize = 8;

/// One piece of work, the source of the script that does it, and native steps that do it, by the kind of step.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) native: Native,
    pub(crate) steps: Vec<(&'static str, Step)>,
}

/// One way of doing it.
enum Way {
    Chain(Chain),
    Rust(Native),
}

impl Way {
    fn call(&self, exchange: Box<Exchange>, host: &Rc<dyn Host>) -> Box<Exchange> {
        match self {
            Self::Chain(chain) => run(chain, exchange, host),
            Self::Rust(native) => native(exchange),
        }
    }
}

/// A step of its own with its program in place.
fn promoted(source: &str) -> Step {
    let step = step(source);
    let Step::Script(script) = &step else { panic!("`step` makes steps of scripts") };
    let program: Arc<Program> = match attempt(&*compiler(), script, Options::default()) {
        Ok((program, _)) => program,
        Err(rejection) => panic!("not compiled ({}): {}", rejection.reason, rejection.message),
    };
    script.install(Some(program));
    step
}

/// Measures and prints a table for each work.
pub(crate) fn report(works: impl IntoIterator<Item = Work>, rounds: usize) {
    println!(
        "{:<16} {:<12} {:>24} {:>12} {:>16}",
        "work", "way", "added ns per call", "of Rust", "over Rust, ns"
    );
    for work in works {
        let mut ways = vec![
            ("nothing", Way::Rust(|exchange| exchange)),
            ("Rust", Way::Rust(work.native)),
            ("promoted", Way::Chain(Chain::new(vec![promoted(work.source)]))),
            ("interpreted", Way::Chain(Chain::new(vec![step(work.source)]))),
        ];
        ways.extend(chains(work.steps));
        show(work.name, &ways, &measure(&ways, rounds));
    }
}

/// Measures and prints native steps that nothing in Rust is compared with.
pub(crate) fn report_steps(steps: Vec<(&'static str, Step)>, rounds: usize) {
    let mut ways = vec![("nothing", Way::Rust(|exchange| exchange))];
    ways.extend(chains(steps));
    let times = measure(&ways, rounds);
    for (way, mine) in ways.iter().zip(&times).skip(1) {
        let [least, median, most] = spread(difference(mine, &times[0]).into_iter());
        let spread = format!("{median:.0} [{least:.0}..{most:.0}]");
        println!("{:<16} {:<12} {spread:>24}", way.0, "built in");
    }
}

fn chains(steps: Vec<(&'static str, Step)>) -> impl Iterator<Item = (&'static str, Way)> {
    steps.into_iter().map(|(name, step)| (name, Way::Chain(Chain::new(vec![step]))))
}

/// The times of each way, by round.
fn measure(ways: &[(&str, Way)], rounds: usize) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(rounds); ways.len()];
    for (_, way) in ways {
        time(way);
    }
    for round in 0..rounds {
        for turn in 0..ways.len() {
            let index = if round % 2 == 0 { turn } else { ways.len() - 1 - turn };
            times[index].push(time(&ways[index].1));
        }
    }
    times
}

/// Nanoseconds that this thread has been on a processor.
fn processor_ns() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Nanoseconds per call.
fn time(way: &Way) -> f64 {
    let host: Rc<dyn Host> = host();
    let (headers, body) = order();
    let mut spent = 0;
    let mut done = Vec::with_capacity(BATCH);
    for _ in 0..BATCHES {
        let exchanges: Vec<_> = (0..BATCH).map(|_| exchange(&headers, &body)).collect();
        let began = processor_ns();
        for exchange in exchanges {
            done.push(black_box(way.call(black_box(exchange), &host)));
        }
        spent += processor_ns() - began;
        done.clear();
    }
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a moment")]
    let per_call = spent as f64 / (BATCH * BATCHES) as f64;
    per_call
}

/// What each round of one way took beyond another.
fn difference(mine: &[f64], other: &[f64]) -> Vec<f64> {
    mine.iter().zip(other).map(|(mine, other)| mine - other).collect()
}

fn show(work: &str, ways: &[(&str, Way)], times: &[Vec<f64>]) {
    let rust = difference(&times[1], &times[0]);
    for ((name, _), mine) in ways.iter().zip(times).skip(1) {
        let mine = difference(mine, &times[0]);
        let ratio = spread(mine.iter().zip(&rust).map(|(mine, rust)| mine / rust));
        let over = spread(mine.iter().zip(&rust).map(|(mine, rust)| mine - rust));
        let [least, median, most] = spread(mine.iter().copied());
        let spread = format!("{median:.0} [{least:.0}..{most:.0}]");
        println!("{work:<16} {name:<12} {spread:>24} {:>11.2}x {:>16.0}", ratio[1], over[1]);
    }
}

/// First quartile, median, third quartile.
fn spread(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [values[values.len() / 4], values[values.len() / 2], values[values.len() * 3 / 4]]
}
