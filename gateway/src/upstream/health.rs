//! Active health checks: each target of an upstream with `health` is asked at intervals whether it is well, once for
//! the whole process, on the control runtime. Workers see the outcome as one flag.
//!
//! A task for each target follows the published generation: it goes on over a reload that changes neither the target
//! nor how it is checked, and a target that is checked no more counts as well.

mod dial;
mod probe;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::hash::Dice;
use super::state::{Counters, TargetState};
use crate::config::{HealthCheck, Target};
use crate::generation::Generation;
use crate::tls::Client;
use crate::worker::{Phase, Shared};

/// Keeps the checks as the published generation has them, until the process ends.
pub async fn follow(shared: Arc<Shared>, mut phase: watch::Receiver<Phase>) {
    let mut running: Vec<Running> = Vec::new();
    loop {
        let wanted = checks(&shared.published.current());
        running.retain(|check| wanted.iter().any(|wanted| check.what.is(wanted)));
        for what in wanted {
            if !running.iter().any(|check| check.what.is(&what)) {
                running.push(Running { task: tokio::spawn(what.clone().run()), what });
            }
        }
        if phase.changed().await.is_err() {
            return;
        }
    }
}

/// One target and how it is checked.
#[derive(Clone)]
struct Check {
    upstream: Arc<str>,
    target: Target,
    /// What an `https` target is spoken to with.
    tls: Option<Arc<Client>>,
    settings: HealthCheck,
    state: Arc<TargetState>,
    counters: Arc<Counters>,
}

/// A check under way; dropped, it ends, and its target counts as well.
struct Running {
    what: Check,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
        self.what.state.checked(Ok(()));
    }
}

/// The checks that a generation asks for.
fn checks(generation: &Generation) -> Vec<Check> {
    let mut checks = Vec::new();
    for destination in generation.upstreams.values() {
        let Some(settings) = &destination.upstream.policies.health else { continue };
        let state = &destination.state;
        checks.extend(state.configured().iter().zip(&state.targets).map(|(target, known)| Check {
            upstream: destination.upstream.name.clone(),
            target: target.clone(),
            tls: destination.tls.clone().filter(|_| target.tls),
            settings: settings.clone(),
            state: known.clone(),
            counters: state.counters.clone(),
        }));
    }
    checks
}

impl Check {
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
            && self.target == other.target
            && self.tls.as_ref().map(|tls| tls.identity()) == other.tls.as_ref().map(|tls| tls.identity())
            && self.settings == other.settings
    }

    /// Checks the target at intervals for ever.
    async fn run(self) {
        let mut dice = Dice::new();
        let mut verdict = Verdict::default();
        // The first ones are spread as well: many targets are not all asked at the same moment.
        let mut wait = self.jitter(&mut dice);
        loop {
            tokio::time::sleep(wait).await;
            let begun = Instant::now();
            let probe = probe::probe(&self.target, self.tls.as_deref(), &self.settings);
            let outcome = tokio::time::timeout(self.settings.timeout, probe).await;
            let outcome = outcome.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            if outcome.is_err() {
                self.counters.failed_checks.add();
            }
            if let Some(change) = verdict.take(outcome, &self.settings) {
                self.announce(&change);
                self.state.checked(change);
            }
            wait = self.settings.interval.saturating_sub(begun.elapsed()) + self.jitter(&mut dice);
        }
    }

    /// A random part of the tenth of an interval.
    fn jitter(&self, dice: &mut Dice) -> Duration {
        let most = usize::try_from(self.settings.interval.as_micros() / 10).unwrap_or(usize::MAX);
        Duration::from_micros(dice.below(most.saturating_add(1)) as u64)
    }

    fn announce(&self, change: &Result<(), String>) {
        let (upstream, target) = (&self.upstream, &self.state.address);
        match change {
            Ok(()) => tracing::info!(%upstream, %target, "target is healthy again"),
            Err(problem) => tracing::warn!(%upstream, %target, "target is unhealthy: {problem}"),
        }
    }
}

/// What the checks of one target come to: it takes several of a kind in a row to change it.
#[derive(Debug, Default)]
struct Verdict {
    is_out: bool,
    /// Outcomes in a row that speak for a change.
    against: u32,
}

impl Verdict {
    /// Takes one outcome; the new state if it changes with it.
    fn take(&mut self, outcome: Result<(), String>, settings: &HealthCheck) -> Option<Result<(), String>> {
        if outcome.is_err() == self.is_out {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let needed = if self.is_out { settings.healthy_after } else { settings.unhealthy_after };
        if self.against < needed {
            return None;
        }
        *self = Self { is_out: outcome.is_err(), against: 0 };
        Some(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_several_in_a_row_to_change_a_verdict() {
        let settings = HealthCheck { healthy_after: 2, unhealthy_after: 3, ..HealthCheck::default() };
        let mut verdict = Verdict::default();
        let mut seen = String::new();
        for outcome in "--+---+-++-".chars() {
            let outcome = if outcome == '+' { Ok(()) } else { Err(String::new()) };
            seen.push(match verdict.take(outcome, &settings) {
                None => '.',
                Some(Ok(())) => 'U',
                Some(Err(_)) => 'D',
            });
        }
        assert_eq!(seen, ".....D...U.");
    }
}
