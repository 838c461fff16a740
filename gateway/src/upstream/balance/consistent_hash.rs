//! The same target for the same key, and few keys that move when targets come and go: a hash ring (Karger et al.,
//! "Consistent hashing and random trees", 1997) with many points for each target, as libketama lays them out.
//!
//! A key goes to the first point at or after its hash whose target has the best standing there is, so the keys of a
//! target that is away are spread over the others and come back with it. A request without the key goes anywhere.

use super::super::hash::{self, Dice};
use super::built_in::best_standing;
use crate::component::{Choice, Server, Turns};

/// Points for each unit of weight, where there is room. 160 keep the shares of equal targets within about a tenth.
const POINTS: usize = 160;
/// Most points of a ring, a megabyte; with more weight than that the units get fewer points, at least one.
const POINTS_MAX: usize = 65_536;

/// Where the keys of each target begin: points in order, each with the index of its target.
pub(super) struct Ring {
    points: Vec<(u64, u32)>,
    dice: Dice,
}

impl Ring {
    pub(super) fn new(targets: &[Server]) -> Self {
        let total: usize = targets.iter().map(|target| target.weight.max(1) as usize).sum();
        let each = POINTS.min(POINTS_MAX / total.max(1)).max(1);
        let mut points = Vec::with_capacity(total * each);
        for (index, target) in (0..).zip(targets) {
            let base = hash::of_bytes(target.address.as_bytes());
            let count = target.weight.max(1) as usize * each;
            points.extend((0..count as u64).map(|point| (hash::mix(base ^ hash::mix(point)), index)));
        }
        points.sort_unstable();
        Self { points, dice: Dice::new() }
    }
}

impl Turns for Ring {
    fn pick(&mut self, choice: &Choice<'_>) -> Option<usize> {
        let standing = best_standing(choice)?;
        let start = match choice.hash {
            Some(key) => self.points.partition_point(|&(point, _)| point < key),
            None => self.dice.below(self.points.len()),
        };
        let (before, from) = self.points.split_at_checked(start)?;
        let mut targets = from.iter().chain(before).map(|&(_, index)| index as usize);
        targets.find(|&index| choice.candidates.get(index).is_some_and(|target| target.standing == standing))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{candidates, choice};
    use super::*;
    use crate::component::Standing;

    const KEYS: u64 = 10_000;

    fn servers(addresses: &[&str]) -> Vec<Server> {
        addresses.iter().map(|&address| Server { address: address.into(), weight: 1 }).collect()
    }

    /// Which target each of many keys goes to.
    fn owners(servers: &[Server], away: Option<usize>) -> Vec<usize> {
        let mut ring = Ring::new(servers);
        let mut targets = candidates(&vec![(1, 0); servers.len()]);
        if let Some(away) = away {
            targets[away].standing = Standing::Away;
        }
        let key = |number: u64| Some(hash::of_bytes(&number.to_le_bytes()));
        (0..KEYS).map(|number| ring.pick(&choice(&targets, key(number))).unwrap()).collect()
    }

    #[test]
    fn keys_are_shared_evenly_and_by_weight() {
        let mut servers = servers(&["a:1", "b:1", "c:1", "d:1"]);
        servers[3].weight = 2;
        let owners = owners(&servers, None);
        for (target, share) in [(0, 2_000), (1, 2_000), (2, 2_000), (3, 4_000)] {
            let count = owners.iter().filter(|&&owner| owner == target).count();
            assert!(count.abs_diff(share) < share / 4, "target {target} has {count} keys, not about {share}");
        }
    }

    #[test]
    fn only_the_keys_of_a_target_that_goes_move() {
        let all = servers(&["a:1", "b:1", "c:1", "d:1", "e:1"]);
        let before = owners(&all, None);
        let without = owners(&all, Some(2));
        let gone = owners(&servers(&["a:1", "b:1", "d:1", "e:1"]), None);
        for (key, (&before, (&without, &gone))) in before.iter().zip(without.iter().zip(&gone)).enumerate() {
            assert_eq!(before != 2, without == before, "key {key}");
            assert_eq!(
                without,
                if gone >= 2 { gone + 1 } else { gone },
                "away or gone, key {key} goes the same way"
            );
        }
    }

    #[test]
    fn a_request_without_the_key_goes_anywhere() {
        let mut ring = Ring::new(&servers(&["a:1", "b:1"]));
        let targets = candidates(&[(1, 0), (1, 0)]);
        let first = (0..100).filter(|_| ring.pick(&choice(&targets, None)) == Some(0)).count();
        assert!((10..90).contains(&first), "{first}");
        assert_eq!(Ring::new(&[]).pick(&choice(&[], Some(1))), None);
    }
}
