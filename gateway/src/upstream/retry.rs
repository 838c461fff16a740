//! Sending a request again when an upstream failed it, by the rules of its configuration.
//!
//! Three things keep retries from making an outage worse: they are bounded for each request, they share a budget (so
//! many at a time for the requests under way), and they wait a random time that grows (full jitter, as in "Exponential
//! Backoff And Jitter", AWS Architecture Blog, 2015). Only what is safe is sent again: a method that is idempotent
//! (RFC 9110, section 9.2.2) or was declared to be, with a body that is still there.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::time::Instant;

use super::affinity::Wish;
use super::balance::{Group, Picked, Tried};
use super::breaker::{self, Admitted, Bound};
use super::delivery::Delivery;
use super::endpoint::Settings;
use super::error::UpstreamErrorKind;
use super::hash::Dice;
use super::replay::Replay;
use super::state::UpstreamState;
use super::{Sent, UpstreamError};
use crate::config::Retries;

/// What one worker has under way at one upstream.
pub(super) struct Budget {
    /// Requests that wait for their answer.
    waiting: Cell<u32>,
    /// Those of them that are being sent again.
    retrying: Cell<u32>,
    dice: RefCell<Dice>,
}

/// One more in a count for as long as it lives.
struct Counted<'a>(&'a Cell<u32>);

impl<'a> Counted<'a> {
    fn new(count: &'a Cell<u32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { waiting: Cell::new(0), retrying: Cell::new(0), dice: RefCell::new(Dice::new()) }
    }
}

impl Budget {
    fn allows(&self, retries: &Retries) -> bool {
        let share = u64::from(self.waiting.get()) * u64::from(retries.budget_percent) / 100;
        u64::from(self.retrying.get()) < share.max(u64::from(retries.budget_min))
    }

    /// How long to wait before this retry, from 1.
    fn pause(&self, retries: &Retries, retry: u32) -> Duration {
        let longest = retries.backoff_first.saturating_mul(1 << (retry - 1).min(16)).min(retries.backoff_max);
        let micros = usize::try_from(longest.as_micros()).unwrap_or(usize::MAX);
        Duration::from_micros(self.dice.borrow_mut().below(micros.saturating_add(1)) as u64)
    }
}

/// Whether a failure of this kind is one to try again after.
fn is_retried(retries: &Retries, kind: UpstreamErrorKind) -> bool {
    match kind {
        UpstreamErrorKind::Resolve | UpstreamErrorKind::Connect | UpstreamErrorKind::ConnectTimeout => {
            retries.on_connect
        }
        UpstreamErrorKind::Reset => retries.on_reset,
        UpstreamErrorKind::ResponseTimeout => retries.on_timeout,
        _ => false,
    }
}

/// Whether a request of this method may be sent again after it may have been seen.
pub(super) fn is_safe(retries: &Retries, method: &Method) -> bool {
    method.is_idempotent() || retries.more_methods.contains(method)
}

/// One request with its tries.
pub(super) struct Run<'a, 'd> {
    pub(super) group: &'a Group,
    pub(super) retries: &'a Retries,
    pub(super) state: &'a Arc<UpstreamState>,
    pub(super) settings: Settings,
    pub(super) wish: Wish,
    pub(super) delivery: Delivery<'d>,
    /// Retries so far.
    done: u32,
    deadline: Option<Instant>,
    token: Option<(Counted<'a>, Option<Admitted>)>,
    _waiting: Counted<'a>,
}

impl<'a, 'd> Run<'a, 'd> {
    pub(super) fn new(
        (group, retries, state): (&'a Group, &'a Retries, &'a Arc<UpstreamState>),
        settings: Settings,
        wish: Wish,
        delivery: Delivery<'d>,
    ) -> Self {
        let deadline = retries.total_timeout.map(|total| Instant::now() + total);
        let waiting = Counted::new(&group.budget.waiting);
        Self {
            group,
            retries,
            state,
            settings,
            wish,
            delivery,
            done: 0,
            deadline,
            token: None,
            _waiting: waiting,
        }
    }

    /// Tries until there is an answer to pass on or no more tries are allowed.
    pub(super) async fn finish(mut self) -> Result<(Sent, Picked<'a>), UpstreamError> {
        let mut tried = Tried::default();
        let mut last = UpstreamError::no_target();
        // Whether a retry has begun: then targets that were tried may be asked again, once all of them were.
        let mut begun = false;
        loop {
            let mut picked = self.pick(&mut tried);
            if picked.is_none() && (begun || (self.retries.on_connect && self.delivery.may_go_elsewhere())) {
                if !begun && !self.again().await {
                    return Err(last);
                }
                tried = Tried::default();
                picked = self.pick(&mut tried);
            }
            let Some(picked) = picked else { return Err(last) };
            begun = false;
            let spare = self.delivery.spare(self.retries);
            let outcome = self.attempt(&picked).await;
            self.group.judge(&picked, &outcome);
            match outcome {
                Ok(sent) => {
                    let wanted = self.retries.on_statuses.contains(&sent.response.status());
                    let may_retry = wanted && spare.as_ref().is_some_and(Replay::is_good);
                    match spare {
                        Some(spare) if may_retry && self.again().await => {
                            self.delivery.take_up(spare)?;
                            begun = true;
                        }
                        spare => {
                            self.delivery.recycle(spare);
                            return Ok((sent, picked));
                        }
                    }
                }
                // Nothing was sent: the next target costs nothing.
                Err(error) if self.delivery.may_go_elsewhere() => last = error,
                Err(error) => {
                    let spare = spare.filter(|spare| is_retried(self.retries, error.kind) && spare.is_good());
                    let Some(spare) = spare else { return Err(error) };
                    if !self.again().await {
                        return Err(error);
                    }
                    self.delivery.take_up(spare)?;
                    last = error;
                    begun = true;
                }
            }
        }
    }

    fn pick(&self, tried: &mut Tried) -> Option<Picked<'a>> {
        self.group.pick(tried, self.settings, (self.delivery.headers(), self.wish))
    }

    /// One try, within its time.
    async fn attempt(&mut self, picked: &Picked<'_>) -> Result<Sent, UpstreamError> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let Some(limit) = left.into_iter().chain(self.retries.try_timeout).min() else {
            return self.delivery.attempt(picked.endpoint).await;
        };
        match tokio::time::timeout(limit, self.delivery.attempt(picked.endpoint)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.delivery.cut_short(picked.endpoint)),
        }
    }

    /// Asks for one more try and waits for its time.
    async fn again(&mut self) -> bool {
        if self.done >= self.retries.retries_max {
            return false;
        }
        self.token = None;
        if !self.group.budget.allows(self.retries) {
            self.state.counters.budget_exhausted.add();
            return false;
        }
        let pause = self.group.budget.pause(self.retries, self.done + 1);
        if self.deadline.is_some_and(|deadline| Instant::now() + pause >= deadline) {
            return false;
        }
        let Ok(admitted) = breaker::admit(self.state, Bound::Retries) else { return false };
        self.token = Some((Counted::new(&self.group.budget.retrying), admitted));
        self.done += 1;
        self.state.counters.retries.add();
        tokio::time::sleep(pause).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retries() -> Retries {
        Retries { budget_percent: 20, budget_min: 2, ..Retries::default() }
    }

    #[test]
    fn the_budget_is_a_share_of_the_requests_under_way_with_a_minimum() {
        let (budget, retries) = (Budget::default(), retries());
        let first: Vec<_> = (0..2).map(|_| Counted::new(&budget.retrying)).collect();
        assert!(!budget.allows(&retries), "the minimum is used up");
        let waiting: Vec<_> = (0..15).map(|_| Counted::new(&budget.waiting)).collect();
        assert!(budget.allows(&retries), "a fifth of 15 is 3");
        drop(waiting);
        assert!(!budget.allows(&retries));
        drop(first);
        assert!(budget.allows(&retries));
    }

    #[test]
    fn pauses_grow_to_the_longest_and_differ() {
        let (budget, retries) = (Budget::default(), retries());
        let longest = |retry| (0..200).map(|_| budget.pause(&retries, retry)).max().unwrap();
        assert!(longest(1) <= retries.backoff_first);
        assert!(longest(2) > retries.backoff_first && longest(2) <= retries.backoff_first * 2);
        assert!(longest(30) <= retries.backoff_max);
        assert_ne!(budget.pause(&retries, 9), budget.pause(&retries, 9));
    }
}
