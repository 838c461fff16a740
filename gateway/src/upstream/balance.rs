//! Which target a request goes to: asks the upstream's balancer, which is weighted round robin unless the
//! configuration or a patch says otherwise, each worker for itself.
//!
//! Targets that are away (refused a connection a moment ago) or saturated (no connection free) are passed over
//! while others are neither. A request never tries a target twice, so the number of targets bounds its tries.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use http::HeaderMap;

use super::endpoint::{Endpoint, Settings};
use crate::component::{Balancer, BalancerKind, Candidate, Choice, Standing, Turns};
use crate::config::Target;

/// The targets of one upstream with their turns. Rebuilt when the configured targets or the balancer change.
pub(super) struct Group {
    targets: Vec<Target>,
    members: Vec<Member>,
    balancer: Arc<dyn Balancer>,
    turns: RefCell<Box<dyn Turns>>,
    /// What the balancer is shown, kept so that a choice allocates nothing.
    candidates: RefCell<Vec<Candidate>>,
}

struct Member {
    weight: u32,
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

    fn count(&self) -> u32 {
        u32::try_from(self.more.len()).unwrap_or(u32::MAX).saturating_add(u32::from(self.first.is_some()))
    }
}

impl Group {
    pub(super) fn new(
        targets: &[Target],
        balancer: &Arc<dyn Balancer>,
        endpoint: impl Fn(&Target) -> Rc<Endpoint>,
    ) -> Self {
        let members: Vec<Member> = targets
            .iter()
            .map(|target| Member { weight: target.weight.max(1), endpoint: endpoint(target) })
            .collect();
        let addresses: Vec<Arc<str>> = members.iter().map(|member| member.endpoint.address.clone()).collect();
        let turns = RefCell::new(balancer.turns(&addresses));
        let (targets, balancer) = (targets.to_vec(), balancer.clone());
        Self { targets, members, balancer, turns, candidates: RefCell::default() }
    }

    /// Whether it was built for these targets and this balancer.
    pub(super) fn is_for(&self, targets: &[Target], balancer: &Arc<dyn Balancer>) -> bool {
        self.targets == targets && Arc::ptr_eq(&self.balancer, balancer)
    }

    /// The target that the balancer chooses among those not tried; `None` when it chooses none.
    pub(super) fn pick(
        &self,
        tried: &mut Tried,
        settings: Settings,
        (upstream, headers): (&str, &HeaderMap),
    ) -> Option<&Rc<Endpoint>> {
        let mut candidates = self.candidates.borrow_mut();
        candidates.clear();
        candidates.extend(
            self.members
                .iter()
                .enumerate()
                .map(|(index, member)| member.candidate(tried.contains(index), settings)),
        );
        let attempt = tried.count();
        let choice = Choice { upstream, attempt, candidates: &candidates, headers };
        let index = self.turns.borrow_mut().pick(&choice)?;
        // A balancer of a patch may be wrong; a target is tried once whatever it says.
        if candidates.get(index)?.standing == Standing::Tried {
            return None;
        }
        tried.add(index);
        let endpoint = &self.members[index].endpoint;
        endpoint.backoff.trying();
        Some(endpoint)
    }
}

impl Member {
    fn candidate(&self, is_tried: bool, settings: Settings) -> Candidate {
        let standing = if is_tried {
            Standing::Tried
        } else if self.endpoint.backoff.is_away() {
            Standing::Away
        } else if self.endpoint.is_saturated(settings) {
            Standing::Saturated
        } else {
            Standing::Free
        };
        Candidate { weight: self.weight, active: self.endpoint.active(), standing }
    }
}

/// The built-in balancer: weighted round robin, smooth as in nginx.
#[derive(Debug)]
struct RoundRobin;

/// The built-in balancer, the same value each time.
pub fn round_robin() -> Arc<dyn BalancerKind> {
    ONE.clone()
}

static ONE: LazyLock<Arc<RoundRobin>> = LazyLock::new(|| Arc::new(RoundRobin));

impl BalancerKind for RoundRobin {
    fn create(&self, _upstream: &str) -> Result<Arc<dyn Balancer>, String> {
        Ok(ONE.clone())
    }
}

impl Balancer for RoundRobin {
    fn turns(&self, targets: &[Arc<str>]) -> Box<dyn Turns> {
        Box::new(Credits(vec![0; targets.len()]))
    }
}

/// For each target, what grows by its weight for each request that went elsewhere; the largest goes next.
struct Credits(Vec<i64>);

impl Turns for Credits {
    fn pick(&mut self, choice: &Choice<'_>) -> Option<usize> {
        let best_standing = choice.candidates.iter().map(|candidate| candidate.standing).min()?;
        if best_standing == Standing::Tried {
            return None;
        }
        let mut total = 0;
        let mut best: Option<usize> = None;
        for (index, candidate) in choice.candidates.iter().enumerate() {
            if candidate.standing != best_standing {
                continue;
            }
            let weight = i64::from(candidate.weight);
            total += weight;
            self.0[index] += weight;
            if best.is_none_or(|best| self.0[index] > self.0[best]) {
                best = Some(index);
            }
        }
        self.0[best?] -= total;
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::pool::Pool;
    use crate::upstream::transport::Transport;
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
        let target =
            |&(host, weight): &(&str, u32)| Target { host: host.to_owned(), port: 80, tls: false, weight };
        let targets: Vec<Target> = weights.iter().map(target).collect();
        let balancer = round_robin().create("u").unwrap();
        Group::new(&targets, &balancer, |target| {
            pool.endpoint(&target.host, target.port, &Transport::default())
        })
    }

    fn next(group: &Group, tried: &mut Tried) -> Option<String> {
        group
            .pick(tried, SETTINGS, ("u", &HeaderMap::new()))
            .map(|endpoint| endpoint.address.trim_end_matches(":80").to_owned())
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
