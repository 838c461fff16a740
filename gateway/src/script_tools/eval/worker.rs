//! The child process: says that it is there, reads a program per line from standard input, answers with a report
//! per line.

use std::io::{self, BufRead, Write};
use std::num::NonZeroUsize;
use std::time::Duration;

use super::measure::measure;
use super::programs::Program;
use super::tier::Tier;

/// Rhai derives the names of closures from hashes that differ from process to process, unless they are seeded.
const HASHING_SEED: [u64; 4] = [0x666f_7265, 0x6261_7900, 0x6576_616c, 0x1];

/// Does the work of `script eval` until standard input ends. Call it before anything else uses Rhai.
///
/// # Errors
/// When the other side is gone or does not speak as it should.
pub fn work(tier: Tier, repeat: NonZeroUsize, timeout: Duration) -> io::Result<()> {
    // An engine used before this would only mean other names of closures.
    let _seeded = rhai::config::hashing::set_hashing_seed(Some(HASHING_SEED));
    let mut out = io::stdout().lock();
    writeln!(out, "ready")?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        let program: Program = serde_json::from_str(&line?)?;
        // Half of the time is left for a last run that began just before.
        let report = measure(&program, tier, repeat, timeout / 2);
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        out.flush()?;
    }
    Ok(())
}
