//! Load balancers: which target of an upstream a request goes to.

use std::sync::Arc;

use http::HeaderMap;

/// Id of the built-in balancer that upstreams use that name none: turns by weight.
pub const ROUND_ROBIN: &str = "round_robin";
/// Id of the built-in balancer that takes the target with the fewest connections in use.
pub const LEAST_REQUEST: &str = "least_request";
/// Id of the built-in balancer that takes the less busy one of two targets chosen at random.
pub const POWER_OF_TWO: &str = "power_of_two";
/// Id of the built-in balancer that takes the same target for the same key.
pub const CONSISTENT_HASH: &str = "consistent_hash";

/// One way of balancing.
pub trait BalancerKind: Send + Sync + std::fmt::Debug {
    /// A balancer for one upstream. Called while a generation is built; one that returns the same value for the
    /// same upstream keeps its turns over a reload.
    ///
    /// # Errors
    /// Why it cannot balance this upstream.
    fn create(&self, upstream: &str) -> Result<Arc<dyn Balancer>, String>;
}

/// The balancer of one upstream, common to all workers.
pub trait Balancer: Send + Sync + std::fmt::Debug {
    /// One worker's part, for these targets.
    fn turns(&self, targets: &[Server]) -> Box<dyn Turns>;
}

/// A target as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `host:port`.
    pub address: Arc<str>,
    /// Its share of the traffic relative to the others, from 1.
    pub weight: u32,
}

/// What one worker knows of whose turn it is.
pub trait Turns {
    /// The index of the target to try next; `None` if none will do. One that was tried is not tried again. Must not
    /// wait.
    fn pick(&mut self, choice: &Choice<'_>) -> Option<usize>;
}

/// A choice to be made.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// Name of the upstream.
    pub upstream: &'a str,
    /// Number of this try of the request, from 0.
    pub attempt: u32,
    /// The targets, in the order of the configuration.
    pub candidates: &'a [Candidate],
    /// Header fields of the request.
    pub headers: &'a HeaderMap,
    /// Hash of what the upstream's `hash` names, if the request has it.
    pub hash: Option<u64>,
}

/// A target as it is at the moment, seen from one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its share of the traffic relative to the others, from 1.
    pub weight: u32,
    /// Connections in use.
    pub active: u32,
    /// Whether it can be expected to serve.
    pub standing: Standing,
}

/// Whether a target can be expected to serve, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing speaks against it.
    Free,
    /// All connections are busy.
    Saturated,
    /// It could not be connected to a moment ago.
    Away,
    /// This request has tried it.
    Tried,
}
