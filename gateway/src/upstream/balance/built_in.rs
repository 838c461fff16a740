//! The balancers that the gateway brings along. All of them go by weight and by standing: a target of a worse
//! standing is chosen only where there is none of a better one.

use std::sync::{Arc, LazyLock};

use super::consistent_hash::Ring;
use super::least_request::LeastRequest;
use super::power_of_two::PowerOfTwo;
use super::round_robin::Credits;
use crate::component::{
    Balancer, BalancerKind, CONSISTENT_HASH, Candidate, Choice, LEAST_REQUEST, POWER_OF_TWO, ROUND_ROBIN,
    Server, Standing, Turns,
};

/// A way of balancing; kind and balancer in one, since nothing about it differs from upstream to upstream.
#[derive(Debug, Clone, Copy)]
enum BuiltIn {
    RoundRobin,
    LeastRequest,
    PowerOfTwo,
    ConsistentHash,
}

/// Each kind once, so that a reload gives an upstream the same balancer and its turns go on.
static ALL: LazyLock<[Arc<BuiltIn>; 4]> = LazyLock::new(|| {
    [BuiltIn::RoundRobin, BuiltIn::LeastRequest, BuiltIn::PowerOfTwo, BuiltIn::ConsistentHash].map(Arc::new)
});

/// The balancers by their ids.
pub fn balancers() -> [(&'static str, Arc<dyn BalancerKind>); 4] {
    let ids = [ROUND_ROBIN, LEAST_REQUEST, POWER_OF_TWO, CONSISTENT_HASH];
    std::array::from_fn(|index| (ids[index], ALL[index].clone() as Arc<dyn BalancerKind>))
}

impl BalancerKind for BuiltIn {
    fn create(&self, _upstream: &str) -> Result<Arc<dyn Balancer>, String> {
        Ok(ALL[*self as usize].clone())
    }
}

impl Balancer for BuiltIn {
    fn turns(&self, targets: &[Server]) -> Box<dyn Turns> {
        match self {
            Self::RoundRobin => Box::new(Credits::new(targets.len())),
            Self::LeastRequest => Box::new(LeastRequest::default()),
            Self::PowerOfTwo => Box::new(PowerOfTwo::new()),
            Self::ConsistentHash => Box::new(Ring::new(targets)),
        }
    }
}

/// The best standing that a target has; `None` if all were tried.
pub(super) fn best_standing(choice: &Choice<'_>) -> Option<Standing> {
    let best = choice.candidates.iter().map(|candidate| candidate.standing).min()?;
    (best != Standing::Tried).then_some(best)
}

/// Whether one more request would weigh less on `one` than on `other`, by their weights.
pub(super) fn is_less_busy(one: &Candidate, other: &Candidate) -> bool {
    let load =
        |candidate: &Candidate, weight: u32| (u64::from(candidate.active) + 1) * u64::from(weight.max(1));
    load(one, other.weight) < load(other, one.weight)
}
