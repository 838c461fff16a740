//! What all workers know of an upstream and its targets. Atomics only: nothing here is locked on the request path,
//! and what every request reads is written only when something changes.
//!
//! It belongs to a generation, and the next one takes over what it has of the same upstream: all of it if the
//! settings are the same, and each target that is still there otherwise. So a reload forgets nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

mod outlier;
mod target;

pub(super) use outlier::Judgement;
pub use target::{Condition, TargetState};

use super::breaker::{Bound, Load};
use crate::component::Server;
use crate::config::{self, Policies, Target, UpstreamKind};

/// One upstream, as all workers see it.
#[derive(Debug)]
pub struct UpstreamState {
    name: Arc<str>,
    /// Its targets, in the order of the configuration; none for a built-in one.
    pub targets: Vec<Arc<TargetState>>,
    /// What happened at it.
    pub counters: Arc<Counters>,
    configured: Vec<Target>,
    policies: Policies,
    /// What is under way, as far as it is bounded.
    pub(super) load: Arc<Load>,
    /// Whether a worker is about to put a target out.
    ejecting: AtomicBool,
}

/// What happened at an upstream since the process began, as far as it is rare.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that were sent again.
    pub retries: Counter,
    /// Requests that were not sent again because the budget was used up.
    pub budget_exhausted: Counter,
    /// Targets put out for failing requests.
    pub ejections: Counter,
    /// Checks of targets that failed.
    pub failed_checks: Counter,
    /// Requests that were copied to another upstream.
    pub mirrored: Counter,
    /// Requests of the share to be copied that were not.
    pub mirror_skipped: Counter,
    /// What circuit breakers refused, by [`Bound`].
    pub refused: [Counter; 4],
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub(in crate::upstream) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl UpstreamState {
    /// The state of an upstream: the one that `previous` has if nothing changed, else with the targets of
    /// `previous` that are still there.
    pub fn of(upstream: &config::Upstream, previous: Option<&Arc<Self>>) -> Arc<Self> {
        let configured: &[Target] = match &upstream.kind {
            UpstreamKind::Echo => &[],
            UpstreamKind::Targets(targets) => targets,
        };
        if let Some(previous) = previous
            && previous.configured == configured
            && previous.policies == upstream.policies
        {
            return previous.clone();
        }
        let target = |target: &Target| {
            let address = target.address();
            if let Some(known) = previous.and_then(|previous| previous.target(&address)) {
                return known.clone();
            }
            let new = TargetState::new(address);
            if previous.is_some() {
                new.comes_up();
            }
            Arc::new(new)
        };
        Arc::new(Self {
            name: upstream.name.clone(),
            load: previous.map(|previous| previous.load.clone()).unwrap_or_default(),
            ejecting: AtomicBool::new(false),
            targets: configured.iter().map(target).collect(),
            counters: previous.map(|previous| previous.counters.clone()).unwrap_or_default(),
            configured: configured.to_vec(),
            policies: upstream.policies.clone(),
        })
    }

    /// What counts towards a bound now; zero where there is no such bound.
    pub fn under_way(&self, bound: Bound) -> u32 {
        self.load.get(bound)
    }

    fn target(&self, address: &str) -> Option<&Arc<TargetState>> {
        self.targets.iter().find(|target| *target.address == *address)
    }

    /// The targets as a balancer is told of them.
    pub(super) fn servers(&self) -> Vec<Server> {
        let server = |(state, target): (&Arc<TargetState>, &Target)| Server {
            address: state.address.clone(),
            weight: target.weight.max(1),
        };
        self.targets.iter().zip(&self.configured).map(server).collect()
    }

    /// The settings that the state was made for.
    pub(super) fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The targets as configured, in the order of `targets`.
    pub fn configured(&self) -> &[Target] {
        &self.configured
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::tests::upstream;

    #[test]
    fn a_reload_keeps_what_is_known_of_the_same_targets() {
        let mut configured = upstream(&[1, 2]);
        let first = UpstreamState::of(&configured, None);
        assert!(Arc::ptr_eq(&first, &UpstreamState::of(&configured, Some(&first))), "nothing changed");
        configured.kind = upstream(&[2, 3]).kind;
        let second = UpstreamState::of(&configured, Some(&first));
        assert!(Arc::ptr_eq(&first.targets[1], &second.targets[0]), "the target is still there");
        assert_eq!(&*second.targets[1].address, "127.0.0.1:3");
        let slow_start = Some(std::time::Duration::from_mins(1));
        let weights = [0, 1].map(|index: usize| second.targets[index].weight(1, slow_start));
        assert_eq!(weights, [100, 10], "the new target comes up slowly, the old one is as warm as it was");
    }
}
