//! Whether a program does what the interpreter did, over recorded calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_engine::{ErrorKind, Program, ScriptStep, Verdict};
use serde_json::{Value, json};

use super::facts;
use super::replay::{Replayed, replay};
use super::sample::Sample;

/// Longest time for all replays of one trial; what is left over then is left out.
const TIME_MAX: Duration = Duration::from_secs(2);

/// What a comparison came to.
pub(super) enum Comparison {
    /// Nobody could tell the two apart.
    Same,
    /// A limit that depends on the machine's mood ended one of them, or the call cannot be replayed.
    Inconclusive,
    /// They differ.
    Different(Box<Mismatch>),
}

/// A difference, with everything needed to find its cause.
pub(super) struct Mismatch {
    /// What differs, in one line.
    pub(super) summary: String,
    /// The recorded call.
    pub(super) sample: Arc<Sample>,
    /// The program's side.
    pub(super) program: Value,
}

/// Replays samples until one differs; gives the number of those that agreed.
pub(super) fn run(
    step: &Arc<ScriptStep>,
    program: &Arc<Program>,
    samples: &[Arc<Sample>],
) -> Result<usize, Box<Mismatch>> {
    let began = Instant::now();
    let mut agreed = 0;
    for sample in samples {
        match compare(step, program, sample) {
            Comparison::Same => agreed += 1,
            Comparison::Inconclusive => {}
            Comparison::Different(mismatch) => return Err(mismatch),
        }
        if began.elapsed() > TIME_MAX {
            break;
        }
    }
    Ok(agreed)
}

/// Replays one sample and compares verdict, exchange and host calls.
pub(super) fn compare(step: &Arc<ScriptStep>, program: &Arc<Program>, sample: &Arc<Sample>) -> Comparison {
    if depends_on_the_machine(&sample.verdict) || ran_out_of_fuel(&sample.verdict) {
        return Comparison::Inconclusive;
    }
    let Some(replayed) = replay(step, program, sample) else { return Comparison::Inconclusive };
    if depends_on_the_machine(&replayed.verdict) && replayed.divergence.is_none() {
        return Comparison::Inconclusive;
    }
    match summary(sample, &replayed) {
        None => Comparison::Same,
        Some(summary) => {
            let program = json!({
                "verdict": facts::verdict(&replayed.verdict),
                "exchange": facts::exchange(&replayed.exchange),
                "host_calls": facts::trace(&replayed.trace),
            });
            Comparison::Different(Box::new(Mismatch { summary, sample: sample.clone(), program }))
        }
    }
}

/// Whether the outcome is one of time, memory or stack, which two runs need not share.
fn depends_on_the_machine(verdict: &Verdict) -> bool {
    let Verdict::Fail(error) = verdict else { return false };
    match error.kind {
        ErrorKind::WallTime | ErrorKind::Memory | ErrorKind::Cancelled => true,
        ErrorKind::CallDepth => error.message.contains("the stack is used up"),
        _ => false,
    }
}

/// Whether fuel ended the interpreter's run. A program charges for the same work, but not operation by operation,
/// so it may come to an end a little earlier or later.
fn ran_out_of_fuel(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Fail(error) if error.kind == ErrorKind::Operations)
}

/// The first difference.
fn summary(sample: &Sample, replayed: &Replayed) -> Option<String> {
    if let Some(divergence) = &replayed.divergence {
        return Some(format!(
            "host call {}: the interpreter asked {}, the program {}",
            divergence.index + 1,
            divergence.expected,
            divergence.found
        ));
    }
    let sides = [
        ("verdict", facts::verdict(&sample.verdict), facts::verdict(&replayed.verdict)),
        ("exchange", facts::exchange(&sample.after), facts::exchange(&replayed.exchange)),
    ];
    sides.into_iter().find_map(|(what, interpreter, program)| {
        let (path, interpreter, program) = facts::difference(&interpreter, &program)?;
        let dot = if path.is_empty() { "" } else { "." };
        Some(format!("{what}{dot}{path}: {interpreter} interpreted, {program} compiled"))
    })
}
