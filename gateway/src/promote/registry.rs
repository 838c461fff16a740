//! What is known of every script of the serving generation. Locked by the control side and the promotion thread,
//! never by the request path.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use forebay_engine::Program;
use tokio::sync::oneshot;

use super::budget::Budget;
use super::compile::Rejection;
use super::report::{Report, State};
use super::state_file::{Remembered, Wish};
use super::watch::{Counts, Watch};
use crate::config::{CompileMode, CompileSettings};

/// Everything that is known.
pub(super) struct Registry {
    pub(super) settings: CompileSettings,
    pub(super) scripts: BTreeMap<Arc<str>, Entry>,
    /// What the state file says of scripts that have not been seen yet.
    pub(super) remembered: BTreeMap<String, Remembered>,
    /// What preparing scripts for a generation that is not published yet came to, by name and digest.
    pub(super) prepared: BTreeMap<(Arc<str>, Arc<str>), State>,
    pub(super) queue: VecDeque<Arc<str>>,
    /// Every program that may still be running. Only the promotion thread takes from it, so machine code is never
    /// freed by a request.
    pub(super) programs: Vec<Arc<Program>>,
    /// Why nothing can be compiled here, once that is known.
    pub(super) unavailable: Option<Rejection>,
    pub(super) budget: Budget,
    pub(super) is_stopping: bool,
}

/// What is to be told to those who asked.
#[must_use = "somebody waits for it"]
pub(super) struct Answers {
    pub(super) report: Report,
    replies: Vec<oneshot::Sender<Report>>,
}

impl Answers {
    /// Tells them.
    pub(super) fn send(self) {
        for reply in self.replies {
            // Whoever asked may have gone.
            let _ = reply.send(self.report.clone());
        }
    }
}

/// One script.
pub(super) struct Entry {
    pub(super) digest: Arc<str>,
    /// Its steps in the serving generation.
    pub(super) watches: Vec<Arc<Watch>>,
    pub(super) wish: Wish,
    pub(super) state: State,
    pub(super) since: SystemTime,
    /// Another with everything that makes work under way void; no two entries ever have the same.
    pub(super) ticket: u64,
    /// Whether somebody asked for what is going on.
    pub(super) is_asked: bool,
    pub(super) replies: Vec<oneshot::Sender<Report>>,
    pub(super) failures: u32,
    /// Before this it is not tried again by itself.
    pub(super) retry_at: Option<Instant>,
    pub(super) shadow_until: Option<Instant>,
}

/// A ticket that nothing has had before, so that work for an entry cannot pass for work for its successor.
pub(super) fn next_ticket() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Registry {
    pub(super) fn new(settings: CompileSettings, remembered: BTreeMap<String, Remembered>) -> Self {
        Self {
            settings,
            scripts: BTreeMap::new(),
            remembered,
            prepared: BTreeMap::new(),
            queue: VecDeque::new(),
            programs: Vec::new(),
            unavailable: None,
            budget: Budget::new(Instant::now()),
            is_stopping: false,
        }
    }

    /// Bytes of all machine code in memory, that of retired programs included.
    pub(super) fn code_bytes(&self) -> usize {
        self.programs.iter().map(|program| program.code().code_bytes()).sum()
    }

    /// What the state file is to hold.
    pub(super) fn to_remember(&self) -> BTreeMap<String, Remembered> {
        let mut all = self.remembered.clone();
        for (name, entry) in &self.scripts {
            match entry.remember() {
                Some(remembered) => drop(all.insert(name.to_string(), remembered)),
                None => drop(all.remove(&**name)),
            }
        }
        all
    }

    /// What is remembered of a script, if it holds for this digest and this version of the gateway.
    pub(super) fn recall(&self, name: &str, digest: &str) -> Option<&Remembered> {
        let remembered = self.remembered.get(name)?;
        let holds = remembered.digest == digest
            && (remembered.wish != Wish::Quarantined || remembered.gateway == env!("CARGO_PKG_VERSION"));
        holds.then_some(remembered)
    }

    /// Adds a script to the queue.
    pub(super) fn enqueue(&mut self, name: &Arc<str>, is_asked: bool) -> bool {
        if self.queue.len() >= self.settings.queue_max {
            return false;
        }
        let Some(entry) = self.scripts.get_mut(name) else { return false };
        entry.set(State::Queued);
        entry.is_asked |= is_asked;
        if !self.queue.contains(name) {
            // Somebody who asks does not wait for those nobody asked for.
            if is_asked { self.queue.push_front(name.clone()) } else { self.queue.push_back(name.clone()) }
        }
        true
    }

    /// The next script to compile, if there is one and there is time for it.
    pub(super) fn dequeue(&mut self, now: Instant) -> Option<Arc<str>> {
        let is_asked = |name: &Arc<str>| self.scripts.get(name).is_some_and(|entry| entry.is_asked);
        let first_is_asked = self.queue.front().is_some_and(is_asked);
        if first_is_asked || self.budget.allows(now) { self.queue.pop_front() } else { None }
    }
}

impl Entry {
    pub(super) fn new(digest: Arc<str>, watches: Vec<Arc<Watch>>) -> Self {
        Self {
            digest,
            watches,
            wish: Wish::None,
            state: State::Interpreted,
            since: SystemTime::now(),
            ticket: next_ticket(),
            is_asked: false,
            replies: Vec::new(),
            failures: 0,
            retry_at: None,
            shadow_until: None,
        }
    }

    /// Changes the state.
    pub(super) fn set(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.since = SystemTime::now();
        }
    }

    /// Changes the state for good and makes work under way void. Everybody who waits is to be answered, but not
    /// before what they learn is remembered.
    pub(super) fn settle(&mut self, name: &str, state: State) -> Answers {
        self.ticket = next_ticket();
        self.set(state);
        self.is_asked = false;
        Answers { report: self.report(name), replies: std::mem::take(&mut self.replies) }
    }

    /// The steps that may be compiled.
    pub(super) fn targets(&self) -> Vec<Arc<Watch>> {
        let targets = self.watches.iter().filter(|watch| watch.mode() != CompileMode::Interpret);
        targets.cloned().collect()
    }

    /// Whether every step that may be compiled has its program.
    pub(super) fn is_installed(&self) -> bool {
        let mut targets =
            self.watches.iter().filter(|watch| watch.mode() != CompileMode::Interpret).peekable();
        targets.peek().is_some() && targets.all(|watch| watch.step().program().is_some())
    }

    /// Takes all programs away.
    pub(super) fn uninstall(&mut self) {
        self.shadow_until = None;
        for watch in &self.watches {
            watch.uninstall();
        }
    }

    /// Begins to shadow calls.
    pub(super) fn watch_closely(&mut self, settings: &CompileSettings, now: Instant) {
        self.shadow_until = Some(now + settings.shadow_for);
        for watch in self.watches.iter().filter(|watch| watch.step().program().is_some()) {
            watch.shadow(settings.shadow_every);
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for watch in &self.watches {
            counts += watch.counts();
        }
        counts
    }

    pub(super) fn report(&self, name: &str) -> Report {
        let mut modes: Vec<&'static str> = self.watches.iter().map(|watch| watch.mode().as_str()).collect();
        modes.sort_unstable();
        modes.dedup();
        let compilations: Vec<_> = self.watches.iter().filter_map(|watch| watch.compilation()).collect();
        Report {
            script: name.to_owned(),
            modes,
            state: self.state.clone(),
            since: self.since,
            counts: self.counts(),
            code_bytes: compilations.iter().map(|compilation| compilation.code_bytes).sum(),
            compile_time: compilations.iter().map(|compilation| compilation.took).sum::<Duration>(),
            trial_runs: compilations.iter().map(|compilation| compilation.trial_runs).sum(),
        }
    }

    /// What is to be remembered of it.
    pub(super) fn remember(&self) -> Option<Remembered> {
        let (message, evidence) = match (&self.state, self.wish) {
            (_, Wish::None) => return None,
            (State::Quarantined { message, evidence }, _) => (message.clone(), evidence.clone()),
            _ => (String::new(), None),
        };
        let since = self.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let gateway = if self.wish == Wish::Quarantined { env!("CARGO_PKG_VERSION") } else { "" };
        let (digest, gateway) = (self.digest.to_string(), gateway.to_owned());
        Some(Remembered { digest, wish: self.wish, since, evidence, message, gateway })
    }
}
