//! A real call of the interpreter, whole: what it met, what it asked the host, what came of it.

use forebay_engine::{Exchange, Hook, Verdict};

use super::record::Event;

/// One recorded call.
#[derive(Debug)]
pub struct Sample {
    /// The hook.
    pub hook: Hook,
    /// The exchange before the call.
    pub before: Exchange,
    /// What the script asked the host, with the answers, in order.
    pub trace: Vec<Event>,
    /// The exchange after the call.
    pub after: Exchange,
    /// What the interpreter decided.
    pub verdict: Verdict,
    /// About how much memory the sample holds.
    pub bytes: usize,
}
