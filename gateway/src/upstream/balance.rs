//! Which target a request goes to: the one that the client's cookie names, where the upstream keeps clients at one
//! target, else the one that the upstream's balancer chooses, each worker for itself.
//!
//! Targets that are away (refused a connection a moment ago, fail their checks, or are put out) or saturated (no
//! connection free) are passed over while others are neither. A request never tries a target twice, so the number of
//! targets bounds its tries.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::affinity::{self, Wish};
use super::endpoint::{Endpoint, Settings};
use super::retry::Budget;
use super::state::{Judgement, TargetState, UpstreamState};
use super::{Destination, Sent, UpstreamError};
use crate::component::{Balancer, Candidate, Choice, Standing, Turns};
use crate::config::Target;

mod built_in;
mod consistent_hash;
mod least_request;
mod power_of_two;
mod round_robin;
#[cfg(test)]
mod tests;

pub use built_in::balancers;

/// The targets of one upstream with their turns. Rebuilt when the upstream or its balancer changes.
pub(super) struct Group {
    name: Arc<str>,
    pub(super) state: Arc<UpstreamState>,
    members: Vec<Member>,
    balancer: Arc<dyn Balancer>,
    turns: RefCell<Box<dyn Turns>>,
    /// What the balancer is shown, kept so that a choice allocates nothing.
    candidates: RefCell<Vec<Candidate>>,
    /// What is under way and tried again, where the upstream has retries.
    pub(super) budget: Budget,
}

struct Member {
    weight: u32,
    /// What the affinity cookie calls it.
    id: u64,
    endpoint: Rc<Endpoint>,
}

/// A target that was chosen.
pub(super) struct Picked<'a> {
    pub(super) endpoint: &'a Rc<Endpoint>,
    /// What the affinity cookie calls it.
    pub(super) id: u64,
    index: usize,
}

/// Which members a request has tried. The first costs no allocation, and mostly there is no second.
#[derive(Default)]
pub(super) struct Tried {
    first: Option<usize>,
    more: Vec<usize>,
}

impl Tried {
    fn contains(&self, index: usize) -> bool {
        self.first == Some(index) || self.more.contains(&index)
    }

    fn add(&mut self, index: usize) {
        if self.first.is_none() {
            self.first = Some(index);
        } else {
            self.more.push(index);
        }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.more.len()).unwrap_or(u32::MAX).saturating_add(u32::from(self.first.is_some()))
    }
}

impl Group {
    pub(super) fn new(destination: &Destination, endpoint: impl Fn(&Target) -> Rc<Endpoint>) -> Self {
        let state = &destination.state;
        let member = |(target, known): (&Target, &Arc<TargetState>)| {
            let endpoint = endpoint(target);
            endpoint.host.tell(known);
            Member { weight: target.weight.max(1), id: affinity::id(&endpoint.address), endpoint }
        };
        Self {
            name: destination.upstream.name.clone(),
            state: state.clone(),
            members: state.configured().iter().zip(&state.targets).map(member).collect(),
            balancer: destination.balancer.clone(),
            turns: RefCell::new(destination.balancer.turns(&state.servers())),
            candidates: RefCell::default(),
            budget: Budget::default(),
        }
    }

    /// Whether it was built for what this is.
    pub(super) fn is_for(&self, destination: &Destination) -> bool {
        Arc::ptr_eq(&self.state, &destination.state) && Arc::ptr_eq(&self.balancer, &destination.balancer)
    }

    /// The target to try next, among those not tried; `None` when none will do.
    pub(super) fn pick(
        &self,
        tried: &mut Tried,
        settings: Settings,
        (headers, wish): (&HeaderMap, Wish),
    ) -> Option<Picked<'_>> {
        let mut candidates = self.candidates.borrow_mut();
        candidates.clear();
        let slow_start = self.state.policies().slow_start;
        candidates.extend(self.members.iter().enumerate().zip(&self.state.targets).map(
            |((index, member), state)| member.candidate(tried.contains(index), settings, (state, slow_start)),
        ));
        let index = self.home(wish, &candidates).or_else(|| {
            let attempt = tried.count();
            let hash = wish.hash;
            let choice = Choice { upstream: &self.name, attempt, candidates: &candidates, headers, hash };
            self.turns.borrow_mut().pick(&choice)
        })?;
        // A balancer of a patch may be wrong; a target is tried once whatever it says.
        if candidates.get(index)?.standing == Standing::Tried {
            return None;
        }
        tried.add(index);
        let Member { endpoint, id, .. } = &self.members[index];
        endpoint.backoff.trying();
        Some(Picked { endpoint, id: *id, index })
    }

    /// Takes note of how a request to the target went, where the upstream puts outliers out.
    pub(super) fn judge(&self, picked: &Picked<'_>, outcome: &Result<Sent, UpstreamError>) {
        let Some(rules) = &self.state.policies().outliers else { return };
        let judgement = match outcome {
            Ok(sent) => Judgement::of_status(sent.response.status().as_u16()),
            Err(error) if error.kind.blames_target() => Judgement::Failure,
            Err(_) => return,
        };
        self.state.judge(picked.index, judgement, rules);
    }

    /// The target that the client comes back to, if it can serve: a full one is waited for.
    fn home(&self, wish: Wish, candidates: &[Candidate]) -> Option<usize> {
        let home = wish.home?;
        let index = self.members.iter().position(|member| member.id == home)?;
        matches!(candidates[index].standing, Standing::Free | Standing::Saturated).then_some(index)
    }
}

impl Member {
    fn candidate(
        &self,
        is_tried: bool,
        settings: Settings,
        (state, slow_start): (&TargetState, Option<Duration>),
    ) -> Candidate {
        let standing = if is_tried {
            Standing::Tried
        } else if state.is_out() || self.endpoint.backoff.is_away() {
            Standing::Away
        } else if self.endpoint.is_saturated(settings) {
            Standing::Saturated
        } else {
            Standing::Free
        };
        let weight = state.weight(self.weight, slow_start);
        Candidate { weight, active: self.endpoint.active(), standing }
    }
}
