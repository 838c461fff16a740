//! `script bench`: one hook in each tier on this machine, over one request file.
//!
//! The tiers take turns in short rounds, so that a busy moment of the machine touches all of them, and the median
//! round of each counts. A call is what the gateway does for one: fiber, meter, evaluation, verdict. Making the
//! exchange is not measured; waits are answered at once.

mod tiers;

use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_engine::host::{LogLine, Metric};
use forebay_engine::{Answer, Call, Exchange, Host, Program, Progress, Verdict};
use serde_json::{Value, json};

use super::offline::{Offline, answer};
use super::run::{Prepared, RunOptions, prepare, request_name};
use super::scene::{self, Bodies};
use super::{Format, Outcome, Project, usage};
use crate::promote::compile::{self, Compiler};
use crate::promote::{Rejection, copy_exchange, verdict_facts};

/// How many turns each tier has.
const ROUNDS: u32 = 10;
/// Calls between two looks at the clock.
const BATCH: usize = 32;

/// One tier and what was measured of it.
struct Tier {
    name: &'static str,
    /// Without one it is the interpreter.
    program: Option<Arc<Program>>,
    /// Nanoseconds per call, one value per round.
    rounds: Vec<f64>,
    calls: u64,
    verdict: Value,
}

/// Measures and reports.
///
/// # Errors
/// When the report cannot be written.
pub fn bench(
    project: &Project,
    compiler: &dyn Compiler,
    options: &RunOptions<'_>,
    time: Duration,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let prepared = match prepare(project, options, out)? {
        Ok(prepared) => prepared,
        Err(outcome) => return Ok(outcome),
    };
    let built = scene::build(&prepared.scene, prepared.hook);
    let built = built.and_then(|built| Ok((built, Offline::new(&prepared.scene)?)));
    let ((exchange, bodies), world) = match built {
        Ok(built) => built,
        Err(message) => return usage(out, &format_args!("{}: {message}", request_name(options))),
    };
    let compiled = compile::attempt(compiler, &prepared.step, compile::Options::default());
    let mut tiers =
        vec![Tier::new("interpreter", None), Tier::new("grain", Some(tiers::grain(&prepared.step)))];
    let rejection = match compiled {
        Ok((program, _)) => {
            tiers.push(Tier::new("program", Some(program)));
            None
        }
        Err(rejection) => Some(rejection),
    };
    let bench = Bench { project, prepared: &prepared, exchange: &exchange, bodies: &bodies, world: &world };
    for tier in &mut tiers {
        // The first calls touch memory and fill caches; the verdict of one is kept.
        tier.verdict = bench.run(tier.program.as_ref(), BATCH).1;
    }
    for _ in 0..ROUNDS {
        for tier in &mut tiers {
            bench.round(tier, time / ROUNDS);
        }
    }
    report(out, options.format, &prepared, &tiers, rejection.as_ref())?;
    let agree = tiers.iter().all(|tier| tier.verdict == tiers[0].verdict);
    Ok(if agree { Outcome::Success } else { Outcome::Failure })
}

/// What every call of a measurement shares.
struct Bench<'a> {
    project: &'a Project,
    prepared: &'a Prepared,
    exchange: &'a Exchange,
    bodies: &'a Bodies,
    world: &'a Offline,
}

impl Bench<'_> {
    fn round(&self, tier: &mut Tier, time: Duration) {
        let (mut spent, mut calls) = (Duration::ZERO, 0);
        while spent < time {
            spent += self.run(tier.program.as_ref(), BATCH).0;
            calls += BATCH;
        }
        #[expect(clippy::cast_precision_loss, reason = "a mean needs no last digit")]
        tier.rounds.push(spent.as_nanos() as f64 / calls as f64);
        tier.calls += calls as u64;
    }

    /// Runs a batch of calls; gives their time, and the last verdict.
    fn run(&self, program: Option<&Arc<Program>>, count: usize) -> (Duration, Value) {
        let copy = || copy_exchange(self.exchange).map(|(exchange, _)| Box::new(exchange));
        let exchanges: Vec<Box<Exchange>> = (0..count).filter_map(|_| copy()).collect();
        let host: Rc<dyn Host> = Rc::new(Quick::new(self.project, self.world));
        let mut last = Verdict::Continue;
        let began = Instant::now();
        for exchange in exchanges {
            let step = self.prepared.step.clone();
            let mut call = Call::begin_in(step, program.cloned(), self.prepared.hook, exchange, host.clone());
            let mut reply = Answer::Go;
            last = loop {
                match call.resume(reply) {
                    Progress::Done(_, verdict) => break verdict,
                    Progress::Waiting(wait) => reply = answer(self.project, self.world, &wait, self.bodies),
                }
            };
        }
        (began.elapsed(), verdict_facts(&last))
    }
}

/// The scene's host with clocks that are as cheap as the gateway's.
struct Quick {
    inner: Rc<dyn Host>,
    heap_bytes: fn() -> i64,
    started: Instant,
}

impl Quick {
    fn new(project: &Project, world: &Offline) -> Self {
        Self { inner: world.host(project), heap_bytes: project.heap_bytes, started: Instant::now() }
    }
}

impl Host for Quick {
    fn unix_time_ns(&self) -> i128 {
        self.inner.unix_time_ns()
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn heap_bytes(&self) -> i64 {
        (self.heap_bytes)()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.inner.fill_random(buffer);
    }

    fn log(&self, _line: LogLine<'_>) {}

    fn env(&self, name: &str) -> Result<Option<String>, String> {
        self.inner.env(name)
    }

    fn secret(&self, name: &str) -> Result<String, String> {
        self.inner.secret(name)
    }

    fn metric(&self, _metric: Metric<'_>) {}
}

impl Tier {
    fn new(name: &'static str, program: Option<Arc<Program>>) -> Self {
        Self { name, program, rounds: Vec::new(), calls: 0, verdict: Value::Null }
    }

    /// The median round, in nanoseconds per call.
    fn median(&self) -> f64 {
        let mut rounds = self.rounds.clone();
        rounds.sort_by(f64::total_cmp);
        rounds.get(rounds.len() / 2).copied().unwrap_or(0.0)
    }
}

fn report(
    out: &mut dyn Write,
    format: Format,
    prepared: &Prepared,
    tiers: &[Tier],
    rejection: Option<&Rejection>,
) -> io::Result<()> {
    let (name, hook) = (&prepared.located.name, prepared.hook.function());
    let base = tiers[0].median();
    let ratio = |tier: &Tier| base / tier.median();
    if format == Format::Json {
        let shown = tiers.iter().map(|tier| {
            json!({
                "tier": tier.name, "ns_per_call": tier.median(), "ratio": ratio(tier),
                "calls": tier.calls, "same_verdict": tier.verdict == tiers[0].verdict,
            })
        });
        let report = json!({
            "script": name, "hook": hook, "tiers": shown.collect::<Vec<_>>(),
            "rejected": rejection.map(|why| json!({ "reason": why.reason, "message": why.message })),
        });
        return writeln!(out, "{report}");
    }
    writeln!(out, "{name}.rhai {hook}, verdict {}", tiers[0].verdict)?;
    writeln!(out, "{:<12} {:>12} {:>10}", "tier", "ns per call", "speed")?;
    for tier in tiers {
        let differs = if tier.verdict == tiers[0].verdict {
            String::new()
        } else {
            format!("   wrong verdict: {}", tier.verdict)
        };
        writeln!(out, "{:<12} {:>12.0} {:>9.2}x{differs}", tier.name, tier.median(), ratio(tier))?;
    }
    if let Some(rejection) = rejection {
        writeln!(out, "program      not compiled ({}): {}", rejection.reason, rejection.message)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_round_counts() {
        let mut tier = Tier::new("t", None);
        tier.rounds = vec![9.0, 1.0, 5.0];
        assert!((tier.median() - 5.0).abs() < f64::EPSILON);
    }
}
