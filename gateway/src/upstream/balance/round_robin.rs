//! Turns by weight, spread evenly: for weights 5, 1 and 1 the order is a a b a c a a, as with nginx's smooth
//! weighted round robin.

use super::built_in::best_standing;
use crate::component::{Choice, Turns};

/// For each target, what grows by its weight for each request that went elsewhere; the largest goes next.
pub(super) struct Credits(Vec<i64>);

impl Credits {
    pub(super) fn new(targets: usize) -> Self {
        Self(vec![0; targets])
    }
}

impl Turns for Credits {
    fn pick(&mut self, choice: &Choice<'_>) -> Option<usize> {
        let best_standing = best_standing(choice)?;
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
