//! Choosing among real endpoints, with the built-in balancer for upstreams that name none.

use std::sync::LazyLock;
use std::time::Duration;

use super::*;
use crate::config::UpstreamKind;
use crate::upstream::pool::Pool;
use crate::upstream::tests::{destination, upstream};
use crate::upstream::transport::Transport;

/// Targets nothing speaks against, by weight and connections in use.
pub(super) fn candidates(load: &[(u32, u32)]) -> Vec<Candidate> {
    load.iter().map(|&(weight, active)| Candidate { weight, active, standing: Standing::Free }).collect()
}

/// The first choice of a request.
pub(super) fn choice(candidates: &[Candidate], hash: Option<u64>) -> Choice<'_> {
    static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
    Choice { upstream: "u", attempt: 0, candidates, headers: &NONE, hash }
}

const SETTINGS: Settings = Settings {
    connect_timeout: Duration::ZERO,
    connections_max: 1,
    idle_max: 1,
    idle_timeout: Duration::ZERO,
    queue_timeout: Duration::ZERO,
    dns_refresh: Duration::from_secs(30),
    wear: crate::upstream::wear::WearLimits { age_max: None, requests_max: None },
    host_field: crate::upstream::endpoint::HostField::Kept,
};

fn group(weights: &[(&str, u32)]) -> Group {
    let pool = Pool::default();
    let target =
        |&(host, weight): &(&str, u32)| Target { host: host.to_owned(), port: 80, tls: false, weight };
    let targets: Vec<Target> = weights.iter().map(target).collect();
    let mut configured = upstream(&[]);
    configured.kind = UpstreamKind::Targets(targets);
    Group::new(&destination(&configured), |target| {
        pool.endpoint(&target.host, target.port, &Transport::default())
    })
}

fn next(group: &Group, tried: &mut Tried) -> Option<String> {
    go(group, tried, Wish::default())
}

fn go(group: &Group, tried: &mut Tried, wish: Wish) -> Option<String> {
    let picked = group.pick(tried, SETTINGS, (&HeaderMap::new(), wish))?;
    Some(picked.endpoint.address.trim_end_matches(":80").to_owned())
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

#[tokio::test]
async fn a_client_comes_back_to_its_target_unless_that_is_away_or_tried() {
    let group = group(&[("a", 1), ("b", 1)]);
    let home = Wish { home: Some(affinity::id("b:80")), hash: None };
    for _ in 0..3 {
        assert_eq!(go(&group, &mut Tried::default(), home).as_deref(), Some("b"));
    }
    let mut tried = Tried::default();
    go(&group, &mut tried, home);
    assert_eq!(go(&group, &mut tried, home).as_deref(), Some("a"), "a target is tried once");
    group.members[1].endpoint.backoff.failed();
    assert_eq!(go(&group, &mut Tried::default(), home).as_deref(), Some("a"));
    let unknown = Wish { home: Some(1), hash: None };
    assert!(go(&group, &mut Tried::default(), unknown).is_some());
}
