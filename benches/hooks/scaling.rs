//! Whether calls of one script from several threads get in each other's way.
//!
//! What threads gain over a lone one depends on the machine as much as on the code: cores share caches, clocks and,
//! on a virtual machine, often their execution units. So three things are measured in turns: threads that run plain
//! Rust and share nothing, threads with a copy of the script each, and threads that all call the same script. The
//! last may not fall behind the others.

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use forebay_engine::{Chain, Host};

use crate::{Native, exchange, host, order, run};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(200);

/// What one thread does with each exchange.
#[derive(Clone, Copy)]
enum Work<'a> {
    Script(&'a Chain),
    Native(Native),
}

/// Prints how much more than one thread several do.
pub(crate) fn report(name: &str, script: impl Fn() -> Chain, native: Native) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let copies: Vec<Chain> = (0..cores).map(|_| script()).collect();
    let one = Work::Script(&copies[0]);
    let kinds: [(String, Vec<Work<'_>>, Vec<Work<'_>>); 4] = [
        (
            format!("{cores} threads, plain Rust"),
            vec![Work::Native(native)],
            vec![Work::Native(native); cores],
        ),
        (format!("{cores} threads, a script each"), vec![one], copies.iter().map(Work::Script).collect()),
        (format!("{cores} threads, one script"), vec![one], vec![one; cores]),
        ("8 threads, one script".to_owned(), vec![one], vec![one; 8]),
    ];
    let mut gains: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
    for _ in 0..ROUNDS {
        for ((_, alone, together), gains) in kinds.iter().zip(&mut gains) {
            gains.push(calls_per_second(together) / calls_per_second(alone));
        }
    }
    for ((kind, ..), mut gains) in kinds.iter().zip(gains) {
        gains.sort_by(f64::total_cmp);
        let (median, least, most) = (gains[ROUNDS / 2], gains[0], gains[ROUNDS - 1]);
        println!(
            "scaling on {cores} cores: {name}: {kind:26} {median:.2} [{least:.2}..{most:.2}] of one thread"
        );
    }
}

/// Calls per second of one thread for each work, together. All end at the same time: a thread that had to wait for a
/// core has then done less, and that is what counts.
fn calls_per_second(works: &[Work<'_>]) -> f64 {
    let began = Instant::now();
    let calls: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> =
            works.iter().map(|&work| scope.spawn(move || calls_until(began, work))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread does not panic")).sum()
    });
    f64::from(calls) / began.elapsed().as_secs_f64()
}

fn calls_until(began: Instant, work: Work<'_>) -> u32 {
    const BATCH: u32 = 10;
    let host: Rc<dyn Host> = host();
    let (headers, body) = order();
    let mut calls = 0;
    loop {
        for _ in 0..BATCH {
            let exchange = exchange(&headers, &body);
            black_box(match work {
                Work::Script(chain) => run(chain, exchange, &host),
                Work::Native(native) => native(exchange),
            });
        }
        calls += BATCH;
        // Asked afterwards, so that a thread which gets no core in time has done something and no rate is nothing.
        if began.elapsed() >= ROUND {
            return calls;
        }
    }
}
