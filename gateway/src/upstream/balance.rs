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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::pool::Pool;
    use std::time::Duration;

    const SETTINGS: Settings = Settings {
        connect_timeout: Duration::ZERO,
        connections_max: 1,
        idle_max: 1,
        idle_timeout: Duration::ZERO,
        queue_timeout: Duration::ZERO,
        host_field: crate::upstream::endpoint::HostField::Kept,
    };

    fn group(weights: &[(&str, u32)]) -> Group {
        let pool = Pool::default();
        let target = |&(host, weight): &(&str, u32)| Target { host: host.to_owned(), port: 80, weight };
        let targets: Vec<Target> = weights.iter().map(target).collect();
        Group::new(&targets, |target| pool.endpoint(&target.host, target.port))
    }

    fn next(group: &Group, tried: &mut Tried) -> Option<String> {
        group.pick(tried, SETTINGS).map(|endpoint| endpoint.address.trim_end_matches(":80").to_owned())
    }

    fn turns(group: &Group, count: usize) -> String {
        (0..count).map(|_| next(group, &mut Tried::default()).unwrap()).collect()
    }

    #[tokio::test]
    async fn turns_follow_the_weights_and_are_spread() {
        assert_eq!(turns(&group(&[("a", 5), ("b", 1), ("c", 1)]), 14), "aabacaaaabacaa");
        assert_eq!(turns(&group(&[("a", 1), ("b", 1)]), 4), "abab");
    }

    #[tokio::test]
    async fn one_request_meets_every_target_once() {
        let group = group(&[("a", 1), ("b", 9), ("c", 1)]);
        let mut tried = Tried::default();
        let mut met: Vec<String> = std::iter::from_fn(|| next(&group, &mut tried)).collect();
        met.sort();
        assert_eq!(met, ["a", "b", "c"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_failed_rests_and_comes_back() {
        let group = group(&[("a", 1), ("b", 1)]);
        group.members[0].endpoint.backoff.failed();
        assert_eq!(turns(&group, 3), "bbb");
        let mut tried = Tried::default();
        assert_eq!(next(&group, &mut tried).as_deref(), Some("b"));
        assert_eq!(next(&group, &mut tried).as_deref(), Some("a"), "better than no target at all");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(turns(&group, 2).contains('a'));
    }
}
