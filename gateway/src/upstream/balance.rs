//! Which target a request goes to: weighted round robin, smooth as in nginx, each worker for itself.
//!
//! Targets that are away (refused a connection a moment ago) or saturated (no connection free) are passed over
//! while others are neither. A request never tries a target twice, so the number of targets bounds its tries.

use std::cell::Cell;
use std::rc::Rc;

use super::endpoint::{Endpoint, Settings};
use crate::config::Target;

/// The targets of one upstream with their turns. Rebuilt when the configured targets change.
pub(super) struct Group {
    targets: Vec<Target>,
    members: Vec<Member>,
}

struct Member {
    weight: i64,
    /// Grows by its weight for each request that went elsewhere; the largest goes next.
    credit: Cell<i64>,
    endpoint: Rc<Endpoint>,
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
}

/// Whom a round of choosing considers, in the order of preference.
#[derive(Clone, Copy)]
enum Among {
    Free,
    Reachable,
    All,
}

impl Group {
    pub(super) fn new(targets: &[Target], endpoint: impl Fn(&Target) -> Rc<Endpoint>) -> Self {
        let members = targets
            .iter()
            .map(|target| Member {
                weight: i64::from(target.weight.max(1)),
                credit: Cell::new(0),
                endpoint: endpoint(target),
            })
            .collect();
        Self { targets: targets.to_vec(), members }
    }

    /// Whether it was built for these targets.
    pub(super) fn is_for(&self, targets: &[Target]) -> bool {
        self.targets == targets
    }

    /// The target whose turn it is among those not tried; `None` when all have been.
    pub(super) fn pick(&self, tried: &mut Tried, settings: Settings) -> Option<&Rc<Endpoint>> {
        let index = [Among::Free, Among::Reachable, Among::All]
            .into_iter()
            .find_map(|among| self.choose(among, tried, settings))?;
        tried.add(index);
        let endpoint = &self.members[index].endpoint;
        endpoint.backoff.trying();
        Some(endpoint)
    }

    fn choose(&self, among: Among, tried: &Tried, settings: Settings) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<usize> = None;
        for (index, member) in self.members.iter().enumerate() {
            if tried.contains(index) || !member.belongs(among, settings) {
                continue;
            }
            total += member.weight;
            member.credit.set(member.credit.get() + member.weight);
            if best.is_none_or(|best| member.credit.get() > self.members[best].credit.get()) {
                best = Some(index);
            }
        }
        let chosen = &self.members[best?];
        chosen.credit.set(chosen.credit.get() - total);
        best
    }
}

impl Member {
    fn belongs(&self, among: Among, settings: Settings) -> bool {
        match among {
            Among::Free => !self.endpoint.backoff.is_away() && !self.endpoint.is_saturated(settings),
            Among::Reachable => !self.endpoint.backoff.is_away(),
            Among::All => true,
        }
    }
}
